//! The layer around a service, without a server.

use std::cell::RefCell;
use std::convert::Infallible;
use std::error::Error;
use std::future::ready;
use std::sync::Arc;

use http::{Request, Uri};
use http_body_util::BodyExt;
use mantlet_conformance::{Case, Fact, Host, Observed};
use mantlet_engine::Store;
use mantlet_tower::Connection;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt, service_fn};

use crate::app::{answer, told};

pub(crate) struct Layered {
    runtime: Runtime,
    store: Option<Arc<dyn Store>>,
}

impl Layered {
    pub(crate) fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        Self {
            runtime: runtime.expect("a runtime"),
            store: None,
        }
    }

    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        Self {
            store: Some(store),
            ..Self::new()
        }
    }
}

impl Host for Layered {
    fn name(&self) -> &'static str {
        "tower"
    }

    fn sees(&self, _: Fact) -> bool {
        true
    }

    fn run(&mut self, case: &Case) -> Result<Observed, Box<dyn Error + Send + Sync>> {
        let engine = case.engine().map_err(|report| report.to_string())?;
        let target: Uri = case.request.target().parse()?;
        let sent = || {
            let mut request = Request::new(());
            *request.method_mut() = case.request.method();
            *request.version_mut() = case.request.version();
            *request.uri_mut() = target.clone();
            for (name, value) in case.request.lines() {
                request.headers_mut().append(name, value);
            }
            request.extensions_mut().insert(Connection {
                peer: (case.request.peer(), 40_000).into(),
                tls: case.request.tls || case.request.secure,
            });
            request
        };
        let seen = RefCell::new(None);
        let application = service_fn(|request: Request<()>| {
            seen.replace(Some(told(&request)));
            ready(Ok::<_, Infallible>(answer(&case.response, &request)))
        });
        let mut layer = mantlet_tower::layer(engine);
        if let Some(store) = &self.store {
            layer = layer.with_store(store.clone());
        }
        let service = layer.layer(application);
        self.runtime.block_on(async {
            for _ in 0..case.earlier {
                service.clone().oneshot(sent()).await?;
            }
            seen.take();
            let (head, body) = service.oneshot(sent()).await?.into_parts();
            Ok(Observed {
                told: seen.take(),
                reason: None,
                status: head.status,
                fields: head
                    .headers
                    .iter()
                    .map(|(name, value)| (name.clone(), value.as_bytes().to_vec()))
                    .collect(),
                body: body.collect().await?.to_bytes().to_vec(),
            })
        })
    }
}
