//! One connection of an event loop: the questions of its requests in the order of asking, and the replies as they come.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mantlet_store::StoreError;
use mantlet_store::redis::{Handshake, Replies, Reply};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::store::Store;
use crate::waiting::Waiting;

/// A connection to Redis, without its transport.
#[pyclass(frozen, module = "mantlet._mantlet", name = "_Line")]
pub(crate) struct Line {
    store: Py<Store>,
    under_way: Mutex<UnderWay>,
}

struct UnderWay {
    handshake: Option<Handshake>,
    /// Replies to the handshake that are still to come.
    greetings: usize,
    replies: Replies,
    asked: VecDeque<Question>,
    /// How many of those have gone out.
    sent: usize,
}

struct Question {
    waiting: Py<Waiting>,
    index: usize,
    /// With the script in it.
    whole: bool,
}

impl Line {
    pub(crate) fn new(store: &Bound<'_, Store>) -> Self {
        let under_way = UnderWay {
            handshake: Some(Handshake::new(store.get().config())),
            greetings: 0,
            replies: Replies::new(),
            asked: VecDeque::new(),
            sent: 0,
        };
        Self {
            store: store.clone().unbind(),
            under_way: Mutex::new(under_way),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, UnderWay> {
        // no Python code runs while it is held: a poisoned one is sound
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl UnderWay {
    /// The future that waits for this reply, if it was the last it waited for; and the error after which nothing on the
    /// connection has a meaning.
    fn hear(
        &mut self,
        py: Python<'_>,
        store: &Store,
        reply: &Reply,
    ) -> (Option<Py<PyAny>>, Result<(), StoreError>) {
        if self.greetings > 0 {
            self.greetings -= 1;
            return (None, Handshake::check(reply));
        }
        let question = self.asked.pop_front().filter(|_| self.sent > 0);
        let Some(question) = question else {
            let error = StoreError::Malformed("a reply that nobody asked for".to_owned());
            return (None, Err(error));
        };
        self.sent -= 1;
        let waiting = question.waiting.get();
        let (failure, future) = waiting.hear(question.index, reply, question.whole);
        match failure {
            Some(StoreError::NoScript) if !question.whole => {
                store.stats().script_sent();
                self.asked.push_back(Question {
                    waiting: question.waiting.clone_ref(py),
                    whole: true,
                    ..question
                });
                (None, Ok(()))
            }
            Some(error) if error.ends_connection() => (future, Err(error)),
            _ => (future, Ok(())),
        }
    }
}

/// Wakes who waits; a request that was cancelled does not.
fn settle(py: Python<'_>, futures: impl IntoIterator<Item = Py<PyAny>>) {
    for future in futures {
        let future = future.bind(py);
        let done = future
            .call_method0(intern!(py, "done"))
            .and_then(|done| done.is_truthy());
        let set = match done {
            Ok(true) => continue,
            Ok(false) => future.call_method1(intern!(py, "set_result"), (py.None(),)),
            Err(error) => Err(error),
        };
        if let Err(error) = set {
            // its loop is closed
            error.write_unraisable(py, Some(future));
        }
    }
}

#[pymethods]
impl Line {
    /// Asks; `future` is set once all is answered, or given up at `deadline`, in the seconds of the loop.
    fn ask(&self, waiting: &Bound<'_, Waiting>, future: Py<PyAny>, deadline: f64) {
        waiting.get().travels(future, deadline);
        let mut under_way = self.under_way();
        for index in 0..waiting.get().trips() {
            under_way.asked.push_back(Question {
                waiting: waiting.clone().unbind(),
                index,
                whole: false,
            });
        }
    }

    /// The bytes that have to go out: the handshake, and what was asked since.
    fn unsent<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let mut under_way = self.under_way();
        let mut bytes = Vec::new();
        if let Some(handshake) = under_way.handshake.take() {
            handshake.write(&mut bytes);
            under_way.greetings = handshake.replies();
            self.store.get().stats().connected();
        }
        for question in under_way.asked.range(under_way.sent..) {
            if let Some(trip) = question.waiting.get().trip(question.index) {
                match question.whole {
                    true => trip.write_whole(&mut bytes),
                    false => trip.write(&mut bytes),
                }
            }
        }
        under_way.sent = under_way.asked.len();
        PyBytes::new(py, &bytes)
    }

    /// Bytes that came. Returns whether something has to go out again: a script that the server does not have.
    ///
    /// Raises `ConnectionError` where the connection is of no more use; `broke` follows.
    fn feed(&self, py: Python<'_>, data: &[u8]) -> PyResult<bool> {
        let mut under_way = self.under_way();
        under_way.replies.feed(data);
        let mut futures = Vec::new();
        let ended = loop {
            match under_way.replies.next_reply() {
                Ok(None) => break Ok(()),
                Ok(Some(reply)) => {
                    let (future, ended) = under_way.hear(py, self.store.get(), &reply);
                    futures.extend(future);
                    if ended.is_err() {
                        break ended;
                    }
                }
                Err(error) => break Err(error),
            }
        };
        let again = under_way.sent < under_way.asked.len();
        drop(under_way);
        settle(py, futures);
        match ended {
            Ok(()) => Ok(again),
            Err(error) => {
                self.give_up(py, &error);
                let error = pyo3::exceptions::PyConnectionError::new_err(error.to_string());
                Err(error)
            }
        }
    }

    /// Gives up what should have been answered by `now`. Returns the next such time, `None` if nothing waits.
    fn expire(&self, py: Python<'_>, now: f64) -> Option<f64> {
        let mut under_way = self.under_way();
        let mut futures = Vec::new();
        let mut next = None;
        let sent = under_way.sent;
        let mut place = 0;
        under_way.asked.retain(|question| {
            let waiting = question.waiting.get();
            let has_gone = place < sent;
            place += 1;
            match waiting.deadline() {
                Some(deadline) if deadline > now => {
                    next = next.or(Some(deadline));
                    true
                }
                Some(_) => {
                    futures.extend(waiting.fail(&StoreError::Timeout));
                    has_gone
                }
                // the replies of those that have gone still come
                None => has_gone,
            }
        });
        drop(under_way);
        settle(py, futures);
        next
    }

    /// The connection broke, or was not made.
    fn broke(&self, py: Python<'_>, why: &str) {
        self.give_up(py, &StoreError::Unreachable(why.to_owned()));
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)?;
        if let Ok(under_way) = self.under_way.try_lock() {
            for question in &under_way.asked {
                visit.call(&question.waiting)?;
            }
        }
        Ok(())
    }
}

impl Line {
    fn give_up(&self, py: Python<'_>, error: &StoreError) {
        let asked = std::mem::take(&mut self.under_way().asked);
        let futures = asked
            .iter()
            .filter_map(|question| question.waiting.get().fail(error));
        settle(py, futures.collect::<Vec<_>>());
    }
}
