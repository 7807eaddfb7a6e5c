//! Who may ask for a path, in words.

use std::collections::BTreeMap;

use http::Method;
use mantlet_config::{Config, Environment, Loaded, Report};
use mantlet_engine::policy::Disposition;
use mantlet_engine::{Applied, Checks, Engine, Entropy, EntropyError, Page, RequestHead};
use mantlet_headers::HostName;

use crate::limit;

/// A policy that can be tried: what a check only reports passes, whatever share of it is denied.
pub(crate) struct Asked {
    environment: Environment,
    pub(crate) engine: Engine,
}

/// The same bytes always: the highest draw of a hundred, so that a try says the same each time.
pub(crate) struct Lenient;

impl Entropy for Lenient {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        bytes.fill(0);
        if let Some(lowest) = bytes.first_mut() {
            *lowest = 99;
        }
        Ok(())
    }
}

impl Asked {
    pub(crate) fn new(loaded: &Loaded) -> Result<Self, Report> {
        let config = match &loaded.source {
            Some(source) => Config::read(source)?.0,
            None => Config::new(),
        };
        let config = config.environment(loaded.environment);
        Ok(Self {
            environment: loaded.environment,
            engine: config.build_with(Lenient)?,
        })
    }

    /// A line for each check.
    pub(crate) fn lines(&self, path: &str) -> [(&'static str, String); 3] {
        let checks = self.engine.checks(path.as_bytes());
        [
            ("Host", self.hosts(&checks)),
            ("Cross-origin", cross_origin(&checks)),
            ("Resource isolation", isolation(&checks)),
        ]
    }

    /// The limits that a request for a page falls under, by name, whatever of these methods it has; and what each lets through.
    pub(crate) fn limits(&self, page: &Page<'_>, methods: &[Method]) -> Vec<(String, String)> {
        let mut found = BTreeMap::new();
        for method in methods {
            let mut head = RequestHead::new(method, page.path.as_bytes(), &page.fields);
            head.peer = page.peer;
            self.engine.applied(&head, &mut |applied| {
                found.entry(applied.index).or_insert_with(|| said(&applied));
            });
        }
        found.into_values().collect()
    }

    /// GET, and the methods that any limit is about.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let limits = self.engine.limits();
        let named = limits.flat_map(|limit| &limit.requests.methods).cloned();
        std::iter::once(Method::GET).chain(named).collect()
    }

    fn hosts(&self, checks: &Checks<'_>) -> String {
        let any = |hosts: &[mantlet_headers::HostPattern]| {
            hosts.iter().any(|pattern| pattern.name == HostName::Any)
        };
        let words = match checks.hosts {
            Some(hosts) if !any(hosts) => "those of hosts.allowed",
            Some(_) => "any, as the policy says",
            None if self.environment == Environment::Development => "any, in development",
            None if self.engine.lists_hosts() => "any, as the policy says",
            None => "ANY: [hosts] is not written",
        };
        words.to_owned()
    }
}

fn said(applied: &Applied<'_>) -> (String, String) {
    let own = applied.limit;
    let mut words = limit::words::limit(own);
    match applied.cost {
        0 => words.push_str("; such a request takes nothing"),
        1 => {}
        cost => {
            words.push_str(&format!(
                "; such a request takes {}",
                limit::words::count(cost.into())
            ));
        }
    }
    if !own.requests.methods.is_empty() {
        let methods: Vec<_> = own.requests.methods.iter().map(Method::as_str).collect();
        words.push_str(&format!("; {} only", methods.join(" and ")));
    }
    (own.name.to_string(), words)
}

fn cross_origin(checks: &Checks<'_>) -> String {
    let Some(policy) = checks.cross_origin else {
        return "off".to_owned();
    };
    if checks.exempt {
        return "not checked: the path is in danger_exempt_paths".to_owned();
    }
    let mut words = disposition(policy.disposition);
    if !policy.protect_websockets {
        words.push_str("; WebSockets are not checked");
    }
    if !policy.allow_unverifiable {
        words.push_str("; programs that are not browsers are denied too");
    }
    words
}

fn isolation(checks: &Checks<'_>) -> String {
    let all = checks.isolation.iter();
    let mut words: Vec<_> = all.map(|policy| disposition(policy.disposition)).collect();
    words.dedup();
    match words.is_empty() {
        true => "off".to_owned(),
        false => words.join("; "),
    }
}

fn disposition(disposition: Disposition) -> String {
    match disposition {
        Disposition::Report { enforce_percent: 0 } => "report".to_owned(),
        Disposition::Enforce
        | Disposition::Report {
            enforce_percent: 100,
        } => "enforce".to_owned(),
        Disposition::Report { enforce_percent } => {
            format!("report, and {enforce_percent} of a hundred are denied")
        }
    }
}

#[cfg(test)]
mod tests {
    use mantlet_config::Source;

    use super::*;

    fn loaded(text: &str) -> Loaded {
        let source = Source::new("policy", text);
        let config = Config::read(&source).expect("right").0;
        let mut loaded = config.load(None).expect("right");
        loaded.source = Some(source);
        loaded
    }

    fn lines(text: &str, path: &str) -> String {
        let asked = Asked::new(&loaded(text)).expect("right");
        let lines = asked
            .lines(path)
            .map(|(name, said)| format!("{name}: {said}"));
        lines.join("\n")
    }

    #[test]
    fn the_limits_of_a_path_are_told_for_every_method() {
        let text = "[[limit]]\nname = 'all'\nrequests = 100\nwindow = '1m'\ncosts = [{ paths = ['/search'], cost = 5 }, { paths = ['/free'], cost = 0 }]\n\
                    [[limit]]\nname = 'login'\nrequests = 5\nwindow = '1m'\npaths = ['/login']\nmethods = ['POST']";
        let asked = Asked::new(&loaded(text)).expect("right");
        let told = |path, methods: &[Method]| {
            let page = Page {
                path,
                ..Page::root()
            };
            let limits = asked.limits(&page, methods).into_iter();
            limits
                .map(|(name, said)| format!("{name}: {said}"))
                .collect::<Vec<_>>()
        };
        let all = "all: 100 in 1m for each client; token bucket; counted in this process";
        let login =
            "login: 5 in 1m for each client; token bucket; counted in this process; POST only";
        assert_eq!(told("/login", &asked.methods()), [all, login]);
        assert_eq!(told("/login", &[Method::GET]), [all]);
        assert_eq!(
            told("/search", &[Method::GET]),
            [format!("{all}; such a request takes 5")]
        );
        assert_eq!(
            told("/free", &[Method::GET]),
            [format!("{all}; such a request takes nothing")]
        );
    }

    #[test]
    fn every_state_of_a_check_is_told() {
        for (text, path, said) in [
            ("", "/", "Host: ANY: [hosts] is not written"),
            (
                "hosts.allowed = ['a.example']",
                "/",
                "Host: those of hosts.allowed",
            ),
            (
                "hosts.allowed = ['*']",
                "/",
                "Host: any, as the policy says",
            ),
            (
                "environment = 'development'",
                "/",
                "Host: any, in development",
            ),
            ("", "/", "Cross-origin: enforce\n"),
            ("preset = 'none'", "/", "Cross-origin: off\n"),
            (
                "cross_origin.disposition = 'report'",
                "/",
                "Cross-origin: report\n",
            ),
            (
                "cross_origin = { disposition = 'report', enforce_percent = 7 }",
                "/",
                "Cross-origin: report, and 7 of a hundred are denied\n",
            ),
            (
                "cross_origin = { disposition = 'report', enforce_percent = 100 }",
                "/",
                "Cross-origin: enforce\n",
            ),
            (
                "cross_origin.danger_exempt_paths = ['/hooks']",
                "/hooks/x",
                "Cross-origin: not checked: the path is in danger_exempt_paths",
            ),
            (
                "cross_origin.danger_exempt_paths = ['/hooks']",
                "/other",
                "Cross-origin: enforce\n",
            ),
            (
                "cross_origin.protect_websockets = false",
                "/",
                "Cross-origin: enforce; WebSockets are not checked",
            ),
            (
                "cross_origin.allow_unverifiable_requests = false",
                "/",
                "Cross-origin: enforce; programs that are not browsers are denied too",
            ),
            (
                "resource_isolation = true\ncross_origin.disposition = 'report'",
                "/",
                "Cross-origin: report\nResource isolation: enforce",
            ),
            ("", "/", "Resource isolation: off"),
            (
                "resource_isolation = true",
                "/",
                "Resource isolation: enforce",
            ),
            (
                "resource_isolation = true\n[[route]]\npath = '/open'\nresource_isolation = false",
                "/open",
                "Resource isolation: off",
            ),
        ] {
            let told = lines(text, path) + "\n";
            assert!(told.contains(said), "{text}: {told}");
        }
    }
}
