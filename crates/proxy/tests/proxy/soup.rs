//! Whatever arrives: every response that leaves has passed call two. The HTTP library's own answers have not, so none of
//! its refusals may come before the gate's.

use proptest::prelude::*;

use crate::support::{App, Proxy};

/// Pieces of requests, some of them odd.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let fixed: Vec<Vec<u8>> = [
        "GET / HTTP/1.1\r\n",
        "POST /a HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET http://a/ HTTP/1.1\r\n",
        "GET * HTTP/1.1\r\n",
        "GET /{ HTTP/1.1\r\n",
        "GET /^`<>\" HTTP/1.1\r\n",
        "GET ?x HTTP/1.1\r\n",
        "GET a HTTP/1.1\r\n",
        "GET http:// HTTP/1.1\r\n",
        "GET http:/// HTTP/1.1\r\n",
        "GET http://[ HTTP/1.1\r\n",
        "M-SEARCH / HTTP/1.1\r\n",
        "PRI * HTTP/2.0\r\n",
        "Host: a\r\n",
        "Host: a\r\n\r\n",
        "Host: \r\n",
        "Content-Length: 3\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: 18446744073709551615\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Upgrade: websocket\r\n",
        "Connection: upgrade\r\n",
        "Connection: keep-alive, close\r\n",
        "Expect: 100-continue\r\n",
        "x: \r\n",
        "x:\r\n",
        "\r\n",
        "\r",
        "\n",
        " ",
        ":",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "0\r\na: b\r\n\r\n",
        "0\r\na b\r\n\r\n",
        "abc",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    prop_oneof![
        8 => proptest::sample::select(fixed),
        1 => proptest::collection::vec(any::<u8>(), 1..3),
    ]
}

#[test]
fn every_response_has_passed_call_two() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let config = ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let soup = proptest::collection::vec(piece(), 1..12).prop_map(|pieces| pieces.concat());
    proptest!(config, |(bytes in soup)| {
        let mut wire = proxy.connect();
        wire.send(&bytes)?;
        let _ = wire.stream.shutdown(std::net::Shutdown::Write);
        // a reset is an end as good as any
        let answers = wire.rest().unwrap_or_default();
        let text = String::from_utf8_lossy(&answers).into_owned();
        for head in text.split("HTTP/1.").skip(1) {
            // the sentence of a refusal may name the protocol too
            let status = head.get(2..5).and_then(|digits| digits.parse::<u16>().ok());
            let passed = status.is_none_or(|status| status == 100) || head.contains("x-policy: first");
            prop_assert!(passed, "{text}");
        }
    });
}
