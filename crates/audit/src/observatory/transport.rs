//! The tests `strict-transport-security` and `redirection`.

use serde_json::{Value, json};

use super::outcome::{self, Outcome};
use super::text::{start, trim};
use super::{Seen, Test};
use crate::observation::{Http, Session, Tls};

/// Half a year as the Observatory counts it, in seconds.
const HALF_A_YEAR: f64 = 15_552_000.0;

pub(super) fn hsts(seen: &Seen<'_>) -> Test {
    let header = seen.field("strict-transport-security");
    let observation = seen.observation;
    let preloaded = observation.tls.is_https() && seen.preload.covers(observation.host());
    let outcome = match observation.tls {
        _ if preloaded => &outcome::HSTS_PRELOADED,
        Tls::None => &outcome::HSTS_NO_HTTPS,
        Tls::Unverified => &outcome::HSTS_CERTIFICATE,
        Tls::Verified => header.as_deref().map_or(&outcome::HSTS_ABSENT, age),
    };
    let data = header.as_deref().filter(|_| observation.tls.is_verified());
    Test::new(
        "strict-transport-security",
        outcome::HSTS_LONG.name,
        outcome,
        seen.algorithm,
    )
    .data(data.map(|value| start(value, 1024)))
}

fn age(header: &str) -> &'static Outcome {
    let header = start(header, 1024);
    if header.contains(',') {
        return &outcome::HSTS_INVALID;
    }
    let parts = header.split(';').map(|part| trim(part).to_lowercase());
    let mut ages = parts.filter_map(|part| part.strip_prefix("max-age=").map(number));
    match ages.next_back() {
        None => &outcome::HSTS_INVALID,
        // a number that is none is not less
        Some(Some(seconds)) if seconds < HALF_A_YEAR => &outcome::HSTS_SHORT,
        Some(_) => &outcome::HSTS_LONG,
    }
}

/// The number at the start of a text, `None` if there is none.
fn number(text: &str) -> Option<f64> {
    let text = trim(start(text, 120));
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end]
        .parse::<f64>()
        .ok()
        .map(|number| sign * number)
}

pub(super) fn redirection(seen: &Seen<'_>) -> Test {
    let (outcome, data) = match &seen.observation.http {
        Http::NotAsked | Http::Silent => (&outcome::REDIRECTION_NO_HTTP, Value::Null),
        Http::Answered(session) => {
            let route: Vec<&str> = session.hops.iter().map(|hop| hop.url.as_str()).collect();
            let destination = route.last().copied();
            let data = json!({"destination": destination, "route": route});
            (way(session, seen), data)
        }
    };
    let expectation = outcome::REDIRECTION_HTTPS.name;
    Test::new("redirection", expectation, outcome, seen.algorithm).data(data)
}

fn way(session: &Session, seen: &Seen<'_>) -> &'static Outcome {
    let urls: Vec<_> = session.hops.iter().map(|hop| &hop.url).collect();
    let is_preloaded = |host: Option<&str>| host.is_some_and(|host| seen.preload.covers(host));
    match urls.as_slice() {
        _ if !session.verified => &outcome::REDIRECTION_CERTIFICATE,
        urls if urls.iter().all(|url| is_preloaded(url.host_str())) => {
            &outcome::REDIRECTION_PRELOADED
        }
        [_] => &outcome::REDIRECTION_MISSING,
        [.., last] if last.scheme() != "https" => &outcome::REDIRECTION_NEVER,
        [_, second, ..] if second.scheme() == "http" => &outcome::REDIRECTION_LATE,
        [first, second, ..]
            if first.scheme() == "http" && first.host_str() != second.host_str() =>
        {
            &outcome::REDIRECTION_OFF_HOST
        }
        _ => &outcome::REDIRECTION_HTTPS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_that_is_no_number_passes() {
        for (header, name) in [
            (
                "max-age=15552000",
                "hsts-implemented-max-age-at-least-six-months",
            ),
            (
                "max-age=15551999",
                "hsts-implemented-max-age-less-than-six-months",
            ),
            ("max-age=", "hsts-implemented-max-age-at-least-six-months"),
            (
                "max-age=\"1\"",
                "hsts-implemented-max-age-at-least-six-months",
            ),
            (
                "MAX-AGE=1; max-age=31536000abc",
                "hsts-implemented-max-age-at-least-six-months",
            ),
            (
                "max-age=-1",
                "hsts-implemented-max-age-less-than-six-months",
            ),
            ("max-age =31536000", "hsts-header-invalid"),
            ("max-age=31536000, max-age=31536000", "hsts-header-invalid"),
            ("", "hsts-header-invalid"),
        ] {
            assert_eq!(age(header).name, name, "{header}");
        }
    }
}
