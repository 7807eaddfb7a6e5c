//! `[[limit]]` and `[store.redis]`: how many requests, of whom, and where they are counted.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use mantlet_engine::policy::{
    Counted, Counting, Exemption, KeyPart, Limit, OnError, Prefix, RedisSettings, Selection, Url,
};
use mantlet_engine::route::RoutePath;
use mantlet_limit::{Algorithm, Mode, Quota, Rule, Thresholds};

use super::Compiler;
use super::checks::disposition;
use crate::config::{
    AlgorithmName, Config, KeySetting, LimitSetting, RedisSetting, SecretSetting, SelectionSetting,
};
use crate::error::Diagnostic;
use crate::source::{At, Place};

/// Where orchestrators ask whether a service is well.
const HEALTH_PATHS: &[&str] = &["/health", "/healthz", "/livez", "/readyz"];

/// Keys that belong to some algorithms only.
struct Own<'s> {
    key: &'static str,
    place: Option<&'s Option<Place>>,
    of: &'static [AlgorithmName],
}

impl AlgorithmName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::TokenBucket => "token_bucket",
            Self::SlidingWindow => "sliding_window",
            Self::Adaptive => "adaptive",
            Self::Concurrency => "concurrency",
        }
    }
}

impl Compiler {
    /// Every limit that a text and code have said.
    pub(super) fn limits(&mut self, config: &Config) -> Vec<Limit> {
        let alone = config.limits.len() == 1;
        let mut limits: Vec<Limit> = Vec::new();
        for said in &config.limits {
            let Some(limit) = self.limit(said, alone) else {
                continue;
            };
            if limits.iter().any(|other| other.name == limit.name) {
                let message = "names two limits";
                let diagnostic = Diagnostic::error("limit.name", message).value(&*limit.name);
                let place = said
                    .value
                    .name
                    .as_ref()
                    .and_then(|name| name.place.as_ref());
                self.report
                    .add(diagnostic.at(place.or(said.place.as_ref())));
                continue;
            }
            limits.push(limit);
        }
        for limit in &config.built_limits {
            let named = At::code(limit.name.to_string());
            self.name("limit.name", &named);
            match limits.iter_mut().find(|other| other.name == limit.name) {
                // code goes over the text
                Some(other) => *other = limit.clone(),
                None => limits.push(limit.clone()),
            }
        }
        let shared = limits
            .iter()
            .any(|limit| matches!(limit.counted, Counted::Shared { .. }));
        if shared && config.redis.is_none() && !config.store_of_host {
            let message = "is redis, and [store.redis] does not say where that is";
            let stores = config
                .limits
                .iter()
                .filter_map(|limit| limit.value.shared.as_ref());
            let place = stores
                .filter(|at| at.value)
                .find_map(|at| at.place.as_ref());
            let diagnostic = Diagnostic::error("limit.store", message);
            let hint = "[store.redis] url = \"redis://localhost\"";
            self.report.add(diagnostic.hint(hint).at(place));
        }
        limits
    }

    pub(super) fn limit(&mut self, said: &At<LimitSetting>, alone: bool) -> Option<Limit> {
        let (place, said) = (said.place.as_ref(), &said.value);
        let name = match &said.name {
            Some(name) => self.name("limit.name", name)?,
            None if alone => "default".into(),
            None => {
                let diagnostic =
                    Diagnostic::error("limit.name", "is missing: there are several limits");
                self.report
                    .add(diagnostic.hint("name = \"per-client\"").at(place));
                return None;
            }
        };
        let algorithm = said
            .algorithm
            .as_ref()
            .map(|at| at.value)
            .unwrap_or_default();
        self.own_keys(said, algorithm);
        let counting = self.counting(said, algorithm, place)?;
        let mut limit = Limit::new(name, counting);
        limit.key = self.key(said, algorithm);
        limit.requests = self.selection("limit", &said.requests_of);
        let paths = said.exempt_paths.clone().unwrap_or_default();
        limit.exempt = Exemption {
            paths: self.limit_paths("limit.exempt_paths", &paths),
            clients: said.exempt_clients.clone().unwrap_or_default(),
        };
        limit.cost = said.cost.as_ref().map_or(1, |at| at.value);
        for (selection, cost) in &said.costs {
            let selection = self.selection("limit.costs", selection);
            limit.costs.push((selection, cost.value));
        }
        self.affordable(said, &limit);
        limit.disposition = disposition(&said.disposition);
        limit.answer = self.answer("limit", said.denial.as_ref());
        limit.counted = self.counted(said, algorithm);
        if let Some(max_keys) = &said.max_keys {
            limit.max_keys = max_keys.value as usize;
        }
        Some(limit)
    }

    fn name(&mut self, key: &str, name: &At<String>) -> Option<Arc<str>> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let text = name.value.as_str();
        if !text.is_empty() && text.len() <= 64 && text.bytes().all(allowed) {
            return Some(text.into());
        }
        let message = "is no name: letters, digits, -, _ and ., 64 at the most";
        let diagnostic = Diagnostic::error(key, message).value(text);
        self.report.add(diagnostic.at(name.place.as_ref()));
        None
    }

    /// A key of another algorithm would do nothing.
    fn own_keys(&mut self, said: &LimitSetting, algorithm: AlgorithmName) {
        use AlgorithmName::{Adaptive, Concurrency, SlidingWindow, TokenBucket};
        const COUNTED: &[AlgorithmName] = &[TokenBucket, SlidingWindow, Adaptive];
        const IN_STORES: &[AlgorithmName] = &[TokenBucket, SlidingWindow];
        fn at<T>(said: &Option<At<T>>) -> Option<&Option<Place>> {
            said.as_ref().map(|at| &at.place)
        }
        let own = |key, place, of| Own { key, place, of };
        let keys = [
            own("requests", at(&said.requests), COUNTED),
            own("base_requests", at(&said.base_requests), &[Adaptive]),
            own("window", at(&said.window), COUNTED),
            own("burst", at(&said.burst), &[TokenBucket]),
            own("mode", at(&said.interpolated), &[SlidingWindow]),
            own("min_requests", at(&said.min_requests), &[Adaptive]),
            own("cpu_threshold", at(&said.cpu_threshold), &[Adaptive]),
            own("memory_threshold", at(&said.memory_threshold), &[Adaptive]),
            own(
                "latency_threshold",
                at(&said.latency_threshold),
                &[Adaptive],
            ),
            own("max_in_flight", at(&said.max_in_flight), &[Concurrency]),
            own("min_in_flight", at(&said.min_in_flight), &[Concurrency]),
            own(
                "health_paths",
                at(&said.health_paths),
                &[Adaptive, Concurrency],
            ),
            own("key", at(&said.key), COUNTED),
            own("cost", at(&said.cost), COUNTED),
            own("max_keys", at(&said.max_keys), COUNTED),
            own("on_error", at(&said.on_error), IN_STORES),
            own("nodes", at(&said.nodes), IN_STORES),
        ];
        for Own { key, place, of } in keys {
            let Some(place) = place.filter(|_| !of.contains(&algorithm)) else {
                continue;
            };
            let names: Vec<_> = of.iter().map(|name| name.as_str()).collect();
            let message = format!("does nothing here: it belongs to {}", names.join(" and "));
            let diagnostic = Diagnostic::error(format!("limit.{key}"), message);
            let hint = format!("algorithm = \"{}\"", names[0]);
            self.report.add(diagnostic.hint(hint).at(place.as_ref()));
        }
    }

    fn counting(
        &mut self,
        said: &LimitSetting,
        algorithm: AlgorithmName,
        place: Option<&Place>,
    ) -> Option<Counting> {
        let health = match &said.health_paths {
            Some(paths) => self.limit_paths("limit.health_paths", &paths.value),
            None => HEALTH_PATHS
                .iter()
                .filter_map(|path| RoutePath::new(path).ok())
                .collect(),
        };
        if algorithm == AlgorithmName::Concurrency {
            let Some(max) = &said.max_in_flight else {
                self.missing("max_in_flight", "max_in_flight = 200", place);
                return None;
            };
            let min = said
                .min_in_flight
                .as_ref()
                .map_or(4.min(max.value), |at| at.value);
            if min > max.value {
                let message = "is above max_in_flight";
                let diagnostic = Diagnostic::error("limit.min_in_flight", message);
                self.report.add(diagnostic.at(max.place.as_ref()));
                return None;
            }
            let max = max.value;
            return Some(Counting::Concurrency { min, max, health });
        }
        if let (Some(_), Some(twice)) = (&said.requests, &said.base_requests) {
            let message = "stands beside requests, which says the same";
            let diagnostic = Diagnostic::error("limit.base_requests", message);
            self.report.add(diagnostic.at(twice.place.as_ref()));
        }
        let requests = said.requests.as_ref().or(said.base_requests.as_ref());
        let (Some(requests), Some(window)) = (requests, &said.window) else {
            if requests.is_none() {
                self.missing("requests", "requests = 100", place);
            }
            if said.window.is_none() {
                self.missing("window", "window = \"1m\"", place);
            }
            return None;
        };
        let quota = Quota::new(requests.value, window.value);
        let quota = self.right("limit.window", window, quota)?;
        let quota = match &said.burst {
            Some(burst) => self.right("limit.burst", burst, quota.burst_of(burst.value))?,
            // a burst of all of them can be too long, too
            None => self.right("limit.requests", requests, quota.burst_of(requests.value))?,
        };
        let named = match algorithm {
            AlgorithmName::SlidingWindow => {
                Algorithm::SlidingWindow(match said.interpolated.as_ref().map(|at| at.value) {
                    Some(true) => Mode::Interpolated,
                    Some(false) | None => Mode::Strict,
                })
            }
            AlgorithmName::Adaptive => Algorithm::Adaptive {
                min_requests: said.min_requests.as_ref().map_or(1, |at| at.value),
            },
            AlgorithmName::TokenBucket | AlgorithmName::Concurrency => Algorithm::TokenBucket,
        };
        let rule = Rule::new(quota, named);
        let rule = match &said.min_requests {
            Some(min) => self.right("limit.min_requests", min, rule)?,
            None => self.right("limit.requests", requests, rule)?,
        };
        if algorithm != AlgorithmName::Adaptive {
            return Some(Counting::Requests(rule));
        }
        let default = Thresholds::default();
        let of = |said: &Option<At<f64>>, default| said.as_ref().map_or(default, |at| at.value);
        let thresholds = Thresholds::new(
            of(&said.cpu_threshold, default.cpu),
            of(&said.memory_threshold, default.memory),
            said.latency_threshold
                .as_ref()
                .map_or(default.latency, |at| at.value),
        );
        match thresholds {
            Ok(thresholds) => Some(Counting::Adaptive {
                rule,
                thresholds,
                health,
            }),
            Err(error) => {
                let place = said
                    .latency_threshold
                    .as_ref()
                    .and_then(|at| at.place.as_ref());
                let diagnostic = Diagnostic::error("limit.latency_threshold", error.to_string());
                self.report.add(diagnostic.at(place));
                None
            }
        }
    }

    fn missing(&mut self, key: &str, hint: &str, place: Option<&Place>) {
        let diagnostic = Diagnostic::error(format!("limit.{key}"), "is missing");
        self.report.add(diagnostic.hint(hint).at(place));
    }

    fn right<T, V, E: std::fmt::Display>(
        &mut self,
        key: &str,
        said: &At<V>,
        built: Result<T, E>,
    ) -> Option<T> {
        match built {
            Ok(value) => Some(value),
            Err(error) => {
                let diagnostic = Diagnostic::error(key, error.to_string());
                self.report.add(diagnostic.at(said.place.as_ref()));
                None
            }
        }
    }

    fn key(&mut self, said: &LimitSetting, algorithm: AlgorithmName) -> Vec<KeyPart> {
        let default = Prefix::default();
        let bits = |said: &Option<At<u32>>, default: u8| {
            said.as_ref()
                .and_then(|at| u8::try_from(at.value).ok())
                .unwrap_or(default)
        };
        let prefix = Prefix {
            v4: bits(&said.ipv4_prefix, default.v4),
            v6: bits(&said.ipv6_prefix, default.v6),
        };
        let Some(parts) = &said.key else {
            return match algorithm {
                AlgorithmName::Concurrency => {
                    self.idle_prefixes(said);
                    vec![KeyPart::Everybody]
                }
                _ => vec![KeyPart::Client(prefix)],
            };
        };
        if parts.value.is_empty() {
            let diagnostic = Diagnostic::error("limit.key", "names nobody");
            let hint = "key = \"client\"; \"everybody\" counts all requests together";
            self.report
                .add(diagnostic.hint(hint).at(parts.place.as_ref()));
        }
        let by_client = |part: &At<KeySetting>| matches!(part.value, KeySetting::Client);
        if !parts.value.iter().any(by_client) {
            self.idle_prefixes(said);
        }
        let mut key = Vec::new();
        for part in &parts.value {
            let part = match &part.value {
                KeySetting::Client => Some(KeyPart::Client(prefix)),
                KeySetting::Route => Some(KeyPart::Route),
                KeySetting::Everybody => Some(KeyPart::Everybody),
                KeySetting::Header(name) => self
                    .field_named("limit.key.header", name)
                    .map(KeyPart::Field),
            };
            key.extend(part);
        }
        key
    }

    /// How much of an address is a client does nothing where clients are not counted.
    fn idle_prefixes(&mut self, said: &LimitSetting) {
        let keys = [
            ("ipv4_prefix", &said.ipv4_prefix),
            ("ipv6_prefix", &said.ipv6_prefix),
        ];
        for (key, at) in keys {
            if let Some(at) = at {
                let message = "does nothing here: the limit does not count by client";
                let diagnostic = Diagnostic::error(format!("limit.{key}"), message);
                let hint = "key = \"client\", or a second limit with that key";
                self.report.add(diagnostic.hint(hint).at(at.place.as_ref()));
            }
        }
    }

    fn counted(&mut self, said: &LimitSetting, algorithm: AlgorithmName) -> Counted {
        let shared = said.shared.as_ref().filter(|at| at.value);
        if let (Some(shared), AlgorithmName::Adaptive | AlgorithmName::Concurrency) =
            (shared, algorithm)
        {
            let message =
                "is redis, and pressure is one host's: this algorithm counts in its own process";
            let diagnostic = Diagnostic::error("limit.store", message);
            let hint = "a token_bucket or sliding_window in redis beside it holds for all hosts";
            self.report
                .add(diagnostic.hint(hint).at(shared.place.as_ref()));
            return Counted::Here;
        }
        match shared {
            Some(_) => Counted::Shared {
                on_error: said
                    .on_error
                    .as_ref()
                    .map_or(OnError::default(), |at| at.value),
                nodes: said.nodes.as_ref().map_or(1, |at| at.value),
            },
            None => {
                let on_error = said.on_error.as_ref().map(|at| ("on_error", &at.place));
                let nodes = said.nodes.as_ref().map(|at| ("nodes", &at.place));
                for (key, place) in on_error.into_iter().chain(nodes) {
                    let message = "is about a store, and this limit counts in its process";
                    let diagnostic = Diagnostic::error(format!("limit.{key}"), message);
                    self.report
                        .add(diagnostic.hint("store = \"redis\"").at(place.as_ref()));
                }
                Counted::Here
            }
        }
    }

    /// A request that costs more than there ever is can never pass.
    fn affordable(&mut self, said: &LimitSetting, limit: &Limit) {
        let most = match &limit.counting {
            Counting::Requests(rule) | Counting::Adaptive { rule, .. } => rule.quota().burst(),
            _ => return,
        };
        let costs = said
            .cost
            .iter()
            .chain(said.costs.iter().map(|(_, cost)| cost));
        for cost in costs.filter(|cost| cost.value > most) {
            let message = format!(
                "is more than the {most} that there are at once: such a request never passes"
            );
            let diagnostic = Diagnostic::error("limit.cost", message);
            self.report.add(diagnostic.at(cost.place.as_ref()));
        }
    }

    fn selection(&mut self, table: &str, said: &SelectionSetting) -> Selection {
        let paths = said.paths.clone().unwrap_or_default();
        let mut methods = Vec::new();
        for word in said.methods.iter().flatten() {
            match Method::from_bytes(word.value.as_bytes()) {
                Ok(method) if !word.value.bytes().any(|b| b.is_ascii_lowercase()) => {
                    methods.push(method);
                }
                _ => {
                    let message = "is no method as clients send it";
                    let key = format!("{table}.methods");
                    let diagnostic = Diagnostic::error(key, message).value(&word.value);
                    let hint = word.value.to_ascii_uppercase();
                    self.report
                        .add(diagnostic.hint(hint).at(word.place.as_ref()));
                }
            }
        }
        Selection {
            paths: self.limit_paths(&format!("{table}.paths"), &paths),
            methods,
        }
    }

    fn limit_paths(&mut self, key: &str, paths: &[At<String>]) -> Vec<RoutePath> {
        let mut read = Vec::new();
        for path in paths {
            match RoutePath::new(&path.value) {
                Ok(path) => read.push(path),
                Err(message) => {
                    let diagnostic = Diagnostic::error(key, message).value(&path.value);
                    self.report.add(diagnostic.at(path.place.as_ref()));
                }
            }
        }
        read
    }

    /// Where Redis is.
    pub(super) fn redis(&mut self, said: Option<&At<RedisSetting>>) -> Option<RedisSettings> {
        let said = said?;
        let (place, said) = (said.place.as_ref(), &said.value);
        let url = match &said.url {
            Some(SecretSetting::Text(text)) => Url::Text(text.value.clone()),
            Some(SecretSetting::Environment(name)) => Url::Environment(name.value.clone()),
            None => {
                let diagnostic = Diagnostic::error("store.redis.url", "is missing");
                let hint = "url = \"redis://localhost\", or { env = \"REDIS_URL\" }";
                self.report.add(diagnostic.hint(hint).at(place));
                return None;
            }
        };
        if let Some(timeout) = &said.timeout
            && !(Duration::from_millis(1)..=Duration::from_secs(10)).contains(&timeout.value)
        {
            let diagnostic = Diagnostic::error("store.redis.timeout", "is between 1 ms and 10 s");
            self.report.add(diagnostic.at(timeout.place.as_ref()));
        }
        let text = |said: &Option<At<String>>| said.as_ref().map(|at| at.value.clone());
        if said.client_cert_file.is_some() != said.client_key_file.is_some() {
            let message = "and client_key_file belong together";
            let diagnostic = Diagnostic::error("store.redis.client_cert_file", message);
            self.report.add(diagnostic.at(place));
        }
        Some(RedisSettings {
            url,
            timeout: said.timeout.as_ref().map(|at| at.value),
            prefix: text(&said.prefix),
            ca_file: text(&said.ca_file).map(Into::into),
            client_files: match (text(&said.client_cert_file), text(&said.client_key_file)) {
                (Some(certificate), Some(key)) => Some((certificate.into(), key.into())),
                _ => None,
            },
        })
    }
}
