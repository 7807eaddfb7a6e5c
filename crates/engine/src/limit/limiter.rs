//! One limit and its counts, and the question that is asked of all of them.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use mantlet_limit::{
    Admission, Concurrency, DenyMemo, Local, Outcome, Pressure, Quota, Ratio, Reading, RemoteKey,
    Secret, Take, Ticket,
};
use smallvec::SmallVec;

use super::key::{CountedBy, Parts, Source};
use super::state::{LimitState, Stats};
use super::tally::{Entry, Tally};
use crate::entropy::Entropy;
use crate::head::{Now, RequestHead};
use crate::policy::{Counted, Counting, KeyPart, Limit, LimitFields, OnError, Policy, Selection};
use crate::reason::{
    ENTROPY, LIMIT_EXCEEDED, LIMIT_OVERSIZED, LIMIT_SHED, LIMIT_UNAVAILABLE, Reason,
};
use crate::route::RoutePath;

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
struct Counts {
    table: Table,
    stats: Stats,
}

enum Table {
    Requests(Local),
    Adaptive(Local, Pressure),
    Concurrency(Concurrency),
    /// In front of a store, and in its place.
    Shared(DenyMemo, Local),
}

/// What is asked of the limits.
pub(crate) struct Asking<'r> {
    pub(crate) head: &'r RequestHead<'r>,
    pub(crate) client: Option<IpAddr>,
    /// In normal form, or nobody knows which it is.
    pub(crate) path: Option<&'r [u8]>,
    /// The route that claims it; empty for none.
    pub(crate) route: &'r str,
    /// The longest field that is read.
    pub(crate) longest: usize,
    pub(crate) entropy: &'r dyn Entropy,
    /// What becomes of a request above a limit that reports: `true` where it is denied all the same.
    pub(crate) enforces: &'r dyn Fn(&Limit) -> bool,
}

/// A limit that a request falls under: for whoever shows a policy, or tries one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied<'r> {
    /// Which of [`Engine::limits`](crate::Engine::limits).
    pub index: usize,
    /// The limit.
    pub limit: &'r Limit,
    /// What the request takes; 0 takes nothing and always passes.
    pub cost: u32,
    /// Who is counted, or why nobody can be.
    pub by: Result<&'r [CountedBy<'r>], &'static Reason>,
}

/// The answers so far, and what is left to ask of a store.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) tally: Tally,
    pub(crate) tickets: Vec<(usize, Ticket)>,
    /// What a limit that only reports would have said.
    pub(crate) reported: Option<&'static Reason>,
    /// Limits that a store has to be asked, each with its part of the batch.
    pub(crate) shared: Vec<Shared>,
    pub(crate) takes: Vec<Take>,
}

/// A limit in a store.
pub(crate) struct Shared {
    pub(crate) index: usize,
    parts: Parts,
    key: RemoteKey,
    cost: u32,
    /// Whether a request above it is denied.
    enforced: bool,
}

/// A request that a limit stops.
pub(crate) struct Stopped {
    pub(crate) reason: &'static Reason,
    /// The limits that stop it, and what they say.
    pub(crate) by: Vec<(usize, Option<Outcome>)>,
}

impl Stopped {
    fn of(reason: &'static Reason) -> Self {
        Self {
            reason,
            by: Vec::new(),
        }
    }
}

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

    /// Whether a request falls under it.
    fn holds(&self, asking: &Asking<'_>) -> bool {
        self.requests.holds(asking.head.method, asking.path)
            && !self.exempt.holds(asking.client, asking.path)
    }

    fn source<'r>(&'r self, asking: &Asking<'r>) -> Source<'r> {
        Source {
            client: asking.client,
            fields: asking.head.fields,
            longest: asking.longest,
            route: self.route(asking),
        }
    }

    fn cost(&self, asking: &Asking<'_>) -> u32 {
        if let Some(cost_of) = &self.cost_of {
            return (cost_of.0)(asking.head);
        }
        // a path that is not in normal form fits them all: it costs the most
        let fitting = self.costs.iter();
        let mut fitting = fitting.filter(|(own, _)| own.holds(asking.head.method, asking.path));
        let found = match asking.path {
            Some(_) => fitting.next().map(|(_, cost)| *cost),
            None => fitting
                .map(|(_, cost)| *cost)
                .max()
                .map(|most| most.max(self.cost)),
        };
        found.unwrap_or(self.cost)
    }

    /// The path that is counted by, of a limit by route: its own, else that of the policy's route.
    fn route<'r>(&'r self, asking: &Asking<'r>) -> &'r str {
        let own = |path| self.requests.paths.iter().find(|own| own.claims(path));
        let own = asking.path.and_then(own).map(RoutePath::as_str);
        own.unwrap_or(asking.route)
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

    fn secret(&self, entropy: &dyn Entropy) -> Result<Secret, Stopped> {
        if let Some(secret) = self.secret.get() {
            return Ok(*secret);
        }
        let mut bytes = [0; 16];
        entropy
            .fill(&mut bytes)
            .map_err(|_| Stopped::of(&ENTROPY))?;
        Ok(*self.secret.get_or_init(|| Secret::new(bytes)))
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

    /// Shows every limit that the request falls under; takes nothing.
    pub(crate) fn applied<'r>(&'r self, asking: &Asking<'r>, visit: &mut dyn FnMut(Applied<'_>)) {
        for (index, limit) in self.iter().enumerate() {
            if !limit.holds(asking) {
                continue;
            }
            let source = limit.source(asking);
            let parts = limit.key.iter().map(|part| CountedBy::new(part, &source));
            let by: Result<SmallVec<[CountedBy<'_>; 2]>, _> = parts.collect();
            visit(Applied {
                index,
                limit,
                cost: limit.cost(asking),
                by: by.as_deref().map_err(|reason| *reason),
            });
        }
    }

    /// Asks every limit that the request falls under. What it takes is given back if one of them stops it.
    pub(crate) fn ask(&self, asking: &Asking<'_>) -> Result<Asked, (Asked, Stopped)> {
        let mut asked = Asked::default();
        asked.tally.now = asking.head.now;
        match self.ask_each(asking, &mut asked) {
            Ok(()) => Ok(asked),
            Err(stopped) => {
                self.give_back(&mut asked, asking.head.now);
                Err((asked, stopped))
            }
        }
    }

    fn ask_each(&self, asking: &Asking<'_>, asked: &mut Asked) -> Result<(), Stopped> {
        let secret = self.secret(asking.entropy)?;
        for (index, limiter) in self.all.iter().enumerate() {
            let limit = &limiter.limit;
            if !limit.holds(asking) {
                continue;
            }
            let cost = limit.cost(asking);
            if cost == 0 {
                continue;
            }
            let counts = limiter.counts(secret);
            let now = asking.head.now.moment;
            let parts = || Parts::new(&limit.key, &limit.source(asking)).map_err(Stopped::of);
            let healthy = |health: &[RoutePath]| {
                let claims = |path| health.iter().any(|own| own.claims(path));
                asking.path.is_some_and(claims)
            };
            let (outcome, held) = match (&counts.table, &limit.counting) {
                (Table::Requests(local), _) => {
                    let key = parts()?.here(&secret);
                    (local.take(key, cost, now), Some((key, cost)))
                }
                (Table::Adaptive(local, pressure), Counting::Adaptive { health, .. }) => {
                    let key = parts()?.here(&secret);
                    let ratio = match healthy(health) {
                        true => Ratio::FULL,
                        false => pressure.ratio(now),
                    };
                    (local.take_within(key, cost, now, ratio), Some((key, cost)))
                }
                (Table::Concurrency(concurrency), Counting::Concurrency { health, .. }) => {
                    if healthy(health) {
                        continue;
                    }
                    match concurrency.enter(now) {
                        Some(ticket) => {
                            counts.stats.admitted.add();
                            asked.tickets.push((index, ticket));
                            continue;
                        }
                        None => (SHED, None),
                    }
                }
                (Table::Shared(memo, _), _) => {
                    let parts = parts()?;
                    let key = parts.shared();
                    match memo.denied(&key, cost, now) {
                        Some(outcome) => {
                            counts.stats.remembered.add();
                            (outcome, None)
                        }
                        None => {
                            let enforced = limit.enforces_all() || (asking.enforces)(limit);
                            asked.take(
                                limiter,
                                Shared {
                                    index,
                                    parts,
                                    key,
                                    cost,
                                    enforced,
                                },
                            );
                            continue;
                        }
                    }
                }
                // a table is made after its counting
                (Table::Adaptive(..) | Table::Concurrency(_), _) => continue,
            };
            let enforced =
                limit.enforces_all() || outcome.is_admitted() || (asking.enforces)(limit);
            self.settle(asked, index, outcome, held, enforced)?;
        }
        Ok(())
    }

    /// What the answer of one limit does to a request.
    fn settle(
        &self,
        asked: &mut Asked,
        index: usize,
        outcome: Outcome,
        held: Option<(mantlet_limit::Key, u32)>,
        enforced: bool,
    ) -> Result<(), Stopped> {
        let Some(counts) = self.all.get(index).and_then(|limiter| limiter.counts.get()) else {
            return Ok(());
        };
        let (reason, counter) = match outcome.admission {
            Admission::Admitted => {
                counts.stats.admitted.add();
                asked.tally.entries.push(Entry {
                    index,
                    outcome,
                    held,
                });
                return Ok(());
            }
            Admission::Exceeded => (&LIMIT_EXCEEDED, &counts.stats.exceeded),
            Admission::Oversized => (&LIMIT_OVERSIZED, &counts.stats.exceeded),
            Admission::Shed => (&LIMIT_SHED, &counts.stats.shed),
        };
        if !enforced {
            counts.stats.reported.add();
            asked.reported = asked.reported.or(Some(reason));
            return Ok(());
        }
        counter.add();
        let entry = Entry {
            index,
            outcome,
            held: None,
        };
        // of a limit under way there is nothing to tell
        if self.all[index].limit.quota().is_some() {
            asked.tally.entries.push(entry);
        }
        Err(Stopped {
            reason,
            by: vec![(index, Some(outcome))],
        })
    }

    /// The answers of the store, in the order of the batch.
    pub(crate) fn answered(&self, asked: &mut Asked, outcomes: &[Outcome]) -> Result<(), Stopped> {
        let now = asked.tally.now;
        let mut stopped: Option<Stopped> = None;
        for (shared, outcome) in std::mem::take(&mut asked.shared).iter().zip(outcomes) {
            let counts = self
                .all
                .get(shared.index)
                .and_then(|limiter| limiter.counts.get());
            if let Some(Table::Shared(memo, _)) = counts.map(|counts| &counts.table) {
                memo.note(&shared.key, shared.cost, outcome, now.moment);
            }
            let settled = self.settle(asked, shared.index, *outcome, None, shared.enforced);
            if let Err(more) = settled {
                match &mut stopped {
                    Some(stopped) => stopped.by.extend(more.by),
                    None => stopped = Some(more),
                }
            }
        }
        match stopped {
            Some(stopped) => {
                self.give_back(asked, now);
                Err(stopped)
            }
            None => Ok(()),
        }
    }

    /// The store does not answer.
    pub(crate) fn unanswered(&self, asked: &mut Asked) -> Result<(), Stopped> {
        let now = asked.tally.now;
        let result = self.unanswered_each(asked, now);
        if result.is_err() {
            self.give_back(asked, now);
        }
        result
    }

    fn unanswered_each(&self, asked: &mut Asked, now: Now) -> Result<(), Stopped> {
        for shared in std::mem::take(&mut asked.shared) {
            let Some(limiter) = self.all.get(shared.index) else {
                continue;
            };
            let (Some(counts), Some(secret)) = (limiter.counts.get(), self.secret.get()) else {
                continue;
            };
            let Counted::Shared { on_error, .. } = limiter.limit.counted else {
                continue;
            };
            match (on_error, &counts.table) {
                (OnError::Local, Table::Shared(_, fallback)) => {
                    counts.stats.fallback.add();
                    let key = shared.parts.here(secret);
                    let outcome = fallback.take(key, shared.cost, now.moment);
                    let held = Some((key, shared.cost));
                    self.settle(asked, shared.index, outcome, held, shared.enforced)?;
                }
                (OnError::Closed, _) if shared.enforced => {
                    counts.stats.unavailable.add();
                    return Err(Stopped {
                        reason: &LIMIT_UNAVAILABLE,
                        by: vec![(shared.index, None)],
                    });
                }
                _ => counts.stats.unavailable.add(),
            }
        }
        Ok(())
    }

    /// Gives back what a request took, for it goes no further.
    pub(crate) fn give_back(&self, asked: &mut Asked, now: Now) {
        for entry in &mut asked.tally.entries {
            let limiter = self.all.get(entry.index);
            let counts = limiter.and_then(|limiter| limiter.counts.get());
            let (Some((key, cost)), Some(counts)) = (entry.held.take(), counts) else {
                continue;
            };
            match &counts.table {
                Table::Requests(local) | Table::Adaptive(local, _) | Table::Shared(_, local) => {
                    local.give_back(key, cost, asked.tally.now.moment, now.moment);
                }
                Table::Concurrency(_) => {}
            }
        }
        for (index, ticket) in asked.tickets.drain(..) {
            self.leave(index, ticket, now, mantlet_limit::Left::Ignored);
        }
    }

    /// A request that was under way is not any more.
    pub(crate) fn leave(&self, index: usize, ticket: Ticket, now: Now, how: mantlet_limit::Left) {
        let counts = self.all.get(index).and_then(|limiter| limiter.counts.get());
        if let Some(Table::Concurrency(concurrency)) = counts.map(|counts| &counts.table) {
            concurrency.leave(ticket, now.moment, how);
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

/// A request that is not let in beside those under way.
const SHED: Outcome = Outcome {
    admission: Admission::Shed,
    remaining: 0,
    next: std::time::Duration::ZERO,
    reset: std::time::Duration::ZERO,
    retry_after: std::time::Duration::from_secs(1),
};

impl Asked {
    fn take(&mut self, limiter: &Limiter, shared: Shared) {
        if let Counting::Requests(rule) = limiter.limit.counting {
            self.takes.push(Take {
                limit: limiter.limit.name.clone(),
                rule,
                key: shared.key,
                cost: shared.cost,
                shadow: !shared.enforced,
            });
            self.shared.push(shared);
        }
    }
}

impl Limit {
    fn enforces_all(&self) -> bool {
        self.disposition == crate::policy::Disposition::Enforce
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

    fn counts(&self, secret: Secret) -> &Counts {
        self.counts.get_or_init(|| {
            let local = |rule| Local::new(rule, self.limit.max_keys, secret);
            let table = match (&self.limit.counting, self.limit.counted) {
                (Counting::Requests(rule), Counted::Here) => Table::Requests(local(*rule)),
                (Counting::Requests(rule), Counted::Shared { nodes, .. }) => {
                    Table::Shared(DenyMemo::new(secret), local(rule.share(nodes)))
                }
                (
                    Counting::Adaptive {
                        rule, thresholds, ..
                    },
                    _,
                ) => Table::Adaptive(local(*rule), Pressure::new(*thresholds)),
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
