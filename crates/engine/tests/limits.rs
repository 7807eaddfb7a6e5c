//! What a request leaves behind in the limits: nothing of it stays where it did not get through, however it ended.

#![allow(clippy::expect_used)]

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mantlet_engine::policy::{CostOf, Counted, Counting, Limit, OnError, Policy, Rules, Scoped};
use mantlet_engine::{Engine, Now, OsEntropy, RequestHead, Single, Step};
use mantlet_limit::{Algorithm, Moment, Quota, Rule};

const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn engine(limits: impl IntoIterator<Item = Limit>) -> Engine {
    let mut policy = Policy::new(Scoped::any(Rules::default()));
    policy.limits = limits.into_iter().collect();
    Engine::new(policy, OsEntropy)
}

fn bucket(name: &str, requests: u32, seconds: u64) -> Limit {
    let quota = Quota::new(requests, Duration::from_secs(seconds)).expect("a quota");
    let rule = Rule::new(quota, Algorithm::TokenBucket).expect("a rule");
    Limit::new(name, Counting::Requests(rule))
}

fn shared(name: &str, requests: u32) -> Limit {
    let mut limit = bucket(name, requests, 60);
    limit.counted = Counted::Shared {
        on_error: OnError::Local,
        nodes: 1,
    };
    limit
}

fn one_at_once() -> Limit {
    let counting = Counting::Concurrency {
        min: 1,
        max: 1,
        health: Vec::new(),
    };
    Limit::new("upstream", counting)
}

fn at(millis: u64) -> Now {
    let moment = Moment::default().after(Duration::from_millis(millis));
    Now {
        moment,
        ..Now::default()
    }
}

fn asked_with(engine: &Engine, fields: &HeaderMap, now: Now) -> Step {
    let mut head = RequestHead::new(&Method::GET, b"/", fields);
    head.peer = Some(CLIENT);
    head.now = now;
    engine.on_request(&head)
}

fn asked(engine: &Engine, now: Now) -> Step {
    asked_with(engine, &HeaderMap::new(), now)
}

fn under_way(engine: &Engine) -> Option<(u32, u32)> {
    let mut states = engine.limit_states(at(0));
    states.find_map(|state| state.under_way)
}

#[test]
fn a_request_given_up_while_its_store_is_asked_is_not_under_way_any_more() {
    let engine = engine([one_at_once(), shared("per-client", 10)]);
    let waiting = asked(&engine, at(0));
    assert!(matches!(waiting, Step::Waiting(_)));
    assert_eq!(under_way(&engine), Some((1, 1)));
    drop(waiting);
    assert_eq!(under_way(&engine), Some((0, 1)));
}

#[test]
fn a_request_whose_cost_function_panics_is_not_under_way_any_more() {
    let mut broken = bucket("broken", 10, 60);
    broken.cost_of = Some(CostOf(Arc::new(|head| {
        let fine = matches!(head.fields.single(&BROKEN), Single::Missing);
        assert!(fine, "broken");
        1
    })));
    let engine = engine([one_at_once(), broken]);
    let mut fields = HeaderMap::new();
    fields.insert(BROKEN, HeaderValue::from_static("yes"));
    let call = || asked_with(&engine, &fields, at(0));
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err());
    assert_eq!(under_way(&engine), Some((0, 1)));
}

const BROKEN: HeaderName = HeaderName::from_static("x-broken");
