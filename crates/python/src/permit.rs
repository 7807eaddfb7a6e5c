//! What the application may read of a request that was let through.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

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

    /// The nonce stays out: a nonce in a log is a nonce for an attacker who reads it in time.
    fn __repr__(&self) -> String {
        let client = self
            .client()
            .map_or("None".to_owned(), |ip| format!("'{ip}'"));
        let secure = if self.0.is_secure() { "True" } else { "False" };
        format!("Permit(client={client}, secure={secure})")
    }
}
