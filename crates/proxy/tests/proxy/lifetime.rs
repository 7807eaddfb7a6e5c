//! Start and stop.

use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use mantlet_engine::Live;
use mantlet_proxy::{BindError, Config, Server};

use crate::support::{App, Proxy, SOON, Then, Wire, engine, policy};

#[test]
fn a_response_in_flight_is_finished_and_the_connection_then_closed() {
    let (go, wait) = channel();
    let wait = Mutex::new(wait);
    let app = App::start(move |_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")?;
        wait.lock().unwrap().recv_timeout(SOON).unwrap();
        wire.send(b"two")?;
        Ok(Then::Keep)
    });
    let admin = |config: &mut Config| config.admin = Some(([127, 0, 0, 1], 0).into());
    let mut proxy = Proxy::with(app.address, admin, engine(policy("first")));
    let mut busy = proxy.connect();
    busy.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    busy.head().unwrap().unwrap();
    assert_eq!(busy.exactly(3).unwrap(), b"one");
    let mut idle = proxy.connect();

    let running = proxy.running.take().unwrap();
    running.stop(SOON);
    assert!(idle.is_closed());
    let mut admin = Wire::new(TcpStream::connect(proxy.admin.unwrap()).unwrap());
    admin
        .send(b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let ready = admin.answer("GET");
    assert_eq!(
        (ready.status(), ready.text().as_str()),
        (503, r#"{"status":"stopping"}"#)
    );
    go.send(()).unwrap();
    assert_eq!(busy.rest().unwrap(), b"two");
    running.join().unwrap();
    assert!(TcpStream::connect(proxy.address).is_err());
}

#[test]
fn the_grace_ends() {
    let app = App::start(|_, wire| wire.rest().map(|_| Then::Close));
    let mut proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    app.next();
    let mut idle = proxy.connect();
    let running = proxy.running.take().unwrap();
    running.stop(Duration::from_secs(3600));
    // the worker has heard it, and may hear better
    assert!(idle.is_closed());
    running.stop(Duration::from_millis(20));
    running.join().unwrap();
    assert!(wire.is_closed());
}

#[test]
fn a_client_that_asks_nothing_more_is_let_go() {
    let app = App::hello();
    let proxy = Proxy::with(
        app.address,
        |config| config.timeouts.idle = Duration::from_millis(30),
        engine(policy("first")),
    );
    let mut wire = proxy.connect();
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(wire.answer("GET").status(), 200);
    assert!(wire.is_closed());
}

#[test]
fn run_serves_until_its_future_completes() {
    let app = App::hello();
    let mut config = Config::new(
        ([127, 0, 0, 1], 0).into(),
        app.address.to_string().parse().unwrap(),
    );
    config.timeouts.grace = SOON;
    let server = Server::bind(config, Live::new(engine(policy("first")))).unwrap();
    let address = server.local_addr();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        server.run(async {
            let _ = stopped.await;
        })
    });
    for _ in 0..8 {
        let mut wire = Wire::new(TcpStream::connect(address).unwrap());
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(wire.answer("GET").status(), 200);
    }
    stop.send(()).unwrap();
    thread.join().unwrap().unwrap();
}

#[test]
fn what_cannot_start_says_why() {
    let live = || Live::new(engine(policy("first")));
    let any: SocketAddr = ([127, 0, 0, 1], 0).into();
    let config = || Config::new(any, "127.0.0.1:9".parse().unwrap());

    let first = Server::bind(config(), live()).unwrap();
    let mut taken = config();
    taken.listen = first.local_addr();
    assert!(matches!(
        Server::bind(taken, live()),
        Err(BindError::Listen { .. })
    ));

    let mut open = config();
    open.admin = Some(([0, 0, 0, 0], 0).into());
    let refused = Server::bind(open.clone(), live()).err();
    assert!(matches!(refused, Some(BindError::AdminAnywhere(_))));
    // neither a flag nor a key of the file lifts it, so the message names none
    let told = refused.map(|error| error.to_string()).unwrap_or_default();
    assert!(told.contains("takes a loopback address"), "{told}");
    assert!(!told.contains("danger"), "{told}");
    open.danger_admin_anywhere = true;
    assert!(Server::bind(open, live()).is_ok());

    let mut nowhere = config();
    nowhere.upstream = "name.invalid:80".parse().unwrap();
    assert!(matches!(
        Server::bind(nowhere, live()),
        Err(BindError::Resolve { .. })
    ));

    let probe = std::net::TcpListener::bind(any).unwrap();
    let address = probe.local_addr().unwrap();
    drop(probe);
    let itself = Config::new(address, address.to_string().parse().unwrap());
    assert!(matches!(
        Server::bind(itself, live()),
        Err(BindError::Loop(_))
    ));
}
