//! Header values that live as long as the process.
//!
//! A value on `'static` bytes is cloned without touching a shared counter, which is what keeps the header loop cheap on
//! several cores. Each distinct text is kept once, so reloading a policy file costs only what changed in it.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use http::{HeaderName, HeaderValue};

static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());

fn interned(text: &str) -> &'static str {
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = texts.get(text) {
        return known;
    }
    let fresh: &'static str = Box::leak(text.into());
    texts.insert(fresh);
    fresh
}

/// The same name on `'static` bytes.
pub(crate) fn name(name: &HeaderName) -> HeaderName {
    // cannot panic: the text comes from a name, so it is a lower-case token
    HeaderName::from_static(interned(name.as_str()))
}

/// The same value on `'static` bytes, where it is visible ASCII.
pub(crate) fn value(value: &HeaderValue) -> HeaderValue {
    match value.to_str() {
        Ok(text) if text.bytes().all(|b| (b' '..0x7f).contains(&b)) => {
            let mut fixed = HeaderValue::from_static(interned(text));
            fixed.set_sensitive(value.is_sensitive());
            fixed
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_kept_once() {
        assert!(std::ptr::eq(
            interned("only once"),
            interned(&String::from("only once"))
        ));
    }

    #[test]
    fn bytes_beyond_ascii_pass_unchanged() {
        let odd = HeaderValue::from_bytes(b"caf\xe9").expect("obs-text is allowed");
        assert_eq!(value(&odd), odd);
    }
}
