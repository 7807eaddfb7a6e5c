//! The concurrency limit before a simulated upstream: some workers and a queue, asked for three times what they do.
#![allow(clippy::unwrap_used)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::thread;
use std::time::Duration;

use mantlet_limit::{Concurrency, Left, Moment, Ticket};

const SECOND: u64 = 1_000_000_000;
/// What a worker needs for a request, in nanoseconds.
const WORK: u64 = 20_000_000;

struct Upstream {
    limit: Concurrency,
    now: u64,
    /// What a worker needs for a request, in nanoseconds.
    work: u64,
    /// When each worker is free again.
    workers: BinaryHeap<Reverse<u64>>,
    under_way: VecDeque<(u64, Ticket)>,
}

#[derive(Default)]
struct Run {
    answers: u64,
    latencies: Vec<u64>,
    limits: Vec<f64>,
}

impl Run {
    fn cv(&self) -> f64 {
        let mean = self.limits.iter().sum::<f64>() / self.limits.len() as f64;
        let squares: f64 = self.limits.iter().map(|it| (it - mean).powi(2)).sum();
        (squares / self.limits.len() as f64).sqrt() / mean
    }

    fn p99(&mut self) -> Duration {
        self.latencies.sort_unstable();
        Duration::from_nanos(self.latencies[self.latencies.len() * 99 / 100])
    }
}

impl Upstream {
    fn new(workers: u64) -> Self {
        Self {
            limit: Concurrency::new(4, 1000),
            now: 0,
            work: WORK,
            workers: (0..workers).map(|_| Reverse(0)).collect(),
            under_way: VecDeque::new(),
        }
    }

    fn resize(&mut self, workers: usize) {
        while self.workers.len() > workers {
            self.workers.pop();
        }
        while self.workers.len() < workers {
            self.workers.push(Reverse(self.now));
        }
    }

    /// Three times as many requests as the workers do.
    fn run(&mut self, seconds: u64) -> Run {
        let mut run = Run::default();
        let end = self.now + seconds * SECOND;
        let gap = self.work / (3 * self.workers.len() as u64);
        let mut since_sample = 0;
        while self.now < end {
            self.now += gap;
            while let Some((done, _)) = self.under_way.front()
                && *done <= self.now
            {
                let (done, ticket) = self.under_way.pop_front().unwrap();
                self.limit
                    .leave(ticket, Moment::from_nanos(done), Left::Answered);
                run.answers += 1;
            }
            if let Some(ticket) = self.limit.enter(Moment::from_nanos(self.now)) {
                let Reverse(free) = self.workers.pop().unwrap();
                let done = free.max(self.now) + self.work;
                self.workers.push(Reverse(done));
                run.latencies.push(done - self.now);
                self.under_way.push_back((done, ticket));
            }
            since_sample += gap;
            if since_sample >= SECOND / 10 {
                since_sample = 0;
                run.limits.push(self.limit.limit().into());
            }
        }
        run
    }
}

/// Steps of the upstream, each for a minute, of which ten seconds are to settle.
#[test]
fn it_settles_on_what_the_upstream_bears() {
    let mut upstream = Upstream::new(32);
    for (workers, work) in [
        (32, WORK),
        (16, WORK),
        (32, WORK),
        (64, WORK),
        // not fewer workers, but slower ones
        (64, WORK * 2),
        (64, WORK),
    ] {
        upstream.resize(workers);
        upstream.work = work;
        upstream.run(10);
        let mut run = upstream.run(60);
        let possible = workers as u64 * 60 * SECOND / work;
        let goodput = run.answers as f64 / possible as f64;
        let (cv, p99) = (run.cv(), run.p99());
        let seen = format!("{workers} of {work}: goodput {goodput:.3}, cv {cv:.3}, p99 {p99:?}");
        assert!(goodput >= 0.95, "{seen}");
        assert!(cv < 0.1, "{seen}");
        assert!(p99.as_nanos() < u128::from(work) * 3, "{seen}");
    }
}

/// Ten minutes beyond its capacity, and the queue is no longer than after one.
#[test]
fn it_does_not_creep_up() {
    let mut upstream = Upstream::new(16);
    upstream.run(60);
    let after_a_minute = upstream.limit.limit();
    upstream.run(600);
    assert!(upstream.limit.limit() <= after_a_minute + 2);
}

fn at(millis: u64) -> Moment {
    Moment::from_nanos(millis * SECOND / 1000)
}

#[test]
fn nobody_enters_above_the_limit() {
    let limit = Concurrency::new(4, 10);
    assert_eq!(limit.limit(), 10);
    let mut tickets: Vec<_> = (0..10).map(|_| limit.enter(at(0)).unwrap()).collect();
    assert!(limit.enter(at(0)).is_none());
    assert_eq!(limit.in_flight(), 10);
    limit.leave(tickets.pop().unwrap(), at(1), Left::Ignored);
    assert_eq!(limit.in_flight(), 9);
    assert!(limit.enter(at(1)).is_some());
    assert!(limit.enter(at(1)).is_none());
}

#[test]
fn threads_never_enter_above_the_limit() {
    let limit = Concurrency::new(4, 7);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5_000 {
                    let tickets: Vec<_> = (0..3).filter_map(|_| limit.enter(at(0))).collect();
                    assert!(limit.in_flight() <= 7);
                    for ticket in tickets {
                        limit.leave(ticket, at(0), Left::Ignored);
                    }
                }
            });
        }
    });
    assert_eq!(limit.in_flight(), 0);
}

#[test]
fn requests_of_one_spell_cut_once() {
    let limit = Concurrency::new(4, 1000);
    let spell: Vec<_> = (0..20).map(|_| limit.enter(at(0)).unwrap()).collect();
    for ticket in spell {
        limit.leave(ticket, at(1000), Left::Dropped);
    }
    assert_eq!(limit.limit(), 18);
    let next = limit.enter(at(1001)).unwrap();
    limit.leave(next, at(2000), Left::Dropped);
    assert_eq!(limit.limit(), 16);
}

#[test]
fn it_stays_between_its_bounds() {
    let limit = Concurrency::new(4, 50);
    for spell in 0..100 {
        let ticket = limit.enter(at(spell * 10)).unwrap();
        limit.leave(ticket, at(spell * 10 + 5), Left::Dropped);
    }
    assert_eq!(limit.limit(), 4);
    // always full, always fast
    for round in 0..1000 {
        let now = 2000 + round * 50;
        let tickets: Vec<_> = std::iter::from_fn(|| limit.enter(at(now))).collect();
        for ticket in tickets {
            limit.leave(ticket, at(now + 50), Left::Answered);
        }
    }
    assert_eq!(limit.limit(), 50);
    let odd = Concurrency::new(0, 0);
    assert_eq!(odd.limit(), 1);
}

#[test]
fn what_is_ignored_and_what_is_quiet_teaches_nothing() {
    let quiet = Concurrency::new(4, 1000);
    let ignored = Concurrency::new(4, 1000);
    for round in 0..1000 {
        let now = round * 50;
        let few: Vec<_> = (0..5).map(|_| quiet.enter(at(now)).unwrap()).collect();
        for ticket in few {
            quiet.leave(ticket, at(now + 40), Left::Answered);
        }
        let all: Vec<_> = std::iter::from_fn(|| ignored.enter(at(now))).collect();
        for ticket in all {
            ignored.leave(ticket, at(now + 40), Left::Ignored);
        }
    }
    assert_eq!((quiet.limit(), ignored.limit()), (20, 20));
}
