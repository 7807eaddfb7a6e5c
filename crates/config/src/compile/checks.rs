//! `[hosts]`, `[cross_origin]`, `[resource_isolation]`, `client_address`: who may ask.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode};
use mantlet_engine::policy::{
    Answer, Checks, ClientAddress, CrossOrigin, Disposition, FieldSizes, Hosts, Policy,
    ResourceIsolation,
};
use mantlet_engine::route::RoutePath;
use mantlet_headers::{Authority, Malformed, Origin, Refused, field_name, field_value};

use super::Compiler;
use crate::config::{
    Config, CrossOriginSetting, DenialSetting, DispositionSetting, HostsSetting, IsolationSetting,
    RouteSection, Section,
};
use crate::environment::Environment;
use crate::error::Diagnostic;
use crate::merge;
use crate::source::At;

/// Fields that trusted proxies send and that hold no address.
const NO_ADDRESS: &[&str] = &[
    "accept",
    "authorization",
    "content-type",
    "cookie",
    "host",
    "origin",
    "referer",
    "user-agent",
    "via",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
];

impl Compiler {
    /// What is asked of every request.
    pub(super) fn who_may_ask(
        &mut self,
        config: &Config,
        preset: Option<&CrossOriginSetting>,
        policy: &mut Policy,
    ) {
        if let Some(source) = &config.client_address {
            policy.client_address = self.client_address(source);
            if policy.trusted_proxies.is_empty() {
                let message = "is read of trusted proxies only, and trusted_proxies names none";
                let diagnostic = Diagnostic::error("client_address", message).value(&source.value);
                let hint = "trusted_proxies = [\"10.0.0.0/8\"], the addresses of your own proxies";
                self.report
                    .add(diagnostic.hint(hint).at(source.place.as_ref()));
            }
        }
        let default = FieldSizes::default();
        let sizes = config.max_field_size.as_ref();
        policy.field_sizes = sizes.map(|sizes| FieldSizes {
            token: sizes.token.unwrap_or(default.token),
            cookie: sizes.cookie.unwrap_or(default.cookie),
            other: sizes.other.unwrap_or(default.other),
        });
        policy.hosts = config.hosts.as_ref().and_then(|said| self.hosts(said));
        let said = merge::cross_origin(preset, config.cross_origin.as_ref());
        policy.cross_origin = said.and_then(|said| self.cross_origin(&said));
        policy.tell_reason = config.tell_reason.unwrap_or_default();
    }

    fn client_address(&mut self, said: &At<String>) -> ClientAddress {
        match said.value.to_ascii_lowercase().as_str() {
            "x-forwarded-for" => ClientAddress::XForwardedFor,
            "forwarded" => ClientAddress::Forwarded,
            "proxy-protocol" => ClientAddress::ProxyProtocol,
            name if NO_ADDRESS.contains(&name)
                || name.starts_with("sec-")
                || name.contains('_') =>
            {
                let message = "is no field that tells the client's address";
                let diagnostic = Diagnostic::error("client_address", message).value(name);
                let hint = "x-forwarded-for, forwarded, proxy-protocol, or a field such as cf-connecting-ip";
                self.report
                    .add(diagnostic.hint(hint).at(said.place.as_ref()));
                ClientAddress::default()
            }
            _ => match self.field_named("client_address", said) {
                Some(name) => ClientAddress::Field(name),
                None => ClientAddress::default(),
            },
        }
    }

    fn hosts(&mut self, said: &HostsSetting) -> Option<Hosts> {
        let allowed = match &said.allowed {
            Some(allowed) if !allowed.is_empty() => allowed,
            _ => {
                let message = match &said.allowed {
                    Some(_) => "names no host: every request would be denied",
                    None => "is missing: which names does the service answer to?",
                };
                let diagnostic = Diagnostic::error("hosts.allowed", message);
                let hint = "allowed = [\"example.com\"]; [\"*\"] for any";
                let place = said.place.as_ref();
                self.report.add(diagnostic.hint(hint).at(place));
                return None;
            }
        };
        let allowed = self.each("hosts.allowed", allowed);
        let answer = self.answer("hosts", said.denial.as_ref());
        Some(Hosts {
            allowed,
            www_redirect: said.www_redirect.unwrap_or_default(),
            answer,
        })
    }

    fn cross_origin(&mut self, said: &CrossOriginSetting) -> Option<CrossOrigin> {
        let list = |said: &Option<Vec<At<String>>>| said.clone().unwrap_or_default();
        let mut exempt_paths = Vec::new();
        for path in list(&said.exempt_paths) {
            match RoutePath::new(&path.value) {
                Ok(all) if all.as_str() == "/" => {
                    let message = "exempts every path: nothing is protected";
                    let diagnostic =
                        Diagnostic::warning("cross_origin.danger_exempt_paths", message);
                    let hint = "danger_off = true says it in the open";
                    self.report
                        .add(diagnostic.hint(hint).at(path.place.as_ref()));
                    exempt_paths.push(all);
                }
                Ok(path) => exempt_paths.push(path),
                Err(message) => {
                    let key = "cross_origin.danger_exempt_paths";
                    let diagnostic = Diagnostic::error(key, message).value(&path.value);
                    self.report.add(diagnostic.at(path.place.as_ref()));
                }
            }
        }
        let fields = list(&said.method_override);
        let fields = fields
            .iter()
            .filter_map(|name| self.field_named("cross_origin.method_override", name));
        let method_override = fields.collect();
        let default = CrossOrigin::default();
        let own = CrossOrigin {
            disposition: disposition(&said.disposition),
            allowed_origins: self
                .origins("cross_origin.allowed_origins", &list(&said.allowed_origins)),
            self_origins: self.origins("cross_origin.self_origins", &list(&said.self_origins)),
            exempt_paths,
            allow_unverifiable: said
                .allow_unverifiable
                .unwrap_or(default.allow_unverifiable),
            protect_websockets: said
                .protect_websockets
                .unwrap_or(default.protect_websockets),
            method_override,
            answer: self.answer("cross_origin", said.denial.as_ref()),
        };
        (!said.off.unwrap_or_default()).then_some(own)
    }

    /// What is asked of a request for the paths of one section; `routes` are those of its path.
    pub(super) fn checks(&mut self, section: &Section, routes: &[&RouteSection]) -> Checks {
        for route in routes.iter().filter(|route| route.html_only) {
            let any_host = route
                .any_host
                .as_ref()
                .map(|at| ("danger_any_host", &at.place));
            let isolation = route.section.resource_isolation.as_ref();
            let isolation = isolation.map(|at| ("resource_isolation", &at.place));
            for (key, place) in any_host.into_iter().chain(isolation) {
                let message = "is about requests, and content_type about responses";
                let diagnostic = Diagnostic::error(format!("route.{key}"), message);
                let hint = "write it in a [[route]] of this path without content_type";
                self.report.add(diagnostic.hint(hint).at(place.as_ref()));
            }
        }
        let mut any_host = routes.iter().filter_map(|route| route.any_host.as_ref());
        let isolation = section.resource_isolation.as_ref();
        Checks {
            any_host: self.environment == Environment::Development
                || any_host.next_back().is_some_and(|at| at.value),
            resource_isolation: match isolation.map(|at| &at.value) {
                Some(IsolationSetting::On(said)) => {
                    let default = ResourceIsolation::default();
                    Some(ResourceIsolation {
                        disposition: disposition(&said.disposition),
                        allow_same_site: said.allow_same_site.unwrap_or(default.allow_same_site),
                        allow_cors: said.allow_cors.unwrap_or(default.allow_cors),
                        allow_framing: said.allow_framing.unwrap_or(default.allow_framing),
                        answer: self.answer("resource_isolation", said.denial.as_ref()),
                    })
                }
                Some(IsolationSetting::Off) | None => None,
            },
        }
    }

    /// The words of a list, each read by its grammar; what is malformed is reported with its place.
    fn each<T: FromStr<Err = Malformed>>(&mut self, key: &str, words: &[At<String>]) -> Vec<T> {
        let read = |word: &At<String>| {
            let parsed = word.value.parse().map(|value| (value, Vec::new()));
            self.judged(key, word, parsed.map_err(Refused::from))
        };
        words.iter().filter_map(read).collect()
    }

    /// Origins as browsers write them: an IPv6 address in its one short form.
    fn origins(&mut self, key: &str, words: &[At<String>]) -> Vec<Origin<'static>> {
        for word in words {
            let origin: Option<Origin<'static>> = word.value.parse().ok();
            let authority = origin.as_ref().map(Origin::authority);
            if let Some(IpAddr::V6(ip)) = authority.and_then(Authority::ip)
                && authority.is_some_and(|authority| authority.host() != format!("[{ip}]"))
            {
                let message = "is not how a browser writes this address, so it can never match";
                let diagnostic = Diagnostic::error(key, message).value(&word.value);
                let diagnostic = diagnostic.hint(format!("[{ip}]"));
                self.report.add(diagnostic.at(word.place.as_ref()));
            }
        }
        self.each(key, words)
    }

    pub(super) fn field_named(&mut self, key: &str, name: &At<String>) -> Option<HeaderName> {
        let named = field_name(&name.value.to_ascii_lowercase()).map(|name| (name, Vec::new()));
        self.judged(key, name, named.map_err(Refused::from))
    }

    pub(super) fn answer(
        &mut self,
        table: &str,
        said: Option<&DenialSetting>,
    ) -> Option<Arc<Answer>> {
        let said = said?;
        let content_type = said.content_type.as_ref().and_then(|written| {
            let value = field_value(&written.value).map(|value| (value, Vec::new()));
            let key = format!("{table}.denial.content_type");
            self.judged(&key, written, value.map_err(Refused::from))
        });
        if let (Some(written), None) = (&said.content_type, &said.body) {
            let message = "is the type of a body, and there is no body";
            let diagnostic = Diagnostic::error(format!("{table}.denial.content_type"), message);
            self.report
                .add(diagnostic.hint("body = \"...\"").at(written.place.as_ref()));
        }
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        let body = said.body.as_ref().map(|body| body.value.clone());
        Some(Arc::new(Answer {
            status: said
                .status
                .and_then(|status| StatusCode::from_u16(status).ok()),
            body: body.map(|body| (content_type.unwrap_or(text), body)),
        }))
    }
}

pub(super) fn disposition(said: &DispositionSetting) -> Disposition {
    let enforce_percent = said.enforce_percent.as_ref().map(|at| at.value);
    match said.report {
        Some(true) => Disposition::Report {
            enforce_percent: enforce_percent.unwrap_or_default(),
        },
        Some(false) | None => Disposition::Enforce,
    }
}
