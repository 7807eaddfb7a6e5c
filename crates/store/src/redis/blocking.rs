//! The client for hosts that block: no runtime, and no thread but for making a connection.
//!
//! **Fork**: what a process shares (connections, breaker) stands under its id. A child begins anew; it never reads or writes a
//! socket of its parent, whose answers would be mixed up, and never waits for a lock that a thread of its parent held.

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use mantlet_limit::{Moment, Outcome, Take};
use redis::ConnectionLike as _;

use super::config::{Config, ConfigError};
use super::connect::{Sentinels, Target, cluster_fault, fault};
use super::replies::Reply;
use super::spread;
use super::trip::Trip;
use crate::breaker::{Breaker, Permit};
use crate::error::StoreError;
use crate::stats::Stats;

/// Limits on Redis or Valkey, for hosts that block. Threads share one; each call borrows a connection of its own.
///
/// ```no_run
/// # fn example(takes: &[mantlet_limit::Take]) -> Result<(), Box<dyn std::error::Error>> {
/// use mantlet_store::redis::{BlockingRedis, Config};
///
/// let redis = BlockingRedis::connect(Config::from_url("redis://localhost")?).map_err(|faults| faults[0].clone())?;
/// let outcomes = redis.take(takes)?;
/// # Ok(())
/// # }
/// ```
pub struct BlockingRedis {
    dialler: Arc<Dialler>,
    stats: Arc<Stats>,
    started: Instant,
    process: ArcSwap<Process>,
}

/// What makes connections.
struct Dialler {
    config: Config,
    target: Target,
}

/// What the threads of one process share.
struct Process {
    id: u32,
    idle: Mutex<Vec<Line>>,
    breaker: Mutex<Breaker>,
}

/// A connection, and how long it waits for an answer as it is.
struct Line {
    wire: Wire,
    waits: Duration,
}

enum Wire {
    Server(Box<redis::Connection>),
    Cluster(Box<redis::cluster::ClusterConnection>),
}

impl BlockingRedis {
    /// A client of what `config` says. Nothing is connected before the first trip.
    ///
    /// # Errors
    /// Everything that is wrong with `config`, certificates too.
    pub fn connect(config: Config) -> Result<Self, Vec<ConfigError>> {
        let target = Target::new(&config)?;
        Ok(Self {
            process: ArcSwap::from_pointee(Process::new(&config)),
            dialler: Arc::new(Dialler { config, target }),
            stats: Arc::default(),
            started: Instant::now(),
        })
    }

    /// Takes the cost of all `takes`, or of none. Outcomes are in the order of the takes; a limit that admits where another denies
    /// says so, and nothing is taken of it.
    ///
    /// Takes of several keys are one script after the other on a cluster; if one denies, what the others took is given back before
    /// the answer.
    ///
    /// # Errors
    /// Any [`StoreError`], within [`Config::timeout`] (an eighth more at most) for each script; a cluster that moves slots about may
    /// take up to [`Config::connect_timeout`] more to find them.
    pub fn take(&self, takes: &[Take]) -> Result<Vec<Outcome>, StoreError> {
        if takes.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = &self.dialler.config.prefix;
        if !self.dialler.target.is_cluster() || spread::share_a_slot(takes) {
            return self.travel(&Trip::take(prefix, takes)?);
        }
        let (told, back) = self.travel_apart(takes, Trip::take)?;
        if !back.is_empty() {
            // a failure is in the statistics, and the cost comes back with time
            let _ = self.give_back(&back);
        }
        told
    }

    /// Gives the cost of `takes` back: see [`Trip::give_back`]. Outcomes are those after it.
    ///
    /// # Errors
    /// As [`BlockingRedis::take`].
    pub fn give_back(&self, takes: &[Take]) -> Result<Vec<Outcome>, StoreError> {
        if takes.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = &self.dialler.config.prefix;
        if !self.dialler.target.is_cluster() {
            return self.travel(&Trip::give_back(prefix, takes)?);
        }
        self.travel_apart(takes, Trip::give_back)?.0
    }

    /// Forgets what the limit of `take` has counted for its key: an administrator's word. Its cost does not matter.
    ///
    /// # Errors
    /// As [`BlockingRedis::take`]; the breaker is not asked.
    pub fn reset(&self, take: &Take) -> Result<(), StoreError> {
        let trip = Trip::take(&self.dialler.config.prefix, std::slice::from_ref(take))?;
        let mut delete = redis::cmd("DEL");
        trip.keys().for_each(|key| {
            delete.arg(key);
        });
        let process = self.process();
        let until = Instant::now() + self.dialler.config.timeout;
        let mut line = self.line(&process, until)?;
        match line.ask(&delete, until) {
            Reply::Error(error) => Err(error),
            _ => {
                self.keep(&process, line);
                Ok(())
            }
        }
    }

    /// What it has done so far, in this process and those it was forked from.
    pub const fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// What the threads of this process share.
    fn process(&self) -> Arc<Process> {
        let process = self.process.load_full();
        if process.id == std::process::id() {
            return process;
        }
        let fresh = Arc::new(Process::new(&self.dialler.config));
        // another thread of the child may have been first: its is as good
        let before = self.process.compare_and_swap(&process, Arc::clone(&fresh));
        if Arc::ptr_eq(&before, &process) {
            fresh
        } else {
            Arc::clone(&before)
        }
    }

    /// A trip for each slot, one after the other.
    fn travel_apart(
        &self,
        takes: &[Take],
        trip: fn(&str, &[Take]) -> Result<Trip, StoreError>,
    ) -> Result<spread::Gathered, StoreError> {
        let shares = spread::shares(takes);
        let prefix = &self.dialler.config.prefix;
        let trips = shares
            .iter()
            .map(|share| trip(prefix, &share.takes))
            .collect::<Result<Vec<_>, _>>()?;
        let answers = trips.iter().map(|trip| self.travel(trip)).collect();
        Ok(spread::gather(shares, answers))
    }

    /// One trip, if the breaker lets it.
    fn travel(&self, trip: &Trip) -> Result<Vec<Outcome>, StoreError> {
        let process = self.process();
        let permit = self.permit(&process);
        if permit == Permit::Stop {
            self.stats.failure(&StoreError::BreakerOpen);
            return Err(StoreError::BreakerOpen);
        }
        let began = Instant::now();
        let answer = self.answer(&process, trip, began + self.dialler.config.timeout);
        self.stats.trip(began.elapsed());
        self.settle(&process, permit, &answer);
        answer
    }

    fn answer(
        &self,
        process: &Arc<Process>,
        trip: &Trip,
        until: Instant,
    ) -> Result<Vec<Outcome>, StoreError> {
        let line = self.line(process, until)?;
        match self.answer_over(process, line, trip, until) {
            Err(StoreError::Unreachable(_)) if trip.may_be_repeated() => {
                // what closed one has closed those that were idle with it
                locked(&process.idle).clear();
                let line = self.line(process, until)?;
                self.answer_over(process, line, trip, until)
            }
            answer => answer,
        }
    }

    fn answer_over(
        &self,
        process: &Process,
        mut line: Line,
        trip: &Trip,
        until: Instant,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut answer = trip.outcomes(&line.ask(&trip.command(false), until));
        if answer == Err(StoreError::NoScript) {
            self.stats.script_sent();
            answer = trip.outcomes(&line.ask(&trip.command(true), until));
        }
        match &answer {
            // its answer may still come, and would be taken for the next one's
            Err(StoreError::Timeout) => {}
            Err(error) if error.ends_connection() => {}
            _ => self.keep(process, line),
        }
        answer
    }

    fn permit(&self, process: &Process) -> Permit {
        let mut breaker = locked(&process.breaker);
        let permit = breaker.ask(self.now());
        if permit == Permit::Probe {
            self.stats.breaker(&breaker);
        }
        permit
    }

    fn settle(&self, process: &Process, permit: Permit, answer: &Result<Vec<Outcome>, StoreError>) {
        if let Err(error) = answer {
            self.stats.failure(error);
        }
        let mut breaker = locked(&process.breaker);
        let before = breaker.state();
        match answer {
            Err(error) if error.is_outage() => {
                breaker.failed(permit, self.now());
                if breaker.state() != before {
                    // a host that vanished never closes its connections: the next ones are new
                    locked(&process.idle).clear();
                }
            }
            _ => breaker.answered(permit),
        }
        if breaker.state() != before {
            self.stats.breaker(&breaker);
        }
    }

    /// A connection: an idle one, or a new one if that can be made in time. One that is made too late waits for the next request.
    fn line(&self, process: &Arc<Process>, until: Instant) -> Result<Line, StoreError> {
        if let Some(line) = locked(&process.idle).pop() {
            return Ok(line);
        }
        let (done, made) = sync_channel(0);
        let (dialler, stats) = (Arc::clone(&self.dialler), Arc::clone(&self.stats));
        let late = Arc::clone(process);
        let dialling = move || {
            let line = dialler.dial();
            if line.is_ok() {
                stats.connected();
            }
            if let Err(unwanted) = done.send(line)
                && let Ok(line) = unwanted.0
            {
                late.keep(line, dialler.config.pool);
            }
        };
        let thread = thread::Builder::new().name("mantlet-redis".to_owned());
        thread
            .spawn(dialling)
            .map_err(|error| StoreError::Unreachable(error.to_string()))?;
        match made.recv_timeout(left(until)) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => Err(StoreError::Timeout),
            Err(RecvTimeoutError::Disconnected) => {
                Err(StoreError::Unreachable("nobody dials any more".to_owned()))
            }
        }
    }

    fn keep(&self, process: &Process, line: Line) {
        process.keep(line, self.dialler.config.pool);
    }

    fn now(&self) -> Moment {
        Moment::default().after(self.started.elapsed())
    }
}

impl std::fmt::Debug for BlockingRedis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlockingRedis")
            .field("config", &self.dialler.config)
            .finish_non_exhaustive()
    }
}

impl Process {
    fn new(config: &Config) -> Self {
        Self {
            id: std::process::id(),
            idle: Mutex::new(Vec::new()),
            breaker: Mutex::new(Breaker::new(config.patience)),
        }
    }

    fn keep(&self, line: Line, most: usize) {
        let mut idle = locked(&self.idle);
        if idle.len() < most {
            idle.push(line);
        }
    }
}

impl Dialler {
    fn dial(&self) -> Result<Line, StoreError> {
        match &self.target {
            Target::Single(client) => self.server(client, self.config.connect_timeout),
            Target::Sentinel(sentinels) => self.master(sentinels),
            Target::Cluster(client) => {
                let cluster = client.get_connection().map_err(|error| fault(&error))?;
                Ok(Line::new(Wire::Cluster(Box::new(cluster))))
            }
        }
    }

    fn server(&self, client: &redis::Client, time: Duration) -> Result<Line, StoreError> {
        let server = client.get_connection_with_timeout(time);
        let server = server.map_err(|error| fault(&error))?;
        server
            .set_write_timeout(Some(self.config.timeout))
            .map_err(|error| fault(&error))?;
        Ok(Line::new(Wire::Server(Box::new(server))))
    }

    /// The master, through the first sentinel that leads to one.
    fn master(&self, sentinels: &Sentinels) -> Result<Line, StoreError> {
        let count = u32::try_from(sentinels.clients.len()).unwrap_or(u32::MAX);
        let each = (self.config.connect_timeout / count).max(Duration::from_millis(1));
        let mut fault = StoreError::Unreachable("no sentinel".to_owned());
        for sentinel in &sentinels.clients {
            match self.master_through(sentinels, sentinel, each) {
                Ok(master) => return Ok(master),
                Err(error) => fault = error,
            }
        }
        Err(fault)
    }

    fn master_through(
        &self,
        sentinels: &Sentinels,
        sentinel: &redis::Client,
        time: Duration,
    ) -> Result<Line, StoreError> {
        let until = Instant::now() + time;
        let mut sentinel = self.server(sentinel, time)?;
        let master = sentinels.named(&sentinel.value(&sentinels.question(), until)?)?;
        let mut master = self.server(&master, left(until))?;
        Sentinels::confirmed(&master.value(&redis::cmd("ROLE"), until)?)?;
        Ok(master)
    }
}

impl Line {
    const fn new(wire: Wire) -> Self {
        Self {
            wire,
            waits: Duration::MAX,
        }
    }

    fn ask(&mut self, command: &redis::Cmd, until: Instant) -> Reply {
        self.value(command, until)
            .map_or_else(Reply::Error, Reply::from)
    }

    fn value(&mut self, command: &redis::Cmd, until: Instant) -> Result<redis::Value, StoreError> {
        let time = left(until);
        // a call to the system that most trips save: each begins with about the same time
        if self.waits > time + time / 8 || self.waits < time - time / 8 {
            let set = match &self.wire {
                Wire::Server(server) => server.set_read_timeout(Some(time)),
                Wire::Cluster(cluster) => cluster.set_read_timeout(Some(time)),
            };
            set.map_err(|error| fault(&error))?;
            self.waits = time;
        }
        match &mut self.wire {
            Wire::Server(server) => server.req_command(command).map_err(|error| fault(&error)),
            Wire::Cluster(cluster) => {
                let value = cluster.req_command(command);
                value.map_err(|error| cluster_fault(&error))
            }
        }
    }
}

/// The time until then; never nothing, which a socket takes for any time.
fn left(until: Instant) -> Duration {
    until
        .saturating_duration_since(Instant::now())
        .max(Duration::from_micros(100))
}

/// What a panic left behind is still whole: each change here is a single one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
