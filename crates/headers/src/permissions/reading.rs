//! What a browser makes of a Permissions-Policy value.
//!
//! <https://www.w3.org/TR/permissions-policy/#algo-construct-policy>

use std::collections::HashSet;
use std::ops::Range;

use sfv::{BareItem, Dictionary, ListEntry};

use super::{Allow, FEATURES, Permission, PermissionsPolicy, RETIRED_FEATURES};
use crate::fault::{Fault, Parsed};
use crate::sf::{self, Writes};
use crate::suggest::suggest;

pub(super) fn parse(input: &[u8]) -> Parsed<PermissionsPolicy> {
    let dictionary: Dictionary = match sf::parse(input, "permissions-policy.grammar") {
        Ok(dictionary) => dictionary,
        Err(fault) => {
            let hint = repaired(input).unwrap_or_else(|| "geolocation=(self), camera=()".into());
            return Parsed::ignored(fault.hint(hint));
        }
    };
    let members = sf::Members::find(input);
    let mut faults = members.replaced("permissions-policy.repeated");
    if dictionary.is_empty() {
        let message = "the policy names no feature: it does nothing";
        faults.push(Fault::warning(
            "permissions-policy.empty",
            0..input.len(),
            message,
        ));
    }
    let mut policy = PermissionsPolicy::new();
    for (feature, entry) in &dictionary {
        let feature = feature.as_str();
        let span = members.place(feature);
        faults.extend(feature_fault(feature, &span));
        let (items, params): (Vec<&BareItem>, _) = match entry {
            ListEntry::Item(item) => (vec![&item.bare_item], &item.params),
            ListEntry::InnerList(list) => (
                list.items.iter().map(|item| &item.bare_item).collect(),
                &list.params,
            ),
        };
        let mut allowlist: Vec<Allow> = Vec::new();
        let mut seen = HashSet::new();
        for item in items {
            match read(item, feature, &span, &mut faults) {
                Some(allow) if seen.insert(allow.clone()) => allowlist.push(allow),
                _ => {}
            }
        }
        if allowlist.len() > 1 && allowlist.contains(&Allow::Everyone) {
            let message = format!("{feature}: beside * every other origin is dead");
            let fault = Fault::warning("permissions-policy.everyone", span.clone(), message);
            faults.push(fault.hint(format!("{feature}=*")));
            allowlist = vec![Allow::Everyone];
        }
        let report_to = sf::report_to(params, span, Writes::Either, &mut faults);
        policy.permissions.push(Permission {
            feature: feature.to_owned(),
            allowlist,
            report_to,
        });
    }
    faults.sort_by_key(|fault| fault.span.start);
    Parsed {
        value: Some(policy),
        faults,
    }
}

fn feature_fault(feature: &str, span: &Range<usize>) -> Option<Fault> {
    let span = span.start..(span.start + feature.len()).min(span.end);
    if let Some((_, successor)) = RETIRED_FEATURES.iter().find(|(name, _)| *name == feature) {
        let message = format!("{feature} is retired: browsers no longer know it");
        let fault = Fault::warning("permissions-policy.retired-feature", span, message);
        return Some(match successor {
            Some(successor) => fault.hint(*successor),
            None => fault.hint("leave it out"),
        });
    }
    if FEATURES.binary_search(&feature).is_ok() {
        return None;
    }
    let message = format!("{feature} is an unknown feature: a browser ignores it");
    let fault = Fault::warning("permissions-policy.unknown-feature", span, message);
    Some(match suggest(feature, FEATURES.iter().copied()) {
        Some(near) => fault.hint(near),
        None => fault,
    })
}

fn read(
    item: &BareItem,
    feature: &str,
    span: &Range<usize>,
    faults: &mut Vec<Fault>,
) -> Option<Allow> {
    let error = |message: String| Fault::error("permissions-policy.word", span.clone(), message);
    match item {
        BareItem::Token(token) => match token.as_str() {
            "*" => return Some(Allow::Everyone),
            "self" => return Some(Allow::SelfOrigin),
            "src" => {
                let message = format!("{feature}: src has a meaning in the allow attribute only");
                faults.push(Fault::warning(
                    "permissions-policy.src",
                    span.clone(),
                    message,
                ));
            }
            "none" => {
                let message =
                    format!("{feature}: none is no word of this field: a browser skips it");
                faults.push(error(message).hint(format!("{feature}=()")));
            }
            word => {
                let message = format!(
                    "{feature}: {word} is neither * nor self nor a string: a browser skips it"
                );
                let quoted = match Allow::origin(word) {
                    Ok(origin) => format!("{feature}=({origin})"),
                    Err(_) => format!("{feature}=(self \"https://a.example\")"),
                };
                faults.push(error(message).hint(quoted));
            }
        },
        BareItem::String(text) => return read_origin(text.as_str(), feature, span, faults),
        BareItem::Boolean(true) => {
            let message = format!("{feature} has no allowlist: a browser denies it");
            faults.push(error(message).hint(format!("{feature}=()")));
        }
        _ => {
            let message = format!("{feature}: neither a word nor a string: a browser skips it");
            faults.push(error(message).hint(format!("{feature}=(self)")));
        }
    }
    None
}

fn read_origin(
    text: &str,
    feature: &str,
    span: &Range<usize>,
    faults: &mut Vec<Fault>,
) -> Option<Allow> {
    let allow = match Allow::origin(text) {
        Ok(allow) => allow,
        Err(malformed) => {
            let message = format!("{feature}: {text:?} is no origin: {}", malformed.message);
            let fault = Fault::error("permissions-policy.origin", span.clone(), message);
            faults.push(match (text, malformed.hint) {
                ("self" | "*", _) => fault.hint(format!("{feature}=({text}), without quotes")),
                (_, Some(hint)) => fault.hint(hint),
                (_, None) => fault,
            });
            return None;
        }
    };
    if text
        .get(..5)
        .is_some_and(|s| s.eq_ignore_ascii_case("http:"))
    {
        let message = format!("{feature}: an origin without TLS can be anybody's");
        faults.push(Fault::warning(
            "permissions-policy.insecure",
            span.clone(),
            message,
        ));
    }
    Some(allow)
}

/// The value as it was probably meant, if putting the quotes right is all it needs.
fn repaired(input: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(input)
        .ok()?
        .to_ascii_lowercase()
        .replace("'self'", "self")
        .replace("'none'", "")
        .replace("'*'", "*")
        .replace("=none", "=()")
        .replace('\'', "\"");
    let parsed = parse_once(text.as_bytes())?;
    (!parsed.permissions.is_empty()).then(|| parsed.to_string())
}

fn parse_once(input: &[u8]) -> Option<PermissionsPolicy> {
    let _: Dictionary = sf::parse(input, "permissions-policy.grammar").ok()?;
    parse(input).strict().ok().map(|(policy, _)| policy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;

    fn codes(input: &str) -> Vec<&'static str> {
        let parsed = PermissionsPolicy::parse(input.as_bytes());
        parsed.faults.iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn a_slip_of_the_grammar_voids_the_field() {
        for (input, hint) in [
            ("geolocation=('self')", "geolocation=(self)"),
            (
                "geolocation=('self'), camera=('none')",
                "geolocation=(self), camera=()",
            ),
            ("GeoLocation=(self)", "geolocation=(self)"),
            ("usb=('https://A.example')", "usb=(\"https://a.example\")"),
            (
                "geolocation 'self'; camera 'none'",
                "geolocation=(self), camera=()",
            ),
            ("camera=(),", "geolocation=(self), camera=()"),
        ] {
            let parsed = PermissionsPolicy::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
            assert_eq!(parsed.faults[0].hint.as_deref(), Some(hint), "{input}");
        }
    }

    #[test]
    fn words_are_skipped_one_by_one() {
        for (input, printed, code) in [
            (
                "camera=none, usb=(self)",
                "camera=(), usb=(self)",
                "permissions-policy.word",
            ),
            ("camera", "camera=()", "permissions-policy.word"),
            (
                "camera=(self src)",
                "camera=(self)",
                "permissions-policy.src",
            ),
            ("camera=(self *)", "camera=*", "permissions-policy.everyone"),
            (
                "camera=(https://a.example)",
                "camera=()",
                "permissions-policy.word",
            ),
            (
                "camera=(\"self\")",
                "camera=()",
                "permissions-policy.origin",
            ),
            (
                "camera=(\"https://a.example/x\")",
                "camera=()",
                "permissions-policy.origin",
            ),
            ("camera=(1)", "camera=()", "permissions-policy.word"),
            (
                "camera=*, camera=()",
                "camera=()",
                "permissions-policy.repeated",
            ),
            ("", "", "permissions-policy.empty"),
            (
                "interest-cohort=()",
                "interest-cohort=()",
                "permissions-policy.retired-feature",
            ),
            (
                "window-placement=()",
                "window-placement=()",
                "permissions-policy.retired-feature",
            ),
            (
                "camera=(\"http://a.example\")",
                "camera=(\"http://a.example\")",
                "permissions-policy.insecure",
            ),
        ] {
            let parsed = PermissionsPolicy::parse(input.as_bytes());
            let text = parsed.value.map(|value| value.to_string());
            assert_eq!(text.as_deref(), Some(printed), "{input}");
            assert_eq!(codes(input), [code], "{input}");
        }
    }

    #[test]
    fn clean_values_have_no_fault() {
        for input in [
            "camera=(), geolocation=(self \"https://a.example\"), fullscreen=*",
            "usb=();report-to=ep",
            "usb=\"https://*.a.example:8443\"",
            "tools=self",
        ] {
            assert_eq!(codes(input), [] as [&str; 0], "{input}");
        }
    }
}
