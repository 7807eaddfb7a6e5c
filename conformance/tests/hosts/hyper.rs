//! The layer around a service that a real server serves on a real socket.
//!
//! The socket is plain TCP; the server tells the layer of TLS where the case has it, as one that terminates TLS would.

use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use mantlet_conformance::{Case, Fact, Host, Observed};
use mantlet_engine::policy::{Policy, Rules, Scoped};
use mantlet_engine::{Engine, Live, OsEntropy, Store};
use mantlet_tower::{Connection, MantletLayer};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tower::{Layer, Service, service_fn};

use crate::app::{answer, told};
use crate::wire::{PATIENCE, Stage, exchange};

pub(crate) struct Served {
    live: Option<Live>,
    stage: Stage,
    tls: Arc<AtomicBool>,
    server: Option<Server>,
    store: Option<Arc<dyn Store>>,
}

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// The server itself starts with the first case, which has the first policy.
    pub(crate) fn start() -> Self {
        Self {
            live: None,
            stage: Stage::default(),
            tls: Arc::default(),
            server: None,
            store: None,
        }
    }

    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        Self {
            store: Some(store),
            ..Self::start()
        }
    }

    fn serve(&self, live: Live) -> std::io::Result<Server> {
        let mut layer = mantlet_tower::layer(live);
        if let Some(store) = &self.store {
            layer = layer.with_store(store.clone());
        }
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let (stage, tls) = (self.stage.clone(), self.tls.clone());
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, layer, stage, tls) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

async fn accept(listener: TcpListener, layer: MantletLayer, stage: Stage, tls: Arc<AtomicBool>) {
    while let Ok((stream, peer)) = listener.accept().await {
        let stage = stage.clone();
        let application = service_fn(move |request: Request<Incoming>| {
            ready(Ok::<_, Infallible>(answer(
                &stage.play(told(&request)),
                &request,
            )))
        });
        let service = layer.layer(application);
        let tls = tls.load(Ordering::Acquire);
        let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Connection { peer, tls });
            service.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service);
        // what goes wrong here, the client sees as a wrong answer
        let _ = tokio::time::timeout(PATIENCE, connection).await;
    }
}

impl Host for Served {
    fn name(&self) -> &'static str {
        "hyper"
    }

    fn sees(&self, _: Fact) -> bool {
        true
    }

    fn run(&mut self, case: &Case) -> Result<Observed, Box<dyn Error + Send + Sync>> {
        let engine = case.engine().map_err(|report| report.to_string())?;
        match &self.live {
            Some(live) => {
                // nothing that another case has counted
                let nothing = Policy::new(Scoped::any(Rules::default()));
                live.replace(Engine::new(nothing, OsEntropy));
                live.replace(engine);
            }
            None => self.live = Some(Live::new(engine)),
        }
        if let (None, Some(live)) = (&self.server, &self.live) {
            self.server = Some(self.serve(live.clone())?);
        }
        let server = self.server.as_ref().ok_or("no server")?;
        self.stage.set(&case.response);
        self.tls
            .store(case.request.tls || case.request.secure, Ordering::Release);
        let send = || exchange(server.address, case.request.peer(), &[], &case.request, &[]);
        for _ in 0..case.earlier {
            send()?;
        }
        self.stage.told();
        let mut observed = send()?;
        observed.told = self.stage.told();
        Ok(observed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
