//! A policy whose randomness is known, for the cases of `conformance`: in no wheel but that of the tests.

use mantlet_config::{Config, Source};
use mantlet_engine::{Entropy, EntropyError};
use pyo3::prelude::*;

use crate::policy::{Policy, PolicyError};

/// Counts from 0, or has nothing to give.
struct Pinned {
    fails: bool,
}

impl Entropy for Pinned {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        if self.fails {
            return Err(EntropyError);
        }
        for (byte, value) in bytes.iter_mut().zip(0..) {
            *byte = value;
        }
        Ok(())
    }
}

/// The policy of a text, whose nonces are all the same, or cannot be drawn.
#[pyfunction]
#[pyo3(name = "_pinned")]
pub(crate) fn pinned(py: Python<'_>, text: &str, fails: bool) -> PyResult<Policy> {
    let refused = |report: mantlet_config::Report| PolicyError::new_err(report.to_string());
    let (config, _) = Config::read(&Source::new("policy", text)).map_err(refused)?;
    let mut loaded = config.load(None).map_err(refused)?;
    loaded.engine = config.build_with(Pinned { fails }).map_err(refused)?;
    Policy::ready(py, loaded, None, None)
}
