//! The test `subresource-integrity`: scripts of other sites should come over https and carry a hash.
//!
//! Foreign is another registrable domain, and any URL that begins `//`.

use serde_json::{Map, Value, json};

use super::outcome::{self, Outcome};
use super::{Seen, Test};
use crate::html::Script;
use crate::site;

pub(super) fn judge(seen: &Seen<'_>, is_html: bool) -> Test {
    let mut data = Map::new();
    let outcome = match is_html {
        false => &outcome::SRI_NOT_HTML,
        true if seen.page.script_elements == 0 => &outcome::SRI_NO_SCRIPTS,
        true => worst(seen, &mut data),
    };
    let expectation = outcome::SRI_EXTERNAL.name;
    Test::new(
        "subresource-integrity",
        expectation,
        outcome,
        seen.algorithm,
    )
    .data(Value::Object(data))
}

fn worst(seen: &Seen<'_>, data: &mut Map<String, Value>) -> &'static Outcome {
    let own = site::registry_domain(seen.observation.host());
    let mut found: Option<(usize, &'static Outcome)> = None;
    let mut any_foreign = false;
    for script in &seen.page.scripts {
        let kind = Kind::of(script, own.as_deref());
        let has_integrity = script
            .integrity
            .as_deref()
            .is_some_and(|text| !text.is_empty());
        let is_secure = match kind {
            Kind::Relative => seen.observation.tls.is_https(),
            Kind::NoScheme => false,
            Kind::Own | Kind::Foreign => script.url.starts_with("https:"),
        };
        if matches!(kind, Kind::Relative | Kind::Own) {
            if has_integrity && is_secure && found.is_none() {
                found = Some((0, &outcome::SRI_ALL));
            }
            continue;
        }
        any_foreign = true;
        let (crossorigin, integrity) = (&script.crossorigin, &script.integrity);
        data.insert(
            script.url.clone(),
            json!({"crossorigin": crossorigin, "integrity": integrity}),
        );
        let (rank, outcome) = match (has_integrity, is_secure) {
            (true, true) => continue,
            (true, false) => (2, &outcome::SRI_INSECURE),
            (false, true) => (3, &outcome::SRI_MISSING),
            (false, false) => (4, &outcome::SRI_NOTHING),
        };
        if found.is_none_or(|(old, _)| rank > old) {
            found = Some((rank, outcome));
        }
    }
    match (found, any_foreign) {
        (Some((_, outcome)), _) => outcome,
        (None, true) => &outcome::SRI_EXTERNAL,
        (None, false) => &outcome::SRI_OWN,
    }
}

enum Kind {
    Relative,
    NoScheme,
    Own,
    Foreign,
}

impl Kind {
    fn of(script: &Script, own: Option<&str>) -> Self {
        let url = &script.url;
        let without_scheme = url.strip_prefix("//");
        if without_scheme.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
            return Self::NoScheme;
        }
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Self::Relative;
        }
        let parsed = url::Url::parse(url).ok();
        let host = parsed
            .as_ref()
            .and_then(|url| url.host_str())
            .unwrap_or_default();
        match site::registry_domain(host).as_deref() == own {
            true => Self::Own,
            false => Self::Foreign,
        }
    }
}
