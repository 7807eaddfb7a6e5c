//! The admin listener.

use std::net::{TcpListener, TcpStream};

use crate::support::{App, Proxy, Wire, engine, policy};

fn ask(proxy: &Proxy, path: &str) -> (u16, String) {
    let mut wire = Wire::new(TcpStream::connect(proxy.admin.unwrap()).unwrap());
    wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
        .unwrap();
    let answer = wire.answer("GET");
    (answer.status(), answer.text())
}

#[test]
fn it_tells_whether_the_proxy_lives_and_the_application_is_there() {
    let app = App::hello();
    let admin = |config: &mut mantlet_proxy::Config| {
        config.admin = Some(([127, 0, 0, 1], 0).into());
    };
    let proxy = Proxy::with(app.address, admin, engine(policy("first")));
    assert_eq!(
        ask(&proxy, "/healthz"),
        (200, r#"{"status":"alive"}"#.into())
    );
    assert_eq!(
        ask(&proxy, "/readyz"),
        (200, r#"{"status":"ready"}"#.into())
    );
    assert_eq!(ask(&proxy, "/other").0, 404);
    // and not where clients are
    assert_eq!(
        proxy
            .send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            .text(),
        "hello"
    );

    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::with(gone, admin, engine(policy("first")));
    assert_eq!(ask(&proxy, "/healthz").0, 200);
    assert_eq!(
        ask(&proxy, "/readyz"),
        (503, r#"{"status":"upstream unreachable"}"#.into())
    );
}
