//! The locks and atomics of this crate: those of the standard library, or those of loom where a model is checked.

#[cfg(not(loom))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

#[cfg(loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicU64, Ordering},
};
#[cfg(loom)]
pub(crate) use std::sync::PoisonError;

/// What `mutex` holds. A thread that panicked under it left numbers, and no half of anything: they are used.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
