//! The client for hosts that run tokio.
//!
//! One connection for all requests, pipelined; for a cluster, one a node. It is made when first needed, by a task of its own, and
//! no request waits for it longer than for an answer. Once the breaker is open no request waits at all: the probe is a task too.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use futures_util::future::{join_all, select_ok};
use mantlet_limit::{Moment, Outcome, Take};
use redis::aio::ConnectionLike as _;
use tokio::sync::watch;
use tokio::time::timeout;

use super::config::{Config, ConfigError};
use super::connect::{Sentinels, Target, cluster_fault, fault};
use super::replies::Reply;
use super::spread;
use super::trip::Trip;
use crate::breaker::{Breaker, Permit};
use crate::error::StoreError;
use crate::stats::Stats;

/// Limits on Redis or Valkey, for hosts that run tokio. Clones are the same client.
///
/// ```no_run
/// # async fn example(takes: &[mantlet_limit::Take]) -> Result<(), Box<dyn std::error::Error>> {
/// use mantlet_store::redis::{Config, Redis};
///
/// let redis = Redis::connect(Config::from_url("redis://localhost")?).map_err(|faults| faults[0].clone())?;
/// let outcomes = redis.take(takes).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Redis {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    target: Target,
    stats: Arc<Stats>,
    breaker: Mutex<Breaker>,
    started: Instant,
    line: ArcSwapOption<Line>,
    /// The outcome of the dialling that goes on.
    dialling: Mutex<Option<watch::Receiver<Dialled>>>,
}

type Dialled = Option<Result<Arc<Line>, StoreError>>;

/// A connection that many use at once.
enum Line {
    Server(redis::aio::MultiplexedConnection),
    Cluster(redis::cluster_async::ClusterConnection),
}

impl Redis {
    /// A client of what `config` says. Nothing is connected before the first trip, so that a host starts while Redis is down.
    ///
    /// # Errors
    /// Everything that is wrong with `config`, certificates too.
    pub fn connect(config: Config) -> Result<Self, Vec<ConfigError>> {
        let target = Target::new(&config)?;
        let shared = Shared {
            target,
            stats: Arc::default(),
            breaker: Mutex::new(Breaker::new(config.patience)),
            started: Instant::now(),
            line: ArcSwapOption::empty(),
            dialling: Mutex::new(None),
            config,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Another client of the same server, with a connection and a breaker of its own, whose trips count in the same statistics: for
    /// a host with a runtime on each of several threads.
    pub fn sibling(&self) -> Self {
        let shared = &self.shared;
        Self {
            shared: Arc::new(Shared {
                target: shared.target.clone(),
                stats: shared.stats.clone(),
                breaker: Mutex::new(Breaker::new(shared.config.patience)),
                started: Instant::now(),
                line: ArcSwapOption::empty(),
                dialling: Mutex::new(None),
                config: shared.config.clone(),
            }),
        }
    }

    /// Begins to connect, so that the first request need not wait for it. Off a tokio runtime nothing happens.
    pub fn warm(&self) {
        if tokio::runtime::Handle::try_current().is_ok() && self.shared.line.load().is_none() {
            drop(self.dial());
        }
    }

    /// Takes the cost of all `takes`, or of none. Outcomes are in the order of the takes; a limit that admits where another denies
    /// says so, and nothing is taken of it.
    ///
    /// Takes of several keys are one script each on a cluster, at the same time; if one denies, what the others took is given back
    /// after the answer.
    ///
    /// # Errors
    /// Any [`StoreError`], within [`Config::timeout`].
    pub async fn take(&self, takes: &[Take]) -> Result<Vec<Outcome>, StoreError> {
        if takes.is_empty() {
            return Ok(Vec::new());
        }
        let shared = &self.shared;
        if !shared.target.is_cluster() || spread::share_a_slot(takes) {
            let trip = Trip::take(&shared.config.prefix, takes)?;
            return self.travel(&trip, takes).await;
        }
        let (told, back) = self.travel_apart(takes, Trip::take).await?;
        if !back.is_empty() {
            let again = self.clone();
            // a failure is in the statistics, and the cost comes back with time
            tokio::spawn(async move { again.give_back(&back).await });
        }
        told
    }

    /// Gives the cost of `takes` back: see [`Trip::give_back`]. Outcomes are those after it.
    ///
    /// # Errors
    /// As [`Redis::take`].
    pub async fn give_back(&self, takes: &[Take]) -> Result<Vec<Outcome>, StoreError> {
        if takes.is_empty() {
            return Ok(Vec::new());
        }
        let prefix = &self.shared.config.prefix;
        if !self.shared.target.is_cluster() {
            return self.travel(&Trip::give_back(prefix, takes)?, takes).await;
        }
        self.travel_apart(takes, Trip::give_back).await?.0
    }

    /// Forgets what the limit of `take` has counted for its key: an administrator's word. Its cost does not matter.
    ///
    /// # Errors
    /// As [`Redis::take`]; the breaker is not asked.
    pub async fn reset(&self, take: &Take) -> Result<(), StoreError> {
        let trip = Trip::take(&self.shared.config.prefix, std::slice::from_ref(take))?;
        let mut delete = redis::cmd("DEL");
        trip.keys().for_each(|key| {
            delete.arg(key);
        });
        let asked = async {
            match self.line().await?.ask(&delete).await {
                Reply::Error(error) => Err(error),
                _ => Ok(()),
            }
        };
        timeout(self.shared.config.timeout, asked)
            .await
            .unwrap_or(Err(StoreError::Timeout))
    }

    /// What it has done so far.
    pub fn stats(&self) -> &Arc<Stats> {
        &self.shared.stats
    }

    /// A trip for each slot, at the same time.
    async fn travel_apart(
        &self,
        takes: &[Take],
        trip: fn(&str, &[Take]) -> Result<Trip, StoreError>,
    ) -> Result<spread::Gathered, StoreError> {
        let shares = spread::shares(takes);
        let prefix = &self.shared.config.prefix;
        let trips = shares
            .iter()
            .map(|share| trip(prefix, &share.takes))
            .collect::<Result<Vec<_>, _>>()?;
        let travels = trips
            .iter()
            .zip(&shares)
            .map(|(trip, share)| self.travel(trip, &share.takes));
        let answers = join_all(travels).await;
        Ok(spread::gather(shares, answers))
    }

    /// One trip, if the breaker lets it.
    async fn travel(&self, trip: &Trip, takes: &[Take]) -> Result<Vec<Outcome>, StoreError> {
        let shared = &self.shared;
        match shared.permit() {
            Permit::Go => {}
            Permit::Probe => {
                tokio::spawn(self.clone().probe(spread::asking(takes)));
                return Err(shared.stopped());
            }
            Permit::Stop => return Err(shared.stopped()),
        }
        let began = Instant::now();
        let answer = timeout(shared.config.timeout, self.answer(trip)).await;
        let answer = answer.unwrap_or(Err(StoreError::Timeout));
        shared.stats.trip(began.elapsed());
        shared.settle(Permit::Go, &answer);
        answer
    }

    /// Asks as the only one, and takes the time that making a connection takes.
    async fn probe(self, takes: Vec<Take>) {
        let shared = &self.shared;
        let answer = async {
            let trip = Trip::take(&shared.config.prefix, &takes)?;
            self.line().await?;
            let answer = timeout(shared.config.timeout, self.answer(&trip)).await;
            answer.unwrap_or(Err(StoreError::Timeout))
        };
        let answer = answer.await;
        shared.settle(Permit::Probe, &answer);
    }

    async fn answer(&self, trip: &Trip) -> Result<Vec<Outcome>, StoreError> {
        let line = self.line().await?;
        match self.answer_over(&line, trip).await {
            Err(StoreError::Unreachable(_)) if trip.may_be_repeated() => {
                self.answer_over(&self.line().await?, trip).await
            }
            answer => answer,
        }
    }

    async fn answer_over(&self, line: &Arc<Line>, trip: &Trip) -> Result<Vec<Outcome>, StoreError> {
        let shared = &self.shared;
        let mut answer = trip.outcomes(&line.ask(&trip.command(false)).await);
        if answer == Err(StoreError::NoScript) {
            shared.stats.script_sent();
            answer = trip.outcomes(&line.ask(&trip.command(true)).await);
        }
        answer.inspect_err(|error| shared.leave(line, error))
    }

    /// The connection, made if there is none.
    async fn line(&self) -> Result<Arc<Line>, StoreError> {
        if let Some(line) = self.shared.line.load_full() {
            return Ok(line);
        }
        let mut dialled = self.dial();
        let dialled = dialled.wait_for(Option::is_some).await;
        let gone = || Err(StoreError::Unreachable("nobody dials any more".to_owned()));
        // the value is there: that is what was waited for
        dialled.map_or_else(|_| gone(), |dialled| dialled.clone().unwrap_or_else(gone))
    }

    /// The dialling that goes on, begun if there is none.
    fn dial(&self) -> watch::Receiver<Dialled> {
        let mut dialling = locked(&self.shared.dialling);
        match &*dialling {
            // unless its task was dropped with a runtime
            Some(going) if going.has_changed().is_ok() => going.clone(),
            _ => {
                let (done, receiver) = watch::channel(None);
                *dialling = Some(receiver.clone());
                let shared = Arc::clone(&self.shared);
                tokio::spawn(async move {
                    let dialled = shared.dialled().await;
                    if let Ok(line) = &dialled {
                        shared.stats.connected();
                        shared.line.store(Some(Arc::clone(line)));
                    }
                    *locked(&shared.dialling) = None;
                    done.send_replace(Some(dialled));
                });
                receiver
            }
        }
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn now(&self) -> Moment {
        Moment::default().after(self.started.elapsed())
    }

    fn permit(&self) -> Permit {
        let mut breaker = locked(&self.breaker);
        let permit = breaker.ask(self.now());
        if permit == Permit::Probe {
            self.stats.breaker(&breaker);
        }
        permit
    }

    fn stopped(&self) -> StoreError {
        self.stats.failure(&StoreError::BreakerOpen);
        StoreError::BreakerOpen
    }

    /// Tells the breaker and the statistics.
    fn settle(&self, permit: Permit, answer: &Result<Vec<Outcome>, StoreError>) {
        if let Err(error) = answer {
            self.stats.failure(error);
        }
        let mut breaker = locked(&self.breaker);
        let before = breaker.state();
        match answer {
            Err(error) if error.is_outage() => {
                breaker.failed(permit, self.now());
                if breaker.state() != before {
                    // a host that vanished never closes its connections: the next one is new
                    self.line.store(None);
                }
            }
            _ => breaker.answered(permit),
        }
        if breaker.state() != before {
            self.stats.breaker(&breaker);
        }
    }

    /// Another connection next time, if `error` says that `line` is of no more use.
    fn leave(&self, line: &Arc<Line>, error: &StoreError) {
        if error.ends_connection() && !self.target.is_cluster() {
            self.line.compare_and_swap(line, None);
        }
    }

    async fn dialled(&self) -> Result<Arc<Line>, StoreError> {
        let line = timeout(self.config.connect_timeout, async {
            match &self.target {
                Target::Single(client) => self.server(client).await.map(Line::Server),
                Target::Sentinel(sentinels) => {
                    let all = sentinels
                        .clients
                        .iter()
                        .map(|client| Box::pin(self.master(sentinels, client)));
                    select_ok(all).await.map(|(master, _)| Line::Server(master))
                }
                Target::Cluster(client) => {
                    let cluster = client.get_async_connection().await;
                    cluster.map(Line::Cluster).map_err(|error| fault(&error))
                }
            }
        });
        line.await.unwrap_or(Err(StoreError::Timeout)).map(Arc::new)
    }

    async fn server(
        &self,
        client: &redis::Client,
    ) -> Result<redis::aio::MultiplexedConnection, StoreError> {
        let config = redis::AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.config.connect_timeout))
            .set_response_timeout(None);
        let server = client
            .get_multiplexed_async_connection_with_config(&config)
            .await;
        server.map_err(|error| fault(&error))
    }

    /// The master that one sentinel names, if it says itself that it is one.
    async fn master(
        &self,
        sentinels: &Sentinels,
        sentinel: &redis::Client,
    ) -> Result<redis::aio::MultiplexedConnection, StoreError> {
        let mut sentinel = self.server(sentinel).await?;
        let named = sentinel.req_packed_command(&sentinels.question()).await;
        let named = sentinels.named(&named.map_err(|error| fault(&error))?)?;
        let mut master = self.server(&named).await?;
        let role = master.req_packed_command(&redis::cmd("ROLE")).await;
        Sentinels::confirmed(&role.map_err(|error| fault(&error))?)?;
        Ok(master)
    }
}

impl Line {
    async fn ask(&self, command: &redis::Cmd) -> Reply {
        let value = match self {
            Self::Server(server) => {
                let value = server.clone().send_packed_command(command).await;
                value.map_err(|error| fault(&error))
            }
            Self::Cluster(cluster) => {
                let value = cluster.clone().req_packed_command(command).await;
                value.map_err(|error| cluster_fault(&error))
            }
        };
        value.map_or_else(Reply::Error, Reply::from)
    }
}

/// What a panic left behind is still whole: each change here is a single one.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
