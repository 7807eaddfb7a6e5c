//! One layer over another: a route over the root, the root over its preset.
//!
//! A key replaces, `{ add = [...] }` extends, `false` drops.
//!
//! * `{ add }` to a directive that the layer below does not have starts from what a browser would use in its place
//!   (`img-src` from `default-src`, that of this layer if it has one): adding never takes away.
//! * `{ add }` to `'none'` replaces it.
//! * A layer that says who may frame its pages, by `frame-ancestors` or `x-frame-options`, drops the other field of the
//!   layer below; one that says how long to cache, by `[cache]` or `cache-control`, likewise.

use mantlet_headers::Field;
use mantlet_headers::csp::{Csp, DirectiveName};

use crate::config::{
    CookieSetting, CrossOriginSetting, CspSetting, CspTable, DirectiveSetting, DispositionSetting,
    HeaderSetting, IsolationSetting, IsolationTable, Mode, Section,
};
use crate::error::{Diagnostic, Report};
use crate::node::{Node, Value};
use crate::source::At;

pub(crate) const X_FRAME_OPTIONS: &str = "x-frame-options";
pub(crate) const CSP: &str = "content-security-policy";
pub(crate) const CSP_REPORT_ONLY: &str = "content-security-policy-report-only";
pub(crate) const CACHE_CONTROL: &str = "cache-control";

/// `over` on top of `base`.
pub(crate) fn merge(base: &Section, over: &Section, report: &mut Report) -> Section {
    let mut headers = base.headers.clone();
    let says = |name: &str| over.headers.iter().any(|(known, _)| known.value == name);
    if says_who_frames(over) {
        headers.retain(|(name, _)| name.value != X_FRAME_OPTIONS);
    }
    let mut base_csp = base.csp.as_ref();
    let mut base_csp_report_only = base.csp_report_only.as_ref();
    for (key, name, below, own) in [
        ("csp", CSP, &mut base_csp, &over.csp),
        (
            "csp_report_only",
            CSP_REPORT_ONLY,
            &mut base_csp_report_only,
            &over.csp_report_only,
        ),
    ] {
        let written = over
            .headers
            .iter()
            .find(|(known, setting)| known.value == name && setting.value.is_some());
        match (written, own) {
            (Some((place, _)), Some(_)) => {
                let message = format!("stands here and in [{key}]: one header has one place");
                let diagnostic = Diagnostic::error(format!("headers.{name}"), message);
                report.add(diagnostic.hint("keep one of them").at(place.place.as_ref()));
            }
            (Some(_), None) => *below = None,
            (None, Some(own)) => {
                let is_it = |(known, setting): &&(At<String>, HeaderSetting)| {
                    known.value == name && setting.value.is_some()
                };
                let below = base.headers.iter().find(is_it);
                if let (Some(_), CspSetting::Over(_)) = (below, &own.value) {
                    let message = format!(
                        "is over a policy that is written as headers.{name}: a text cannot be merged"
                    );
                    let hint = format!("write that policy as [{key}], a key per directive");
                    report.add(
                        Diagnostic::error(key, message)
                            .hint(hint)
                            .at(own.place.as_ref()),
                    );
                }
                headers.retain(|(known, _)| known.value != name);
            }
            (None, None) => {}
        }
    }
    let caches = over.cache_default.is_some() || !over.cache_by_type.is_empty();
    if caches {
        // a value that code has set over a file takes the place of the file's
        let written = over.headers.iter().find(|(known, setting)| {
            let value = setting.value.as_ref().or(setting.add.as_ref());
            known.value == CACHE_CONTROL && value.is_some_and(|node| node.place.is_some())
        });
        if let Some((place, _)) = written {
            let message = "stands here and in [cache]: one header has one place";
            let diagnostic = Diagnostic::error(format!("headers.{CACHE_CONTROL}"), message);
            report.add(diagnostic.hint("keep one of them").at(place.place.as_ref()));
        }
        let before = headers.len();
        headers.retain(|(name, _)| name.value != CACHE_CONTROL);
        if headers.len() < before
            && let (None, Some((media, _))) = (&over.cache_default, over.cache_by_type.first())
        {
            let message = "takes the place of cache-control of the layer below, and other types would get nothing";
            let diagnostic = Diagnostic::error("cache.by_type", message);
            let hint = "default = \"no-store\" beside it";
            report.add(diagnostic.hint(hint).at(media.place.as_ref()));
        }
    }
    for (name, setting) in &over.headers {
        match headers
            .iter_mut()
            .find(|(known, _)| known.value == name.value)
        {
            Some((place, known)) => {
                *place = name.clone();
                *known = header(&name.value, known, setting, report);
            }
            None => headers.push((name.clone(), setting.clone())),
        }
    }
    Section {
        csp: csp("csp", base_csp, over.csp.as_ref(), report),
        csp_report_only: csp(
            "csp_report_only",
            base_csp_report_only,
            over.csp_report_only.as_ref(),
            report,
        ),
        headers,
        cookies: cookies(base.cookies.as_ref(), over.cookies.as_ref()),
        cache_default: match (&over.cache_default, says(CACHE_CONTROL)) {
            (Some(value), _) => Some(value.clone()),
            (None, true) => None,
            (None, false) => base.cache_default.clone(),
        },
        // a default without types beside it is the one of all types
        cache_by_type: match says(CACHE_CONTROL) || over.cache_default.is_some() {
            true => over.cache_by_type.clone(),
            false => by_type(&base.cache_by_type, &over.cache_by_type),
        },
        resource_isolation: isolation(
            base.resource_isolation.as_ref(),
            over.resource_isolation.as_ref(),
        ),
    }
}

fn by_type(
    base: &[(At<String>, At<String>)],
    over: &[(At<String>, At<String>)],
) -> Vec<(At<String>, At<String>)> {
    let says = |media: &str| {
        over.iter()
            .any(|(own, _)| own.value.eq_ignore_ascii_case(media))
    };
    let kept = base.iter().filter(|(media, _)| !says(&media.value));
    over.iter().chain(kept).cloned().collect()
}

fn isolation(
    base: Option<&At<IsolationSetting>>,
    over: Option<&At<IsolationSetting>>,
) -> Option<At<IsolationSetting>> {
    let (Some(base), Some(over)) = (base, over) else {
        return over.or(base).cloned();
    };
    let (IsolationSetting::On(below), IsolationSetting::On(own)) = (&base.value, &over.value)
    else {
        return Some(over.clone());
    };
    let value = IsolationSetting::On(IsolationTable {
        disposition: disposition(&below.disposition, &own.disposition),
        allow_same_site: own.allow_same_site.or(below.allow_same_site),
        allow_cors: own.allow_cors.or(below.allow_cors),
        allow_framing: own.allow_framing.or(below.allow_framing),
        denial: own.denial.clone().or_else(|| below.denial.clone()),
    });
    let place = over.place.clone();
    Some(At { value, place })
}

/// A layer that says enforce or report says the percentage too.
fn disposition(base: &DispositionSetting, over: &DispositionSetting) -> DispositionSetting {
    match over.report {
        Some(_) => over.clone(),
        None => base.clone(),
    }
}

/// `[cross_origin]` of a policy over that of its preset.
pub(crate) fn cross_origin(
    base: Option<&CrossOriginSetting>,
    over: Option<&CrossOriginSetting>,
) -> Option<CrossOriginSetting> {
    let (Some(base), Some(over)) = (base, over) else {
        return over.or(base).cloned();
    };
    let list = |own: &Option<Vec<At<String>>>, below: &Option<Vec<At<String>>>| {
        own.clone().or_else(|| below.clone())
    };
    Some(CrossOriginSetting {
        off: over.off.or(base.off),
        disposition: disposition(&base.disposition, &over.disposition),
        allowed_origins: list(&over.allowed_origins, &base.allowed_origins),
        self_origins: list(&over.self_origins, &base.self_origins),
        exempt_paths: list(&over.exempt_paths, &base.exempt_paths),
        allow_unverifiable: over.allow_unverifiable.or(base.allow_unverifiable),
        protect_websockets: over.protect_websockets.or(base.protect_websockets),
        method_override: list(&over.method_override, &base.method_override),
        denial: over.denial.clone().or_else(|| base.denial.clone()),
    })
}

/// Whether a layer has frame-ancestors in the policy it enforces. One that turns the policy off, or writes another, says
/// nothing of frames: X-Frame-Options of the layer below then stays.
fn says_who_frames(section: &Section) -> bool {
    let in_table = |table: &CspTable| {
        table
            .directives
            .iter()
            .any(|(name, _)| name.value == DirectiveName::FrameAncestors.as_str())
    };
    let in_csp = match section.csp.as_ref().map(|csp| &csp.value) {
        Some(CspSetting::Over(table)) => in_table(table),
        Some(CspSetting::Several(tables)) => tables.iter().any(in_table),
        Some(CspSetting::Off) | None => false,
    };
    let in_header = || {
        let value = section
            .headers
            .iter()
            .find_map(|(name, setting)| setting.value.as_ref().filter(|_| name.value == CSP));
        let Some(Value::Text(text)) = value.map(|node| &node.value) else {
            return false;
        };
        let csp = Csp::parse(text.as_bytes()).value.unwrap_or_default();
        csp.policies()
            .iter()
            .any(|policy| policy.get(DirectiveName::FrameAncestors).is_some())
    };
    in_csp || in_header()
}

fn header(
    name: &str,
    base: &HeaderSetting,
    over: &HeaderSetting,
    report: &mut Report,
) -> HeaderSetting {
    let extended = match (&base.value, &over.add) {
        (Some(value), Some(more)) => extend(value, more),
        _ => None,
    };
    let added = extended.is_some();
    if let (Some(value), Some(more), false) = (&base.value, &over.add, added) {
        let message = format!(
            "is over {} of the layer below, {}: only tables can be extended",
            value.kind(),
            value.written()
        );
        let diagnostic = Diagnostic::error(format!("headers.{name}.add"), message);
        report.add(
            diagnostic
                .hint("write the whole value")
                .at(more.place.as_ref()),
        );
    }
    HeaderSetting {
        // a value without a mode sets the field anew: the mode below was about the value below
        mode: over.mode.or(base.mode.filter(|_| over.value.is_none())),
        value: extended
            .or_else(|| over.value.clone())
            .or_else(|| base.value.clone()),
        add: over.add.clone().filter(|_| !added),
        danger: over.danger,
    }
}

/// The members of two tables, those of `more` in place of the same ones.
fn extend(value: &Node, more: &Node) -> Option<Node> {
    let (Value::Table(known), Value::Table(more_entries)) = (&value.value, &more.value) else {
        return None;
    };
    let mut entries = known.clone();
    for (name, node) in more_entries {
        match entries
            .iter_mut()
            .find(|(known, _)| known.value == name.value)
        {
            Some(entry) => *entry = (name.clone(), node.clone()),
            None => entries.push((name.clone(), node.clone())),
        }
    }
    Some(Node {
        value: Value::Table(entries),
        place: more.place.clone(),
    })
}

fn cookies(base: Option<&CookieSetting>, over: Option<&CookieSetting>) -> Option<CookieSetting> {
    let (Some(base), Some(over)) = (base, over) else {
        return over.or(base).cloned();
    };
    let mut merged = over.clone();
    let attributes = &mut merged.attributes;
    attributes.secure = attributes.secure.or(base.attributes.secure);
    attributes.httponly = attributes.httponly.or(base.attributes.httponly);
    attributes.samesite = attributes
        .samesite
        .take()
        .or_else(|| base.attributes.samesite.clone());
    let known = |name: &str| over.exceptions.iter().any(|(own, _)| own.value == name);
    merged.exceptions.extend(
        base.exceptions
            .iter()
            .filter(|(name, _)| !known(&name.value))
            .cloned(),
    );
    Some(merged)
}

/// The result is [`CspSetting::Off`] or [`CspSetting::Several`], its directives without `Add`.
fn csp(
    key: &str,
    base: Option<&At<CspSetting>>,
    over: Option<&At<CspSetting>>,
    report: &mut Report,
) -> Option<At<CspSetting>> {
    let Some(over) = over else {
        return base.cloned();
    };
    let below = match base.map(|base| &base.value) {
        Some(CspSetting::Several(policies)) => policies.as_slice(),
        _ => &[],
    };
    let value = match &over.value {
        CspSetting::Off => CspSetting::Off,
        CspSetting::Several(policies) => {
            let mut alone = |policy: &CspTable| {
                let merged = directives(&CspTable::default(), policy);
                let sent = !matches!(
                    policy.mode.as_ref().map(|mode| mode.value),
                    Some(Mode::Remove | Mode::Off)
                );
                if sent && merged.directives.is_empty() {
                    let message = "is a policy without a directive, and is not sent";
                    let hint = format!(
                        "[[{key}]] is over no other policy: leave it out, or write the policy in full"
                    );
                    let first = policy.directives.first();
                    let place = first.and_then(|(name, _)| name.place.as_ref());
                    let place = place.or(over.place.as_ref());
                    report.add(Diagnostic::warning(key, message).hint(hint).at(place));
                }
                merged
            };
            CspSetting::Several(policies.iter().map(&mut alone).collect())
        }
        CspSetting::Over(table) => match below {
            [] => CspSetting::Several(vec![directives(&CspTable::default(), table)]),
            [one] => CspSetting::Several(vec![directives(one, table)]),
            _ => {
                let message =
                    "several policies are below, so it is not clear which one this is over";
                let hint = format!("write every policy in full: [[{key}]]");
                report.add(
                    Diagnostic::error(key, message)
                        .hint(hint)
                        .at(over.place.as_ref()),
                );
                CspSetting::Several(below.to_vec())
            }
        },
    };
    Some(At {
        value,
        place: over.place.clone(),
    })
}

fn directives(base: &CspTable, over: &CspTable) -> CspTable {
    let mut merged = base.directives.clone();
    for (name, setting) in &over.directives {
        let known = merged
            .iter_mut()
            .find(|(known, _)| known.value == name.value);
        match (known, setting) {
            (_, DirectiveSetting::Drop) => merged.retain(|(known, _)| known.value != name.value),
            (Some((place, known)), DirectiveSetting::Add(more)) => {
                *place = name.clone();
                *known = match known {
                    DirectiveSetting::Values(values) => {
                        DirectiveSetting::Values(extended(values, more))
                    }
                    DirectiveSetting::Add(values) => DirectiveSetting::Add(extended(values, more)),
                    _ => DirectiveSetting::Values(more.clone()),
                };
            }
            (Some(entry), _) => *entry = (name.clone(), setting.clone()),
            (None, _) => merged.push((name.clone(), setting.clone())),
        }
    }
    // only now is it known what a browser would use in the place of a directive that neither layer has
    let filled = merged.iter().map(|(name, setting)| {
        let setting = match setting {
            DirectiveSetting::Add(_) => {
                DirectiveSetting::Values(sources(&merged, &name.value).unwrap_or_default())
            }
            other => other.clone(),
        };
        (name.clone(), setting)
    });
    CspTable {
        mode: over.mode.clone().or_else(|| base.mode.clone()),
        directives: filled.collect(),
    }
}

/// The values of a directive; one that is only added to has those of its fallback besides.
fn sources(directives: &[(At<String>, DirectiveSetting)], name: &str) -> Option<Vec<At<String>>> {
    let (_, setting) = directives.iter().find(|(known, _)| known.value == name)?;
    match setting {
        DirectiveSetting::Values(values) => Some(values.clone()),
        DirectiveSetting::Add(more) => {
            let fallbacks = DirectiveName::from_name(name)?.fallbacks();
            let below = fallbacks
                .iter()
                .find_map(|name| sources(directives, name.as_str()))
                .unwrap_or_default();
            Some(extended(&below, more))
        }
        _ => None,
    }
}

fn extended(below: &[At<String>], more: &[At<String>]) -> Vec<At<String>> {
    let kept = below
        .iter()
        .filter(|value| !value.value.eq_ignore_ascii_case("'none'"));
    let mut all: Vec<At<String>> = kept.cloned().collect();
    for value in more {
        if !all.iter().any(|known| known.value == value.value) {
            all.push(value.clone());
        }
    }
    all
}
