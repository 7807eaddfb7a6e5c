//! What holds for every request: no input panics, a stranger's forwarding fields say nothing, spelling and order of fields
//! say nothing, and saying something twice is never better than saying it once.

#![allow(clippy::expect_used, clippy::panic)]

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderName, HeaderValue, Method};
use mantlet_engine::policy::{
    Checks, ClientAddress, CrossOrigin, Disposition, Hosts, Https, Policy, ResourceIsolation,
    Rules, Scoped,
};
use mantlet_engine::route::RoutePath;
use mantlet_engine::{Engine, OsEntropy, RequestHead, Verdict};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The peer that is trusted; its neighbour is a stranger.
const TRUSTED: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

type Fields = Vec<(HeaderName, HeaderValue)>;

/// A request as a client could send it.
#[derive(Clone, Debug)]
struct Request {
    method: Method,
    path: Vec<u8>,
    authority: Option<Vec<u8>>,
    tls: bool,
    fields: Fields,
}

fn judged(engine: &Engine, request: &Request, peer: IpAddr) -> Verdict {
    let mut head = RequestHead::new(&request.method, &request.path, &request.fields);
    head.authority = request.authority.as_deref();
    head.tls = request.tls;
    head.peer = Some(peer);
    engine.on_request(&head).without_store().0
}

fn policies() -> impl Strategy<Value = Policy> {
    let address = select(vec![
        ClientAddress::XForwardedFor,
        ClientAddress::Forwarded,
        ClientAddress::ProxyProtocol,
        ClientAddress::Field(HeaderName::from_static("x-client")),
    ]);
    let https = select(vec![Https::Auto, Https::Assume, Https::Redirect]);
    let flags = any::<[bool; 8]>();
    (address, https, flags).prop_map(|(client_address, https, flags)| {
        let [
            hosts,
            www_redirect,
            own,
            unverifiable,
            sockets,
            isolate,
            same_site,
            deep,
        ] = flags;
        let isolation = || ResourceIsolation {
            allow_same_site: same_site,
            allow_cors: www_redirect,
            allow_framing: own,
            ..ResourceIsolation::default()
        };
        let scoped = |isolated: bool, any_host| Scoped {
            checks: Checks {
                any_host,
                resource_isolation: isolated.then(isolation),
            },
            ..Scoped::any(Rules::default())
        };
        let origins = |list: &[&str]| list.iter().map(|o| o.parse().expect("an origin")).collect();
        let path = |path| RoutePath::new(path).expect("a path");
        let mut policy = Policy::new(scoped(isolate && !deep, false));
        policy.https = https;
        policy.trusted_proxies = vec!["10.0.0.1/32".parse().expect("a network")];
        policy.client_address = client_address;
        policy.hosts = hosts.then(|| Hosts {
            allowed: [
                "example.com",
                "*.example.com",
                "www.www.example:8080",
                "[::1]",
            ]
            .map(|host| host.parse().expect("a pattern"))
            .into(),
            www_redirect,
            answer: None,
        });
        policy.cross_origin = Some(CrossOrigin {
            allowed_origins: origins(&["https://partner.example"]),
            self_origins: origins(if own { &["https://example.com"] } else { &[] }),
            exempt_paths: vec![path("/hooks")],
            allow_unverifiable: unverifiable,
            protect_websockets: sockets,
            method_override: vec![HeaderName::from_static("x-http-method-override")],
            ..CrossOrigin::default()
        });
        policy.routes = vec![
            (path("/healthz"), scoped(false, true)),
            (path("/data"), scoped(isolate, false)),
        ];
        policy
    })
}

fn engines() -> impl Strategy<Value = Engine> {
    policies().prop_map(|policy| Engine::new(policy, OsEntropy))
}

/// Names the checks read.
const READ: &[&str] = &[
    "host",
    "origin",
    "sec-fetch-site",
    "sec-fetch-mode",
    "sec-fetch-dest",
    "upgrade",
    "x-http-method-override",
    "authorization",
    "cookie",
];

/// Names that only a trusted peer may say.
const TOLD: &[&str] = &[
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "forwarded",
    "x-client",
];

/// Values that mean something to one check or another.
const WORDS: &[&str] = &[
    "",
    "example.com",
    "EXAMPLE.com.",
    "example.com:8443",
    "a.example.com",
    "www.example",
    "evil.example",
    "[::1]",
    "[::1",
    "a b",
    "https://example.com",
    "http://example.com",
    "https://partner.example",
    "https://evil.example",
    "null",
    "same-origin",
    "same-site",
    "cross-site",
    "none",
    "Same-Origin",
    "navigate",
    "cors",
    "no-cors",
    "document",
    "iframe",
    "image",
    "object",
    "websocket",
    "GET",
    "DELETE",
    "https",
    "10.0.0.1, 192.0.2.1",
    "192.0.2.1",
    "unknown",
    "for=192.0.2.1;proto=https;host=example.com",
    "for=\"[2001:db8::1]\";host=evil.example, for=10.0.0.1",
];

fn value() -> impl Strategy<Value = HeaderValue> {
    let odd = proptest::collection::vec(any::<u8>(), 0..24);
    let odd = odd.prop_filter_map("no value", |bytes| HeaderValue::from_bytes(&bytes).ok());
    let long = (2000usize..2100).prop_map(|n| HeaderValue::from_str(&"a".repeat(n)).expect("long"));
    prop_oneof![
        12 => select(WORDS).prop_map(HeaderValue::from_static),
        2 => odd,
        1 => long,
    ]
}

fn field(names: &'static [&'static str]) -> impl Strategy<Value = (HeaderName, HeaderValue)> {
    (select(names).prop_map(HeaderName::from_static), value())
}

fn requests() -> impl Strategy<Value = Request> {
    let method = select(vec![
        "GET", "HEAD", "OPTIONS", "POST", "DELETE", "get", "CONNECT",
    ]);
    let method = method.prop_map(|m| Method::from_bytes(m.as_bytes()).expect("a method"));
    let paths = [
        "/",
        "/hooks/x",
        "/hooks/../x",
        "/healthz",
        "/data/1",
        "/data%2f1",
        "//data",
        "*",
    ];
    let path = prop_oneof![
        4 => select(paths.to_vec()).prop_map(|path| path.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    let word = select(WORDS).prop_map(|word| word.as_bytes().to_vec());
    let authority = proptest::option::weighted(0.2, word);
    // most requests have the fields of a real one, so that they come further than the first check
    let host = prop_oneof![
        5 => Just(Some("example.com")),
        1 => Just(Some("a.example.com")),
        1 => Just(None),
    ];
    let fields = proptest::collection::vec(field(READ), 0..4);
    (method, path, authority, any::<bool>(), host, fields).prop_map(
        |(method, path, authority, tls, host, mut fields)| {
            let host = host.filter(|_| !fields.iter().any(|(name, _)| name == "host"));
            fields.extend(host.map(|host| (http::header::HOST, HeaderValue::from_static(host))));
            Request {
                method,
                path,
                authority,
                tls,
                fields,
            }
        },
    )
}

/// `deny` with the reason, or `allow` with what the application learns.
fn told(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Deny(denial) => format!("{} {:?}", denial.reason, denial.location),
        other => format!("{other:?}"),
    }
}

fn passes(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Allow(_))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_request_panics_and_every_denial_can_be_told(
        engine in engines(),
        request in requests(),
        more in proptest::collection::vec(field(TOLD), 0..4),
        trusted: bool,
    ) {
        let mut request = request;
        request.fields.extend(more);
        let peer = if trusted { TRUSTED } else { STRANGER };
        let mut head = RequestHead::new(&request.method, &request.path, &request.fields);
        head.authority = request.authority.as_deref();
        head.peer = Some(peer);
        let (verdict, exchange) = engine.on_request(&head).without_store();
        let hops = engine.hops(&head);
        prop_assert_eq!(hops.last(), Some(&peer));
        match verdict {
            Verdict::Deny(denial) => {
                let reply = exchange.reply(&denial, &request.method, mantlet_engine::Form::Json);
                prop_assert!(!reply.status.is_success());
                prop_assert_eq!(&reply.headers["cache-control"], "no-store");
            }
            Verdict::Allow(permit) => prop_assert_eq!(permit.client(), hops.first().copied()),
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_target_that_is_not_read_may_be_left_out(engine in engines(), request in requests()) {
        let bare = Request { path: Vec::new(), ..request.clone() };
        if !engine.reads_target() {
            let (whole, bare) = (judged(&engine, &request, TRUSTED), judged(&engine, &bare, TRUSTED));
            prop_assert_eq!(told(&whole), told(&bare));
        }
    }

    #[test]
    fn what_a_stranger_forwards_never_changes_a_verdict(
        engine in engines(),
        request in requests(),
        more in proptest::collection::vec((field(TOLD), any::<Index>()), 1..5),
    ) {
        let plain = told(&judged(&engine, &request, STRANGER));
        let mut forwarded = request.clone();
        for (field, at) in more {
            let at = at.index(forwarded.fields.len() + 1);
            forwarded.fields.insert(at, field);
        }
        prop_assert_eq!(told(&judged(&engine, &forwarded, STRANGER)), plain);
    }

    #[test]
    fn the_case_of_names_and_the_order_of_different_fields_never_change_a_verdict(
        engine in engines(),
        request in requests(),
        more in proptest::collection::vec(field(TOLD), 0..3),
        trusted: bool,
        keys in proptest::collection::vec(any::<u32>(), 8),
        upper in any::<u64>(),
    ) {
        let peer = if trusted { TRUSTED } else { STRANGER };
        let mut request = request;
        request.fields.extend(more);
        let mut other = request.clone();
        // a stable sort by a key of the name: lines of one field keep their order
        other.fields.sort_by_key(|(name, _)| {
            let sum = name.as_str().bytes().map(usize::from).sum::<usize>();
            keys[sum % keys.len()]
        });
        for (name, _) in &mut other.fields {
            let flip = |(i, b): (usize, u8)| match upper >> (i % 64) & 1 {
                1 => b.to_ascii_uppercase(),
                _ => b,
            };
            let spelled: Vec<u8> = name.as_str().bytes().enumerate().map(flip).collect();
            *name = HeaderName::from_bytes(&spelled).expect("a name");
        }
        prop_assert_eq!(
            told(&judged(&engine, &other, peer)),
            told(&judged(&engine, &request, peer))
        );
    }

    #[test]
    fn saying_it_twice_is_never_better_than_saying_it_once(
        engine in engines(),
        request in requests(),
        name in select(&READ[..7]),
        values in (value(), value()),
        trusted: bool,
    ) {
        let name = HeaderName::from_static(name);
        prop_assume!(name != "upgrade");
        let peer = if trusted { TRUSTED } else { STRANGER };
        let with = |values: &[&HeaderValue]| {
            let mut request = request.clone();
            request.fields.retain(|(known, _)| *known != name);
            request.fields.extend(values.iter().map(|&value| (name.clone(), value.clone())));
            judged(&engine, &request, peer)
        };
        let twice = with(&[&values.0, &values.1]);
        if passes(&twice) {
            prop_assert!(passes(&with(&[&values.0])), "{twice:?}");
            prop_assert!(passes(&with(&[&values.1])), "{twice:?}");
        }
    }

    #[test]
    fn a_policy_that_reports_denies_as_often_as_it_is_told(percent in 0u8..=100, drawn: [u8; 4]) {
        struct Pinned([u8; 4]);
        impl mantlet_engine::Entropy for Pinned {
            fn fill(&self, bytes: &mut [u8]) -> Result<(), mantlet_engine::EntropyError> {
                bytes.copy_from_slice(&self.0);
                Ok(())
            }
        }
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        policy.cross_origin = Some(CrossOrigin {
            disposition: Disposition::Report { enforce_percent: percent },
            ..CrossOrigin::default()
        });
        let engine = Engine::new(policy, Pinned(drawn));
        let fields: Fields = vec![(
            HeaderName::from_static("sec-fetch-site"),
            HeaderValue::from_static("cross-site"),
        )];
        let verdict = engine.on_request(&RequestHead::new(&Method::POST, b"/", &fields)).without_store().0;
        let denied = u32::from_le_bytes(drawn) % 100 < u32::from(percent);
        prop_assert_eq!(passes(&verdict), !denied);
        if let Verdict::Allow(permit) = verdict {
            let reported: Vec<_> = permit.reported().map(|reason| reason.code).collect();
            prop_assert_eq!(reported, ["origin.cross-site"]);
        }
    }
}

#[test]
fn without_randomness_what_fails_is_denied() {
    struct Dry;
    impl mantlet_engine::Entropy for Dry {
        fn fill(&self, _: &mut [u8]) -> Result<(), mantlet_engine::EntropyError> {
            Err(mantlet_engine::EntropyError)
        }
    }
    let mut policy = Policy::new(Scoped::any(Rules::default()));
    policy.cross_origin = Some(CrossOrigin {
        disposition: Disposition::Report { enforce_percent: 1 },
        ..CrossOrigin::default()
    });
    let engine = Engine::new(policy, Dry);
    let fields: Fields = vec![(
        HeaderName::from_static("sec-fetch-site"),
        HeaderValue::from_static("cross-site"),
    )];
    let (verdict, _) = engine
        .on_request(&RequestHead::new(&Method::POST, b"/", &fields))
        .without_store();
    assert!(!passes(&verdict));
}
