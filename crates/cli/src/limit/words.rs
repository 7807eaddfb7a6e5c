//! Limits, numbers and times in words.

use std::time::Duration;

use jiff::Timestamp;
use mantlet_engine::policy::{Counted, Counting, Disposition, KeyPart, Limit, OnError};
use mantlet_limit::{Algorithm, Mode};

/// What a limit lets through, by what, of whom and where: `100 in 1m for each client; token bucket; counted in this process`.
pub(crate) fn limit(limit: &Limit) -> String {
    let mut words = match &limit.counting {
        Counting::Requests(rule) | Counting::Adaptive { rule, .. } => {
            let quota = rule.quota();
            let burst = quota.burst() != quota.requests();
            let algorithm = match rule.algorithm() {
                Algorithm::SlidingWindow(Mode::Strict) => "sliding window".to_owned(),
                Algorithm::SlidingWindow(Mode::Interpolated) => {
                    "sliding window, interpolated".to_owned()
                }
                Algorithm::Adaptive { min_requests } => {
                    format!("adaptive, {} at the least", count(min_requests.into()))
                }
                _ if burst => format!("token bucket, {} at once", count(quota.burst().into())),
                _ => "token bucket".to_owned(),
            };
            let requests = count(quota.requests().into());
            let (window, whom) = (short(quota.window()), whom(&limit.key));
            format!("{requests} in {window} {whom}; {algorithm}")
        }
        Counting::Concurrency { min, max, .. } => {
            format!("{min} to {max} under way at once, as the application keeps up")
        }
        _ => String::new(),
    };
    words.push_str(match limit.counted {
        Counted::Here => "; counted in this process",
        Counted::Shared { on_error, .. } => match on_error {
            OnError::Local => "; counted in the store, here while it does not answer",
            OnError::Open => "; counted in the store, open while it does not answer",
            OnError::Closed => "; counted in the store, closed while it does not answer",
        },
    });
    match limit.disposition {
        Disposition::Enforce => {}
        Disposition::Report { enforce_percent: 0 } => words.push_str("; only reports"),
        Disposition::Report { enforce_percent } => {
            words.push_str(&format!(
                "; reports, and denies {enforce_percent} of a hundred"
            ));
        }
    }
    words
}

fn whom(key: &[KeyPart]) -> String {
    let whom = |part: &KeyPart| match part {
        KeyPart::Client(_) => "client".to_owned(),
        KeyPart::Field(name) => name.to_string(),
        KeyPart::Route => "route".to_owned(),
        _ => "everybody".to_owned(),
    };
    match key {
        [KeyPart::Everybody] => "for everybody together".to_owned(),
        _ => {
            let parts: Vec<_> = key
                .iter()
                .filter(|part| !matches!(part, KeyPart::Everybody))
                .map(whom)
                .collect();
            format!("for each {}", parts.join(" and "))
        }
    }
}

/// Those who are counted, in the plural.
pub(super) fn counted(limit: &Limit) -> &'static str {
    match limit.key.as_slice() {
        [KeyPart::Client(_)] => "clients",
        [KeyPart::Route] => "routes",
        _ => "keys",
    }
}

/// As a policy file says it: `1m`, `30s`, `1500ms`.
pub(super) fn short(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        _ if duration.subsec_millis() > 0 || seconds == 0 => format!("{}ms", duration.as_millis()),
        _ if seconds.is_multiple_of(86_400) => format!("{}d", seconds / 86_400),
        _ if seconds.is_multiple_of(3_600) => format!("{}h", seconds / 3_600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// A length of time for people: its two largest units.
pub(super) fn long(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// With a comma before every three digits.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut words = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// `part` of `whole`, in percent.
pub(super) fn percent(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent {
        percent if part > 0 && percent < 0.1 => "under 0.1 %".to_owned(),
        percent if part < whole && percent >= 99.95 => "over 99.9 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

/// A time since 1970-01-01, in UTC, to the second: `2026-11-22 15:00:00`.
pub(super) fn time(unix: Duration) -> String {
    stamp(unix).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time since 1970-01-01, as in RFC 3339.
pub(super) fn rfc3339(unix: Duration) -> String {
    stamp(unix).to_string()
}

fn stamp(unix: Duration) -> Timestamp {
    // what no calendar has is its last day
    let nanos = i128::try_from(unix.as_nanos()).unwrap_or(i128::MAX);
    Timestamp::from_nanosecond(nanos).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use mantlet_config::Config;

    use super::*;

    #[test]
    fn a_limit_is_said_whole() {
        for (text, said) in [
            (
                "requests = 1000\nwindow = '1m'",
                "1,000 in 1m for each client; token bucket; counted in this process",
            ),
            (
                "requests = 5\nwindow = 90\nburst = 2\nkey = 'everybody'",
                "5 in 90s for everybody together; token bucket, 2 at once; counted in this process",
            ),
            (
                "requests = 5\nwindow = '24h'\nalgorithm = 'sliding_window'\nkey = ['route', { header = 'x-api-key' }]\n\
                 disposition = 'report'",
                "5 in 1d for each route and x-api-key; sliding window; counted in this process; only reports",
            ),
            (
                "requests = 5\nwindow = '1500ms'\nalgorithm = 'sliding_window'\nmode = 'interpolated'\nstore = 'redis'\n\
                 on_error = 'open'\n[store.redis]\nurl = 'redis://localhost'",
                "5 in 1500ms for each client; sliding window, interpolated; counted in the store, open while it does not answer",
            ),
            (
                "requests = 5\nwindow = '2h'\nalgorithm = 'adaptive'\nmin_requests = 2\nenforce_percent = 10\n\
                 disposition = 'report'",
                "5 in 2h for each client; adaptive, 2 at the least; counted in this process; reports, and denies 10 of a hundred",
            ),
            (
                "algorithm = 'concurrency'\nmax_in_flight = 50",
                "4 to 50 under way at once, as the application keeps up; counted in this process",
            ),
        ] {
            let policy = Config::parse(&format!("[limit]\n{text}"))
                .expect("right")
                .limits_alone();
            let policy = policy.expect("right");
            assert_eq!(limit(&policy.limits[0]), said);
        }
    }

    #[test]
    fn numbers_and_times_are_said() {
        let counts = [0, 7, 999, 1_000, 1_234_567].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "1,234,567"]);
        let parts = [(0, 5), (1, 2000), (1, 3), (5, 5), (99_999, 100_000), (0, 0)];
        let parts = parts.map(|(part, whole)| percent(part, whole));
        assert_eq!(
            parts,
            [
                "0.0 %",
                "under 0.1 %",
                "33.3 %",
                "100.0 %",
                "over 99.9 %",
                "0.0 %"
            ]
        );
        let lengths = [5, 65, 3_725, 90_000].map(|seconds| long(Duration::from_secs(seconds)));
        assert_eq!(lengths, ["5 s", "1 min 5 s", "1 h 2 min", "1 d 1 h"]);
        let unix = Duration::from_millis(1_795_359_607_250);
        assert_eq!(time(unix), "2026-11-22 15:00:07");
        assert_eq!(rfc3339(unix), "2026-11-22T15:00:07.25Z");
        assert!(time(Duration::MAX).starts_with("9999-12-3"));
    }
}
