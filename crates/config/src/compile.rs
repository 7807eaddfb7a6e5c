//! A config over its preset -> the rules of an engine: the one place where a policy gets its meaning.
//!
//! Everything that a browser would ignore or misread is an error here, with the place it was written at. What is checked
//! across fields:
//!
//! * X-Frame-Options follows `frame-ancestors` unless set; set to something else it is an error, because browsers that
//!   know both ignore X-Frame-Options (CSP 3 section 6.4.2.2);
//! * Strict-Transport-Security and upgrade-insecure-requests go out only over https, and in development not at all;
//! * a nonce and a Cache-Control that lets shared caches keep the page are warned of.

mod checks;
mod csp;
mod fields;
mod framing;
mod limit;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use http::HeaderName;
use mantlet_engine::Op;
use mantlet_engine::policy::{Https, Limit, Policy, RedisSettings, Rule, Rules, Scoped};
use mantlet_engine::route::RoutePath;
use mantlet_headers::{Fault, Refused, registry};

use crate::config::{Config, Mode, RouteSection, Section};
use crate::environment::Environment;
use crate::error::{Diagnostic, Report};
use crate::merge::{CACHE_CONTROL, CSP, CSP_REPORT_ONLY, X_FRAME_OPTIONS, merge};
use crate::node::{self, Node};
use crate::read::Read;
use crate::schema;
use crate::source::{At, Place, Source};

/// What a config means.
pub(crate) struct Compiled {
    pub(crate) policy: Policy,
    pub(crate) nonce_upstream: bool,
    pub(crate) redis: Option<RedisSettings>,
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
    let preset = embedded(&preset.source(), &mut report);
    let base = merge(&Section::default(), &preset.section, &mut report);
    let root = merge(&base, &config.section, &mut report);
    let mut compiler = Compiler {
        environment,
        report,
    };
    let routes = compiler.by_path(&config.routes);
    let mut policy = Policy::new(compiler.scoped(&root, &[]));
    policy.https = match config.https.as_ref().map(|at| at.value).unwrap_or_default() {
        // there is no https to send anybody to
        Https::Redirect if environment == Environment::Development => Https::Auto,
        https => https,
    };
    policy.trusted_proxies = config.trusted_proxies.clone().unwrap_or_default();
    compiler.who_may_ask(config, preset.cross_origin.as_ref(), &mut policy);
    for (path, sections) in routes.into_values() {
        let scoped = compiler.scoped(&root, &sections);
        policy.routes.push((path, scoped));
    }
    policy.limits = compiler.limits(config);
    policy.limit_fields = config.limit_fields.unwrap_or_default();
    let compiled = Compiled {
        policy,
        redis: compiler.redis(config.redis.as_ref()),
        nonce_upstream: config.nonce_upstream.unwrap_or_default(),
    };
    compiler.report.finish(compiled)
}

/// Compiles a limit that stands in no policy yet.
pub(crate) fn compile_limit(keys: &Node) -> Result<Limit, Report> {
    let mut report = Report::default();
    let said = schema::limit::limit().read("limit", keys, &mut report);
    let mut compiler = Compiler {
        environment: Environment::default(),
        report,
    };
    let limit = said.and_then(|said| compiler.limit(&At::code(said), true));
    match limit {
        Some(limit) => compiler.report.finish(limit).map(|(limit, _)| limit),
        None => Err(compiler.report),
    }
}

/// An embedded text, as written: a layer like any other. Tests read every one of them, so the report stays
/// empty.
fn embedded(source: &Arc<Source>, report: &mut Report) -> Config {
    let node = node::parse(source, report);
    schema::policy().read("", &node, report).unwrap_or_default()
}

struct Compiler {
    environment: Environment,
    report: Report,
}

impl Compiler {
    /// The routes by the normal form of their path; reports bad paths and repeated routes.
    fn by_path<'r>(
        &mut self,
        routes: &'r [RouteSection],
    ) -> BTreeMap<String, (RoutePath, Vec<&'r RouteSection>)> {
        let mut by_path: BTreeMap<String, (RoutePath, Vec<&RouteSection>)> = BTreeMap::new();
        for route in routes {
            let path = match RoutePath::new(&route.path.value) {
                Ok(path) => path,
                Err(message) => {
                    self.report_path(route, message);
                    continue;
                }
            };
            let (_, known) = by_path
                .entry(path.as_str().to_owned())
                .or_insert_with(|| (path, Vec::new()));
            if known.iter().any(|one| one.html_only == route.html_only) {
                let message = "has rules already: one [[route]] for a path and content type";
                self.report_path(route, message);
            }
            known.push(route);
        }
        by_path
    }

    fn report_path(&mut self, route: &RouteSection, message: &str) {
        let diagnostic = Diagnostic::error("route.path", message).value(&route.path.value);
        self.report.add(diagnostic.at(route.path.place.as_ref()));
    }

    /// The rules of one path: the root, the path's route for any type over it, and its route for HTML over both.
    fn scoped(&mut self, root: &Section, routes: &[&RouteSection]) -> Scoped {
        let mut any = root.clone();
        let mut html = None;
        for route in routes.iter().filter(|route| !route.html_only) {
            any = self.over(&any, route);
        }
        for route in routes.iter().filter(|route| route.html_only) {
            html = Some(self.over(html.as_ref().unwrap_or(&any), route));
        }
        Scoped {
            checks: self.checks(&any, routes),
            any: self.rules(&any),
            html: html.map(|section| self.rules(&section)),
        }
    }

    fn over(&mut self, base: &Section, route: &RouteSection) -> Section {
        let base = match &route.overlay {
            Some(overlay) => {
                let overlay = embedded(&overlay.value.source(), &mut self.report);
                merge(base, &overlay.section, &mut self.report)
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
        let cache = self.cache_by_type(&section.cache_by_type);
        self.warn_of_shared_nonces(&rules, &cache, setting(CACHE_CONTROL));
        rules.sort_by_key(|rule: &Rule| position(&rule.name));
        Rules {
            cache,
            headers: rules,
            cookies: section
                .cookies
                .as_ref()
                .and_then(|cookies| self.cookies(cookies)),
        }
    }

    /// Reports the faults of a value that is written as it is; hands it out if none of them is an error.
    fn judged<T>(
        &mut self,
        key: &str,
        text: &At<String>,
        built: Result<(T, Vec<Fault>), Refused>,
    ) -> Option<T> {
        let place = |span: &Range<usize>| Some(text.place.as_ref()?.within(&text.value, span));
        self.judged_at(key, &text.value, place, built)
    }

    /// The same for any value: `place` tells where bytes of the text come from.
    fn judged_at<T>(
        &mut self,
        key: &str,
        text: &str,
        place: impl Fn(&Range<usize>) -> Option<Place>,
        built: Result<(T, Vec<Fault>), Refused>,
    ) -> Option<T> {
        let (value, faults) = match built {
            Ok((value, warnings)) => (Some(value), warnings),
            Err(refused) => (None, refused.faults),
        };
        for fault in faults {
            let place = place(&fault.span);
            let mut diagnostic = Diagnostic::of_fault(key, text, fault, None);
            diagnostic.place = place;
            self.report.add(diagnostic);
        }
        value
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
