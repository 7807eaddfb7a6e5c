//! What goes through, and how it arrives.

use crate::support::{App, Proxy};

#[test]
fn a_get_goes_through_and_comes_back() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let answer = proxy.send("GET /a/../b?c=%2e HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text(), "hello");
    assert!(answer.is_marked());
    let seen = app.next();
    assert_eq!(seen.line(), "GET /a/../b?c=%2e HTTP/1.1");
    assert_eq!(seen.one("host"), "example.com");
    assert_eq!(seen.one("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.one("x-forwarded-host"), "example.com");
    assert_eq!(seen.one("x-forwarded-proto"), "http");
}
