//! The tests that read one field: framing, sniffing, referrers, and who may read or embed the response.

use sfv::{BareItem, Parser};

use super::outcome::{self, Outcome};
use super::text::{plain, start, trim};
use super::{Seen, Test};

pub(super) fn framing(seen: &Seen<'_>, has_frame_ancestors: bool) -> Test {
    let header = seen.filled("x-frame-options");
    let value = header.as_deref().map(|value| plain(value, 1024));
    let outcome = match value.as_deref() {
        _ if has_frame_ancestors => &outcome::FRAMING_CSP,
        None => &outcome::FRAMING_ABSENT,
        Some("deny" | "sameorigin") => &outcome::FRAMING_SET,
        Some(value) if value.starts_with("allow-from") => &outcome::FRAMING_ALLOW_FROM,
        Some(_) => &outcome::FRAMING_INVALID,
    };
    let data = header.as_deref().map(|value| start(value, 1024));
    Test::new(
        "x-frame-options",
        outcome::FRAMING_SET.name,
        outcome,
        seen.algorithm,
    )
    .data(data)
}

pub(super) fn sniffing(seen: &Seen<'_>) -> Test {
    let header = seen.filled("x-content-type-options");
    let outcome = match header.as_deref() {
        None => &outcome::SNIFFING_ABSENT,
        Some(value) if plain(value, 256) == "nosniff" => &outcome::SNIFFING_OFF,
        Some(_) => &outcome::SNIFFING_INVALID,
    };
    let data = header.as_deref().map(|value| start(value, 256));
    Test::new(
        "x-content-type-options",
        outcome::SNIFFING_OFF.name,
        outcome,
        seen.algorithm,
    )
    .data(data)
}

pub(super) fn referrer(seen: &Seen<'_>) -> Test {
    let header = seen.field("referrer-policy");
    let meta = seen.page.referrer.as_deref().filter(|_| seen.reads_meta);
    let every: Vec<&str> = header.as_deref().into_iter().chain(meta).collect();
    let joined = every.join(", ");
    let known = joined.split(',').map(|word| trim(word).to_lowercase());
    let mut verdicts = known.filter_map(|word| match word.as_str() {
        "no-referrer" | "same-origin" | "strict-origin" | "strict-origin-when-cross-origin" => {
            Some(&outcome::REFERRER_PRIVATE)
        }
        "origin" | "origin-when-cross-origin" | "unsafe-url" | "no-referrer-when-downgrade" => {
            Some(&outcome::REFERRER_UNSAFE)
        }
        _ => None,
    });
    let (outcome, data) = match every.is_empty() {
        true => (&outcome::REFERRER_ABSENT, None),
        false => (
            verdicts.next_back().unwrap_or(&outcome::REFERRER_INVALID),
            Some(joined.as_str()),
        ),
    };
    Test::new(
        "referrer-policy",
        outcome::REFERRER_PRIVATE.name,
        outcome,
        seen.algorithm,
    )
    .data(data)
}

pub(super) fn resource(seen: &Seen<'_>) -> Test {
    let header = seen.filled("cross-origin-resource-policy");
    let value = header.as_deref().map(|value| plain(value, 256));
    let outcome = match value.as_deref() {
        None | Some("") => &outcome::CORP_ABSENT,
        Some("same-origin") => &outcome::CORP_ORIGIN,
        Some("same-site") => &outcome::CORP_SITE,
        Some("cross-origin") => &outcome::CORP_ANY,
        Some(_) => &outcome::CORP_INVALID,
    };
    Test::new(
        "cross-origin-resource-policy",
        outcome::CORP_SITE.name,
        outcome,
        seen.algorithm,
    )
    .data(value)
}

pub(super) fn opener(seen: &Seen<'_>) -> Test {
    let outcomes: [(&str, &'static Outcome); 4] = [
        ("same-origin", &outcome::COOP_ORIGIN),
        ("same-origin-allow-popups", &outcome::COOP_POPUPS),
        ("noopener-allow-popups", &outcome::COOP_NOOPENER),
        ("unsafe-none", &outcome::COOP_NONE),
    ];
    token(
        seen,
        "cross-origin-opener-policy",
        &outcome::COOP_ABSENT,
        &outcome::COOP_INVALID,
        &outcomes,
    )
}

pub(super) fn embedder(seen: &Seen<'_>) -> Test {
    let outcomes: [(&str, &'static Outcome); 3] = [
        ("require-corp", &outcome::COEP_CORP),
        ("credentialless", &outcome::COEP_CREDENTIALLESS),
        ("unsafe-none", &outcome::COEP_NONE),
    ];
    token(
        seen,
        "cross-origin-embedder-policy",
        &outcome::COEP_ABSENT,
        &outcome::COEP_INVALID,
        &outcomes,
    )
}

/// A field whose value is a token with parameters (RFC 9651 section 3.3).
fn token(
    seen: &Seen<'_>,
    name: &'static str,
    absent: &'static Outcome,
    invalid: &'static Outcome,
    outcomes: &[(&str, &'static Outcome)],
) -> Test {
    let header = seen.filled(name);
    let outcome = match header.as_deref() {
        None => absent,
        Some(value) => {
            let item = Parser::new(trim(start(value, 1024)))
                .parse::<sfv::Item>()
                .ok();
            let token = item.as_ref().and_then(|item| match &item.bare_item {
                BareItem::Token(token) => Some(token.as_str()),
                _ => None,
            });
            let known = outcomes.iter().find(|(known, _)| token == Some(*known));
            known.map_or(invalid, |(_, outcome)| outcome)
        }
    };
    let data = header.as_deref().map(|value| trim(start(value, 1024)));
    Test::new(name, absent.name, outcome, seen.algorithm).data(data)
}

/// Who asks in the Observatory's preflight, where a capture does not say.
const PROBE: &str = "https://http-observatory.security.mozilla.org";

pub(super) fn cors(seen: &Seen<'_>) -> Test {
    let answer = seen.observation.cors.as_ref();
    let field = |name: &str| answer.and_then(|cors| super::field(&cors.headers, name));
    let allowed = field("access-control-allow-origin").filter(|value| !value.is_empty());
    let value = allowed.as_deref().map(|value| plain(value, 256));
    let credentials = field("access-control-allow-credentials");
    let credentials = credentials.is_some_and(|value| trim(&value).eq_ignore_ascii_case("true"));
    let origin = answer.map(|cors| cors.origin.as_deref().unwrap_or(PROBE));
    let outcome = match value.as_deref() {
        None => &outcome::CORS_ABSENT,
        Some("*") => &outcome::CORS_PUBLIC,
        Some(_) if credentials && allowed.as_deref() == origin => &outcome::CORS_UNIVERSAL,
        Some(_) => &outcome::CORS_RESTRICTED,
    };
    Test::new(
        "cross-origin-resource-sharing",
        outcome::CORS_ABSENT.name,
        outcome,
        seen.algorithm,
    )
    .data(value)
}
