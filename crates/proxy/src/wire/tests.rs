use proptest::prelude::*;

use super::*;

/// What went on, and what was found, when the bytes arrive in these pieces.
fn run(pieces: &[&[u8]]) -> (Vec<u8>, Option<(u64, Fault)>, bool) {
    let mut gate = Gate::new();
    let mut out = Vec::new();
    for piece in pieces {
        let passed = gate.feed(piece);
        out.extend_from_slice(&piece[..passed]);
        out.extend_from_slice(gate.ready());
        gate.consume(gate.ready().len());
    }
    (out, gate.fault(), gate.is_broken())
}

fn judged(text: &str) -> Result<(), Fault> {
    let whole = run(&[text.as_bytes()]);
    for split in 0..=text.len() {
        let (left, right) = text.as_bytes().split_at(split);
        assert_eq!(run(&[left, right]), whole, "{text:?} at {split}");
    }
    let singles: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(run(&singles), whole, "{text:?} byte by byte");
    match whole.1 {
        Some((0, fault)) => {
            assert_eq!(whole.0, STAND_IN);
            Err(fault)
        }
        Some(other) => panic!("{other:?} in {text:?}"),
        None => {
            assert_eq!(whole.0, text.as_bytes(), "{text:?}");
            Ok(())
        }
    }
}

#[test]
fn a_target_beyond_ascii_is_refused_in_any_encoding() {
    for target in [&b"/\xfc"[..], b"/\xc3\xbc", b"/a?\xff", b"\xff"] {
        let head = [b"\r\nGET ", target, b" HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        assert_eq!(run(&[&head]).1, Some((0, Fault::Target)), "{target:?}");
    }
    let method = run(&[b"G\xfc / HTTP/1.1\r\nHost: a\r\n\r\n"]).1;
    assert_eq!(method, Some((0, Fault::Syntax)));
}

#[test]
fn heads_are_judged_however_they_arrive() {
    use Fault::*;
    let cases: &[(&str, Result<(), Fault>)] = &[
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
        ("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
        ("GET / HTTP/1.0\r\n\r\n", Ok(())),
        ("GET http://A:80/x?y HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
        ("GET https://a HTTP/1.1\r\nHost: a:443\r\n\r\n", Ok(())),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Ok(())),
        (
            "PURGE /%7Bx%7D{}|\" HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
            Ok(()),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
            Ok(()),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
            Ok(()),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n",
            Ok(()),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\n\r\n", Ok(())),
        ("GET / HTTP/1.1\nHost: a\r\n\r\n", Err(BareLf)),
        ("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", Err(BareLf)),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", Err(BareLf)),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\n 2\r\n\r\n",
            Err(Folded),
        ),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", Err(Folded)),
        ("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Syntax)),
        ("\x16\x03\x01\x02", Err(Syntax)),
        ("GET / HTTP/1.1\r\nHost: a\r\nx : 1\r\n\r\n", Err(Syntax)),
        ("GET / HTTP/1.1\r\nHost: a\r\nx: 1\r2\r\n\r\n", Err(Syntax)),
        ("GET / HTTP/1.1\r\nHost: a\r\nx: \0\r\n\r\n", Err(Syntax)),
        ("GET /  HTTP/1.1\r\nHost: a\r\n\r\n", Err(Version)),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", Err(Version)),
        ("GET /\r\nHost: a\r\n\r\n", Err(Syntax)),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", Err(Connect)),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Err(Trace)),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Err(Target)),
        ("GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", Err(Target)),
        ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", Err(Target)),
        ("GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n", Err(Target)),
        ("GET /?\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n", Err(Target)),
        (
            "GET http://a/\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n",
            Err(Target),
        ),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(Target)),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(Authority)),
        (
            "GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            Err(Authority),
        ),
        ("GET http://u@a/ HTTP/1.0\r\n\r\n", Err(Authority)),
        ("GET http://a/@ HTTP/1.0\r\n\r\n", Ok(())),
        ("GET / HTTP/1.1\r\n\r\n", Err(HostMissing)),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n",
            Err(HostRepeated),
        ),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Err(Host)),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Err(Host)),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Err(Host)),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
            Err(Length),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n",
            Err(Length),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
            Err(Length),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
            Err(Length),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
            Err(LengthRepeated),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            Err(LengthRepeated),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(LengthAndEncoding),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
            Err(LengthAndEncoding),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(EncodingRepeated),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            Err(Encoding),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
            Err(Encoding),
        ),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
            Err(Encoding),
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(Encoding),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nContent-Length: 5\r\n\r\n",
            Err(UpgradeBody),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n",
            Err(UpgradeBody),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nMantlet_Nonce: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nsec-fetch_site: none\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX.Forwarded.For: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nMantlet.Nonce: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nContent.Length: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded: 1\r\n\r\n",
            Err(Underscore),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTrue-Client.IP: 1\r\n\r\n",
            Err(Underscore),
        ),
        ("GET / HTTP/1.1\r\nHost: a\r\nx.y: 1\r\n\r\n", Ok(())),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nX-Client-IP: 1\r\n\r\n",
            Ok(()),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(judged(text), *expected, "{text:?}");
    }
}

#[test]
fn every_other_character_of_a_name_is_a_dash_to_an_application() {
    for mark in b"!#$%&'*+.^_`|~" {
        let mark = char::from(*mark);
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\nX-Real{mark}IP: 1\r\n\r\n");
        assert_eq!(judged(&text), Err(Fault::Underscore), "{mark}");
    }
}

#[test]
fn a_head_is_bounded() {
    let long = |n: usize| format!("GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n", "y".repeat(n));
    let room = MAX_HEAD - long(0).len();
    assert_eq!(run(&[long(room).as_bytes()]).1, None);
    for n in [room + 1, room + 2, room + 5, 2 * MAX_HEAD] {
        let text = long(n);
        let found = Some((0, Fault::TooLarge));
        assert_eq!(run(&[text.as_bytes()]).1, found, "{n}");
        let pieces: Vec<&[u8]> = text.as_bytes().chunks(1000).collect();
        assert_eq!(run(&pieces).1, found, "{n} in pieces");
    }
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "x: y\r\n".repeat(100)
    );
    assert_eq!(judged(&many), Err(Fault::TooMany));
}

#[test]
fn the_framing_is_followed_to_the_bad_head() {
    let good = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
                POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nt: 1\r\n\r\n";
    let text = format!("{good}GET / HTTP/1.1\r\n\r\nGET /never HTTP/1.1\r\nHost: a\r\n\r\n");
    let expected = [good.as_bytes(), STAND_IN].concat();
    for split in 0..=text.len() {
        let (left, right) = text.as_bytes().split_at(split);
        let (out, fault, broken) = run(&[left, right]);
        assert_eq!(out, expected, "at {split}");
        assert_eq!(fault, Some((2, Fault::HostMissing)));
        assert!(!broken);
    }
}

#[test]
fn nothing_follows_a_malformed_chunk() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n";
    let text = format!("{head}xyGET / HTTP/1.1\r\nHost: a\r\n\r\n");
    for split in 0..=text.len() {
        let (left, right) = text.as_bytes().split_at(split);
        let (out, fault, broken) = run(&[left, right]);
        assert_eq!(String::from_utf8_lossy(&out), format!("{head}x"));
        assert!(fault.is_none() && broken);
    }
}

#[test]
fn bytes_after_an_upgrade_wait_for_the_switch() {
    let head = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n";
    let early = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut gate = Gate::new();
    let both = [&head[..], early].concat();
    assert_eq!(gate.feed(&both), head.len());
    assert!(gate.ready().is_empty());
    gate.open();
    assert_eq!(gate.ready(), early);
    gate.consume(early.len());
    assert_eq!(gate.feed(b"any\nthing"), 9);
}

#[test]
fn a_slow_head_is_given_up() {
    let mut gate = Gate::new();
    gate.time_out();
    assert_eq!(gate.fault(), None);
    gate.feed(b"GET / HT");
    gate.time_out();
    assert_eq!(gate.fault(), Some((0, Fault::Timeout)));
    assert_eq!(gate.ready(), STAND_IN);
}

/// Bytes that look like HTTP often enough.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"GET / HTTP/1.1\r\n".to_vec()),
        Just(b"POST / HTTP/1.1\r\n".to_vec()),
        Just(b"Host: a\r\n".to_vec()),
        Just(b"Content-Length: 3\r\n".to_vec()),
        Just(b"Transfer-Encoding: chunked\r\n".to_vec()),
        Just(b"Upgrade: x\r\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"3\r\nabc\r\n".to_vec()),
        Just(b"0\r\n\r\n".to_vec()),
        Just(b"abc".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_verdict_depends_on_the_bytes_alone(bytes in soup(), sizes in proptest::collection::vec(1usize..20, 1..40)) {
        let whole = run(&[&bytes]);
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for size in sizes {
            let (piece, more) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = more;
        }
        pieces.push(rest);
        prop_assert_eq!(run(&pieces), whole);
    }

    #[test]
    fn what_goes_on_is_what_came_or_a_stand_in(bytes in soup()) {
        let (out, fault, _) = run(&[&bytes]);
        let came = match fault {
            Some(_) => out.strip_suffix(STAND_IN),
            None => Some(&out[..]),
        };
        prop_assert!(came.is_some_and(|came| bytes.starts_with(came)));
    }
}
