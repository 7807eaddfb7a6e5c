//! What every parser must hold for any bytes. libFuzzer searches for a counterexample (`make fuzz`); the tests replay the
//! corpus and what was once found.

#![allow(clippy::expect_used, clippy::panic)]

use std::ops::Range;
use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mantlet_audit::evaluator::evaluate;
use mantlet_audit::{audit, capture};
use mantlet_config::{Config, Source};
use mantlet_engine::policy::{Hosts, Policy, Rules, Scoped};
use mantlet_engine::{Engine, Form, OsEntropy, RequestHead, ResponseHead, Verdict};
use mantlet_headers::cookie::{Attributes, Hardening, SameSite, SetCookie};
use mantlet_headers::csp::{Csp, Directive, DirectiveName, Fetch};
use mantlet_headers::registry::{self, Entry};
use mantlet_headers::{Authority, Fault, Field, HostName, HostPattern, Origin, forwarded};
use mantlet_proxy::wire::{Announced, Gate};
use mantlet_session::{
    Cookie, CookieSettings, Lifetimes, Ring, SealedSessions, Secret, Sessions, import,
};
use mantlet_token::{
    Algorithm, Algorithms, Issuing, KeySet, Settings, SigningKey, Verifier, jwk, jws,
};
use mantlet_trace::{Format, Line, Replay, Skipped};
use url::Url;

/// A parser and what it must hold.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of its corpus folder.
    pub name: &'static str,
    /// Panics if the bytes break a promise.
    pub run: fn(&[u8]),
}

/// Every target but those of the registry, which go by the name of their field.
pub const TARGETS: &[Target] = &[
    Target {
        name: "authority",
        run: authority,
    },
    Target {
        name: "origin",
        run: origin,
    },
    Target {
        name: "forwarded",
        run: forwarded,
    },
    Target {
        name: "set-cookie",
        run: set_cookie,
    },
    Target {
        name: "csp-directive",
        run: csp_directive,
    },
    Target {
        name: "csp-matching",
        run: csp_matching,
    },
    Target {
        name: "host-pattern",
        run: host_pattern,
    },
    Target {
        name: "request",
        run: request,
    },
    Target {
        name: "route",
        run: route,
    },
    Target {
        name: "policy-file",
        run: policy_file,
    },
    Target {
        name: "wire",
        run: wire,
    },
    Target {
        name: "proxy-protocol",
        run: proxy_protocol,
    },
    Target {
        name: "log-line",
        run: log_line,
    },
    Target {
        name: "token",
        run: token,
    },
    Target {
        name: "token-claims",
        run: token_claims,
    },
    Target {
        name: "token-key",
        run: token_key,
    },
    Target {
        name: "session-cookie",
        run: session_cookie,
    },
    Target {
        name: "session-import",
        run: session_import,
    },
    Target {
        name: "capture",
        run: captured,
    },
    Target {
        name: "csp-evaluator",
        run: evaluator,
    },
];

/// Runs the target of this name, a field's or one of [`TARGETS`].
pub fn run(name: &str, data: &[u8]) {
    if let Some(target) = TARGETS.iter().find(|target| target.name == name) {
        return (target.run)(data);
    }
    let entry = registry::field(name).unwrap_or_else(|| panic!("no target is called {name}"));
    field(entry, data);
}

/// The name of every target.
pub fn names() -> Vec<String> {
    let fields = registry::FIELDS
        .iter()
        .map(|entry| entry.name.to_ascii_lowercase());
    TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .chain(fields)
        .collect()
}

fn inside(faults: &[Fault], len: usize) {
    for fault in faults {
        let Range { start, end } = fault.span;
        assert!(start <= end && end <= len, "{fault:?} in {len} bytes");
    }
}

/// Parsing is total, spans lie inside, and print after parse is idempotent; what builds is a valid field value.
fn field(entry: &Entry, data: &[u8]) {
    let parsed = (entry.parse)(data);
    inside(&parsed.faults, data.len());
    if let Some(printed) = parsed.value {
        let again = (entry.parse)(printed.as_bytes());
        assert_eq!(
            again.value.as_deref(),
            Some(printed.as_str()),
            "{}",
            entry.name
        );
    }
    if let Ok(text) = std::str::from_utf8(data) {
        match (entry.build)(text) {
            Ok(built) => {
                inside(&built.warnings, data.len());
                HeaderValue::from_str(&built.text).expect("what builds can be sent");
            }
            Err(refused) => {
                assert!(!refused.faults.is_empty());
                inside(&refused.faults, data.len());
            }
        }
    }
}

/// Where a captured text was seen.
static PAGE: LazyLock<Url> = LazyLock::new(|| Url::parse("https://example.com/a").expect("a URL"));

/// A capture is read or refused; what is read is judged, and every place lies inside its text.
fn captured(data: &[u8]) {
    let Ok(found) = capture::any(data, &PAGE) else {
        return;
    };
    for seen in found {
        for finding in audit(&seen).findings {
            if let Some(evidence) = finding.evidence {
                let part = evidence.text.get(evidence.span.clone());
                assert!(part.is_some(), "{evidence:?}");
            }
        }
    }
}

/// Any text is a policy; a word that is found stands where it is said to stand.
fn evaluator(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for finding in evaluate(&text) {
        let part = text.get(finding.span.clone()).expect("inside the text");
        let value = finding.value.as_deref().unwrap_or(part);
        assert_eq!(part.to_lowercase(), value.to_lowercase());
    }
}

fn authority(data: &[u8]) {
    if let Ok(authority) = Authority::parse(data) {
        let again = Authority::parse(authority.host().as_bytes()).expect("a host is an authority");
        assert_eq!(again.host(), authority.host());
    }
}

fn origin(data: &[u8]) {
    if let Ok(origin) = Origin::parse(data) {
        let printed = origin.to_string();
        assert_eq!(
            Origin::parse(printed.as_bytes())
                .expect("a printed origin")
                .to_string(),
            printed
        );
    }
}

/// A pattern matches the host it is made of, and a wildcard does not match its own name.
fn host_pattern(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match text.parse::<HostPattern>() {
        Err(malformed) => assert!(malformed.span.end <= data.len(), "{malformed:?}"),
        Ok(pattern) => {
            let mut policy = Policy::new(Scoped::any(Rules::default()));
            let below = matches!(pattern.name, HostName::Below(_));
            policy.hosts = Some(Hosts {
                allowed: vec![pattern],
                ..Hosts::default()
            });
            let engine = Engine::new(policy, OsEntropy);
            let asked = |host: &str| {
                let none = HeaderMap::new();
                let mut head = RequestHead::new(&Method::GET, b"/", &none);
                head.authority = Some(host.as_bytes());
                matches!(
                    engine.on_request(&head).without_store().0,
                    Verdict::Allow(_)
                )
            };
            match text.strip_prefix("*.") {
                Some(name) => {
                    assert!(below && !asked(name), "{text}");
                    let long = name.trim_end_matches('.').len() > 240;
                    assert!(long || asked(&format!("a.{name}")), "{text}");
                }
                None if text == "*" => assert!(asked("example.com")),
                None => assert!(asked(text), "{text}"),
            }
        }
    }
}

/// One policy under every source of the client's address.
static ENGINES: LazyLock<Vec<Engine>> = LazyLock::new(|| {
    let policy = "trusted_proxies = ['10.0.0.1']\n\
                  hosts = { allowed = ['example.com', '*.example.com'], www_redirect = true }\n\
                  [cross_origin]\nallowed_origins = ['https://partner.example']\n\
                  danger_exempt_paths = ['/hooks']\nmethod_override = ['x-http-method-override']\n\
                  [resource_isolation]\nallow_same_site = false\n\
                  [[route]]\npath = '/open'\nresource_isolation = false\ndanger_any_host = true\n";
    let config = Config::parse(policy).expect("right");
    let sources = ["x-forwarded-for", "forwarded", "x-client", "proxy-protocol"];
    let engine = |source| config.clone().client_address(source).build();
    sources.map(|source| engine(source).expect("right")).into()
});

/// Lines of a request: `METHOD path`, then `name: value`. Whatever they say, there is a verdict, every denial can be told,
/// and what a stranger forwards changes nothing.
fn request(data: &[u8]) {
    let mut lines = data.split(|&b| b == b'\n');
    let first = lines.next().unwrap_or_default();
    let mut words = first.splitn(2, |&b| b == b' ');
    let method = Method::from_bytes(words.next().unwrap_or_default()).unwrap_or_default();
    let path = words.next().unwrap_or_default();
    let mut fields = HeaderMap::new();
    for line in lines {
        let mut halves = line.splitn(2, |&b| b == b':');
        let name = HeaderName::from_bytes(halves.next().unwrap_or_default());
        let value = HeaderValue::from_bytes(halves.next().unwrap_or_default().trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    let mut told = Vec::new();
    for (engine, peer) in ENGINES.iter().flat_map(|engine| [(engine, 1), (engine, 2)]) {
        let mut head = RequestHead::new(&method, path, &fields);
        head.peer = Some([10, 0, 0, peer].into());
        let (verdict, exchange) = engine.on_request(&head).without_store();
        let reason = match &verdict {
            Verdict::Deny(denial) => {
                let reply = exchange.reply(denial, &method, Form::of(&fields));
                assert!(!reply.status.is_success());
                assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
                denial.reason
            }
            Verdict::Allow(permit) => {
                assert_eq!(permit.client(), engine.hops(&head).first().copied());
                ""
            }
            other => panic!("{other:?}"),
        };
        if peer == 2 {
            told.push(reason);
        }
    }
    // no source is read of a stranger
    assert!(told.iter().all(|reason| *reason == told[0]), "{told:?}");
}

fn forwarded(data: &[u8]) {
    let lines: Vec<&[u8]> = data.split(|&b| b == b'\n').collect();
    let counted = forwarded::list(lines.iter().copied()).count();
    assert!(counted <= data.len() + 1);
    for element in forwarded::elements(lines.iter().copied()).flatten() {
        let _ = format!("{element:?}");
    }
}

/// Hardening keeps every byte that was there but trailing separators, and has nothing to do a second time.
fn set_cookie(data: &[u8]) {
    let wanted = Attributes {
        secure: true,
        http_only: true,
        same_site: Some(SameSite::Lax),
    };
    let hardening = Hardening::new(wanted);
    if let Some(hardened) = hardening.harden(data) {
        let cookie = SetCookie::parse(data).expect("only a cookie is hardened");
        let better = SetCookie::parse(&hardened).expect("still a cookie");
        assert_eq!(cookie.name(), better.name());
        assert_eq!(cookie.value(), better.value());
        assert_eq!(hardening.harden(&hardened), None);
        assert!(
            HeaderValue::from_bytes(data).is_err() || HeaderValue::from_bytes(&hardened).is_ok()
        );
    }
}

/// A directive that builds prints as words that build it again.
fn csp_directive(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut lines = text.split('\n');
    let name = lines.next().unwrap_or_default();
    let values: Vec<&str> = lines.collect();
    if let Ok((directive, _)) = Directive::build(name, &values) {
        let words = directive.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (again, _) =
            Directive::build(directive.name().as_str(), &words).expect("its own words");
        assert_eq!(again, directive);
        let printed = directive.to_string();
        assert!(
            !printed.contains([',', ';', '\r', '\n']) && printed.is_ascii(),
            "{printed}"
        );
    }
}

fn csp_matching(data: &[u8]) {
    let Some(at) = data.iter().position(|&b| b == b'\n') else {
        return;
    };
    let Some(csp) = Csp::parse(&data[..at]).value else {
        return;
    };
    let Ok(text) = std::str::from_utf8(&data[at + 1..]) else {
        return;
    };
    let page = url::Url::parse("https://example.com/a").expect("a URL");
    if let Ok(url) = url::Url::parse(text) {
        let _ = csp.allows(&Fetch::new(DirectiveName::ScriptSrc, &url, &page));
        let _ = csp.allows(&Fetch::new(DirectiveName::ImgSrc, &url, &page).redirected());
    }
}

/// The gate lets the same bytes through, with the same verdict, however they arrive; what it lets through are heads that the
/// grammar of the HTTP library takes.
fn wire(data: &[u8]) {
    let through = |sizes: &[usize]| {
        let mut gate = Gate::new();
        let mut out = Vec::new();
        let mut rest = data;
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (part, tail) = rest.split_at((*size).min(rest.len()));
            rest = tail;
            let passed = gate.feed(part);
            out.extend_from_slice(&part[..passed]);
            let ready = gate.ready().to_vec();
            gate.consume(ready.len());
            out.extend_from_slice(&ready);
        }
        (out, gate.fault(), gate.is_broken())
    };
    let whole = through(&[usize::MAX]);
    assert_eq!(whole, through(&[1]));
    assert_eq!(whole, through(&[3, 1, 17, 2]));
}

/// A PROXY protocol head is judged once, when it is whole, and however it arrives; what cannot become one is told for good.
fn proxy_protocol(data: &[u8]) {
    let whole = Announced::parse(data);
    let mut waiting = true;
    for end in 0..=data.len() {
        let part = Announced::parse(&data[..end]);
        match part {
            Ok(None) => assert!(waiting, "judged, and then not whole"),
            _ => {
                waiting = false;
                assert_eq!(part, whole);
            }
        }
    }
    if let Ok(Some((length, _))) = whole {
        assert!((1..=4096).contains(&length) && length <= data.len());
    }
}

fn route(data: &[u8]) {
    if let Some(once) = mantlet_engine::route::normal(data) {
        let twice = mantlet_engine::route::normal(&once);
        assert_eq!(
            twice.as_deref(),
            Some(&*once),
            "normal form is a fixed point"
        );
    }
}

/// Any text is a policy or a report, and a policy can answer.
fn policy_file(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let source = Source::new("mantlet.toml", text);
    let built = Config::read(&source).and_then(|(config, _)| config.build());
    match built {
        Ok(engine) => {
            let none = HeaderMap::new();
            let mut head = RequestHead::new(&Method::GET, b"/docs", &none);
            head.tls = true;
            let (_, exchange) = engine.on_request(&head).without_store();
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            exchange
                .on_response(&ResponseHead::new(StatusCode::OK, &headers))
                .apply(&mut headers);
        }
        Err(report) => {
            assert!(report.has_errors());
            for diagnostic in report.diagnostics() {
                let _ = diagnostic.render(mantlet_config::Styled::Plain);
            }
        }
    }
}

/// Limits that lines of a log are tried with.
static TRIED: LazyLock<Policy> = LazyLock::new(|| {
    let text = "trusted_proxies = ['10.0.0.0/8']\n\
                max_field_size = { other = 256 }\n[[limit]]\nname = 'all'\nmax_keys = 16\nrequests = 2\nwindow = '1s'\nkey = ['client', { header = 'user-agent' }]\n\
                [[limit]]\nname = 'route'\nmax_keys = 16\nrequests = 3\nwindow = '1h'\nkey = 'route'\nalgorithm = 'sliding_window'\n\
                [[route]]\npath = '/a'\n";
    let config = Config::parse(text).expect("right");
    config.limits_alone().expect("right")
});

/// A line tells of the same request whichever way its format is known, any number of lines is counted, and one that cannot be
/// read is told with its number.
fn log_line(data: &[u8]) {
    let mut replay = Replay::new(TRIED.clone(), OsEntropy, Format::Auto);
    let (mut requests, mut lines) = (0, 0);
    for line in data.split(|&b| b == b'\n') {
        replay.line(line);
        lines += 1;
        let auto = Line::parse(line, Format::Auto);
        let known = [Format::Combined, Format::Caddy].map(|format| Line::parse(line, format));
        match &auto {
            Ok(read) => {
                assert!(known.iter().any(|known| known.as_ref() == Ok(read)));
                assert!(!read.path.is_empty());
                requests += 1;
            }
            Err(Skipped::Malformed(why)) => assert!(!why.is_empty()),
            Err(_) => {}
        }
    }
    let summary = replay.finish(2);
    assert_eq!((summary.lines, summary.requests), (lines, requests));
    assert!(summary.denied + summary.malformed + summary.without_request <= lines);
    let slots = summary.timeline.slots().iter();
    assert_eq!(slots.map(|slot| slot.total()).sum::<u64>(), requests);
    for limit in &summary.limits {
        assert!(limit.denied <= limit.requests && limit.requests <= requests);
        assert!(limit.keys <= limit.requests && limit.top.len() <= 2);
    }
    for (line, _) in &summary.first_malformed {
        assert!((1..=lines).contains(line));
    }
}

const NOW: u64 = 1_800_000_000;

/// A key of the fuzzer's own, and a verifier that takes only it.
static PARTIES: LazyLock<(Issuing, Verifier)> = LazyLock::new(|| {
    let algorithm = Algorithm::named("HS256").expect("known");
    let key = SigningKey::generate(algorithm).expect("a key");
    let keys = KeySet::new(vec![key.verifying().expect("a key")]).expect("a set");
    let settings = Settings::new(jws::Rules::new(Algorithms::only(algorithm)));
    let verifier = Verifier::new(settings, keys).expect("fitting");
    (Issuing::new(key), verifier)
});

/// No bytes are a token of a key that nobody knows.
fn token(data: &[u8]) {
    let (_, verifier) = &*PARTIES;
    assert!(verifier.verify(data, NOW).is_err());
    let _ = jws::unverified_kid(data, &verifier.settings().rules);
}

/// Claims that are rightly signed are judged, and what is accepted is one object that says the same to every reader.
fn token_claims(data: &[u8]) {
    let (issuing, verifier) = &*PARTIES;
    let Ok(claims) = serde_json::from_slice::<serde_json::Value>(data) else {
        return;
    };
    let Ok(token) = issuing.encode(&claims, NOW, [7; 16]) else {
        return;
    };
    if let Ok(verified) = verifier.verify(token.as_bytes(), NOW) {
        let all: serde_json::Value = verified.claims().expect("an object");
        assert_eq!(verified.claim("sub"), all.get("sub").cloned());
        assert_eq!(verified.subject(), all["sub"].as_str());
        assert!(verified.scopes().all(|scope| !scope.contains(' ')));
    }
}

/// Any text is a key, a set, or an error that can be told; what is left out has its reason.
fn token_key(data: &[u8]) {
    for names in [&["HS256"][..], &["RS256", "ES256", "ES512", "EdDSA"]] {
        let algorithms = Algorithms::new(names.iter().copied()).expect("known");
        let provenance = [jwk::Provenance::Local, jwk::Provenance::Published];
        let sets = provenance.map(|provenance| jwk::set(data, &algorithms, provenance));
        for loaded in sets.into_iter().chain([jwk::load(data, &algorithms)]) {
            match loaded {
                Ok(loaded) => {
                    assert!(!loaded.keys.is_empty() && loaded.keys.len() <= jwk::MAX_KEYS);
                    KeySet::new(loaded.keys).expect("a set is checked when it is read");
                }
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    }
    for name in ["RS256", "ES256", "EdDSA"] {
        let _ = SigningKey::load(data, Algorithm::named(name).expect("known"));
    }
}

/// No bytes are an id or a sealed session of a secret that nobody knows.
fn session_cookie(data: &[u8]) {
    static SESSIONS: LazyLock<(Sessions, SealedSessions)> = LazyLock::new(|| {
        let ring = Ring::new(vec![Secret::new(&[7; 32]).expect("long enough")]);
        let ring = ring.expect("a ring");
        let (cookie, _) = Cookie::new(CookieSettings::default()).expect("a cookie");
        let sealed = SealedSessions::new(&ring, cookie.clone(), Lifetimes::default());
        let stored = Sessions::new(&ring, cookie, Lifetimes::default());
        (stored.expect("fitting"), sealed.expect("fitting"))
    });
    let (stored, sealed) = &*SESSIONS;
    let named = [b"__Host-mantlet-sid=", data].concat();
    for line in [data, &named] {
        assert!(stored.read([line]).load().is_none());
        assert!(sealed.open([line], NOW).session.is_new());
    }
}

/// Cookies of other libraries, whatever is in them, are read or refused; decompressing is bounded.
fn session_import(data: &[u8]) {
    for read in [import::flask, import::starlette] {
        assert!(read(b"a secret that nobody knows", data, u64::MAX, u64::MAX).is_err());
    }
    // under the secrets of the seeds
    let _ = import::flask(b"a flask secret", data, u64::MAX, u64::MAX);
    let _ = import::starlette(b"a starlette secret", data, u64::MAX, u64::MAX);
}
