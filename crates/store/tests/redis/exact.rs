//! The script beside the model, on a clock of the test's own.

use std::time::Duration;

use mantlet_limit::{Algorithm, Mode, Quota, RemoteKey, Rule, Take};
use mantlet_store::redis::{Count, Script, Trip};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::model::{Model, Way};
use crate::server::{Server, cases as cases_of};

/// The server, and the scripts with the time as the last two arguments. Keys are kept for as long as the test runs, which is not as
/// long as the time that it tells.
struct Timed {
    connection: redis::Connection,
    take: String,
    give_back: String,
    /// Whether each request asks another limit too, one that never denies.
    beside: bool,
}

/// What a limit told: whether, what is left, and the times until more, all, and the same.
#[derive(Debug, Clone, Copy)]
struct Told {
    admitted: bool,
    left: u64,
    next: u64,
    reset: u64,
    retry: u64,
}

impl Timed {
    fn new(server: &Server, lives: &str) -> Self {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_connection().unwrap();
        let mut load = |script: &Script| {
            let lines = script.source().lines().map(|line| {
                let line = line.replace("call('TIME')", "{ARGV[#ARGV - 1], ARGV[#ARGV]}");
                match line.split_once("'PX', ") {
                    Some((head, time)) => format!("{head}'PX', {lives} * ({time})"),
                    None => line,
                }
            });
            let source = lines.collect::<Vec<_>>().join("\n");
            assert!(source.contains("ARGV[#ARGV]") && source.contains(lives));
            let load = redis::cmd("SCRIPT")
                .arg("LOAD")
                .arg(source)
                .query(&mut connection);
            load.unwrap()
        };
        let (take, give_back) = (load(Script::take()), load(Script::give_back()));
        Self {
            connection,
            take,
            give_back,
            beside: false,
        }
    }

    fn run(&mut self, sha: &str, trip: &Trip, now: u64) -> Told {
        let mut command = redis::cmd("EVALSHA");
        command.arg(sha);
        for word in &trip.words(false)[2..] {
            command.arg(word);
        }
        command.arg(now / 1_000_000).arg(now % 1_000_000);
        let numbers: Vec<u64> = command.query(&mut self.connection).unwrap();
        let [admitted, left, next, reset, retry, ref beside @ ..] = numbers[..] else {
            panic!("{numbers:?}")
        };
        assert_eq!(beside.len(), if self.beside { 5 } else { 0 });
        Told {
            admitted: admitted == 1,
            left,
            next,
            reset,
            retry,
        }
    }

    fn take(&mut self, take: &Take, now: u64, cost: u64) -> Told {
        let trip = Trip::take("test", &self.takes(take, cost)).unwrap();
        self.run(&self.take.clone(), &trip, now)
    }

    fn give_back(&mut self, take: &Take, now: u64, cost: u64) -> Told {
        let trip = Trip::give_back("test", &self.takes(take, cost)).unwrap();
        self.run(&self.give_back.clone(), &trip, now)
    }

    /// The milliseconds that the key of `take` was given to live, by [`STRETCHED`].
    fn lives(&mut self, take: &Take) -> u64 {
        let trip = Trip::take("test", std::slice::from_ref(take)).unwrap();
        let key = trip.keys().next().unwrap().to_owned();
        let left = redis::cmd("PTTL")
            .arg(key)
            .query::<u64>(&mut self.connection);
        left.unwrap().div_ceil(1_000_000)
    }

    fn takes(&self, take: &Take, cost: u64) -> Vec<Take> {
        let cost = u32::try_from(cost).unwrap();
        let mut takes = vec![Take {
            cost,
            ..take.clone()
        }];
        if self.beside {
            let rule = crate::server::bucket(u32::MAX, 1);
            takes.push(crate::server::take("ample", rule, "anybody", 1));
        }
        takes
    }
}

/// Times to live: a million of milliseconds for each, which no run takes; or an hour for all.
const STRETCHED: &str = "1000000";
const HOUR: &str = "3600000 + 0";

#[derive(Debug, Clone)]
enum Step {
    Take {
        after: u64,
        cost: u64,
    },
    GiveBack {
        after: u64,
        cost: u64,
    },
    /// Waits for one of the told times, and a microsecond less before it.
    Await(Awaited),
}

#[derive(Debug, Clone, Copy)]
enum Awaited {
    Next,
    Reset,
    Retry,
}

fn way() -> impl Strategy<Value = Way> {
    // windows up to 10 seconds: there the script interpolates by the microsecond, as the model does
    let window = prop_oneof![1_000_u64..20_000, 1_000_u64..10_000_000, Just(1_000_000)];
    let small = (1_u64..=64, window.clone());
    let large = (65_u64..1_000, window.clone());
    let any = (1_u64..1_000, window.clone());
    prop_oneof![
        (any.clone(), 1_u64..1_000).prop_map(|((requests, window), burst)| Way::Bucket {
            requests,
            window,
            burst
        }),
        small.prop_map(|(requests, window)| Way::Log { requests, window }),
        large.prop_map(|(requests, window)| Way::Strict { requests, window }),
        any.prop_map(|(requests, window)| Way::Interpolated { requests, window }),
    ]
}

/// A part of the window or of the quota: a share in thousandths.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = prop_oneof![Just(0_u64), 0_u64..100, 0_u64..2_500];
    let cost = prop_oneof![Just(0_u64), Just(1), 0_u64..400, 900_u64..1_100];
    let step = prop_oneof![
        6 => (after.clone(), cost.clone()).prop_map(|(after, cost)| Step::Take { after, cost }),
        1 => (after, cost).prop_map(|(after, cost)| Step::GiveBack { after, cost }),
        1 => Just(Step::Await(Awaited::Next)),
        1 => Just(Step::Await(Awaited::Reset)),
        1 => Just(Step::Await(Awaited::Retry)),
    ];
    proptest::collection::vec(step, 1..60)
}

fn rule(way: Way) -> Rule {
    let quota = |requests: u64, window: u64| {
        Quota::new(
            u32::try_from(requests).unwrap(),
            Duration::from_micros(window),
        )
        .unwrap()
    };
    let (quota, algorithm) = match way {
        Way::Bucket {
            requests,
            window,
            burst,
        } => (
            quota(requests, window)
                .burst_of(u32::try_from(burst).unwrap())
                .unwrap(),
            Algorithm::TokenBucket,
        ),
        Way::Log { requests, window } | Way::Strict { requests, window } => (
            quota(requests, window),
            Algorithm::SlidingWindow(Mode::Strict),
        ),
        Way::Interpolated { requests, window } => (
            quota(requests, window),
            Algorithm::SlidingWindow(Mode::Interpolated),
        ),
    };
    Rule::new(quota, algorithm).unwrap()
}

fn window_of(way: Way) -> u64 {
    match way {
        Way::Bucket { window, .. }
        | Way::Log { window, .. }
        | Way::Strict { window, .. }
        | Way::Interpolated { window, .. } => window,
    }
}

/// A key that no case before has used.
fn fresh(case: u64, rule: Rule) -> Take {
    Take {
        limit: "exact".into(),
        rule,
        key: RemoteKey::new(&[&case.to_le_bytes()]),
        cost: 0,
    }
}

#[test]
fn the_script_is_the_model() {
    let server = Server::start(&[]);
    let timed = std::cell::RefCell::new(Timed::new(&server, STRETCHED));
    let cases = std::cell::Cell::new(0_u64);
    let mut runner = TestRunner::new(cases_of(500));
    let inputs = (way(), steps(), 0_u64..1_000_000_000, any::<bool>());
    let run = runner.run(&inputs, |(way, steps, start, beside)| {
        let mut timed = timed.borrow_mut();
        timed.beside = beside;
        cases.set(cases.get() + 1);
        let limit = fresh(cases.get(), rule(way));
        let mut model = Model::new(way);
        let mut now = 1_760_000_000_000_000 + start;
        let mut asked = 1;
        let mut told = timed.take(&limit, now, 0);
        for step in steps {
            match step {
                Step::Take { after, cost } => {
                    now += window_of(way) * after / 1_000;
                    asked = (way.all() * cost / 1_000).max(cost.min(1));
                    told = timed.take(&limit, now, asked);
                    let (admitted, left) = model.take(now, asked);
                    prop_assert_eq!((told.admitted, told.left), (admitted, left));
                    if admitted && asked > 0 {
                        // as long as it says anything, and a millisecond
                        prop_assert_eq!(timed.lives(&limit), told.reset.div_ceil(1_000) + 1);
                    }
                }
                Step::GiveBack { after, cost } => {
                    now += window_of(way) * after / 1_000;
                    let cost = way.all() * cost / 1_000;
                    told = timed.give_back(&limit, now, cost);
                    model.give_back(now, cost);
                    let (_, left) = model.take(now, 0);
                    prop_assert_eq!((told.admitted, told.left), (true, left));
                    if left < way.all() {
                        prop_assert!(timed.lives(&limit) > told.reset.div_ceil(1_000));
                    }
                }
                Step::Await(Awaited::Next) if told.left < way.all() => {
                    prop_assert!(told.next > 0);
                    prop_assert_eq!(timed.take(&limit, now + told.next - 1, 0).left, told.left);
                    now += told.next;
                    let before = told.left;
                    told = timed.take(&limit, now, 0);
                    prop_assert!(told.left > before);
                }
                Step::Await(Awaited::Reset) if told.left < way.all() => {
                    prop_assert!(timed.take(&limit, now + told.reset - 1, 0).left < way.all());
                    now += told.reset;
                    told = timed.take(&limit, now, 0);
                    prop_assert_eq!((told.left, told.next, told.reset), (way.all(), 0, 0));
                }
                Step::Await(Awaited::Retry) if !told.admitted && asked <= way.all() => {
                    prop_assert!(told.retry > 0);
                    prop_assert!(!timed.take(&limit, now + told.retry - 1, asked).admitted);
                    now += told.retry;
                    told = timed.take(&limit, now, asked);
                    prop_assert!(told.admitted);
                    let (admitted, left) = model.take(now, asked);
                    prop_assert_eq!((told.admitted, told.left), (admitted, left));
                }
                Step::Await(_) => {}
            }
            prop_assert_eq!(model.take(now, 0).1, told.left);
        }
        Ok(())
    });
    run.unwrap();
}

/// Any rule whatever, also those that are scaled: the bound of its algorithm holds.
#[test]
fn no_rule_admits_above_its_bound() {
    let server = Server::start(&[]);
    let timed = std::cell::RefCell::new(Timed::new(&server, HOUR));
    let cases = std::cell::Cell::new(1_u64 << 32);
    let mut runner = TestRunner::new(cases_of(200));
    let number = || prop_oneof![1_u32..100, 1_u32.., Just(u32::MAX)];
    let nanos = prop_oneof![
        1_000_000_u64..5_000_000,
        1_000_000_u64..366 * 86_400 * 1_000_000_000,
        Just(366 * 86_400 * 1_000_000_000)
    ];
    let kind = 0..3;
    let asks = proptest::collection::vec((0_u64..1_500, 0_u64..1_300), 1..40);
    let run = runner.run(&(number(), nanos, number(), kind, asks), |input| {
        let (requests, nanos, burst, kind, asks) = input;
        let mut timed = timed.borrow_mut();
        let mut quota = Quota::new(requests, Duration::from_nanos(nanos)).unwrap();
        let algorithm = match kind {
            0 => Algorithm::TokenBucket,
            1 => Algorithm::SlidingWindow(Mode::Strict),
            _ => Algorithm::SlidingWindow(Mode::Interpolated),
        };
        if kind == 0 {
            let Ok(with_burst) = quota.burst_of(burst) else {
                return Ok(());
            };
            quota = with_burst;
        }
        let rule = Rule::new(quota, algorithm).unwrap();
        if Count::new(&rule).is_err() {
            return Ok(());
        }
        cases.set(cases.get() + 1);
        let limit = fresh(cases.get(), rule);
        let all = u64::from(quota.burst());
        // a bucket refills in its own time, which may be far from its window
        let scale = match kind {
            0 => u128::from(nanos) * u128::from(all) / u128::from(requests),
            _ => u128::from(nanos),
        };
        let mut now = 1_760_000_000_000_000_u64;
        let mut admitted = Vec::<(u64, u64)>::new();
        for (after, cost) in asks {
            now += u64::try_from(scale * u128::from(after) / 1_000 / 1_000).unwrap();
            let cost = (u128::from(all) * u128::from(cost) / 1_000).clamp(1, u128::from(u32::MAX));
            let cost = u64::try_from(cost).unwrap();
            if !timed.take(&limit, now, cost).admitted {
                continue;
            }
            admitted.push((now, cost));
            let mut sum = 0_u128;
            for (at, cost) in admitted.iter().rev() {
                sum += u128::from(*cost);
                let between = u128::from(now - at) * 1_000;
                match kind {
                    0 => {
                        let refilled = between * u128::from(requests);
                        prop_assert!(
                            (sum - u128::from(all).min(sum)) * u128::from(nanos) <= refilled
                        );
                    }
                    1 if between < u128::from(nanos) => prop_assert!(sum <= u128::from(all)),
                    2 if between < u128::from(nanos) => {
                        prop_assert!(sum < 2 * u128::from(all))
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    });
    run.unwrap();
}

#[test]
fn a_clock_set_back_stands_still() {
    let server = Server::start(&[]);
    let mut timed = Timed::new(&server, HOUR);
    let hour = 3_600_000_000;
    let now = 1_760_000_000_000_000;
    let each = crate::server::each_way();
    for (case, rule) in each.into_iter().chain(each).enumerate() {
        timed.beside = case >= each.len();
        let limit = fresh(case as u64, rule);
        let all = u64::from(rule.quota().burst());
        assert_eq!(timed.take(&limit, now, all - 1).left, 1);
        let told = timed.take(&limit, now - hour, 1);
        assert!(told.admitted, "{rule:?}");
        // what was taken now counts as taken with the last, and lives as long
        assert!(told.reset > hour + hour / 2, "{rule:?} {told:?}");
        let told = timed.take(&limit, now - hour, 1);
        assert!(!told.admitted, "{rule:?}");
        assert!(told.retry > hour, "{rule:?} {told:?}");
        assert!(
            timed.take(&limit, now - hour + told.retry, 1).admitted,
            "{rule:?}"
        );
    }
}
