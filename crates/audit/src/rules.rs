//! The rules, a file each: `rules/<header>/<fault>.rs`. What several of them need stands here.

pub(crate) mod caching;
pub(crate) mod content;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod csp;
pub(crate) mod csrf;
pub(crate) mod errors;
pub(crate) mod field;
pub(crate) mod framing;
pub(crate) mod hsts;
pub(crate) mod isolation;
pub(crate) mod limits;
pub(crate) mod permissions;
pub(crate) mod referrer;
pub(crate) mod sniffing;
pub(crate) mod transport;

use mantlet_headers::Fault;
use mantlet_headers::cookie::{Attributes, Hardening, SameSite, SetCookie};

pub(crate) use crate::finding::{Evidence, Finding, Severity};
pub(crate) use crate::fix::Fix;
pub(crate) use crate::rule::Rule;
pub(crate) use crate::subject::Subject;

/// Faults that cost nobody anything: the words are superfluous, or ahead of their time.
const HARMLESS: [&str; 8] = [
    "csp.repeated-word",
    "csp.experimental",
    "csp.dead-directive",
    "csp.empty-word",
    "permissions-policy.unknown-feature",
    "permissions-policy.retired-feature",
    "report-to.deprecated",
    "csp.trusted-types-eval-alone",
];

/// The finding of a fault that the parser of a field saw.
fn of_fault(rule: &'static Rule, place: &str, text: String, fault: Fault) -> Finding {
    let severity = match fault.is_error() {
        _ if HARMLESS.contains(&fault.code) => Severity::Info,
        true => Severity::Medium,
        false => Severity::Low,
    };
    let message = match &fault.hint {
        Some(hint) => format!("{}: {hint} ({}).", fault.message, fault.code),
        None => format!("{} ({}).", fault.message, fault.code),
    };
    let end = fault.span.end.min(text.len());
    let span = fault.span.start.min(end)..end;
    // a value of several bytes a character is cut between characters
    let span = match text.get(span.clone()) {
        Some(_) => span,
        None => 0..text.len(),
    };
    let place = place.to_owned();
    Finding::new(rule, message)
        .severity(severity)
        .evidence(Evidence { place, text, span })
}

/// What brings plain http to https.
fn https() -> Fix {
    Fix::Policy {
        toml: "https = \"redirect\"",
    }
}

/// Whether a cookie's name says that it stands for a visitor.
fn is_session(cookie: &SetCookie<'_>) -> bool {
    let name = String::from_utf8_lossy(cookie.name()).to_ascii_lowercase();
    const WORDS: [&str; 10] = [
        "sess", "login", "auth", "token", "jwt", "sid", "identity", "remember", "user_id", "userid",
    ];
    // tokens against forgery are read by scripts on purpose
    let is_csrf = name.contains("csrf") || name.contains("xsrf");
    !is_csrf && WORDS.iter().any(|word| name.contains(word))
}

/// Whether the cookie is set to go away.
fn is_deleted(cookie: &SetCookie<'_>) -> bool {
    let expired = |(name, value): (&[u8], &[u8])| {
        let is = |word: &str| name.eq_ignore_ascii_case(word.as_bytes());
        let value = String::from_utf8_lossy(value);
        (is("max-age") && (value == "0" || value.starts_with('-')))
            || (is("expires") && value.contains("1970"))
    };
    cookie.attributes().any(expired)
}

/// A finding about a cookie; its value is not told.
fn cookie_finding(rule: &'static Rule, value: &str, cookie: &SetCookie<'_>, what: &str) -> Finding {
    let name = String::from_utf8_lossy(cookie.name()).into_owned();
    let hidden = String::from_utf8_lossy(cookie.value()).into_owned();
    // what a session is worth does not belong in a report
    let shown = match hidden.is_empty() {
        true => value.to_owned(),
        false => value.replacen(&format!("={hidden}"), "=...", 1),
    };
    let end = name.len().min(shown.len());
    let start = shown.find(&name).unwrap_or(0);
    let span = match shown.get(start..start + end) {
        Some(_) => start..start + end,
        None => 0..shown.len(),
    };
    Finding::new(rule, format!("The cookie {name:?} {what}.")).evidence(Evidence {
        place: "Set-Cookie".to_owned(),
        text: shown,
        span,
    })
}

/// The cookie with what it lacks; HttpOnly only where it stands for a visitor, for scripts may read the others on purpose.
fn harden(value: &str, cookie: &SetCookie<'_>) -> Option<Fix> {
    let http_only = is_session(cookie);
    let base = Attributes {
        secure: true,
        http_only,
        same_site: Some(SameSite::Lax),
    };
    let hardened = Hardening::new(base).harden(value.as_bytes())?;
    Some(Fix::Cookie {
        was: value.to_owned(),
        value: String::from_utf8_lossy(&hardened).into_owned(),
        keys: match http_only {
            true => "secure = true\nhttponly = true\nsamesite = \"Lax\"",
            false => "secure = true\nsamesite = \"Lax\"",
        },
    })
}
