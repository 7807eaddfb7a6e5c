//! The limits of a policy and their counts.

use std::sync::{Arc, OnceLock};

use mantlet_limit::{Concurrency, DenyMemo, Local, Pressure, Quota, Reading, Secret};

use super::state::{LimitState, Stats};
use super::tally::Tally;
use crate::entropy::{Entropy, EntropyError};
use crate::head::Now;
use crate::policy::{Counted, Counting, KeyPart, Limit, LimitFields, Policy, Selection};

/// Every limit of a policy.
pub(crate) struct Limiters {
    all: Vec<Limiter>,
    version: LimitFields,
    /// Drawn at the first use.
    secret: OnceLock<Secret>,
}

/// A limit and its counts.
pub(crate) struct Limiter {
    pub(crate) limit: Limit,
    /// Made at the first use, so that a policy that is only checked takes no memory; a reload hands them on.
    counts: OnceLock<Arc<Counts>>,
}

/// What a limit has counted.
pub(super) struct Counts {
    pub(super) table: Table,
    pub(super) stats: Stats,
}

pub(super) enum Table {
    Requests(Local),
    Adaptive(Local, Box<Pressure>),
    Concurrency(Concurrency),
    /// In front of a store, and in its place.
    Shared(DenyMemo, Local),
}

/// Denials of a store that are remembered, at 100 bytes each.
const DENIALS: usize = 8_192;

impl Limit {
    /// The quota, of a limit that has one.
    pub(crate) fn quota(&self) -> Option<&Quota> {
        match &self.counting {
            Counting::Requests(rule) | Counting::Adaptive { rule, .. } => Some(rule.quota()),
            Counting::Concurrency { .. } => None,
        }
    }

    /// Whether the path decides anything.
    pub(crate) fn reads_path(&self) -> bool {
        let health = match &self.counting {
            Counting::Requests(_) => false,
            Counting::Adaptive { health, .. } | Counting::Concurrency { health, .. } => {
                !health.is_empty()
            }
        };
        let selects = |own: &Selection| !own.paths.is_empty();
        health
            || self.cost_of.is_some()
            || selects(&self.requests)
            || self.costs.iter().any(|(own, _)| selects(own))
            || !self.exempt.paths.is_empty()
            || self.key.contains(&KeyPart::Route)
    }

    /// Whether the client's address is counted by.
    pub(crate) fn reads_client(&self) -> bool {
        let reads = |part: &KeyPart| matches!(part, KeyPart::Client(_) | KeyPart::Field(_));
        self.key.iter().any(reads)
    }
}

impl Limiters {
    pub(crate) fn new(policy: &mut Policy) -> Self {
        let limiter = |limit| Limiter {
            limit,
            counts: OnceLock::new(),
        };
        Self {
            all: policy.limits.drain(..).map(limiter).collect(),
            version: policy.limit_fields,
            secret: OnceLock::new(),
        }
    }

    /// With the counts of another policy, for limits of the same name that count the same.
    pub(crate) fn inherit(&self, other: &Self) {
        if let Some(secret) = other.secret.get() {
            // nothing has been counted yet, or nothing is handed on
            if self.secret.set(*secret).is_err() {
                return;
            }
        }
        for limiter in &self.all {
            let same = |old: &&Limiter| limiter.counts_as(old);
            if let Some(counts) = other.all.iter().find(same).and_then(|old| old.counts.get()) {
                let _ = limiter.counts.set(Arc::clone(counts));
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Limit> {
        self.all.iter().map(|limiter| &limiter.limit)
    }

    /// Whether a limit follows the pressure on this host.
    pub(crate) fn adapts(&self) -> bool {
        let adapts = |limit: &Limit| matches!(limit.counting, Counting::Adaptive { .. });
        self.iter().any(adapts)
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Limiter> {
        self.all.get(index)
    }

    pub(crate) fn version(&self) -> LimitFields {
        self.version
    }

    pub(crate) fn states(&self, now: Now) -> impl Iterator<Item = LimitState> {
        self.all.iter().map(move |limiter| limiter.state(now))
    }

    /// What keys are hashed with; drawn now, if nobody has asked before.
    pub(super) fn secret(&self, entropy: &dyn Entropy) -> Result<Secret, EntropyError> {
        if let Some(secret) = self.secret.get() {
            return Ok(*secret);
        }
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(*self.secret.get_or_init(|| Secret::new(bytes)))
    }

    /// The same, where somebody has asked.
    pub(super) fn known_secret(&self) -> Option<&Secret> {
        self.secret.get()
    }

    pub(super) fn enumerate(&self) -> impl Iterator<Item = (usize, &Limiter)> {
        self.all.iter().enumerate()
    }

    /// What a limit has counted, if anything.
    pub(super) fn counted(&self, index: usize) -> Option<&Counts> {
        self.all.get(index)?.counts.get().map(|counts| &**counts)
    }

    /// Whether a sensor should be read now.
    pub(crate) fn wants_reading(&self, now: Now) -> bool {
        // each is asked: each has its own time
        let wants = |limiter: &Limiter| {
            let pressure = limiter.pressure();
            pressure.is_some_and(|pressure| pressure.wants_reading(now.moment))
        };
        self.all.iter().filter(|limiter| wants(limiter)).count() > 0
    }

    pub(crate) fn read(&self, now: Now, reading: Reading) {
        for pressure in self.all.iter().filter_map(Limiter::pressure) {
            pressure.read(now.moment, reading);
        }
    }

    /// A request was answered: how long it took.
    pub(crate) fn sample(&self, tally: &Tally, now: Now) {
        for entry in &tally.entries {
            let limiter = self.all.get(entry.index);
            if let (Some(pressure), Some((key, _))) =
                (limiter.and_then(Limiter::pressure), entry.held)
            {
                let latency = now.moment.since(tally.now.moment);
                pressure.sample(key, latency, now.moment);
            }
        }
    }
}

impl Limiter {
    /// Whether the counts of `old` are this one's too.
    fn counts_as(&self, old: &Self) -> bool {
        let (own, old) = (&self.limit, &old.limit);
        let counting = match (&own.counting, &old.counting) {
            (Counting::Requests(a), Counting::Requests(b)) => a == b,
            (
                Counting::Adaptive {
                    rule: a,
                    thresholds: x,
                    ..
                },
                Counting::Adaptive {
                    rule: b,
                    thresholds: y,
                    ..
                },
            ) => a == b && x == y,
            (
                Counting::Concurrency { min: a, max: x, .. },
                Counting::Concurrency { min: b, max: y, .. },
            ) => a == b && x == y,
            _ => false,
        };
        counting
            && own.name == old.name
            && own.key == old.key
            && own.counted == old.counted
            && own.max_keys == old.max_keys
    }

    pub(super) fn counts(&self, secret: Secret) -> &Arc<Counts> {
        self.counts.get_or_init(|| {
            let local = |rule| Local::new(rule, self.limit.max_keys, secret);
            let table = match (&self.limit.counting, self.limit.counted) {
                (Counting::Requests(rule), Counted::Here) => Table::Requests(local(*rule)),
                (Counting::Requests(rule), Counted::Shared { nodes, .. }) => {
                    Table::Shared(DenyMemo::new(DENIALS, secret), local(rule.share(nodes)))
                }
                (
                    Counting::Adaptive {
                        rule, thresholds, ..
                    },
                    _,
                ) => Table::Adaptive(local(*rule), Box::new(Pressure::new(*thresholds))),
                (Counting::Concurrency { min, max, .. }, _) => {
                    Table::Concurrency(Concurrency::new(*min, *max))
                }
            };
            Arc::new(Counts {
                table,
                stats: Stats::default(),
            })
        })
    }

    fn pressure(&self) -> Option<&Pressure> {
        match &self.counts.get()?.table {
            Table::Adaptive(_, pressure) => Some(pressure),
            _ => None,
        }
    }

    fn state(&self, now: Now) -> LimitState {
        let mut state = LimitState {
            name: self.limit.name.to_string(),
            ..LimitState::default()
        };
        let Some(counts) = self.counts.get() else {
            return state;
        };
        let stats = &counts.stats;
        state.admitted = stats.admitted.get();
        state.exceeded = stats.exceeded.get();
        state.shed = stats.shed.get();
        state.reported = stats.reported.get();
        state.remembered = stats.remembered.get();
        state.fallback = stats.fallback.get();
        state.unavailable = stats.unavailable.get();
        match &counts.table {
            Table::Requests(local) | Table::Adaptive(local, _) | Table::Shared(_, local) => {
                state.evicted = local.evicted();
                state.capacity = local.capacity();
            }
            Table::Concurrency(concurrency) => {
                state.under_way = Some((concurrency.in_flight(), concurrency.limit()));
            }
        }
        if let Some(pressure) = self.pressure() {
            state.ratio = Some(pressure.ratio(now.moment).get());
            state.level = Some(pressure.level());
        }
        state
    }
}
