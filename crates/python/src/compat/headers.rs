//! What both middlewares are: an application, a `Secure` object, and the headers made ready from it.

use std::sync::{Arc, PoisonError, RwLock};

use pyo3::exceptions::PyRuntimeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::edits;
use super::fields::Fields;

/// A name and a value, as the `Secure` object has them.
pub(super) type Item<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

/// What the middleware was made with.
struct Settings {
    app: Py<PyAny>,
    secure: Py<PyAny>,
    /// Called with `secure`: the pairs to send, and whether they stay until the next edit.
    outgoing: Py<PyAny>,
    multi_ok: Arc<[String]>,
}

/// The application and its headers: the native part that both middlewares share.
#[derive(Default)]
#[pyclass(frozen, subclass, name = "_Headers", module = "mantlet._mantlet")]
pub(super) struct Headers {
    settings: RwLock<Option<Settings>>,
    ready: RwLock<Option<Arc<Fields>>>,
}

#[pymethods]
impl Headers {
    /// Takes any arguments: a subclass decides about its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self::default()
    }

    /// What `__init__` of the Python class calls.
    fn _configure(
        &self,
        app: Py<PyAny>,
        secure: Py<PyAny>,
        multi_ok: Vec<String>,
        outgoing: Py<PyAny>,
    ) {
        let settings = Settings {
            app,
            secure,
            outgoing,
            multi_ok: multi_ok.into(),
        };
        let old = self.swap(Some(settings));
        self.forget();
        drop(old);
    }

    /// The wrapped application.
    #[getter]
    pub(super) fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.read(|settings| settings.app.bind(py).clone())
    }

    #[setter]
    fn set_app(&self, py: Python<'_>, app: Py<PyAny>) -> PyResult<()> {
        self.replace(py, Some(app), None)
    }

    /// Whose headers are sent.
    #[getter]
    fn secure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.read(|settings| settings.secure.bind(py).clone())
    }

    #[setter]
    fn set_secure(&self, py: Python<'_>, secure: Py<PyAny>) -> PyResult<()> {
        self.replace(py, None, Some(secure))
    }

    /// Lower-case names of headers that are added beside the application's.
    #[getter]
    fn multi_ok(&self) -> PyResult<Vec<String>> {
        self.read(|settings| settings.multi_ok.to_vec())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // a held lock means that a thread is about to change them: not visiting keeps the objects alive
        if let Ok(held) = self.settings.try_read()
            && let Some(settings) = held.as_ref()
        {
            visit.call(&settings.app)?;
            visit.call(&settings.secure)?;
            visit.call(&settings.outgoing)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        drop(self.swap(None));
        self.forget();
    }
}

// The locks are held for a clone or a swap, never while Python code runs: a poisoned one is sound.
impl Headers {
    fn swap(&self, settings: Option<Settings>) -> Option<Settings> {
        let mut held = self
            .settings
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *held, settings)
    }

    fn forget(&self) {
        let old = self
            .ready
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(old);
    }

    fn read<T>(&self, read: impl FnOnce(&Settings) -> T) -> PyResult<T> {
        let held = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        let settings = held.as_ref();
        settings
            .map(read)
            .ok_or_else(|| PyRuntimeError::new_err("the middleware was not initialized"))
    }

    /// Puts another application or `Secure` object in place.
    fn replace(
        &self,
        py: Python<'_>,
        app: Option<Py<PyAny>>,
        secure: Option<Py<PyAny>>,
    ) -> PyResult<()> {
        let settings = self.read(|old| Settings {
            app: app.unwrap_or_else(|| old.app.clone_ref(py)),
            secure: secure.unwrap_or_else(|| old.secure.clone_ref(py)),
            outgoing: old.outgoing.clone_ref(py),
            multi_ok: Arc::clone(&old.multi_ok),
        })?;
        let old = self.swap(Some(settings));
        self.forget();
        drop(old);
        Ok(())
    }

    /// The headers to send now.
    ///
    /// # Errors
    /// What the `Secure` object or one of its builders raises, and as of [`Fields::new`].
    pub(super) fn fields<'py>(
        &self,
        py: Python<'py>,
        pair: impl Fn(&Bound<'py, PyAny>, &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>>,
    ) -> PyResult<Arc<Fields>> {
        let ready = self
            .ready
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(fields) = ready.filter(|fields| fields.is_current()) {
            return Ok(fields);
        }
        let before = edits::count();
        let (outgoing, secure, multi_ok) = self.read(|settings| {
            (
                settings.outgoing.bind(py).clone(),
                settings.secure.bind(py).clone(),
                Arc::clone(&settings.multi_ok),
            )
        })?;
        let (items, stays): (Vec<Item<'py>>, bool) = outgoing.call1((secure,))?.extract()?;
        let fields = Fields::new(py, &items, stays.then_some(before), &multi_ok, pair)?;
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        let old = ready.replace(Arc::clone(&fields));
        drop(ready);
        drop(old);
        Ok(fields)
    }
}
