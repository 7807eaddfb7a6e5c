//! Each algorithm beside a model of it in exact fractions: every field of every answer, to the nanosecond.
//!
//! A model says one thing: whether so much more fits at a moment, if nothing else comes. From that follow all fields: what
//! remains fits and one more does not; a time is right if it fits then, and not a nanosecond before.
#![allow(clippy::unwrap_used)]

use std::ops::RangeInclusive;
use std::time::Duration;

use mantlet_limit::{
    Admission, Algorithm, Key, Local, Mode, Moment, Outcome, Quota, Ratio, Rule, Secret,
};
use num_rational::Ratio as Fraction;
use proptest::prelude::*;

type Exact = Fraction<i128>;

trait Model {
    /// The most that ever fits.
    fn most(&self) -> u32;
    fn fits(&self, at: u64, cost: u32) -> bool;
    fn add(&mut self, at: u64, cost: u32);
}

/// A bucket of water that runs out evenly.
struct Bucket {
    burst: u32,
    /// Requests a nanosecond.
    rate: Exact,
    at: u64,
    level: Exact,
}

impl Bucket {
    fn level(&self, at: u64) -> Exact {
        let drained = self.rate * Exact::from(i128::from(at - self.at));
        (self.level - drained).max(Exact::from(0))
    }
}

impl Model for Bucket {
    fn most(&self) -> u32 {
        self.burst
    }

    fn fits(&self, at: u64, cost: u32) -> bool {
        self.level(at) + Exact::from(i128::from(cost)) <= Exact::from(i128::from(self.burst))
    }

    fn add(&mut self, at: u64, cost: u32) {
        self.level = self.level(at) + Exact::from(i128::from(cost));
        self.at = at;
    }
}

/// Every request there ever was, and how much of each a window covers.
struct History {
    limit: u32,
    window: u64,
    cover: Cover,
    taken: Vec<(u64, u32)>,
}

#[derive(Clone, Copy, Debug)]
enum Cover {
    /// A request counts for the time of a window.
    Exact,
    /// It counts until the window has left the tenth that it was in.
    Parts,
    /// The tenth that the window is leaving counts as far as the window covers it.
    Interpolated,
}

impl History {
    fn used(&self, at: u64) -> Exact {
        let part = self.window / 10;
        let share = |then: u64| match self.cover {
            Cover::Exact => Exact::from(i128::from(then + self.window > at)),
            Cover::Parts => Exact::from(i128::from(then / part + 10 >= at / part)),
            Cover::Interpolated => {
                let end = i128::from((then / part + 11) * part);
                Exact::new(end - i128::from(at), i128::from(part))
                    .clamp(Exact::from(0), Exact::from(1))
            }
        };
        self.taken
            .iter()
            .map(|(then, cost)| share(*then) * Exact::from(i128::from(*cost)))
            .sum()
    }
}

impl Model for History {
    fn most(&self) -> u32 {
        self.limit
    }

    fn fits(&self, at: u64, cost: u32) -> bool {
        self.used(at) + Exact::from(i128::from(cost)) <= Exact::from(i128::from(self.limit))
    }

    fn add(&mut self, at: u64, cost: u32) {
        self.taken.push((at, cost));
    }
}

fn check(
    model: &mut impl Model,
    cost: u32,
    at: u64,
    outcome: &Outcome,
) -> Result<(), TestCaseError> {
    let expected = if cost > model.most() {
        Admission::Oversized
    } else if model.fits(at, cost) {
        Admission::Admitted
    } else {
        Admission::Exceeded
    };
    prop_assert_eq!(outcome.admission, expected, "{:?}", outcome);
    if expected == Admission::Admitted {
        model.add(at, cost);
    }
    let most = model.most();
    let remaining = outcome.remaining;
    prop_assert!(remaining == 0 || model.fits(at, remaining), "{:?}", outcome);
    prop_assert!(
        remaining == most || !model.fits(at, remaining + 1),
        "{:?}",
        outcome
    );
    let first = |delay: Duration, cost: u32| {
        let then = at + delay.as_nanos() as u64;
        model.fits(then, cost) && (delay.is_zero() || !model.fits(then - 1, cost))
    };
    prop_assert!(
        first(outcome.next, (remaining + 1).min(most)),
        "next of {:?}",
        outcome
    );
    prop_assert!(first(outcome.reset, most), "reset of {:?}", outcome);
    match expected {
        Admission::Exceeded => {
            prop_assert!(
                first(outcome.retry_after, cost),
                "retry_after of {:?}",
                outcome
            );
        }
        _ => prop_assert_eq!(outcome.retry_after, Duration::ZERO),
    }
    Ok(())
}

fn secret() -> Secret {
    Secret::new(*b"sixteen secrets!")
}

fn key() -> Key {
    secret().key(&[b"client"])
}

fn local(rule: Rule) -> Local {
    Local::new(rule, 100, secret())
}

fn moment(nanos: u64) -> Moment {
    Moment::from_nanos(nanos)
}

/// Steps of time and costs: bursts, pauses about as long as a window, and now and then the end of one to the nanosecond.
fn requests(window: u64, most: u32) -> impl Strategy<Value = Vec<(u64, u32)>> {
    let step = prop_oneof![
        3 => Just(0),
        3 => 0..window / 10,
        2 => 0..=window,
        1 => window - 1..=window + 1,
        1 => 0..window * 3,
    ];
    let cost = prop_oneof![6 => 0..=4_u32, 2 => 0..=most, 1 => most..=most.saturating_add(1)];
    prop::collection::vec((step, cost), 1..60)
}

/// A quota whose interval (and tenth of a window) is a whole number of nanoseconds, and requests.
fn cases(limits: RangeInclusive<u32>) -> impl Strategy<Value = (u32, u64, Vec<(u64, u32)>)> {
    (limits, 1_u64..3_000_000).prop_flat_map(|(limit, interval)| {
        let window = (u64::from(limit) * interval)
            .max(1_000_000)
            .next_multiple_of(10 * u64::from(limit));
        (Just(limit), Just(window), requests(window, limit))
    })
}

fn run(
    local: &Local,
    model: &mut impl Model,
    requests: &[(u64, u32)],
) -> Result<(), TestCaseError> {
    let mut at = 5_000_000_000;
    for (step, cost) in requests {
        at += step;
        let outcome = local.take(key(), *cost, moment(at));
        check(model, *cost, at, &outcome)?;
    }
    Ok(())
}

fn window_case(
    limit: u32,
    window: u64,
    mode: Mode,
    cover: Cover,
    requests: &[(u64, u32)],
) -> Result<(), TestCaseError> {
    let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
    let local = local(Rule::new(quota, Algorithm::SlidingWindow(mode)).unwrap());
    let mut model = History {
        limit,
        window,
        cover,
        taken: Vec::new(),
    };
    run(&local, &mut model, requests)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_token_bucket_is_a_bucket_that_drains_evenly(
        (limit, window, requests) in cases(1..=500),
        burst in 1..1000_u32,
    ) {
        let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap().burst_of(burst).unwrap();
        let local = local(Rule::new(quota, Algorithm::TokenBucket).unwrap());
        let mut model = Bucket {
            burst,
            rate: Exact::new(limit.into(), window.into()),
            at: 0,
            level: Exact::from(0),
        };
        run(&local, &mut model, &requests)?;
    }

    #[test]
    fn a_small_strict_window_is_exact((limit, window, requests) in cases(1..=64)) {
        window_case(limit, window, Mode::Strict, Cover::Exact, &requests)?;
    }

    #[test]
    fn a_strict_window_counts_whole_parts((limit, window, requests) in cases(65..=500)) {
        window_case(limit, window, Mode::Strict, Cover::Parts, &requests)?;
    }

    #[test]
    fn an_interpolated_window_counts_what_it_covers((limit, window, requests) in cases(1..=500)) {
        window_case(limit, window, Mode::Interpolated, Cover::Interpolated, &requests)?;
    }

    /// Whatever the numbers, and wherever the clock jumps, back too: no interval holds more than the burst and what has
    /// flowed back, and no window more than the quota.
    #[test]
    fn nothing_is_above_its_bound(
        limit in 1..300_u32,
        burst in 1..300_u32,
        window in 1_000_000..5_000_000_000_u64,
        steps in prop::collection::vec((-200..1000_i64, 1..10_u32), 1..150),
    ) {
        let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
        let bucket = local(Rule::new(quota.burst_of(burst).unwrap(), Algorithm::TokenBucket).unwrap());
        let strict = local(Rule::new(quota, Algorithm::SlidingWindow(Mode::Strict)).unwrap());
        let adaptive = local(Rule::new(quota, Algorithm::Adaptive { min_requests: 1 }).unwrap());
        let loose = local(Rule::new(quota, Algorithm::SlidingWindow(Mode::Interpolated)).unwrap());
        let mut taken: [Vec<(u64, u32)>; 4] = Default::default();
        let mut at = 10 * window;
        for (step, cost) in steps {
            at = at.saturating_add_signed(step * (window as i64 / 2000));
            for (which, limit) in [&bucket, &strict, &adaptive, &loose].into_iter().enumerate() {
                if limit.take(key(), cost, moment(at)).is_admitted() {
                    // a clock that went back stands still for a window, where it was when it last let the key through; a
                    // bucket holds its bound by the times it was told
                    let last = taken[which].last().map_or(0, |(last, _)| *last);
                    taken[which].push((if which == 0 { at } else { at.max(last) }, cost));
                }
            }
        }
        taken[0].sort_unstable();
        for (which, taken) in taken.iter().enumerate() {
            for (first, (from, _)) in taken.iter().enumerate() {
                let mut sum = 0_u32;
                for (to, cost) in &taken[first..] {
                    sum += cost;
                    let span = to - from;
                    match which {
                        0 => {
                            let back = Exact::new(i128::from(span) * i128::from(limit), window.into());
                            let bound = Exact::from(i128::from(burst)) + back;
                            prop_assert!(Exact::from(i128::from(sum)) <= bound, "{sum} in {span} ns");
                        }
                        _ if span >= window => {}
                        3 => prop_assert!(sum < 2 * limit, "{sum} in {span} ns"),
                        _ => prop_assert!(sum <= limit, "{sum} in {span} ns"),
                    }
                }
            }
        }
    }

    /// Long windows are counted in ticks: never above the quota, and nobody is denied who waited two ticks more.
    #[test]
    fn a_long_window_is_exact_to_two_ticks(
        limit in 1..=64_u32,
        days in 1..=366_u64,
        steps in prop::collection::vec(0..1000_u64, 1..200),
    ) {
        let window = days * 86_400_000_000_000;
        let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
        let local = local(Rule::new(quota, Algorithm::SlidingWindow(Mode::Strict)).unwrap());
        let tick = window.div_ceil(1 << 30);
        let mut taken = Vec::new();
        let mut at = 12_345;
        for step in steps {
            at += step * (window / 5000) + step;
            let within = |window: u64| taken.iter().filter(|then| *then + window > at).count() as u32;
            let outcome = local.take(key(), 1, moment(at));
            if outcome.is_admitted() {
                prop_assert!(within(window) < limit);
                taken.push(at);
            } else {
                prop_assert!(within(window + 2 * tick) >= limit);
                prop_assert!(local.take(key(), 0, moment(at)).retry_after.is_zero());
                at += outcome.retry_after.as_nanos() as u64;
                prop_assert!(local.take(key(), 1, moment(at)).is_admitted());
                taken.push(at);
            }
        }
    }

    /// Two histories: what a key got, and what it asked for.
    #[test]
    fn an_adaptive_limit_sheds_what_is_within_the_quota(
        (limit, window, requests) in cases(1..=300),
        min_requests in 1..300_u32,
        ratios in prop::collection::vec(0.001..=1.0_f64, 60),
    ) {
        let min_requests = min_requests.min(limit);
        let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
        let local = local(Rule::new(quota, Algorithm::Adaptive { min_requests }).unwrap());
        let history = || History { limit, window, cover: Cover::Parts, taken: Vec::new() };
        let (mut got, mut asked) = (history(), history());
        let mut at = 5_000_000_000;
        for ((step, cost), ratio) in requests.into_iter().zip(ratios) {
            at += step;
            let ratio = Ratio::new(ratio).unwrap();
            got.limit = ratio.of(limit).max(min_requests);
            let expected = if cost > limit {
                Admission::Oversized
            } else if got.fits(at, cost) || cost == 0 {
                Admission::Admitted
            } else if asked.fits(at, cost) {
                Admission::Shed
            } else {
                Admission::Exceeded
            };
            let outcome = local.take_within(key(), cost, moment(at), ratio);
            prop_assert_eq!(outcome.admission, expected);
            match expected {
                Admission::Admitted => {
                    got.add(at, cost);
                    asked.add(at, cost);
                }
                Admission::Shed => asked.add(at, cost),
                _ => {}
            }
            prop_assert!(outcome.remaining == 0 || got.fits(at, outcome.remaining));
            prop_assert!(outcome.remaining == got.limit || !got.fits(at, outcome.remaining + 1));
        }
    }

    /// A take that is undone at once was never there; undone later, it never makes room for more than if it had not been.
    #[test]
    fn what_is_given_back_was_never_taken(
        limit in 1..200_u32,
        window in 1_000_000..2_000_000_000_u64,
        steps in prop::collection::vec((0..400_u64, 1..8_u32, 0..4_u8), 1..100),
    ) {
        let quota = Quota::new(limit, Duration::from_nanos(window)).unwrap();
        let algorithms = [
            Algorithm::TokenBucket,
            Algorithm::SlidingWindow(Mode::Strict),
            Algorithm::SlidingWindow(Mode::Interpolated),
            Algorithm::Adaptive { min_requests: 1 },
        ];
        for algorithm in algorithms {
            let rule = Rule::new(quota, algorithm).unwrap();
            // `with` takes and undoes; `without` never took what is undone in the end
            let (with, without) = (local(rule), local(rule));
            let mut at = 10 * window;
            for (step, cost, what) in &steps {
                at += step * (window / 1000);
                let now = moment(at);
                if *what == 0 {
                    let before = with.take(key(), 0, now);
                    if with.take(key(), *cost, now).is_admitted() {
                        with.give_back(key(), *cost, now, now);
                    }
                    prop_assert_eq!(with.take(key(), 0, now), before, "{:?}", algorithm);
                    continue;
                }
                let undone = *what == 1 && with.take(key(), *cost, now).is_admitted();
                // others ask in between
                at += step * (window / 3000);
                let later = moment(at);
                if with.take(key(), 1, later).is_admitted() {
                    let both = without.take(key(), 1, later).is_admitted();
                    prop_assert!(both, "{:?}", algorithm);
                }
                if undone {
                    with.give_back(key(), *cost, now, later);
                }
                let (with, without) = (with.take(key(), 0, later), without.take(key(), 0, later));
                prop_assert!(with.remaining <= without.remaining, "{:?}", algorithm);
            }
        }
    }
}

/// The worst window of a quota of 100, by a client that knows the algorithm: the table in the documentation.
#[test]
fn the_worst_window_is_as_documented() {
    const SECOND: u64 = 1_000_000_000;
    let quota = Quota::new(100, Duration::from_secs(10)).unwrap();
    let worst = |mode| {
        let local = local(Rule::new(quota, Algorithm::SlidingWindow(mode)).unwrap());
        // all of it at the end of a part, and then whatever comes through, until a window later
        let burst = 1000 * SECOND - 1;
        assert!(local.take(key(), 100, moment(burst)).is_admitted());
        let asks = (1..10_000).map(|step| burst + step * SECOND / 1000);
        let later = asks.filter(|at| local.take(key(), 1, moment(*at)).is_admitted());
        100 + later.count()
    };
    assert_eq!(worst(Mode::Strict), 100);
    assert_eq!(worst(Mode::Interpolated), 199);
}
