//! What the application may read of a request that was let through.

use std::net::IpAddr;
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

/// What an application may read of a request that was let through: `scope["mantlet"]`, `environ["mantlet"]`.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Permit(pub(crate) mantlet_engine::Permit);

#[pymethods]
impl Permit {
    /// The nonce for script and style elements of this response, 22 characters of base64url; `None` where the policy has no
    /// `'nonce'`.
    #[getter]
    fn nonce(&self) -> Option<String> {
        self.0.nonce().map(|nonce| nonce.as_str().to_owned())
    }

    /// The address of the client: the peer's, or what a trusted proxy tells of it; `None` where the server does not know the
    /// peer.
    #[getter]
    fn client(&self) -> Option<String> {
        self.0.client().map(|client| client.to_string())
    }

    /// Whether the client came by https: TLS at the server, a trusted proxy's word, or `https = "assume"`.
    #[getter]
    fn secure(&self) -> bool {
        self.0.is_secure()
    }

    /// The reason codes for which the checks that only report would have denied the request.
    #[getter]
    fn reported<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let codes: Vec<_> = self.0.reported().map(|reason| reason.code).collect();
        PyTuple::new(py, codes)
    }

    /// What the limits that the request has passed leave, by name: how many more may come at once, and the seconds until all
    /// are there again.
    #[getter]
    fn quotas<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let quotas = PyDict::new(py);
        for (name, left) in self.0.quotas() {
            quotas.set_item(name, (left.remaining, left.reset.as_secs_f64()))?;
        }
        Ok(quotas)
    }

    /// The nonce stays out: a nonce in a log is a nonce for an attacker who reads it in time.
    fn __repr__(&self) -> String {
        let client = self
            .client()
            .map_or("None".to_owned(), |ip| format!("'{ip}'"));
        let secure = if self.0.is_secure() { "True" } else { "False" };
        format!("Permit(client={client}, secure={secure})")
    }
}

/// The peer and the permit of the last request: on a connection that is kept, and behind a proxy, those of the next are the
/// same. What is another is made anew, and so it is for a thread that finds the other at it.
#[derive(Default)]
pub(crate) struct Last {
    peer: Mutex<Option<(Py<PyString>, Option<IpAddr>)>>,
    permit: Mutex<Option<Py<Permit>>>,
}

impl Last {
    /// The address of a peer as a server tells it: a zone of IPv6 aside, and nothing for a socket that has none.
    pub(crate) fn address(&self, peer: &Bound<'_, PyString>) -> Option<IpAddr> {
        let py = peer.py();
        let text = peer.to_str().ok()?;
        let Ok(mut last) = self.peer.try_lock() else {
            return address(text);
        };
        if let Some((known, address)) = &*last
            && (known.is(peer) || known.to_str(py).is_ok_and(|known| known == text))
        {
            return *address;
        }
        let address = address(text);
        *last = Some((peer.clone().unbind(), address));
        address
    }

    /// The permit for the application.
    ///
    /// # Errors
    /// `MemoryError`.
    pub(crate) fn permit<'py>(
        &self,
        py: Python<'py>,
        permit: mantlet_engine::Permit,
    ) -> PyResult<Bound<'py, Permit>> {
        let last = match permit.tells() {
            // a nonce, or another client behind the same proxy
            true => None,
            false => self.permit.try_lock().ok(),
        };
        let Some(mut last) = last else {
            return Bound::new(py, Permit(permit));
        };
        if let Some(known) = &*last
            && known.get().0 == permit
        {
            return Ok(known.bind(py).clone());
        }
        let made = Bound::new(py, Permit(permit))?;
        *last = Some(made.clone().unbind());
        Ok(made)
    }
}

/// The address of a peer as a server tells it, without the zone of IPv6.
pub(crate) fn address(peer: &str) -> Option<IpAddr> {
    let bare = peer.split_once('%').map_or(peer, |(bare, _)| bare);
    bare.parse().ok()
}
