//! Directives that do not go together: the stricter one wins, the other is dead.

use super::CacheControl;

/// A pair: the directive that is dead, the one that kills it, and what a cache does.
pub(super) type Contradiction = (&'static str, &'static str, &'static str);

pub(super) fn contradictions(value: &CacheControl) -> Vec<Contradiction> {
    let lives = value.max_age.is_some_and(|seconds| seconds > 0);
    let shared = value.s_maxage.is_some_and(|seconds| seconds > 0);
    let stale_use = value.stale_while_revalidate.is_some() || value.stale_if_error.is_some();
    // must-understand makes no-store a fallback (RFC 9111 section 5.2.2.3)
    let no_store = value.no_store && !value.must_understand;
    let kept = "no cache keeps the response";
    let private = "no shared cache keeps the response";
    let stale = "the response is never used stale";
    [
        (no_store && value.public, ("public", "no-store", kept)),
        (no_store && lives, ("max-age", "no-store", kept)),
        (no_store && shared, ("s-maxage", "no-store", kept)),
        (no_store && value.immutable, ("immutable", "no-store", kept)),
        (
            no_store && value.stale_while_revalidate.is_some(),
            ("stale-while-revalidate", "no-store", kept),
        ),
        (
            no_store && value.stale_if_error.is_some(),
            ("stale-if-error", "no-store", kept),
        ),
        (
            value.is_private() && value.public,
            ("public", "private", private),
        ),
        (
            value.is_private() && value.s_maxage.is_some(),
            ("s-maxage", "private", private),
        ),
        (
            value.is_no_cache() && value.immutable,
            (
                "immutable",
                "no-cache",
                "the response is always revalidated",
            ),
        ),
        (
            value.must_revalidate && stale_use,
            (
                if value.stale_while_revalidate.is_some() {
                    "stale-while-revalidate"
                } else {
                    "stale-if-error"
                },
                "must-revalidate",
                stale,
            ),
        ),
        (
            value.immutable && value.max_age == Some(0),
            ("immutable", "max-age", "the response is never fresh"),
        ),
    ]
    .into_iter()
    .filter_map(|(holds, contradiction)| holds.then_some(contradiction))
    .collect()
}
