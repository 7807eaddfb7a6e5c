//! Directives that do not go together: the stricter one wins, the other is dead.

use super::CacheControl;

/// A directive that is dead beside another.
pub(super) struct Contradiction {
    pub(super) dead: &'static str,
    pub(super) killer: &'static str,
    /// What a cache does.
    pub(super) effect: &'static str,
}

pub(super) fn contradictions(value: &CacheControl) -> Vec<Contradiction> {
    let positive = |seconds: Option<u64>| seconds.is_some_and(|seconds| seconds > 0);
    // must-understand makes no-store a fallback (RFC 9111 section 5.2.2.3)
    let no_store = value.no_store && !value.must_understand;
    let no_store = (no_store, "no-store", "no cache keeps the response");
    let private = (
        value.is_private(),
        "private",
        "no shared cache keeps the response",
    );
    let no_cache = (
        value.is_no_cache(),
        "no-cache",
        "the response is always revalidated",
    );
    let no_stale = (
        value.must_revalidate && !no_store.0,
        "must-revalidate",
        "the response is never used stale",
    );
    let not_fresh = (
        value.max_age == Some(0) && !no_store.0,
        "max-age",
        "the response is never fresh",
    );
    let revalidate = value.stale_while_revalidate.is_some();
    let if_error = value.stale_if_error.is_some();
    [
        (no_store, "public", value.public),
        (no_store, "max-age", positive(value.max_age)),
        (no_store, "s-maxage", positive(value.s_maxage)),
        (no_store, "immutable", value.immutable),
        (no_store, "stale-while-revalidate", revalidate),
        (no_store, "stale-if-error", if_error),
        (private, "public", value.public),
        (private, "s-maxage", value.s_maxage.is_some()),
        (no_cache, "immutable", value.immutable),
        (no_stale, "stale-while-revalidate", revalidate),
        (no_stale, "stale-if-error", if_error),
        (not_fresh, "immutable", value.immutable),
    ]
    .into_iter()
    .filter(|((kills, ..), _, lives)| *kills && *lives)
    .map(|((_, killer, effect), dead, _)| Contradiction {
        dead,
        killer,
        effect,
    })
    .collect()
}
