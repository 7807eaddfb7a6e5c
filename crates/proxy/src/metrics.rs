//! What the proxy counts, in the text format of OpenMetrics 1.0: `GET /metrics` of the admin listener.

use std::fmt;
use std::sync::Arc;

use mantlet_engine::{Engine, LimitState, Store, StoreState};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

/// The type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The text; empty if it cannot be written.
pub(crate) fn text(engine: &Engine, store: Option<&Arc<dyn Store>>) -> String {
    let seen = Seen {
        limits: engine.limit_states(mantlet_source::now()).collect(),
        store: store.map(|store| store.state()),
    };
    let mut registry = Registry::with_prefix("mantlet");
    registry.register_collector(Box::new(seen));
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => text,
        Err(_) => String::new(),
    }
}

/// What there is to tell at one moment.
#[derive(Debug)]
struct Seen {
    limits: Vec<LimitState>,
    store: Option<StoreState>,
}

/// One family of numbers that limits have.
type Family<T> = (&'static str, &'static str, fn(&LimitState) -> T);

const COUNTERS: [Family<u64>; 4] = [
    (
        "limit_remembered",
        "Denials that were known without asking the store",
        |limit| limit.remembered,
    ),
    (
        "limit_fallback",
        "Requests counted here because the store did not answer",
        |limit| limit.fallback,
    ),
    (
        "limit_unavailable",
        "Requests passed or denied uncounted because the store did not answer",
        |limit| limit.unavailable,
    ),
    (
        "limit_evicted_keys",
        "Keys forgotten before their time",
        |limit| limit.evicted,
    ),
];

const GAUGES: [Family<Option<f64>>; 4] = [
    ("limit_capacity_keys", "Keys there is room for", |limit| {
        Some(limit.capacity as f64)
    }),
    (
        "limit_ratio",
        "The part of the quota that pressure leaves",
        |limit| limit.ratio,
    ),
    ("limit_in_flight", "Requests under way", |limit| {
        limit.under_way.map(|(now, _)| f64::from(now))
    }),
    (
        "limit_in_flight_max",
        "Requests that may be under way",
        |limit| limit.under_way.map(|(_, most)| f64::from(most)),
    ),
];

impl Collector for Seen {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        self.limits(&mut encoder)?;
        match &self.store {
            Some(store) => encode_store(store, &mut encoder),
            None => Ok(()),
        }
    }
}

impl Seen {
    fn limits(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let counter = ConstCounter::new(0u64);
        let help = "Requests by what the limit said";
        let mut family =
            encoder.encode_descriptor("limit_requests", help, None, counter.metric_type())?;
        for limit in &self.limits {
            for (outcome, count) in [
                ("admitted", limit.admitted),
                ("exceeded", limit.exceeded),
                ("shed", limit.shed),
                ("reported", limit.reported),
            ] {
                let labels = [("limit", limit.name.as_str()), ("outcome", outcome)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        for (name, help, of) in COUNTERS {
            let mut family = encoder.encode_descriptor(name, help, None, counter.metric_type())?;
            for limit in &self.limits {
                let labels = [("limit", limit.name.as_str())];
                ConstCounter::new(of(limit)).encode(family.encode_family(&labels)?)?;
            }
        }
        let gauge = ConstGauge::new(0.0);
        for (name, help, of) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            for (limit, value) in self.limits.iter().filter_map(|own| Some((own, of(own)?))) {
                let labels = [("limit", limit.name.as_str())];
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "What the signals of pressure said last: parts of the CPU and memory, seconds of latency";
        let mut family =
            encoder.encode_descriptor("limit_pressure", help, None, gauge.metric_type())?;
        for limit in &self.limits {
            let Some(level) = limit.level else { continue };
            let latency = level.latency.map(|latency| latency.as_secs_f64());
            for (signal, value) in [
                ("cpu", level.cpu),
                ("memory", level.memory),
                ("latency", latency),
            ] {
                let Some(value) = value else { continue };
                let labels = [("limit", limit.name.as_str()), ("signal", signal)];
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

fn encode_store(store: &StoreState, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let trips = ConstCounter::new(store.trips);
    let help = "Trips to the store";
    trips.encode(encoder.encode_descriptor("store_trips", help, None, trips.metric_type())?)?;
    let given_up = ConstCounter::new(store.given_up);
    let help = "How often the store was given up for a while";
    let kind = given_up.metric_type();
    given_up.encode(encoder.encode_descriptor("store_given_up", help, None, kind)?)?;
    let asked = ConstGauge::new(i64::from(store.asked));
    let help = "Whether the store is asked at the moment";
    asked.encode(encoder.encode_descriptor("store_asked", help, None, asked.metric_type())?)?;
    let help = "Trips that failed or were not made";
    let mut family =
        encoder.encode_descriptor("store_failures", help, None, trips.metric_type())?;
    for (why, count) in &store.failures {
        ConstCounter::new(*count).encode(family.encode_family(&[("why", *why)])?)?;
    }
    let mut sum = 0;
    let help = "Trips by the seconds they took at the most";
    let mut family =
        encoder.encode_descriptor("store_trips_within", help, None, trips.metric_type())?;
    for (bound, count) in &store.latency {
        sum += count;
        let bound = bound.map_or("+Inf".to_owned(), |micros| {
            (micros as f64 / 1e6).to_string()
        });
        ConstCounter::new(sum).encode(family.encode_family(&[("le", bound.as_str())])?)?;
    }
    let seconds = ConstCounter::new(store.latency_sum as f64 / 1e6);
    let help = "The time of all trips, in seconds";
    seconds.encode(encoder.encode_descriptor("store_seconds", help, None, seconds.metric_type())?)
}

#[cfg(test)]
mod tests {
    use mantlet_engine::policy::{Counting, Limit, Policy, Rules, Scoped};
    use mantlet_engine::{OsEntropy, Replies, StoreDown, Trip};
    use mantlet_limit::{Algorithm, Quota, Rule};

    use super::*;

    struct Quiet;

    impl Store for Quiet {
        fn run(&self, _: &mantlet_engine::Batch) -> Trip {
            Box::pin(async { Err::<Replies, _>(StoreDown::ABSENT) })
        }

        fn state(&self) -> StoreState {
            let mut state = StoreState::default();
            state.trips = 3;
            state.failures = vec![("timeout", 2)];
            state.latency = vec![(Some(100), 1), (None, 2)];
            state.latency_sum = 1_500_000;
            state
        }
    }

    #[test]
    fn limits_and_the_store_are_told_in_the_text_format() {
        let quota = Quota::new(9, std::time::Duration::from_secs(60)).expect("a quota");
        let rule = Rule::new(quota, Algorithm::TokenBucket).expect("a rule");
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        policy.limits = vec![Limit::new("per-client", Counting::Requests(rule))];
        let engine = Engine::new(policy, OsEntropy);
        let store: Arc<dyn Store> = Arc::new(Quiet);
        let text = text(&engine, Some(&store));
        for line in [
            "mantlet_limit_requests_total{limit=\"per-client\",outcome=\"exceeded\"} 0",
            "mantlet_limit_evicted_keys_total{limit=\"per-client\"} 0",
            "mantlet_store_trips_total 3",
            "mantlet_store_failures_total{why=\"timeout\"} 2",
            "mantlet_store_trips_within_total{le=\"0.0001\"} 1",
            "mantlet_store_trips_within_total{le=\"+Inf\"} 3",
            "mantlet_store_seconds_total 1.5",
            "# EOF",
        ] {
            assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        }
    }
}
