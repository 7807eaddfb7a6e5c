//! `[csp]` and `[csp_report_only]`, or the fields of those names.

use http::{HeaderName, HeaderValue};
use mantlet_engine::Op;
use mantlet_engine::policy::{Rule, Template, Value, When};
use mantlet_headers::csp::{self, Csp, Directive, DirectiveName, Disposition, Kind};
use mantlet_headers::{Field, ReportingEndpoints};

use super::{Compiler, op};
use crate::config::{CspSetting, CspTable, DirectiveSetting, HeaderSetting, Mode, Section};
use crate::environment::Environment;
use crate::error::{Diagnostic, Report};
use crate::merge::CSP;
use crate::source::{At, Place};
use crate::values;

const REPORTING_ENDPOINTS: &str = "reporting-endpoints";
const UPGRADE: DirectiveName = DirectiveName::UpgradeInsecureRequests;

impl Compiler {
    /// `[csp]` or the header of that name; hands back the policies in force.
    pub(super) fn csp(
        &mut self,
        section: &Section,
        name: &str,
        rules: &mut Vec<Rule>,
    ) -> Option<Csp> {
        let (key, said) = match name {
            CSP => ("csp", &section.csp),
            _ => ("csp_report_only", &section.csp_report_only),
        };
        let header = section
            .headers
            .iter()
            .find(|(known, _)| known.value == name);
        let (csp, mode) = match (header, said) {
            (
                Some((
                    key_place,
                    HeaderSetting {
                        value: Some(value),
                        mode,
                        ..
                    },
                )),
                _,
            ) => {
                let dotted = format!("headers.{name}");
                let text = values::text(&dotted, name, value, &mut self.report)?;
                let place = |span: &_| text.place(span).or_else(|| key_place.place.clone());
                let built = Csp::build(&text.text.value);
                let csp = self.judged_at(&dotted, &text.text.value, place, built)?;
                (csp, *mode)
            }
            (
                header,
                Some(At {
                    value: CspSetting::Several(tables),
                    place,
                }),
            ) => {
                let mut csp = Csp::default();
                for table in tables {
                    if let Some(policy) = self.policy(key, table, place.as_ref()) {
                        csp.push(policy);
                    }
                }
                let mut modes = tables
                    .iter()
                    .map(|table| table.mode.as_ref().map_or(Mode::Append, |mode| mode.value));
                let first = modes.next();
                if let Some(other) = modes.find(|mode| Some(*mode) != first) {
                    let message =
                        "has policies of different modes: they are one field, which has one mode";
                    let diagnostic = Diagnostic::error(format!("{key}.mode"), message);
                    // a policy without a mode has no key to point at: the other one has
                    let written = |wanted| {
                        let mut said = tables.iter().filter_map(|table| table.mode.as_ref());
                        said.find(|mode| Some(mode.value) == wanted)
                    };
                    let odd = written(Some(other)).or_else(|| written(first));
                    let place = odd.and_then(|mode| mode.place.as_ref()).or(place.as_ref());
                    self.report
                        .add(diagnostic.hint("the same mode in each").at(place));
                }
                let mode = header.and_then(|(_, setting)| setting.mode);
                (csp, mode.or(first))
            }
            _ => return None,
        };
        let mode = mode.unwrap_or(Mode::Append);
        let name = match name {
            CSP => http::header::CONTENT_SECURITY_POLICY,
            _ => http::header::CONTENT_SECURITY_POLICY_REPORT_ONLY,
        };
        if mode == Mode::Remove {
            rules.push(Rule::remove(name));
            return None;
        }
        let op = op(mode)?;
        self.check_endpoints(key, &csp, section);
        let over_https = match self.environment {
            Environment::Production => csp.clone(),
            Environment::Development => less(&csp, &[UPGRADE]),
        };
        // on plain http a browser has no endpoints: it then ignores report-uri too
        let over_http = less(&over_https, &[UPGRADE, DirectiveName::ReportTo]);
        if over_https == over_http {
            push_csp(rules, op, &name, &over_https, When::Always);
        } else {
            push_csp(rules, op, &name, &over_https, When::Secure);
            push_csp(rules, op, &name, &over_http, When::Plain);
        }
        Some(csp)
    }

    /// A report-to without its endpoint silences a policy: a browser that knows it ignores report-uri.
    fn check_endpoints(&mut self, key: &str, csp: &Csp, section: &Section) {
        let value = section.headers.iter().find_map(|(name, setting)| {
            let is_it = name.value == REPORTING_ENDPOINTS;
            setting.value.as_ref().filter(|_| is_it)
        });
        let text = value.and_then(|node| {
            // its own faults are reported where it is compiled
            values::text("", REPORTING_ENDPOINTS, node, &mut Report::default())
        });
        let known =
            text.and_then(|text| ReportingEndpoints::parse(text.text.value.as_bytes()).value);
        let known = known.unwrap_or_default();
        for directive in csp
            .policies()
            .iter()
            .filter_map(|policy| policy.get(DirectiveName::ReportTo))
        {
            let name = directive.words().concat();
            if known.url(&name).is_none() {
                let message = format!(
                    "names the endpoint {name}, which this policy does not define: unless the application does, a browser \
                     reports nothing, not even to report-uri"
                );
                let hint = format!("headers.reporting-endpoints = {{ {name} = \"https://...\" }}");
                let place = match key {
                    "csp" => section.csp.as_ref(),
                    _ => section.csp_report_only.as_ref(),
                };
                let place = place.and_then(|said| said.place.as_ref());
                let diagnostic = Diagnostic::warning(format!("{key}.report-to"), message);
                self.report.add(diagnostic.hint(hint).at(place));
            }
        }
    }

    fn policy(
        &mut self,
        key: &str,
        table: &CspTable,
        place: Option<&Place>,
    ) -> Option<csp::Policy> {
        let mut policy = csp::Policy::new();
        let mut places = Vec::new();
        for (name, setting) in &table.directives {
            let dotted = format!("{key}.{}", name.value);
            let values: &[At<String>] = match setting {
                DirectiveSetting::Values(values) | DirectiveSetting::Add(values) => values,
                DirectiveSetting::Bare => &[],
                DirectiveSetting::Drop => continue,
            };
            if matches!(setting, DirectiveSetting::Bare) && !takes_true(&name.value) {
                let message = "takes a list of values, not true";
                let hint = "[] or [\"'none'\"] allows nothing";
                self.report.add(
                    Diagnostic::error(&dotted, message)
                        .value("true")
                        .hint(hint)
                        .at(name.place.as_ref()),
                );
                continue;
            }
            let words: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
            let (directive, faults) = match Directive::build(&name.value, &words) {
                Ok((directive, faults)) => (Some(directive), faults),
                Err(refused) => (None, refused.faults),
            };
            for fault in faults {
                let at = fault.index.and_then(|index| values.get(index));
                let (value, place) = match at {
                    Some(at) => (at.value.as_str(), at.place.as_ref()),
                    None => ("", name.place.as_ref()),
                };
                self.report
                    .add(Diagnostic::of_fault(&dotted, value, fault.fault, place));
            }
            if let Some(directive) = directive {
                places.push((directive.name(), name.place.clone()));
                policy.set(directive);
            }
        }
        let disposition = match key {
            "csp" => Disposition::Enforce,
            _ => Disposition::Report,
        };
        for odd in policy.review(disposition) {
            let at = places
                .iter()
                .find(|(known, _)| Some(*known) == odd.directive);
            let place = at.and_then(|(_, place)| place.as_ref()).or(place);
            let dotted = match odd.directive {
                Some(name) => format!("{key}.{}", name.as_str()),
                None => key.to_owned(),
            };
            let word = odd.word.unwrap_or_default();
            self.report
                .add(Diagnostic::of_fault(&dotted, &word, odd.fault, place));
        }
        (!policy.is_empty()).then_some(policy)
    }
}

/// The policies without these directives.
fn less(csp: &Csp, directives: &[DirectiveName]) -> Csp {
    let strip = |policy: &csp::Policy| {
        let bare = directives
            .iter()
            .fold(policy.clone(), |policy, name| policy.without(name));
        Some(bare).filter(|bare| !bare.is_empty())
    };
    csp.policies().iter().filter_map(strip).collect()
}

fn takes_true(directive: &str) -> bool {
    DirectiveName::from_name(directive)
        .is_some_and(|name| matches!(name.kind(), Kind::Valueless | Kind::Sandbox | Kind::Dead))
}

fn push_csp(rules: &mut Vec<Rule>, op: Op, name: &HeaderName, csp: &Csp, when: When) {
    let fixed = |csp: &Csp| {
        let value = HeaderValue::from_str(&csp.to_string()).ok();
        value.filter(|value| !value.is_empty())
    };
    let value = if csp.has_nonce_slot() {
        let segments = csp.template().segments().to_vec();
        let template = fixed(&without_slots(csp)).and_then(|plain| Template::new(segments, plain));
        template.map(Value::Nonce)
    } else {
        fixed(csp).map(Value::Fixed)
    };
    if let Some(value) = value {
        rules.push(Rule {
            op,
            name: name.clone(),
            value,
            when,
        });
    }
}

/// The same policies with their nonce slots left out: for an answer of the host itself that was given before a nonce was
/// drawn. A list that has nothing else left allows nothing.
fn without_slots(csp: &Csp) -> Csp {
    let mut bare = Csp::default();
    for policy in csp.policies() {
        let mut stripped = policy.clone();
        for directive in policy
            .directives()
            .iter()
            .filter(|one| one.has_nonce_slot())
        {
            let name = directive.name().as_str();
            let words = directive.words();
            let kept: Vec<&str> = words
                .iter()
                .map(String::as_str)
                .filter(|word| *word != "'nonce'")
                .collect();
            let built = Directive::build(name, &kept).or_else(|_| Directive::build(name, &[]));
            if let Ok((directive, _)) = built {
                stripped.set(directive);
            }
        }
        bare.push(stripped);
    }
    bare
}
