//! What a request leaves behind in the limits: nothing of it stays where it did not get through, however it ended.

#![allow(clippy::expect_used)]

use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mantlet_engine::policy::{
    CostOf, Counted, Counting, Disposition, KeyPart, Limit, OnError, Policy, Rules, Scoped,
};
use mantlet_engine::{Engine, Now, OsEntropy, RequestHead, Single, Step, StoreDown, Verdict};
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

fn denial(step: Step) -> Option<(&'static str, Vec<String>, Option<u64>)> {
    match step.without_store().0 {
        Verdict::Deny(denial) => {
            let limited = denial.limited.as_ref();
            let by = limited.map_or_else(Vec::new, |it| {
                it.by.iter().map(ToString::to_string).collect()
            });
            Some((denial.reason, by, limited.and_then(|it| it.retry_after)))
        }
        _ => None,
    }
}

#[test]
fn a_client_above_two_limits_is_told_the_longer_wait() {
    let engine = engine([bucket("second", 1, 1), bucket("hour", 2, 3_600)]);
    assert_eq!(denial(asked(&engine, at(0))), None);
    assert_eq!(denial(asked(&engine, at(1_000))), None);
    let (reason, by, retry_after) = denial(asked(&engine, at(1_500))).expect("a denial");
    assert_eq!(
        (reason, by),
        (
            "limit.exceeded",
            vec!["second".to_owned(), "hour".to_owned()]
        )
    );
    let waits = retry_after.expect("a time");
    assert!((1_799..=2_160).contains(&waits), "{waits}");
    assert_eq!(denial(asked(&engine, at(1_500 + waits * 1_000))), None);
}

#[test]
fn a_limit_that_only_reports_lets_a_key_pass_that_it_cannot_read() {
    let mut watching = bucket("by-key", 1, 60);
    watching.key = vec![KeyPart::Field(BROKEN)];
    let mut enforced = watching.clone();
    watching.disposition = Disposition::Report { enforce_percent: 0 };
    let mut fields = HeaderMap::new();
    fields.append(BROKEN, HeaderValue::from_static("a"));
    fields.append(BROKEN, HeaderValue::from_static("b"));
    enforced.name = "enforced".into();
    let denied = denial(asked_with(&engine([enforced]), &fields, at(0)));
    assert_eq!(denied.map(|it| it.0), Some("limit.key-repeated"));
    let (verdict, _) = asked_with(&engine([watching]), &fields, at(0)).without_store();
    let Verdict::Allow(permit) = verdict else {
        unreachable!("it only reports");
    };
    let reported: Vec<_> = permit.reported().map(|reason| reason.code).collect();
    assert_eq!(reported, ["limit.key-repeated"]);
}

#[test]
fn a_cost_that_a_part_of_the_quota_cannot_pay_takes_all_of_that_part() {
    let mut limit = shared("per-client", 10);
    limit.cost = 5;
    limit.counted = Counted::Shared {
        on_error: OnError::Local,
        nodes: 4,
    };
    let engine = engine([limit]);
    let down = || match asked(&engine, at(0)) {
        Step::Waiting(waiting) => {
            let (verdict, exchange) = waiting.resume(Err(StoreDown::ABSENT));
            denial(Step::Decided(verdict, exchange))
        }
        decided @ Step::Decided(..) => denial(decided),
    };
    assert_eq!(down(), None);
    assert_eq!(down().map(|it| it.0), Some("limit.exceeded"));
}
