//! A config over its preset -> the rules of an engine: the one place where a policy gets its meaning.
//!
//! Everything that a browser would ignore or misread is an error here, with the place it was written at. What is checked
//! across fields:
//!
//! * X-Frame-Options follows `frame-ancestors` unless set; set to something else it is an error, because browsers that
//!   know both ignore X-Frame-Options (CSP 3 section 6.4.2.2);
//! * Strict-Transport-Security and upgrade-insecure-requests go out only over https, and in development not at all;
//! * a nonce and a Cache-Control that lets shared caches keep the page are warned of.

use http::{HeaderName, HeaderValue};
use mantlet_engine::Op;
use mantlet_engine::policy::{Policy, Rule, Rules, Scoped, Template, Value, When};
use mantlet_engine::route::RoutePath;
use mantlet_headers::cookie::{Attributes, Hardening};
use mantlet_headers::csp::{self, Csp, Directive, DirectiveName, Disposition, Kind};
use mantlet_headers::registry::{self, Entry, Transport};
use mantlet_headers::{Fault, Field, Refused, field_name, field_value};

use crate::config::{
    Config, CookieAttributes, CookieSetting, CspSetting, CspTable, DirectiveSetting, HeaderSetting,
    Mode, RouteSection, Section,
};
use crate::environment::Environment;
use crate::error::{Diagnostic, Report};
use crate::merge::{CACHE_CONTROL, CSP, CSP_REPORT_ONLY, X_FRAME_OPTIONS, merge};
use crate::node;
use crate::read::Read;
use crate::schema;
use crate::source::{At, Place, Source};
use crate::values;

const UPGRADE: DirectiveName = DirectiveName::UpgradeInsecureRequests;

/// What a config means.
pub(crate) struct Compiled {
    pub(crate) policy: Policy,
    pub(crate) nonce_upstream: bool,
}

/// Compiles for an environment; the second part are warnings.
pub(crate) fn compile(
    config: &Config,
    environment: Environment,
) -> Result<(Compiled, Report), Report> {
    let mut report = Report::default();
    let preset = config
        .preset
        .as_ref()
        .map(|at| at.value)
        .unwrap_or_default();
    let base = embedded(&preset.source(), &mut report);
    let root = merge(&base, &config.section, &mut report);
    let mut compiler = Compiler {
        environment,
        report,
    };
    let mut policy = Policy::new(compiler.scoped(&root, &config.routes, "/"));
    policy.https = config.https.as_ref().map(|at| at.value).unwrap_or_default();
    policy.trusted_proxies = config.trusted_proxies.clone().unwrap_or_default();
    for path in compiler.paths(&config.routes) {
        let scoped = compiler.scoped(&root, &config.routes, path.as_str());
        if path.as_str() != "/" {
            policy.routes.push((path, scoped));
        }
    }
    let compiled = Compiled {
        policy,
        nonce_upstream: config.nonce_upstream.unwrap_or_default(),
    };
    compiler.report.finish(compiled)
}

/// The section of an embedded text. Tests read every one of them, so the report stays empty.
fn embedded(source: &std::sync::Arc<Source>, report: &mut Report) -> Section {
    let node = node::parse(source, report);
    let config = schema::policy().read("", &node, report).unwrap_or_default();
    merge(&Section::default(), &config.section, report)
}

struct Compiler {
    environment: Environment,
    report: Report,
}

impl Compiler {
    /// The distinct paths of the routes; reports bad ones and repeated routes.
    fn paths(&mut self, routes: &[RouteSection]) -> Vec<RoutePath> {
        let mut paths: Vec<(RoutePath, bool)> = Vec::new();
        for route in routes {
            let place = route.path.place.as_ref();
            match RoutePath::new(&route.path.value) {
                Ok(path) => {
                    let this = (path, route.html_only);
                    if paths.contains(&this) {
                        let message =
                            "has rules already: one [[route]] for a path and content type";
                        self.report.add(
                            Diagnostic::error("route.path", message)
                                .value(&route.path.value)
                                .at(place),
                        );
                    }
                    paths.push(this);
                }
                Err(message) => {
                    self.report.add(
                        Diagnostic::error("route.path", message)
                            .value(&route.path.value)
                            .at(place),
                    );
                }
            }
        }
        let mut distinct: Vec<RoutePath> = Vec::new();
        for (path, _) in paths {
            if !distinct.contains(&path) {
                distinct.push(path);
            }
        }
        distinct
    }

    /// The rules of one path: the root, the path's route for any type over it, and its route for HTML over both.
    fn scoped(&mut self, root: &Section, routes: &[RouteSection], path: &str) -> Scoped {
        let claims = |route: &&RouteSection| {
            RoutePath::new(&route.path.value).is_ok_and(|own| own.as_str() == path)
        };
        let mut any = root.clone();
        let mut html = None;
        for route in routes
            .iter()
            .filter(claims)
            .filter(|route| !route.html_only)
        {
            any = self.over(&any, route);
        }
        for route in routes.iter().filter(claims).filter(|route| route.html_only) {
            html = Some(self.over(html.as_ref().unwrap_or(&any), route));
        }
        Scoped {
            any: self.rules(&any),
            html: html.map(|section| self.rules(&section)),
        }
    }

    fn over(&mut self, base: &Section, route: &RouteSection) -> Section {
        let base = match &route.overlay {
            Some(overlay) => {
                let overlay = embedded(&overlay.value.source(), &mut self.report);
                merge(base, &overlay, &mut self.report)
            }
            None => base.clone(),
        };
        merge(&base, &route.section, &mut self.report)
    }

    fn rules(&mut self, section: &Section) -> Rules {
        let mut rules = Vec::new();
        let enforced = self.csp(section, CSP, &mut rules);
        let setting = |name: &str| {
            section
                .headers
                .iter()
                .find(|(known, _)| known.value == name)
        };
        self.csp(section, CSP_REPORT_ONLY, &mut rules);
        for entry in registry::FIELDS {
            let name = entry.name.to_ascii_lowercase();
            match setting(&name) {
                _ if name == CSP || name == CSP_REPORT_ONLY => {}
                Some((key, setting)) => self.field(entry, key, setting, &mut rules),
                None => {}
            }
        }
        for (key, setting) in section
            .headers
            .iter()
            .filter(|(key, _)| registry::field(&key.value).is_none())
        {
            self.custom(key, setting, &mut rules);
        }
        if let Some(enforced) = &enforced {
            self.framing(enforced, setting(X_FRAME_OPTIONS), &mut rules);
        }
        if let Some(default) = &section.cache_default {
            self.cache_default(default, &mut rules);
        }
        self.warn_of_shared_nonces(&rules, setting(CACHE_CONTROL));
        rules.sort_by_key(|rule: &Rule| position(&rule.name));
        Rules {
            headers: rules,
            cookies: section
                .cookies
                .as_ref()
                .and_then(|cookies| self.cookies(cookies)),
        }
    }

    /// `[csp]` or the header of that name; hands back the policies in force.
    fn csp(&mut self, section: &Section, name: &str, rules: &mut Vec<Rule>) -> Option<Csp> {
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
                    place,
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
                let csp = self.judged(
                    &dotted,
                    &text,
                    place.place.as_ref(),
                    Csp::build(&text.value),
                )?;
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
                let mode = header.and_then(|(_, setting)| setting.mode);
                (csp, mode.or(tables.iter().find_map(|table| table.mode)))
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
        let upgrades = csp
            .policies()
            .iter()
            .any(|policy| policy.get(UPGRADE).is_some());
        let stripped = |policy: &csp::Policy| policy.clone().without(UPGRADE);
        let without: Csp = csp.policies().iter().map(stripped).collect();
        if !upgrades || self.environment == Environment::Development {
            push_csp(rules, op, &name, &without, When::Always);
        } else {
            push_csp(rules, op, &name, &csp, When::Secure);
            push_csp(rules, op, &name, &without, When::Plain);
        }
        Some(csp)
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

    fn field(
        &mut self,
        entry: &Entry,
        key: &At<String>,
        setting: &HeaderSetting,
        rules: &mut Vec<Rule>,
    ) {
        let dotted = format!("headers.{}", key.value);
        let Ok(name) = HeaderName::from_bytes(key.value.as_bytes()) else {
            return;
        };
        let mode = setting.mode.unwrap_or(Mode::Override);
        let Some(op) = op(mode) else { return };
        if op == Op::Remove {
            rules.push(Rule::remove(name));
            return;
        }
        if entry.name == "Strict-Transport-Security" && self.environment == Environment::Development
        {
            return;
        }
        let Some(value) = self.value_node(&dotted, key, setting) else {
            return;
        };
        let Some(text) = values::text(&dotted, &key.value, value, &mut self.report) else {
            return;
        };
        // what does harm is a warning to read and an error to build: `danger` takes the reading
        let built = match setting.danger {
            true => (entry.parse)(text.value.as_bytes()).strict(),
            false => built(entry, &text.value),
        };
        let Some(printed) = self.judged(&dotted, &text, key.place.as_ref(), built) else {
            return;
        };
        let Ok(value) = HeaderValue::from_str(&printed) else {
            return;
        };
        let when = match entry.transport {
            Transport::Any => When::Always,
            Transport::Secure => When::Secure,
        };
        rules.push(Rule {
            op,
            name,
            value: Value::Fixed(value),
            when,
        });
    }

    fn custom(&mut self, key: &At<String>, setting: &HeaderSetting, rules: &mut Vec<Rule>) {
        let dotted = format!("headers.{}", key.value);
        let named = field_name(&key.value).map(|name| (name, Vec::new()));
        let Some(name) = self.judged(&dotted, key, None, named.map_err(Refused::from)) else {
            return;
        };
        let known = registry::FIELDS.iter().map(|entry| entry.name);
        if let Some(near) = mantlet_headers::suggest(&key.value, known) {
            let message = format!(
                "is sent as a field of your own; did you mean {}?",
                near.to_ascii_lowercase()
            );
            self.report
                .add(Diagnostic::warning(&dotted, message).at(key.place.as_ref()));
        }
        let Some(op) = op(setting.mode.unwrap_or(Mode::Override)) else {
            return;
        };
        if op == Op::Remove {
            rules.push(Rule::remove(name));
            return;
        }
        let Some(value) = self.value_node(&dotted, key, setting) else {
            return;
        };
        let Some(text) = values::text(&dotted, &key.value, value, &mut self.report) else {
            return;
        };
        let valued = field_value(&text.value).map(|value| (value, Vec::new()));
        let valued = valued.map_err(Refused::from);
        let Some(value) = self.judged(&dotted, &text, key.place.as_ref(), valued) else {
            return;
        };
        rules.push(Rule {
            op,
            name,
            value: Value::Fixed(value),
            when: When::Always,
        });
    }

    fn value_node<'s>(
        &mut self,
        dotted: &str,
        key: &At<String>,
        setting: &'s HeaderSetting,
    ) -> Option<&'s node::Node> {
        let value = setting.value.as_ref().or(setting.add.as_ref());
        if value.is_none() {
            let message = "has a mode and no value, and the preset has none either";
            self.report
                .add(Diagnostic::error(dotted, message).at(key.place.as_ref()));
        }
        value
    }

    /// Reports the faults of a value; hands it out if none of them is an error.
    fn judged<T>(
        &mut self,
        key: &str,
        text: &At<String>,
        place: Option<&Place>,
        built: Result<(T, Vec<Fault>), Refused>,
    ) -> Option<T> {
        let (value, faults) = match built {
            Ok((value, warnings)) => (Some(value), warnings),
            Err(refused) => (None, refused.faults),
        };
        let place = text.place.as_ref().or(place);
        for fault in faults {
            self.report
                .add(Diagnostic::of_fault(key, &text.value, fault, place));
        }
        value
    }

    fn framing(
        &mut self,
        csp: &Csp,
        said: Option<&(At<String>, HeaderSetting)>,
        rules: &mut Vec<Rule>,
    ) {
        let Some(ancestors) = csp
            .policies()
            .iter()
            .find_map(|policy| policy.get(DirectiveName::FrameAncestors))
        else {
            return;
        };
        let follows = match ancestors.words().as_slice() {
            [word] if word == "'none'" => Some("DENY"),
            [word] if word == "'self'" => Some("SAMEORIGIN"),
            _ => None,
        };
        match (said, follows) {
            (None, Some(value)) => {
                rules.push(Rule::set(
                    http::header::X_FRAME_OPTIONS,
                    HeaderValue::from_static(value),
                ));
            }
            (Some((key, setting)), _)
                if setting.value.is_some() && setting.mode.is_none_or(|mode| mode != Mode::Off) =>
            {
                let written = setting
                    .value
                    .as_ref()
                    .map(node::Node::written)
                    .unwrap_or_default();
                if follows != Some(written.as_str()) {
                    let message = format!(
                        "{written} contradicts frame-ancestors {}, and a browser that knows both ignores X-Frame-Options",
                        ancestors.words().join(" "),
                    );
                    let hint = match follows {
                        Some(value) => format!(
                            "leave it out (it follows frame-ancestors: {value}), or change frame-ancestors"
                        ),
                        None => "x-frame-options = false, or change frame-ancestors".to_owned(),
                    };
                    let diagnostic = Diagnostic::error("headers.x-frame-options", message)
                        .value(written)
                        .hint(hint);
                    self.report.add(diagnostic.at(key.place.as_ref()));
                }
            }
            _ => {}
        }
    }

    fn cache_default(&mut self, default: &At<String>, rules: &mut Vec<Rule>) {
        let Some(entry) = registry::field(CACHE_CONTROL) else {
            return;
        };
        let built = built(entry, &default.value);
        let Some(printed) = self.judged("cache.default", default, None, built) else {
            return;
        };
        let Ok(value) = HeaderValue::from_str(&printed) else {
            return;
        };
        let name = http::header::CACHE_CONTROL;
        if !rules.iter().any(|rule| rule.name == name) {
            rules.push(Rule {
                op: Op::IfMissing,
                name,
                value: Value::Fixed(value),
                when: When::Always,
            });
        }
    }

    fn warn_of_shared_nonces(
        &mut self,
        rules: &[Rule],
        cache: Option<&(At<String>, HeaderSetting)>,
    ) {
        let nonce = rules
            .iter()
            .any(|rule| matches!(rule.value, Value::Nonce(_)));
        let shared = rules.iter().any(|rule| match &rule.value {
            Value::Fixed(value) if rule.name == http::header::CACHE_CONTROL => {
                let text = value.to_str().unwrap_or_default();
                text.contains("public") || text.contains("s-maxage")
            }
            _ => false,
        });
        if nonce && shared {
            let message =
                "lets shared caches keep pages with a nonce: every client then gets the same one";
            let place = cache.and_then(|(key, _)| key.place.as_ref());
            let diagnostic =
                Diagnostic::warning("headers.cache-control", message).hint("private, or no-store");
            self.report.add(diagnostic.at(place));
        }
    }

    fn cookies(&mut self, said: &CookieSetting) -> Option<Hardening> {
        let mut hardening = Hardening::new(attributes(&said.attributes));
        for (name, exception) in &said.exceptions {
            let merged = CookieAttributes {
                secure: exception.secure.or(said.attributes.secure),
                httponly: exception.httponly.or(said.attributes.httponly),
                samesite: exception
                    .samesite
                    .clone()
                    .or_else(|| said.attributes.samesite.clone()),
            };
            hardening = match hardening.except(&name.value, attributes(&merged)) {
                Ok(hardening) => hardening,
                Err(malformed) => {
                    let key = format!("cookies.exceptions.{}", name.value);
                    self.report
                        .add(Diagnostic::error(key, malformed.to_string()).at(name.place.as_ref()));
                    return None;
                }
            };
        }
        Some(hardening)
    }
}

fn built(entry: &Entry, text: &str) -> Result<(String, Vec<Fault>), Refused> {
    (entry.build)(text).map(|built| (built.text, built.warnings))
}

fn attributes(said: &CookieAttributes) -> Attributes {
    Attributes {
        secure: said.secure.unwrap_or_default(),
        http_only: said.httponly.unwrap_or_default(),
        same_site: said.samesite.as_ref().map(|at| at.value),
    }
}

fn takes_true(directive: &str) -> bool {
    DirectiveName::from_name(directive)
        .is_some_and(|name| matches!(name.kind(), Kind::Valueless | Kind::Sandbox))
}

fn push_csp(rules: &mut Vec<Rule>, op: Op, name: &HeaderName, csp: &Csp, when: When) {
    let value = if csp.has_nonce_slot() {
        Template::new(csp.template().segments().to_vec()).map(Value::Nonce)
    } else {
        HeaderValue::from_str(&csp.to_string())
            .ok()
            .filter(|value| !value.is_empty())
            .map(Value::Fixed)
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

fn op(mode: Mode) -> Option<Op> {
    match mode {
        Mode::Override => Some(Op::Override),
        Mode::IfMissing => Some(Op::IfMissing),
        Mode::Append => Some(Op::Append),
        Mode::Remove => Some(Op::Remove),
        Mode::Off => None,
    }
}

/// Where a field stands in a response: known ones in the order of the registry, others behind them.
fn position(name: &HeaderName) -> usize {
    let known = registry::FIELDS
        .iter()
        .position(|entry| entry.name.eq_ignore_ascii_case(name.as_str()));
    known.unwrap_or(registry::FIELDS.len())
}
