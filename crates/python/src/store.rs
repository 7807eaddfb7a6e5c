//! The store of a policy's shared limits, as this package asks it.
//!
//! WSGI and hooks that block ask over a client of their own, with the interpreter let go. ASGI asks over one connection for each
//! event loop (`mantlet/_store.py`), for whose trips the breaker and the counts are here. In the place of both stands a client
//! that the application hands in.
//!
//! **Fork**: the breaker stands under the id of its process; a connection under that, and under its loop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mantlet_config::Diagnostic;
use mantlet_engine::policy::RedisSettings;
use mantlet_engine::{Engine, Exchange, StoreDown, Verdict};
use mantlet_store::redis::{Address, BlockingRedis, Config, Topology, countable};
use mantlet_store::{Breaker, Permit, State, Stats, StoreError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::line::Line;
use crate::log;
use crate::waiting::Waiting;

/// Where the limits of a policy are counted that several processes share.
#[pyclass(frozen, module = "mantlet._mantlet", name = "_Store")]
pub(crate) struct Store {
    config: Config,
    /// What the policy says of it, if it does.
    settings: Option<RedisSettings>,
    place: Place,
    stats: Arc<Stats>,
    breaker: Mutex<(u32, Breaker)>,
    /// For each event loop, what `mantlet/_store.py` keeps for it.
    loops: Py<PyDict>,
    /// Whether the log knows that it does not answer.
    is_down: AtomicBool,
}

enum Place {
    /// Boxed: it is large.
    Redis(Box<BlockingRedis>),
    /// A client of the application.
    Client(Py<PyAny>),
}

impl Store {
    /// The store that a policy needs; that of `before` where it is the same. `client` goes before what the policy says.
    ///
    /// # Errors
    /// What is wrong with it, each a line.
    pub(crate) fn of(
        py: Python<'_>,
        engine: &Engine,
        settings: Option<&RedisSettings>,
        client: Option<&Py<PyAny>>,
        before: Option<&Py<Self>>,
    ) -> Result<Option<Py<Self>>, String> {
        let told = |error: &dyn ToString| Diagnostic::error("store.redis", error.to_string());
        let told = |error: &dyn ToString| told(error).to_string();
        countable(engine).map_err(|error| told(&error))?;
        if !engine.needs_store() {
            return Ok(None);
        }
        if let Some(before) = before.filter(|before| before.get().is_for(settings, client)) {
            return Ok(Some(before.clone_ref(py)));
        }
        let (config, place) = match (client, settings) {
            (Some(client), settings) => {
                let local = Address::Tcp("localhost".to_owned(), 6379);
                let mut config = Config::new(Topology::Single(local));
                if let Some(settings) = settings {
                    config.timeout = settings.timeout.unwrap_or(config.timeout);
                    config.prefix = settings.prefix.clone().unwrap_or(config.prefix);
                }
                (config, Place::Client(client.clone_ref(py)))
            }
            (None, Some(settings)) => {
                let config = Config::from_settings(settings).map_err(|error| told(&error))?;
                let redis = BlockingRedis::connect(config.clone()).map_err(|faults| {
                    let faults = faults.iter().map(|fault| told(fault));
                    faults.collect::<Vec<_>>().join("\n")
                })?;
                (config, Place::Redis(Box::new(redis)))
            }
            // the policy says so, or its compilation has failed
            (None, None) => return Ok(None),
        };
        let stats = match &place {
            Place::Redis(redis) => Arc::clone(redis.stats()),
            Place::Client(_) => Arc::default(),
        };
        let store = Self {
            breaker: Mutex::new((std::process::id(), Breaker::new(config.patience))),
            settings: settings.cloned(),
            loops: PyDict::new(py).unbind(),
            is_down: AtomicBool::new(false),
            config,
            place,
            stats,
        };
        Py::new(py, store)
            .map(Some)
            .map_err(|error| error.to_string())
    }

    fn is_for(&self, settings: Option<&RedisSettings>, client: Option<&Py<PyAny>>) -> bool {
        let same = match (&self.place, client) {
            (Place::Client(own), Some(client)) => own.is(client),
            (Place::Redis(_), None) => true,
            _ => false,
        };
        same && self.settings.as_ref() == settings
    }

    /// Whether a trip may be made now: the breaker's word.
    pub(crate) fn permit(&self) -> Permit {
        let mut breaker = self.breaker();
        let permit = breaker.1.ask(mantlet_source::now().moment);
        match permit {
            Permit::Probe => self.stats.breaker(&breaker.1),
            Permit::Stop => self.stats.failure(&StoreError::BreakerOpen),
            Permit::Go => {}
        }
        permit
    }

    /// A trip has ended, after `took`.
    pub(crate) fn settle(&self, permit: Permit, failure: Option<&StoreError>, took: Duration) {
        self.stats.trip(took);
        if let Some(error) = failure {
            self.stats.failure(error);
        }
        let mut breaker = self.breaker();
        let before = breaker.1.state();
        match failure {
            Some(error) if error.is_outage() => {
                breaker.1.failed(permit, mantlet_source::now().moment);
            }
            _ => breaker.1.answered(permit),
        }
        if breaker.1.state() != before {
            self.stats.breaker(&breaker.1);
        }
    }

    /// That of this process.
    fn breaker(&self) -> std::sync::MutexGuard<'_, (u32, Breaker)> {
        // held for a few instructions: a poisoned one is sound
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let id = std::process::id();
        if breaker.0 != id {
            *breaker = (id, Breaker::new(self.config.patience));
        }
        breaker
    }

    /// The verdict of a request that can block.
    ///
    /// # Errors
    /// What a client of the application raises that is no `Exception`.
    pub(crate) fn block(
        slf: &Bound<'_, Self>,
        waiting: Box<mantlet_engine::Waiting>,
    ) -> PyResult<(Verdict, Exchange)> {
        let py = slf.py();
        match &slf.get().place {
            Place::Redis(redis) => {
                let batch = waiting.batch();
                let replies = py.detach(|| redis.run(batch));
                slf.get().tell(py, replies.as_ref().err());
                Ok(waiting.resume(replies))
            }
            Place::Client(_) => match Waiting::begun(slf, waiting, None) {
                Ok(waiting) => {
                    let waiting = Bound::new(py, waiting)?;
                    py.import("mantlet._store")?
                        .call_method1("block", (&waiting,))?;
                    waiting.get().verdict(py)
                }
                Err(decided) => Ok(*decided),
            },
        }
    }

    /// Tells the log once that it does not answer, and that it answers again.
    pub(crate) fn tell(&self, py: Python<'_>, down: Option<&StoreDown>) {
        let known = self.is_down.load(Ordering::Relaxed);
        if known == down.is_some() || self.is_down.swap(down.is_some(), Ordering::Relaxed) != known
        {
            return;
        }
        match down {
            Some(down) => {
                let message = format!("{down}: each limit does what its on_error says");
                log::said(py, "warning", &message);
            }
            None => log::said(py, "info", "the store answers again"),
        }
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Whether the application's client speaks to a cluster, in which a script has the keys of one slot.
    pub(crate) fn is_cluster(&self, py: Python<'_>) -> bool {
        match &self.place {
            Place::Client(client) => client.bind(py).hasattr("keyslot").unwrap_or(false),
            Place::Redis(_) => false,
        }
    }

    /// What it has done, as metrics show it.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn state<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let snapshot = self.stats.snapshot();
        let failures = PyDict::new(py);
        for (word, count) in StoreError::WORDS.into_iter().zip(snapshot.failures) {
            failures.set_item(word, count)?;
        }
        let dict = PyDict::new(py);
        dict.set_item("trips", snapshot.trips)?;
        dict.set_item("failures", failures)?;
        dict.set_item("breaker", snapshot.breaker.word())?;
        dict.set_item("opened", snapshot.opened)?;
        dict.set_item("connections", snapshot.connections)?;
        dict.set_item("scripts_sent", snapshot.scripts_sent)?;
        dict.set_item(
            "seconds",
            Duration::from_micros(snapshot.latency_sum).as_secs_f64(),
        )?;
        Ok(dict)
    }
}

/// What no trip was made for.
pub(crate) fn stopped() -> StoreDown {
    StoreDown {
        why: StoreError::BreakerOpen.word(),
    }
}

#[pymethods]
impl Store {
    /// What `mantlet/_store.py` keeps for each event loop.
    #[getter]
    fn loops(&self, py: Python<'_>) -> Py<PyDict> {
        self.loops.clone_ref(py)
    }

    /// The client that the application has handed in.
    #[getter]
    fn client(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        match &self.place {
            Place::Client(client) => Some(client.clone_ref(py)),
            Place::Redis(_) => None,
        }
    }

    /// Host and port, or the path of a socket; `None` for sentinels and clusters.
    #[getter]
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match &self.config.topology {
            Topology::Single(Address::Tcp(host, port)) => {
                Some((host, port).into_pyobject(py)?.into_any())
            }
            Topology::Single(Address::Unix(path)) => Some(path.into_pyobject(py)?.into_any()),
            _ => None,
        })
    }

    /// With TLS: the files of the certificates to trust, of our own certificate, and of its key.
    #[getter]
    fn tls<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyTuple>>> {
        if self.config.tls.is_none() {
            return Ok(None);
        }
        let settings = self.settings.as_ref();
        let ca = settings.and_then(|settings| settings.ca_file.as_deref());
        let own = settings.and_then(|settings| settings.client_files.as_ref());
        let (certificate, key) = own
            .map(|(certificate, key)| (certificate.as_path(), key.as_path()))
            .unzip();
        Ok(Some((ca, certificate, key).into_pyobject(py)?))
    }

    /// How long a trip may take, in seconds.
    #[getter]
    fn timeout(&self) -> f64 {
        self.config.timeout.as_secs_f64()
    }

    /// How long making a connection may take, in seconds.
    #[getter]
    fn connect_timeout(&self) -> f64 {
        self.config.connect_timeout.as_secs_f64()
    }

    /// Whether it has not failed several times in a row.
    #[getter]
    fn is_well(&self) -> bool {
        self.breaker().1.state() == State::Closed
    }

    /// Asks over the client that blocks: for what a connection of an event loop does not speak to.
    fn block_for(&self, py: Python<'_>, waiting: &Bound<'_, Waiting>) {
        if let Place::Redis(redis) = &self.place
            && let Some(batch) = waiting.get().batch()
        {
            let replies = py.detach(|| redis.run(&batch));
            waiting.get().replied(replies);
        }
    }

    /// A connection's state, before it is made.
    fn line(slf: &Bound<'_, Self>) -> Line {
        Line::new(slf)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.loops)?;
        match &self.place {
            Place::Client(client) => visit.call(client),
            Place::Redis(_) => Ok(()),
        }
    }
}
