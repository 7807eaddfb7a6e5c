//! The question that is asked of all limits, and what becomes of their answers.

use std::net::IpAddr;
use std::sync::Arc;

use mantlet_limit::{Admission, Key, Outcome, Ratio, Secret, Take};

use super::key::{Parts, Source};
use super::limiter::{Limiter, Limiters, Table};
use super::tally::{Entry, Tally};
use super::under_way::Place;
use crate::entropy::Entropy;
use crate::head::{Now, RequestHead};
use crate::policy::{Counted, Counting, Disposition, Limit, OnError};
use crate::reason::{
    ENTROPY, LIMIT_EXCEEDED, LIMIT_OVERSIZED, LIMIT_SHED, LIMIT_UNAVAILABLE, Reason,
};
use crate::route::RoutePath;
use crate::step::Batch;

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

/// The answers so far, and what is left to ask of a store.
#[derive(Default)]
pub(crate) struct Asked {
    pub(crate) tally: Tally,
    /// Among the requests under way.
    pub(crate) places: Vec<Place>,
    /// What a limit that only reports would have said.
    pub(crate) reported: Option<&'static Reason>,
    /// Limits that a store has to be asked: those that can stop the request, then those that only report.
    pub(crate) shared: Vec<Shared>,
}

/// A limit in a store.
pub(crate) struct Shared {
    index: usize,
    parts: Parts,
    take: Take,
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
    /// Whether a request falls under it.
    pub(super) fn holds(&self, asking: &Asking<'_>) -> bool {
        self.requests.holds(asking.head.method, asking.path)
            && !self.exempt.holds(asking.client, asking.path)
    }

    /// What its key is taken from.
    pub(super) fn source<'r>(&'r self, asking: &Asking<'r>) -> Source<'r> {
        Source {
            client: asking.client,
            fields: asking.head.fields,
            longest: asking.longest,
            route: self.route(asking),
        }
    }

    /// Who is counted. Of requests under way it is everybody.
    fn parts(&self, asking: &Asking<'_>) -> Result<Parts, &'static Reason> {
        let key = match self.counting {
            Counting::Concurrency { .. } => &[],
            _ => &*self.key,
        };
        Parts::new(key, &self.source(asking))
    }

    pub(super) fn cost(&self, asking: &Asking<'_>) -> u32 {
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
    /// Asks every limit that the request falls under. What it takes is given back if one of them stops it.
    pub(crate) fn ask(&self, asking: &Asking<'_>) -> (Asked, Option<Stopped>) {
        let mut asked = Asked::default();
        asked.tally.now = asking.head.now;
        let stopped = self.ask_each(asking, &mut asked).err();
        if stopped.is_some() {
            self.give_back(&mut asked, asking.head.now);
        }
        (asked, stopped)
    }

    fn ask_each(&self, asking: &Asking<'_>, asked: &mut Asked) -> Result<(), Stopped> {
        let drawn = self.secret(asking.entropy);
        let secret = drawn.map_err(|_| Stopped::of(&ENTROPY))?;
        for (index, limiter) in self.enumerate() {
            let asked_one = self.ask_one(index, limiter, secret, asking, asked);
            asked_one.map_err(|mut stopped| {
                self.foresee(index + 1, secret, asking, asked, &mut stopped);
                stopped
            })?;
        }
        Ok(())
    }

    fn ask_one(
        &self,
        index: usize,
        limiter: &Limiter,
        secret: Secret,
        asking: &Asking<'_>,
        asked: &mut Asked,
    ) -> Result<(), Stopped> {
        let limit = &limiter.limit;
        if !limit.holds(asking) {
            return Ok(());
        }
        let cost = limit.cost(asking);
        if cost == 0 {
            return Ok(());
        }
        let counts = limiter.counts(secret);
        let now = asking.head.now.moment;
        let parts = match limit.parts(asking) {
            Ok(parts) => parts,
            Err(reason) if limit.enforces_all() || (asking.enforces)(limit) => {
                return Err(Stopped::of(reason));
            }
            Err(reason) => {
                counts.stats.reported.add();
                asked.reported = asked.reported.or(Some(reason));
                return Ok(());
            }
        };
        let healthy = |health: &Vec<RoutePath>| {
            let claims = |path| health.iter().any(|own| own.claims(path));
            asking.path.is_some_and(claims)
        };
        let (outcome, held) = match (&counts.table, &limit.counting) {
            (Table::Requests(local), _) => {
                let key = parts.here(&secret);
                (local.take(key, cost, now), Some((key, cost)))
            }
            (Table::Adaptive(local, pressure), Counting::Adaptive { health, .. }) => {
                let key = parts.here(&secret);
                let ratio = match healthy(health) {
                    true => Ratio::FULL,
                    false => pressure.ratio(now),
                };
                (local.take_within(key, cost, now, ratio), Some((key, cost)))
            }
            (Table::Concurrency(concurrency), Counting::Concurrency { health, .. }) => {
                if healthy(health) {
                    return Ok(());
                }
                match concurrency.enter(now) {
                    Some(ticket) => {
                        counts.stats.admitted.add();
                        let place = Place::new(Arc::clone(counts), ticket, asked.tally.now);
                        asked.places.push(place);
                        return Ok(());
                    }
                    None => (SHED, None),
                }
            }
            (Table::Shared(memo, _), Counting::Requests(rule)) => {
                let key = parts.shared();
                match memo.denied(&key, THE_ONE, cost, now) {
                    Some(outcome) => {
                        counts.stats.remembered.add();
                        (outcome, None)
                    }
                    None => {
                        let enforced = limit.enforces_all() || (asking.enforces)(limit);
                        let take = Take {
                            limit: limit.name.clone(),
                            rule: *rule,
                            key,
                            cost,
                        };
                        asked.shared.push(Shared {
                            index,
                            parts,
                            take,
                            enforced,
                        });
                        return Ok(());
                    }
                }
            }
            // a table is made after its counting
            (Table::Adaptive(..) | Table::Concurrency(_) | Table::Shared(..), _) => return Ok(()),
        };
        let enforced = limit.enforces_all() || outcome.is_admitted() || (asking.enforces)(limit);
        self.settle(asked, index, outcome, held, enforced)
    }

    /// Looks at the limits behind the one that stops a request: they take nothing, and the client is told of those that it is
    /// above too, or it would come back too early.
    fn foresee(
        &self,
        from: usize,
        secret: Secret,
        asking: &Asking<'_>,
        asked: &mut Asked,
        stopped: &mut Stopped,
    ) {
        let waits = stopped.reason == &LIMIT_EXCEEDED || stopped.reason == &LIMIT_SHED;
        for (index, limiter) in self.enumerate().skip(from).filter(|_| waits) {
            let limit = &limiter.limit;
            if !limit.enforces_all() || !limit.holds(asking) {
                continue;
            }
            let cost = limit.cost(asking);
            let Ok(parts) = limit.parts(asking) else {
                continue;
            };
            let now = asking.head.now.moment;
            let outcome = match &limiter.counts(secret).table {
                Table::Requests(local) | Table::Adaptive(local, _) => {
                    Some(local.ask(parts.here(&secret), cost, now))
                }
                Table::Shared(memo, _) => memo.denied(&parts.shared(), THE_ONE, cost, now),
                Table::Concurrency(_) => None,
            };
            let above = |outcome: &Outcome| outcome.admission == Admission::Exceeded;
            if let Some(outcome) = outcome.filter(above) {
                let held = None;
                asked.tally.entries.push(Entry {
                    index,
                    outcome,
                    held,
                });
                stopped.by.push((index, Some(outcome)));
            }
        }
    }

    /// What the answer of one limit does to a request.
    fn settle(
        &self,
        asked: &mut Asked,
        index: usize,
        outcome: Outcome,
        held: Option<(Key, u32)>,
        enforced: bool,
    ) -> Result<(), Stopped> {
        let Some(counts) = self.counted(index) else {
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
        if self
            .get(index)
            .is_some_and(|limiter| limiter.limit.quota().is_some())
        {
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
            let counts = self.counted(shared.index);
            if let Some(Table::Shared(memo, _)) = counts.map(|counts| &counts.table) {
                let Take { key, cost, .. } = &shared.take;
                memo.note(key, THE_ONE, *cost, outcome, now.moment);
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
            let Some(limiter) = self.get(shared.index) else {
                continue;
            };
            let (Some(counts), Some(secret)) = (self.counted(shared.index), self.known_secret())
            else {
                continue;
            };
            let Counted::Shared { on_error, .. } = limiter.limit.counted else {
                continue;
            };
            match (on_error, &counts.table) {
                (OnError::Local, Table::Shared(_, fallback)) => {
                    counts.stats.fallback.add();
                    let key = shared.parts.here(secret);
                    let Take { rule, cost, .. } = shared.take;
                    // what the whole limit can pay is not too much for a part of it
                    let cost = match cost <= rule.quota().burst() {
                        true => cost.min(fallback.rule().quota().burst()),
                        false => cost,
                    };
                    let outcome = fallback.take(key, cost, now.moment);
                    let held = Some((key, cost));
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
            let counts = self.counted(entry.index);
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
        asked.places.clear();
    }
}

/// Each limit has a memo of its own.
const THE_ONE: u64 = 0;

/// A request that is not let in beside those under way.
const SHED: Outcome = Outcome {
    admission: Admission::Shed,
    remaining: 0,
    next: std::time::Duration::ZERO,
    reset: std::time::Duration::ZERO,
    retry_after: std::time::Duration::from_secs(1),
};

impl Asked {
    /// What a store has to be asked; `None` if nothing.
    pub(crate) fn batch(&mut self) -> Option<Batch> {
        if self.shared.is_empty() {
            return None;
        }
        self.shared.sort_by_key(|shared| !shared.enforced);
        let (stopping, watching) = self
            .shared
            .split_at(self.shared.partition_point(|shared| shared.enforced));
        let takes = |shared: &[Shared]| shared.iter().map(|own| own.take.clone()).collect();
        Some(Batch {
            takes: takes(stopping),
            shadows: takes(watching),
        })
    }
}

impl Limit {
    fn enforces_all(&self) -> bool {
        self.disposition == Disposition::Enforce
    }
}
