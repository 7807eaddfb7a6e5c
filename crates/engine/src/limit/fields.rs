//! The response fields that tell a client what is left: draft-ietf-httpapi-ratelimit-headers, of which no version is a
//! standard yet, and what was there before it.
//!
//! Never on a redirect: a client may wait before it follows (draft 10, section 6.3). Never in a trailer.

use std::fmt::Write;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use mantlet_limit::{Outcome, Quota};

use crate::head::Now;
use crate::policy::LimitFields;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const X_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What one limit tells.
pub(crate) struct Told<'t> {
    pub(crate) name: &'t str,
    pub(crate) quota: &'t Quota,
    pub(crate) outcome: &'t Outcome,
}

/// The fields of a version, for what the limits of one request tell.
pub(crate) fn fields(
    version: LimitFields,
    told: &[Told<'_>],
    now: Now,
) -> Vec<(HeaderName, HeaderValue)> {
    let Some(tightest) = told.iter().min_by(|a, b| a.left().total_cmp(&b.left())) else {
        return Vec::new();
    };
    let (limit, remaining) = (tightest.quota.requests(), tightest.outcome.remaining);
    let reset = seconds(tightest.outcome.reset);
    match version {
        LimitFields::Ietf10 => {
            let policies = list(told, |text, own| {
                let _ = write!(text, "\"{}\";q={}", own.name, own.quota.requests());
                window(text, own.quota);
                if own.quota.burst() != own.quota.requests() {
                    let _ = write!(text, ";mantlet-burst={}", own.quota.burst());
                }
            });
            let left = list(told, |text, own| {
                let Outcome {
                    remaining, next, ..
                } = own.outcome;
                let next = seconds(*next);
                let _ = write!(text, "\"{}\";r={remaining};t={next}", own.name);
            });
            named([(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, left)])
        }
        LimitFields::Ietf7 => {
            let left = format!("limit={limit}, remaining={remaining}, reset={reset}");
            named([(RATE_LIMIT_POLICY, bare_policies(told)), (RATE_LIMIT, left)])
        }
        LimitFields::Ietf6 => named([
            (RATE_LIMIT_POLICY, bare_policies(told)),
            (LIMIT, limit.to_string()),
            (REMAINING, remaining.to_string()),
            (RESET, reset.to_string()),
        ]),
        LimitFields::Legacy | LimitFields::LegacyEpoch => {
            let start = match version {
                LimitFields::LegacyEpoch => now.unix.as_secs(),
                _ => 0,
            };
            named([
                (X_LIMIT, limit.to_string()),
                (X_REMAINING, remaining.to_string()),
                (X_RESET, start.saturating_add(reset).to_string()),
            ])
        }
        LimitFields::Off => Vec::new(),
    }
}

impl Told<'_> {
    /// What is left, as a part of the whole.
    fn left(&self) -> f64 {
        f64::from(self.outcome.remaining) / f64::from(self.quota.requests())
    }
}

/// Whole seconds, never fewer than there are.
pub(crate) fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// The window in whole seconds; one that has none is not told, for `w` is an integer above 0.
fn window(text: &mut String, quota: &Quota) {
    if quota.window().subsec_nanos() == 0 {
        let _ = write!(text, ";w={}", quota.window().as_secs());
    }
}

/// Drafts 6 and 7 name no policy.
fn bare_policies(told: &[Told<'_>]) -> String {
    list(told, |text, own| {
        let _ = write!(text, "{}", own.quota.requests());
        window(text, own.quota);
    })
}

fn list(told: &[Told<'_>], item: impl Fn(&mut String, &Told<'_>)) -> String {
    let mut text = String::with_capacity(32 * told.len());
    for (i, own) in told.iter().enumerate() {
        if i > 0 {
            text.push_str(", ");
        }
        item(&mut text, own);
    }
    text
}

fn named<const N: usize>(fields: [(HeaderName, String); N]) -> Vec<(HeaderName, HeaderValue)> {
    let value = |text: String| HeaderValue::from_maybe_shared(Bytes::from(text)).ok();
    let named = fields.into_iter();
    named
        .filter_map(|(name, text)| Some((name, value(text)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use mantlet_limit::Admission;

    use super::*;

    fn quota(requests: u32, seconds: u64) -> Quota {
        Quota::new(requests, Duration::from_secs(seconds)).expect("a quota")
    }

    fn outcome(remaining: u32, next: u64, reset: u64) -> Outcome {
        Outcome {
            admission: Admission::Admitted,
            remaining,
            next: Duration::from_millis(next),
            reset: Duration::from_millis(reset),
            retry_after: Duration::ZERO,
        }
    }

    fn written(version: LimitFields) -> Vec<String> {
        let burst = quota(100, 60).burst_of(20).expect("a burst");
        let daily = quota(1000, 86_400);
        let (few, many) = (outcome(5, 29_500, 61_000), outcome(999, 1, 86_400));
        let told = [
            Told {
                name: "burst",
                quota: &burst,
                outcome: &few,
            },
            Told {
                name: "daily",
                quota: &daily,
                outcome: &many,
            },
        ];
        let now = Now {
            unix: Duration::from_secs(1_700_000_000),
            ..Now::default()
        };
        let fields = fields(version, &told, now);
        let text = |value: &HeaderValue| value.to_str().expect("text").to_owned();
        fields
            .iter()
            .map(|(name, value)| format!("{name}: {}", text(value)))
            .collect()
    }

    #[test]
    fn draft_10_names_every_policy_and_what_is_left_of_it() {
        assert_eq!(
            written(LimitFields::Ietf10),
            [
                r#"ratelimit-policy: "burst";q=100;w=60;mantlet-burst=20, "daily";q=1000;w=86400"#,
                r#"ratelimit: "burst";r=5;t=30, "daily";r=999;t=1"#,
            ]
        );
    }

    #[test]
    fn older_versions_tell_the_one_of_which_least_is_left() {
        assert_eq!(
            written(LimitFields::Ietf7),
            [
                "ratelimit-policy: 100;w=60, 1000;w=86400",
                "ratelimit: limit=100, remaining=5, reset=61",
            ]
        );
        assert_eq!(
            written(LimitFields::Ietf6)[1..],
            [
                "ratelimit-limit: 100",
                "ratelimit-remaining: 5",
                "ratelimit-reset: 61"
            ]
        );
        assert_eq!(
            written(LimitFields::Legacy),
            [
                "x-ratelimit-limit: 100",
                "x-ratelimit-remaining: 5",
                "x-ratelimit-reset: 61"
            ]
        );
        assert_eq!(
            written(LimitFields::LegacyEpoch)[2],
            "x-ratelimit-reset: 1700000061"
        );
        assert!(written(LimitFields::Off).is_empty());
    }

    #[test]
    fn a_window_without_whole_seconds_is_not_told() {
        let half = Quota::new(1, Duration::from_millis(500)).expect("a quota");
        let left = outcome(1, 0, 0);
        let told = [Told {
            name: "fast",
            quota: &half,
            outcome: &left,
        }];
        let fields = fields(LimitFields::Ietf10, &told, Now::default());
        assert_eq!(fields[0].1, "\"fast\";q=1");
    }
}
