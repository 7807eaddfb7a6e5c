//! Who may ask for a path, found out by asking: requests as browsers and programs send them, and what the engine says.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::header::{HOST, ORIGIN, UPGRADE};
use http::{HeaderName, HeaderValue, Method};
use mantlet_config::{Config, Environment, Loaded, Report};
use mantlet_engine::{Engine, Entropy, EntropyError, Verdict};

use crate::page::Page;

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The draw under which a request that fails a check passes, if that check only reports.
const LENIENT: u32 = 99;

/// A policy whose draws are told: the draw is lenient unless a check is asked for.
pub(crate) struct Asked {
    environment: Environment,
    engine: Engine,
    /// The same for any Host.
    any_host: Engine,
    draw: Arc<AtomicU32>,
}

/// A source that is told what comes out of it.
struct Told(Arc<AtomicU32>);

impl Entropy for Told {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        let told = self.0.load(Ordering::Relaxed).to_le_bytes();
        bytes.fill(0);
        for (byte, told) in bytes.iter_mut().zip(told) {
            *byte = told;
        }
        Ok(())
    }
}

/// What a check says of a request, over a hundred draws.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    Passes,
    Reported { denied: u8 },
    Denied,
}

impl Asked {
    pub(crate) fn new(loaded: &Loaded) -> Result<Self, Report> {
        let config = match &loaded.source {
            Some(source) => Config::read(source)?.0,
            None => Config::new(),
        };
        let config = config.environment(loaded.environment);
        let draw = Arc::new(AtomicU32::new(LENIENT));
        let engine = config.build_with(Told(Arc::clone(&draw)))?;
        let any_host = config.hosts(["*"]).build_with(Told(Arc::clone(&draw)))?;
        Ok(Self {
            environment: loaded.environment,
            engine,
            any_host,
            draw,
        })
    }

    /// The policy as it is.
    pub(crate) fn as_it_is(&self) -> &Engine {
        &self.engine
    }

    /// The policy for requests whose Host is one that it allows.
    pub(crate) fn any_host(&self) -> &Engine {
        &self.any_host
    }

    /// A line for each check.
    pub(crate) fn lines(&self, path: &str) -> [(&'static str, String); 3] {
        [
            ("Host", self.hosts(path)),
            ("Cross-origin", self.cross_origin(path)),
            ("Isolation", self.isolation(path)),
        ]
    }

    fn hosts(&self, path: &str) -> String {
        let mut page = asked_for(path);
        let stranger = HeaderValue::from_static("stranger.invalid");
        page.fields.insert(HOST, stranger);
        let passes = matches!(page.answer(&self.engine).verdict, Verdict::Allow(_));
        let words = match (passes, self.engine.lists_hosts()) {
            (false, _) => "those of hosts.allowed",
            (true, true) => "any, as the policy says",
            (true, false) if self.environment == Environment::Development => "any, in development",
            (true, false) => "ANY: [hosts] is not written",
        };
        words.to_owned()
    }

    fn cross_origin(&self, path: &str) -> String {
        let post =
            |path, fields: &[(HeaderName, &'static str)]| self.said(&Method::POST, path, fields);
        // no Sec-Fetch-Site: resource isolation has nothing to say then
        let foreign = [(ORIGIN, "https://stranger.invalid")];
        let said = post(path, &foreign);
        // a path that is not in normal form is never exempt
        if said == Said::Passes && post("//", &foreign) != Said::Passes {
            return "not checked: the path is in danger_exempt_paths".to_owned();
        }
        let [origin] = foreign;
        let socket = [origin, (UPGRADE, "websocket")];
        let open = said != Said::Passes && self.said(&Method::GET, path, &socket) == Said::Passes;
        let closed = post(path, &[]) != Said::Passes;
        let mut words = said.disposition();
        if open {
            words.push_str("; WebSockets are not checked");
        }
        if closed {
            words.push_str("; programs that are no browser too");
        }
        words
    }

    fn isolation(&self, path: &str) -> String {
        let image = [
            (FETCH_SITE, "cross-site"),
            (FETCH_MODE, "no-cors"),
            (FETCH_DEST, "image"),
        ];
        self.said(&Method::GET, path, &image).disposition()
    }

    fn said(&self, method: &Method, path: &str, fields: &[(HeaderName, &'static str)]) -> Said {
        let mut page = asked_for(path);
        page.method = method.clone();
        for (name, value) in fields {
            let value = HeaderValue::from_static(value);
            page.fields.insert(name.clone(), value);
        }
        let (mut reported, mut denied) = (false, 0);
        for draw in 0..=LENIENT {
            self.draw.store(draw, Ordering::Relaxed);
            match page.answer(&self.any_host).verdict {
                Verdict::Allow(permit) => reported |= permit.reported().next().is_some(),
                _ => denied += 1,
            }
        }
        self.draw.store(LENIENT, Ordering::Relaxed);
        match (denied, reported) {
            (0, false) => Said::Passes,
            (100, _) => Said::Denied,
            (denied, _) => Said::Reported { denied },
        }
    }
}

impl Said {
    fn disposition(self) -> String {
        match self {
            Self::Passes => "off".to_owned(),
            Self::Denied => "enforce".to_owned(),
            Self::Reported { denied: 0 } => "report".to_owned(),
            Self::Reported { denied } => format!("report, and {denied} of a hundred are denied"),
        }
    }
}

fn asked_for(path: &str) -> Page<'_> {
    Page {
        path,
        ..Page::root()
    }
}

#[cfg(test)]
mod tests {
    use mantlet_config::Source;

    use super::*;

    fn lines(text: &str, path: &str) -> String {
        let source = Source::new("policy", text);
        let config = Config::read(&source).expect("right").0;
        let mut loaded = config.load(None).expect("right");
        loaded.source = Some(source);
        let asked = Asked::new(&loaded).expect("right");
        let lines = asked
            .lines(path)
            .map(|(name, said)| format!("{name}: {said}"));
        lines.join("\n")
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
                "Cross-origin: enforce; programs that are no browser too",
            ),
            (
                "resource_isolation = true\ncross_origin.disposition = 'report'",
                "/",
                "Cross-origin: report\nIsolation: enforce",
            ),
            ("", "/", "Isolation: off"),
            ("resource_isolation = true", "/", "Isolation: enforce"),
            (
                "resource_isolation = true\n[[route]]\npath = '/open'\nresource_isolation = false",
                "/open",
                "Isolation: off",
            ),
        ] {
            let told = lines(text, path) + "\n";
            assert!(told.contains(said), "{text}: {told}");
        }
    }
}
