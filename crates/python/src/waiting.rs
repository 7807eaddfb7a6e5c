//! A request that waits for its store: what is asked, what has been answered, and how it goes on.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::Method;
use mantlet_engine::{Batch, Exchange, Form, Replies, StoreDown, Verdict};
use mantlet_limit::{Outcome, Take};
use mantlet_store::redis::{Reply, Share, Trip, gather, shares};
use mantlet_store::{Permit, StoreError};
use pyo3::exceptions::{PyIndexError, PyRuntimeError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::asgi;
use crate::policy::Policy;
use crate::store::{Store, stopped};

/// Who goes on once the store has answered.
pub(crate) enum Host {
    Asgi(Box<asgi::Call>),
    /// A hook of a framework, which is given the exchange.
    Hook {
        policy: Py<Policy>,
        method: Method,
        form: Form,
    },
}

/// A request that waits for its store.
#[pyclass(frozen, module = "mantlet._mantlet", name = "_Waiting")]
pub(crate) struct Waiting {
    store: Py<Store>,
    host: Option<Host>,
    /// One for each slot of the takes, then one for each shadow.
    trips: Vec<Trip>,
    permit: Permit,
    began: Instant,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    waiting: Option<Box<mantlet_engine::Waiting>>,
    /// The shares of the takes, whose trips come first.
    shares: Vec<Share>,
    answers: Vec<Option<Result<Vec<Outcome>, StoreError>>>,
    /// Asked over another way: the whole answer.
    replies: Option<Result<Replies, StoreDown>>,
    /// What other slots took of a request that one of them denied.
    back: Vec<Take>,
    /// Of a connection's: set once all is answered.
    future: Option<Py<PyAny>>,
    deadline: f64,
    is_done: bool,
}

type Decided = (Verdict, Exchange);

impl Waiting {
    /// The verdict at once where the store is not to be asked.
    pub(crate) fn begun(
        store: &Bound<'_, Store>,
        waiting: Box<mantlet_engine::Waiting>,
        host: Option<Host>,
    ) -> Result<Self, Box<Decided>> {
        let permit = store.get().permit();
        if permit == Permit::Stop {
            return Err(Box::new(waiting.resume(Err(stopped()))));
        }
        let Batch { takes, shadows, .. } = waiting.batch();
        let prefix = &store.get().config().prefix;
        let shares = match store.get().is_cluster(store.py()) {
            true => shares(takes),
            false if takes.is_empty() => Vec::new(),
            false => vec![Share::whole(takes.clone())],
        };
        let asked = shares.iter().map(|share| &*share.takes);
        let asked = asked.chain(shadows.iter().map(std::slice::from_ref));
        let trips = asked.map(|takes| Trip::take(prefix, takes)).collect();
        let trips: Vec<Trip> = match trips {
            Ok(trips) => trips,
            Err(error) => {
                let why = StoreError::word(&error);
                return Err(Box::new(waiting.resume(Err(StoreDown { why }))));
            }
        };
        let told = Told {
            answers: vec![None; trips.len()],
            waiting: Some(waiting),
            shares,
            ..Told::default()
        };
        Ok(Self {
            store: store.clone().unbind(),
            host,
            trips,
            permit,
            began: Instant::now(),
            told: Mutex::new(told),
        })
    }

    pub(crate) fn trip(&self, question: usize) -> Option<&Trip> {
        self.trips.get(question)
    }

    pub(crate) fn trips(&self) -> usize {
        self.trips.len()
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        // no Python code runs while it is held: a poisoned one is sound
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It travels on a connection: `future` is set once it is answered, or given up at `deadline`.
    pub(crate) fn travels(&self, future: Py<PyAny>, deadline: f64) {
        let mut told = self.told();
        told.future = Some(future);
        told.deadline = deadline;
    }

    /// When it is given up, if it still waits.
    pub(crate) fn deadline(&self) -> Option<f64> {
        let told = self.told();
        (!told.is_done).then_some(told.deadline)
    }

    /// What `reply` answers. `NoScript` has to be asked again, with the script; anything else is the answer, and the future is
    /// returned that waits for it, if it was the last.
    pub(crate) fn hear(
        &self,
        question: usize,
        reply: &Reply,
        whole: bool,
    ) -> (Option<StoreError>, Option<Py<PyAny>>) {
        let Some(trip) = self.trips.get(question) else {
            return (None, None);
        };
        let answer = trip.outcomes(reply);
        let failure = answer.as_ref().err().cloned();
        if failure == Some(StoreError::NoScript) && !whole {
            return (failure, None);
        }
        let future = self.answered(question, answer);
        (failure, future)
    }

    fn answered(
        &self,
        question: usize,
        answer: Result<Vec<Outcome>, StoreError>,
    ) -> Option<Py<PyAny>> {
        let mut told = self.told();
        if let Some(slot) = told.answers.get_mut(question) {
            slot.get_or_insert(answer);
        }
        match told.is_done || told.answers.iter().any(Option::is_none) {
            true => None,
            false => self.done(told),
        }
    }

    /// What is not answered yet has failed.
    pub(crate) fn fail(&self, error: &StoreError) -> Option<Py<PyAny>> {
        let mut told = self.told();
        if told.is_done {
            return None;
        }
        for answer in &mut told.answers {
            answer.get_or_insert_with(|| Err(error.clone()));
        }
        self.done(told)
    }

    fn done(&self, mut told: MutexGuard<'_, Told>) -> Option<Py<PyAny>> {
        told.is_done = true;
        let failed = |answer: &Option<Result<_, StoreError>>| match answer {
            Some(Err(error)) => Some(error.clone()),
            _ => None,
        };
        let failure = told.answers.iter().find_map(failed);
        let future = told.future.take();
        drop(told);
        let store = self.store.get();
        store.settle(self.permit, failure.as_ref(), self.began.elapsed());
        future
    }

    /// What was asked, for another way.
    pub(crate) fn batch(&self) -> Option<Batch> {
        let told = self.told();
        told.waiting.as_ref().map(|waiting| waiting.batch().clone())
    }

    /// The answer that another way had.
    pub(crate) fn replied(&self, replies: Result<Replies, StoreDown>) {
        let mut told = self.told();
        told.is_done = true;
        told.replies = Some(replies);
    }

    /// The verdict.
    ///
    /// # Errors
    /// `RuntimeError` the second time.
    pub(crate) fn verdict(&self, py: Python<'_>) -> PyResult<Decided> {
        // who goes on without an answer has none
        self.fail(&StoreError::Timeout);
        let mut told = self.told();
        let waiting = told.waiting.take();
        let waiting = waiting.ok_or_else(|| PyRuntimeError::new_err("the request has gone on"))?;
        let replies = match told.replies.take() {
            Some(replies) => replies,
            None => {
                let mut answers: Vec<_> = std::mem::take(&mut told.answers)
                    .into_iter()
                    .map(|answer| answer.unwrap_or(Err(StoreError::Timeout)))
                    .collect();
                let shadows = answers.split_off(told.shares.len());
                let (outcomes, back) = gather(std::mem::take(&mut told.shares), answers);
                told.back = back;
                let all = shadows.into_iter().try_fold(outcomes, |all, shadow| {
                    Ok::<_, StoreError>(all.and_then(|mut all| {
                        all.extend(shadow?);
                        Ok(all)
                    }))
                });
                let down = |error: StoreError| StoreDown { why: error.word() };
                all.and_then(|all| all).map(Replies::new).map_err(down)
            }
        };
        drop(told);
        self.store.get().tell(py, replies.as_ref().err());
        Ok(waiting.resume(replies))
    }
}

#[pymethods]
impl Waiting {
    #[getter]
    fn store(&self, py: Python<'_>) -> Py<Store> {
        self.store.clone_ref(py)
    }

    /// How many scripts it asks.
    fn __len__(&self) -> usize {
        self.trips.len()
    }

    /// The words of a script's command, for a client that is not ours: EVALSHA, or EVAL with the `whole` script.
    fn words<'py>(
        &self,
        py: Python<'py>,
        question: usize,
        whole: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let trip = self.trips.get(question);
        let trip = trip.ok_or_else(|| PyIndexError::new_err("no such script"))?;
        let words = trip.words(whole);
        PyList::new(py, words.iter().map(|word| PyBytes::new(py, word)))
    }

    /// What such a client has answered: the numbers of a script.
    fn answer(&self, question: usize, numbers: &Bound<'_, PyAny>) {
        let reply = numbers.extract().map_or(Reply::Other, Reply::Numbers);
        self.hear(question, &reply, true);
    }

    /// Why such a client, or nobody, has answered: a word of `Policy.store_state()["failures"]`, and what it said.
    fn give_up(&self, word: &str, text: String) {
        let error = match word {
            "timeout" => StoreError::Timeout,
            "refused" => StoreError::Refused(text),
            "out_of_memory" => StoreError::OutOfMemory,
            "read_only" => StoreError::ReadOnly,
            "loading" => StoreError::Loading,
            "cluster_down" => StoreError::ClusterDown(text),
            "server" => StoreError::Server(text),
            _ => StoreError::Unreachable(text),
        };
        self.fail(&error);
    }

    /// Goes on with the verdict: of ASGI what is to be awaited, of a hook its exchange.
    fn resume<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (verdict, exchange) = self.verdict(py)?;
        match &self.host {
            Some(Host::Asgi(call)) => call.decided(py, verdict, exchange),
            Some(Host::Hook {
                policy,
                method,
                form,
            }) => {
                let policy = policy.bind(py);
                let exchange =
                    crate::exchange::Exchange::new(policy, verdict, exchange, method, *form)?;
                Ok(Bound::new(py, exchange)?.into_any())
            }
            None => Ok(py.None().into_bound(py)),
        }
    }

    /// The commands that give back what some slots of a cluster took of a request that another denied.
    fn given_back<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let back = std::mem::take(&mut self.told().back);
        let prefix = &self.store.get().config().prefix;
        let commands = PyList::empty(py);
        for share in shares(&back) {
            if let Ok(trip) = Trip::give_back(prefix, &share.takes) {
                let words = trip.words(true);
                let words = PyList::new(py, words.iter().map(|word| PyBytes::new(py, word)))?;
                commands.append(words)?;
            }
        }
        Ok(commands)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)?;
        match &self.host {
            Some(Host::Asgi(call)) => call.traverse(&visit)?,
            Some(Host::Hook { policy, .. }) => visit.call(policy)?,
            None => {}
        }
        match self.told.try_lock() {
            Ok(told) => visit.call(&told.future),
            Err(_) => Ok(()),
        }
    }
}
