//! How many requests: that every key of a limit acts, and what is refused.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use mantlet_config::Config;
use mantlet_engine::policy::{Counting, KeyPart, Limit};
use mantlet_engine::{Engine, Form, Now, RequestHead, ResponseHead, Verdict};
use mantlet_limit::{Algorithm, Moment, Quota, Reading, Rule};

use super::{errors, read};

/// One client's requests under a policy, at a time that the test sets.
struct Client {
    engine: Engine,
    peer: [u8; 4],
    method: Method,
    fields: HeaderMap,
    at: Duration,
}

impl Client {
    fn of(text: &str) -> Self {
        let engine =
            read(&format!("preset = 'none'\n{text}")).unwrap_or_else(|report| panic!("{report}"));
        Self {
            engine,
            peer: [192, 0, 2, 1],
            method: Method::GET,
            fields: HeaderMap::new(),
            at: Duration::from_secs(1_000),
        }
    }

    fn verdict(&self, path: &str) -> (Verdict, mantlet_engine::Exchange) {
        let mut head = RequestHead::new(&self.method, path.as_bytes(), &self.fields);
        head.peer = Some(self.peer.into());
        head.now = self.now();
        self.engine.on_request(&head).without_store()
    }

    fn now(&self) -> Now {
        Now {
            moment: Moment::default().after(self.at),
            unix: Duration::from_secs(1_700_000_000) + self.at,
        }
    }

    fn get(&self, path: &str) -> &'static str {
        match self.verdict(path).0 {
            Verdict::Allow(permit) if permit.reported().next().is_some() => "reported",
            Verdict::Allow(_) => "allow",
            Verdict::Deny(denial) => denial.reason,
            other => panic!("{other:?}"),
        }
    }

    /// How many of `n` requests pass.
    fn passing(&self, n: usize, path: &str) -> usize {
        (0..n).filter(|_| self.get(path) == "allow").count()
    }
}

#[test]
fn requests_window_and_burst_act() {
    let mut client = Client::of("limit = { requests = 10, window = '10s', burst = 3 }");
    assert_eq!(client.passing(9, "/"), 3);
    client.at += Duration::from_millis(999);
    assert_eq!(client.get("/"), "limit.exceeded");
    client.at += Duration::from_millis(1);
    assert_eq!(client.passing(9, "/"), 1);
    client.at += Duration::from_secs(100);
    assert_eq!(client.passing(9, "/"), 3);
    let client = Client::of("limit = { requests = 4, window = 60 }");
    assert_eq!(client.passing(9, "/"), 4);
}

#[test]
fn a_denial_tells_when_to_come_back_and_what_is_left() {
    let client = Client::of("limit = { name = 'few', requests = 2, window = '60s' }");
    client.passing(2, "/");
    let (verdict, exchange) = client.verdict("/");
    let Verdict::Deny(denial) = verdict else {
        panic!("{verdict:?}");
    };
    assert_eq!(denial.status, StatusCode::TOO_MANY_REQUESTS);
    let reply = exchange.reply(&denial, &Method::GET, Form::Json);
    let field = |name: &str| {
        reply
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    let wait: u64 = field("retry-after")
        .and_then(|text| text.parse().ok())
        .expect("seconds");
    assert!((30..=36).contains(&wait), "{wait}");
    assert_eq!(field("content-type"), Some("application/problem+json"));
    assert_eq!(field("ratelimit-policy"), Some("\"few\";q=2;w=60"));
    assert_eq!(field("ratelimit"), Some("\"few\";r=0;t=30"));
    assert_eq!(field("cache-control"), Some("no-store"));
    assert_eq!(
        reply.body,
        "{\"type\":\"https://iana.org/assignments/http-problem-types#quota-exceeded\",\
         \"title\":\"Too Many Requests\",\"status\":429,\"detail\":\"Too many requests.\",\
         \"violated-policies\":[\"few\"]}"
    );
}

#[test]
fn limit_headers_choose_the_fields_and_a_redirect_has_none() {
    let sent = |version: &str, status: StatusCode| {
        let text = format!("limit_headers = '{version}'\nlimit = {{ requests = 5, window = 60 }}");
        let (_, exchange) = Client::of(&text).verdict("/");
        let none = HeaderMap::new();
        let mut headers = HeaderMap::new();
        exchange
            .on_response(&ResponseHead::new(status, &none))
            .apply(&mut headers);
        let mut names: Vec<_> = headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .collect();
        names.sort();
        names
    };
    let ok = StatusCode::OK;
    assert_eq!(sent("ietf-10", ok), ["ratelimit", "ratelimit-policy"]);
    assert_eq!(sent("ietf-7", ok), ["ratelimit", "ratelimit-policy"]);
    assert_eq!(sent("ietf-6", ok).len(), 4);
    assert_eq!(
        sent("legacy", ok),
        [
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset"
        ]
    );
    assert_eq!(sent("legacy-epoch", ok).len(), 3);
    assert!(sent("off", ok).is_empty());
    assert!(sent("ietf-10", StatusCode::FOUND).is_empty());
}

#[test]
fn key_and_prefixes_say_who_is_counted() {
    let mut client = Client::of("limit = { requests = 1, window = 60 }");
    assert_eq!(
        [client.get("/"), client.get("/")],
        ["allow", "limit.exceeded"]
    );
    client.peer = [192, 0, 2, 2];
    assert_eq!(client.get("/"), "allow");

    let mut client = Client::of("limit = { requests = 1, window = 60, ipv4_prefix = 24 }");
    client.get("/");
    client.peer = [192, 0, 2, 2];
    assert_eq!(client.get("/"), "limit.exceeded");

    let mut client = Client::of("limit = { requests = 1, window = 60, key = 'everybody' }");
    client.get("/");
    client.peer = [10, 0, 0, 1];
    assert_eq!(client.get("/"), "limit.exceeded");

    let mut client =
        Client::of("limit = { requests = 1, window = 60, key = { header = 'X-Api-Key' } }");
    let api_key = HeaderName::from_static("x-api-key");
    client
        .fields
        .insert(api_key.clone(), HeaderValue::from_static("a"));
    client.get("/");
    client.peer = [10, 0, 0, 1];
    assert_eq!(client.get("/"), "limit.exceeded");
    client.fields.insert(api_key, HeaderValue::from_static("b"));
    assert_eq!(client.get("/"), "allow");

    let client = Client::of(
        "limit = { requests = 1, window = 60, key = ['client', 'route'] }\nroute = [{ path = '/a' }, { path = '/b' }]",
    );
    assert_eq!(
        [client.get("/a"), client.get("/a/x")],
        ["allow", "limit.exceeded"]
    );
    assert_eq!([client.get("/b"), client.get("/")], ["allow", "allow"]);
}

#[test]
fn paths_methods_and_exemptions_say_what_is_counted() {
    let mut client =
        Client::of("limit = { requests = 1, window = 60, paths = ['/login'], methods = ['POST'] }");
    assert_eq!(client.passing(3, "/login"), 3);
    client.method = Method::POST;
    assert_eq!(client.passing(3, "/"), 3);
    assert_eq!(client.passing(3, "/login/now"), 1);
    // what a server may read as /login is counted with it
    assert_eq!(client.get("/x/../login"), "limit.exceeded");

    let mut client = Client::of(
        "limit = { requests = 1, window = 60, exempt_paths = ['/static'], exempt_clients = ['10.0.0.0/8'] }",
    );
    assert_eq!(client.passing(3, "/static/a.css"), 3);
    assert_eq!(client.passing(3, "/"), 1);
    assert_eq!(client.get("/static//a"), "limit.exceeded");
    client.peer = [10, 1, 2, 3];
    assert_eq!(client.passing(3, "/"), 3);
}

#[test]
fn cost_and_costs_say_what_a_request_takes() {
    let client = Client::of("limit = { requests = 10, window = 60, cost = 5 }");
    assert_eq!(client.passing(9, "/"), 2);
    let mut client = Client::of(
        "[limit]\nrequests = 10\nwindow = 60\ncost = 0\n[[limit.costs]]\npaths = ['/export']\nmethods = ['POST']\ncost = 4",
    );
    assert_eq!(client.passing(99, "/export"), 99);
    client.method = Method::POST;
    assert_eq!(client.passing(9, "/export"), 2);
}

#[test]
fn algorithms_differ_where_they_should() {
    let strict = "limit = { algorithm = 'sliding_window', requests = 2, window = 10 }";
    let mut client = Client::of(strict);
    assert_eq!(client.passing(9, "/"), 2);
    client.at += Duration::from_millis(9_999);
    assert_eq!(client.passing(9, "/"), 0);
    client.at += Duration::from_millis(1);
    assert_eq!(client.passing(9, "/"), 2);
    let mut client = Client::of("limit = { requests = 2, window = 10 }");
    client.passing(2, "/");
    client.at += Duration::from_secs(5);
    assert_eq!(client.passing(9, "/"), 1);
    let counting = |text: &str| {
        Client::of(text)
            .engine
            .limits()
            .next()
            .map(|limit| limit.counting.clone())
    };
    let mode = format!(
        "{}, mode = 'interpolated' }}",
        strict.trim_end_matches(" }")
    );
    let Some(Counting::Requests(rule)) = counting(&mode) else {
        panic!("a rule");
    };
    assert_eq!(
        rule.algorithm(),
        Algorithm::SlidingWindow(mantlet_limit::Mode::Interpolated)
    );
}

/// Seconds of pressure, then how many of 9 requests pass, and what the tenth hears.
fn under_pressure(
    own: &str,
    reading: Reading,
    latency: Duration,
    path: &str,
) -> (usize, &'static str) {
    let mut client = Client::of(&format!(
        "limit = {{ algorithm = 'adaptive', requests = 10, window = 1000, {own} }}"
    ));
    for i in 0..400u16 {
        client.peer = [10, 0, 1, (i % 200) as u8];
        let (_, exchange) = client.verdict("/healthz");
        client.at += latency;
        let none = HeaderMap::new();
        let mut answer = ResponseHead::new(StatusCode::OK, &none);
        answer.now = Some(client.now());
        exchange.on_response(&answer);
        client.at += Duration::from_millis(250).saturating_sub(latency);
        if client.engine.wants_reading(client.now()) {
            client.engine.on_reading(client.now(), reading);
        }
    }
    client.peer = [192, 0, 2, 1];
    (client.passing(9, path), client.get(path))
}

#[test]
fn every_threshold_of_an_adaptive_limit_acts() {
    let idle = Reading {
        cpu: Some(0.1),
        memory: Some(0.1),
    };
    let quick = Duration::from_millis(5);
    let busy = Reading {
        cpu: Some(0.95),
        ..idle
    };
    let full = Reading {
        memory: Some(0.97),
        ..idle
    };
    assert_eq!(
        under_pressure("min_requests = 2", idle, quick, "/"),
        (9, "allow")
    );
    assert_eq!(
        under_pressure("min_requests = 2", busy, quick, "/"),
        (2, "limit.shed")
    );
    assert_eq!(
        under_pressure("min_requests = 3", full, quick, "/"),
        (3, "limit.shed")
    );
    assert_eq!(
        under_pressure("cpu_threshold = 0.99", busy, quick, "/"),
        (9, "allow")
    );
    assert_eq!(
        under_pressure("memory_threshold = 0.99", full, quick, "/"),
        (9, "allow")
    );
    let slow = Duration::from_millis(240);
    assert_eq!(under_pressure("min_requests = 2", idle, slow, "/").0, 2);
    assert_eq!(
        under_pressure("latency_threshold = 1000", idle, slow, "/").0,
        9
    );
    // health checks are never shed
    assert_eq!(
        under_pressure("min_requests = 2", busy, quick, "/healthz").0,
        9
    );
    assert_eq!(
        under_pressure("health_paths = ['/up']", busy, quick, "/healthz").0,
        1
    );
}

#[test]
fn a_limit_that_reports_denies_nothing_and_counts_on() {
    let client = Client::of("limit = { requests = 1, window = 60, disposition = 'report' }");
    assert_eq!(
        [client.get("/"), client.get("/"), client.get("/")],
        ["allow", "reported", "reported"]
    );
    let state = client
        .engine
        .limit_states(client.now())
        .next()
        .expect("a limit");
    assert_eq!((state.admitted, state.reported, state.exceeded), (1, 2, 0));
}

#[test]
fn several_limits_are_all_or_nothing() {
    let text = "[[limit]]\nname = 'minute'\nrequests = 3\nwindow = '1m'\n\
                [[limit]]\nname = 'posts'\nrequests = 1\nwindow = '1m'\nmethods = ['POST']";
    let mut client = Client::of(text);
    client.method = Method::POST;
    assert_eq!(client.passing(9, "/"), 1);
    // the denied ones took nothing of the first
    client.method = Method::GET;
    assert_eq!(client.passing(9, "/"), 2);
}

#[test]
fn max_keys_bounds_what_is_remembered() {
    let mut client = Client::of("limit = { requests = 1, window = 60, max_keys = 8 }");
    for last in 0..100 {
        client.peer = [10, 0, 0, last];
        client.get("/");
    }
    let state = client
        .engine
        .limit_states(client.now())
        .next()
        .expect("a limit");
    assert!(state.capacity <= 64 && state.evicted > 0, "{state:?}");
}

#[test]
fn a_store_that_nobody_has_leaves_what_on_error_says() {
    let of = |on_error: &str| {
        Client::of(&format!(
            "limit = {{ requests = 4, window = 60, store = 'redis', {on_error} }}\nstore.redis.url = 'redis://localhost'"
        ))
    };
    assert_eq!(of("nodes = 2").passing(9, "/"), 2);
    assert_eq!(of("on_error = 'local'").passing(9, "/"), 4);
    assert_eq!(of("on_error = 'open'").passing(9, "/"), 9);
    assert_eq!(of("on_error = 'closed'").get("/"), "limit.unavailable");
    assert!(of("nodes = 2").engine.needs_store());
}

#[test]
fn counts_go_on_over_a_reload_where_the_limit_is_the_same() {
    let text = "limit = { requests = 2, window = 60 }";
    let old = Client::of(text);
    old.passing(2, "/");
    let mut new = Client::of(text);
    new.engine.inherit(&old.engine);
    assert_eq!(new.get("/"), "limit.exceeded");
    new = Client::of("limit = { requests = 3, window = 60 }");
    new.engine.inherit(&old.engine);
    assert_eq!(new.get("/"), "allow");
}

#[test]
fn a_limit_of_code_goes_over_one_of_the_text() {
    let quota = Quota::new(1, Duration::from_secs(60)).expect("a quota");
    let rule = Rule::new(quota, Algorithm::TokenBucket).expect("a rule");
    let mut own = Limit::new("default", Counting::Requests(rule));
    own.key = vec![KeyPart::Everybody];
    let engine = Config::parse("preset = 'none'\nlimit = { requests = 9, window = 60 }")
        .expect("right")
        .limit(own)
        .build()
        .expect("right");
    let limits: Vec<_> = engine.limits().map(|limit| limit.key.clone()).collect();
    assert_eq!(limits, [vec![KeyPart::Everybody]]);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_place() {
    for (text, said) in [
        ("limit = { window = 60 }", "limit.requests: is missing"),
        ("limit = { requests = 1 }", "limit.window: is missing"),
        ("limit = { requests = 0, window = 60 }", "limit.requests"),
        (
            "limit = { requests = 1, window = 0 }",
            "limit.window: takes a time",
        ),
        (
            "limit = { requests = 1, window = '1 minute' }",
            "limit.window: takes a time",
        ),
        (
            "limit = { requests = 1, window = '400d' }",
            "between 1 millisecond and 366 days",
        ),
        (
            "limit = { requests = 1, window = '366d', burst = 1000 }",
            "limit.burst",
        ),
        (
            "limit = { requests = 9, window = 60, key = { header = 'x-api-key' }, ipv6_prefix = 48 }",
            "limit.ipv6_prefix: does nothing here: the limit does not count by client",
        ),
        (
            "limit = { algorithm = 'concurrency', max_in_flight = 9, ipv4_prefix = 24 }",
            "limit.ipv4_prefix: does nothing here",
        ),
        (
            "limit = { requests = 9, window = 60, mode = 'strict' }",
            "belongs to sliding_window",
        ),
        (
            "limit = { requests = 9, window = 60, min_requests = 2 }",
            "belongs to adaptive",
        ),
        (
            "limit = { algorithm = 'sliding_window', requests = 9, window = 60, burst = 2 }",
            "belongs to token_bucket",
        ),
        (
            "limit = { algorithm = 'adaptive', requests = 9, window = 60, min_requests = 10 }",
            "limit.min_requests",
        ),
        (
            "limit = { algorithm = 'adaptive', requests = 9, window = 60, cpu_threshold = 1.5 }",
            "above 0, and 1 at the most",
        ),
        (
            "limit = { algorithm = 'adaptive', requests = 9, window = 60, store = 'redis' }\nstore.redis.url = 'redis://a'",
            "pressure is one host's",
        ),
        (
            "limit = { algorithm = 'concurrency' }",
            "limit.max_in_flight: is missing",
        ),
        (
            "limit = { requests = 9, window = 60, cost = 10 }",
            "never passes",
        ),
        (
            "limit = { requests = 9, window = 60, key = 'ip' }",
            "limit.key",
        ),
        (
            "limit = { requests = 9, window = 60, key = [] }",
            "names nobody",
        ),
        (
            "limit = { requests = 9, window = 60, methods = ['post'] }",
            "limit.methods",
        ),
        (
            "limit = { requests = 9, window = 60, paths = ['login'] }",
            "limit.paths",
        ),
        (
            "limit = { requests = 9, window = 60, store = 'redis' }",
            "[store.redis] does not say where",
        ),
        (
            "limit = { requests = 9, window = 60, nodes = 2 }",
            "is about a store",
        ),
        (
            "limit = { requests = 9, window = 60, name = 'a b' }",
            "is no name",
        ),
        (
            "[[limit]]\nrequests = 9\nwindow = 60\n[[limit]]\nrequests = 9\nwindow = 60",
            "there are several limits",
        ),
        (
            "limit = { rate = 9, window = 60 }",
            "did you mean requests?",
        ),
        ("rate_limit = 9", "[[limit]] requests = 100"),
        ("store.redis.timeout = 5", "store.redis.url: is missing"),
    ] {
        let text = format!("preset = 'none'\n{text}");
        let report = errors(&text).join("\n");
        assert!(report.contains(said), "{text}\n{report}");
    }
}

/// The limits that a GET of `path` falls under, and what they count of it.
fn applied(engine: &Engine, path: &str) -> Vec<String> {
    let fields = HeaderMap::new();
    let mut head = RequestHead::new(&Method::GET, path.as_bytes(), &fields);
    head.peer = "2001:db8::7".parse().ok();
    let mut told = Vec::new();
    engine.applied(&head, &mut |applied| {
        let by = applied.by.expect("readable");
        told.push(format!("{} {} {by:?}", applied.limit.name, applied.cost));
    });
    told
}

#[test]
fn the_limits_that_a_request_falls_under_are_shown_and_nothing_is_taken() {
    let client = Client::of(
        "[[limit]]\nname = 'all'\nrequests = 1\nwindow = 60\ncosts = [{ paths = ['/a'], cost = 0 }]\n\
         [[limit]]\nname = 'routes'\nrequests = 1\nwindow = 60\nkey = ['route', 'everybody']\npaths = ['/a']\n\
         [[limit]]\nname = 'posts'\nrequests = 1\nwindow = 60\nmethods = ['POST']\n\
         [[limit]]\nname = 'keys'\nrequests = 1\nwindow = 60\nkey = { header = 'x-api-key' }\nexempt_paths = ['/a']",
    );
    for _ in 0..3 {
        let by_client = "[Client(Some(2001:db8::/64))]";
        let all = format!("all 0 {by_client}");
        let routes = "routes 1 [Route(\"/a\"), Everybody]".to_owned();
        assert_eq!(applied(&client.engine, "/a/b"), [all, routes]);
        // a field that is not there is the client
        let told = [format!("all 1 {by_client}"), format!("keys 1 {by_client}")];
        assert_eq!(applied(&client.engine, "/b"), told);
    }
    assert_eq!(client.passing(3, "/b"), 1);
}

#[test]
fn the_limits_alone_count_the_same_and_no_other_check_is_left() {
    let text = "preset = 'strict'\nhttps = 'redirect'\nhosts.allowed = ['a.example']\ntrusted_proxies = ['10.0.0.0/8']\n\
                resource_isolation = true\nmax_field_size = { other = 300 }\n\
                [limit]\nrequests = 2\nwindow = 60\nkey = 'route'\n[[route]]\npath = '/a'";
    let config = Config::parse(text).expect("right");
    let policy = config.limits_alone().expect("right");
    let engine = Engine::new(policy, mantlet_engine::OsEntropy);
    assert!(engine.trusts_anybody() && !engine.lists_hosts());
    assert_eq!(applied(&engine, "/a/b"), ["default 1 [Route(\"/a\")]"]);
    let checks = engine.checks(b"/a");
    assert!(checks.cross_origin.is_none() && checks.isolation.is_empty());
}
