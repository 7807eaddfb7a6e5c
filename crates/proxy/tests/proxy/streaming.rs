//! Bodies: whole, in order, both ways, and never held.

use std::io::Write;
use std::sync::mpsc::channel;

use crate::support::{App, Proxy, SOON, Then};

#[test]
fn uploads_arrive_as_they_were_framed() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    proxy.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nwhat");
    let seen = app.next();
    assert_eq!(seen.one("content-length"), "4");
    assert_eq!(seen.body, b"what");

    for method in ["POST", "GET"] {
        proxy.send(format!(
            "{method} / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\
             2;x=y\r\nwh\r\n2\r\nat\r\n0\r\nX-Late: 1\r\n\r\n"
        ));
        let seen = app.next();
        assert_eq!(seen.one("transfer-encoding"), "chunked");
        assert_eq!(seen.body, b"what", "{method}");
    }

    proxy.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(app.next().one("content-length"), "0");
    proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let seen = app.next();
    assert!(seen.all("content-length").is_empty() && seen.all("transfer-encoding").is_empty());
}

#[test]
fn expect_100_continue_is_answered_before_the_body_is_sent() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        .unwrap();
    assert!(wire.head().unwrap().unwrap().starts_with("HTTP/1.1 100 "));
    wire.send(b"what").unwrap();
    assert_eq!(wire.answer("POST").status(), 200);
    let seen = app.next();
    assert_eq!(seen.body, b"what");
    assert!(seen.all("expect").is_empty());
}

#[test]
fn interim_responses_are_passed_over() {
    let app = App::start(|_, wire| {
        wire.send(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
              HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        )?;
        Ok(Then::Keep)
    });
    let answer = Proxy::to(&app).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
}

#[test]
fn a_chunk_arrives_before_the_next_is_sent() {
    // the application sends its second chunk only when the client has the first: a proxy that holds bodies hangs here
    let (go, wait) = channel();
    let wait = std::sync::Mutex::new(wait);
    let app = App::start(move |_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n")?;
        wait.lock().unwrap().recv_timeout(SOON).unwrap();
        wire.send(b"3\r\ntwo\r\n0\r\n\r\n")?;
        Ok(Then::Keep)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let head = wire.head().unwrap().unwrap();
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    assert_eq!(wire.exactly(8).unwrap(), b"3\r\none\r\n");
    go.send(()).unwrap();
    assert_eq!(wire.exactly(13).unwrap(), b"3\r\ntwo\r\n0\r\n\r\n");
}

#[test]
fn large_bodies_go_through_whole_in_each_framing() {
    const SIZE: usize = 16 << 20;
    let pattern = |i: usize| (i % 251) as u8;
    let app = App::start(move |seen, wire| {
        let length = seen.body.len();
        let whole = length == SIZE && seen.body.iter().enumerate().all(|(i, &b)| b == pattern(i));
        let body: Vec<u8> = (0..SIZE).map(pattern).collect();
        let mark = if whole { "whole" } else { "torn" };
        if seen.line().contains("chunked") {
            wire.send(
                format!("HTTP/1.1 200 OK\r\nX-Body: {mark}\r\nTransfer-Encoding: chunked\r\n\r\n")
                    .as_bytes(),
            )?;
            for chunk in body.chunks(100_000) {
                wire.send(format!("{:x}\r\n", chunk.len()).as_bytes())?;
                wire.send(chunk)?;
                wire.send(b"\r\n")?;
            }
            wire.send(b"0\r\n\r\n")?;
            return Ok(Then::Keep);
        }
        let close = seen.line().contains("close");
        let framing = match close {
            true => String::new(),
            false => format!("Content-Length: {SIZE}\r\n"),
        };
        wire.send(format!("HTTP/1.1 200 OK\r\nX-Body: {mark}\r\n{framing}\r\n").as_bytes())?;
        wire.send(&body)?;
        Ok(if close { Then::Close } else { Then::Keep })
    });
    let proxy = Proxy::to(&app);
    let body: Vec<u8> = (0..SIZE).map(pattern).collect();
    for (path, chunked) in [("/length", false), ("/chunked", true), ("/close", false)] {
        let mut wire = proxy.connect();
        let mut sender = wire.stream.try_clone().unwrap();
        let body = body.clone();
        let sending = std::thread::spawn(move || {
            let mut out = format!("POST {path} HTTP/1.1\r\nHost: a\r\n").into_bytes();
            if chunked {
                out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(77_777) {
                    out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(b"0\r\n\r\n");
            } else {
                out.extend_from_slice(format!("Content-Length: {SIZE}\r\n\r\n").as_bytes());
                out.extend_from_slice(&body);
            }
            sender.write_all(&out).unwrap();
        });
        let answer = wire.answer("POST");
        sending.join().unwrap();
        assert_eq!(answer.one("x-body"), "whole", "{path}");
        assert_eq!(answer.body.len(), SIZE, "{path}");
        assert!(
            answer
                .body
                .iter()
                .enumerate()
                .all(|(i, &b)| b == pattern(i))
        );
    }
}

#[test]
fn a_client_that_leaves_during_an_upload_ends_the_request() {
    let (tell, told) = channel();
    let tell = std::sync::Mutex::new(tell);
    let app = App::raw(move |_, wire, _| {
        let head = wire.head()?;
        tell.lock().unwrap().send(head.is_some()).unwrap();
        // the body does not come to its end, and neither does the wait for it
        let ended = wire.exactly(1000).is_err();
        tell.lock().unwrap().send(ended).unwrap();
        Ok(())
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome")
        .unwrap();
    assert!(told.recv_timeout(SOON).unwrap());
    drop(wire);
    assert!(told.recv_timeout(SOON).unwrap());
}

#[test]
fn a_client_that_leaves_during_a_download_ends_it() {
    let (tell, told) = channel();
    let tell = std::sync::Mutex::new(tell);
    let app = App::start(move |_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")?;
        let ended = wire.is_closed();
        tell.lock().unwrap().send(ended).unwrap();
        Ok(Then::Close)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    wire.head().unwrap().unwrap();
    drop(wire);
    assert!(told.recv_timeout(SOON).unwrap());
}

#[test]
fn an_answer_before_the_end_of_an_upload_arrives() {
    let app = App::raw(|_, wire, _| {
        wire.head()?;
        wire.send(b"HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")?;
        // read on, as a server that closes with care does
        wire.rest().map(drop)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        .unwrap();
    wire.send(&[b'x'; 1000]).unwrap();
    let answer = wire.answer("POST");
    assert_eq!((answer.status(), answer.text().as_str()), (413, "big"));
}
