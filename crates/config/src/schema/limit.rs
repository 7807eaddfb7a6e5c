//! The keys of limits, and of the store they may count in.

use std::time::Duration;

use mantlet_engine::policy::{LimitFields, OnError};
use serde_json::{Value as Json, json};

use super::{Network, checks};
use crate::config::{
    AlgorithmName, KeySetting, LimitSetting, RedisSetting, SecretSetting, SelectionSetting,
};
use crate::error::{Diagnostic, Report};
use crate::node::{Node, Value};
use crate::read::{Choice, Keys, List, Part, Read, Span, Text, Whole, refuse, table};
use crate::source::At;

const ALGORITHMS: Choice<AlgorithmName> = Choice(&[
    ("token_bucket", AlgorithmName::TokenBucket),
    ("sliding_window", AlgorithmName::SlidingWindow),
    ("adaptive", AlgorithmName::Adaptive),
    ("concurrency", AlgorithmName::Concurrency),
]);

const MODES: Choice<bool> = Choice(&[("strict", false), ("interpolated", true)]);

const STORES: Choice<bool> = Choice(&[("local", false), ("redis", true)]);

const ON_ERROR: Choice<OnError> = Choice(&[
    ("local", OnError::Local),
    ("open", OnError::Open),
    ("closed", OnError::Closed),
]);

const FIELDS: Choice<LimitFields> = Choice(&[
    ("ietf-10", LimitFields::Ietf10),
    ("ietf-7", LimitFields::Ietf7),
    ("ietf-6", LimitFields::Ietf6),
    ("legacy", LimitFields::Legacy),
    ("legacy-epoch", LimitFields::LegacyEpoch),
    ("off", LimitFields::Off),
]);

const SECOND: Span = Span {
    unit: Duration::from_secs(1),
};
const MILLISECOND: Span = Span {
    unit: Duration::from_millis(1),
};

/// More than anybody counts to.
const MANY: u32 = 1_000_000_000;

pub(super) fn limit_fields(keys: &mut Keys<'_>) -> Option<LimitFields> {
    let doc = "How a client is told what limits leave: ietf-10 (the default), ietf-7, ietf-6, legacy, legacy-epoch or off.";
    keys.key("limit_headers", doc, &FIELDS).map(|at| at.value)
}

pub(super) fn limits(keys: &mut Keys<'_>) -> Vec<At<LimitSetting>> {
    let doc = "How many requests, of whom: all limits hold at once.";
    keys.key("limit", doc, &Limits).unwrap_or_default()
}

/// `[limit]`, or several.
struct Limits;

impl Read for Limits {
    type Out = Vec<At<LimitSetting>>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        let read = |node: &Node, report: &mut Report| Placed(limit()).read(key, node, report);
        match &node.value {
            Value::Table(_) => Some(read(node, report).into_iter().collect()),
            Value::List(nodes) => {
                Some(nodes.iter().filter_map(|node| read(node, report)).collect())
            }
            _ => refuse(key, node, "a table, or a list of them: [[limit]]", report),
        }
    }

    fn schema(&self) -> Json {
        let table = limit().schema();
        json!({ "anyOf": [table, { "type": "array", "items": table }] })
    }
}

pub(crate) fn limit() -> impl Read<Out = LimitSetting> {
    table(|keys: &mut Keys<'_>| {
        keys.elsewhere(meant);
        LimitSetting {
            name: keys.key(
                "name",
                "In response fields, logs and metrics; default where there is one limit only.",
                &Text,
            ),
            algorithm: keys
                .key(
                    "algorithm",
                    "token_bucket (the default), sliding_window, adaptive or concurrency.",
                    &ALGORITHMS,
                ),
            requests: keys.key("requests", "Requests a window.", &Whole(1..=MANY)),
            base_requests: keys.key(
                "base_requests",
                "Of an adaptive limit: requests a window without pressure; requests says the same.",
                &Whole(1..=MANY),
            ),
            window: keys.key("window", "The window: seconds, or \"1m\"; 1 ms to 366 days.", &SECOND),
            burst: keys.key(
                "burst",
                "Of a token bucket: how many may come at once; the requests of a window by default.",
                &Whole(1..=MANY),
            ),
            interpolated: keys.key(
                "mode",
                "Of a sliding window: strict (the default; never more in any window), or interpolated (right on average).",
                &MODES,
            ),
            min_requests: keys.key(
                "min_requests",
                "Of an adaptive limit: requests a window that pressure leaves in any case; 1 by default.",
                &Whole(1..=MANY),
            ),
            cpu_threshold: keys.key(
                "cpu_threshold",
                "Of an adaptive limit: the part of the CPU above which it gets tighter; 0.8 by default.",
                &Part,
            ),
            memory_threshold: keys.key(
                "memory_threshold",
                "Of an adaptive limit: the part of the memory above which it gets tighter; 0.9 by default.",
                &Part,
            ),
            latency_threshold: keys.key(
                "latency_threshold",
                "Of an adaptive limit: the 90th percentile of this service's answers above which it gets tighter, \
                 in milliseconds, or \"1s\"; 100 by default.",
                &MILLISECOND,
            ),
            max_in_flight: keys.key(
                "max_in_flight",
                "Of a concurrency limit: the most requests under way at once.",
                &Whole(1..=1_000_000),
            ),
            min_in_flight: keys.key(
                "min_in_flight",
                "Of a concurrency limit: the least that are let through at once; 4 by default.",
                &Whole(1..=1_000_000),
            ),
            health_paths: keys.key(
                "health_paths",
                "Paths that pressure never sheds; /health, /healthz, /livez and /readyz by default.",
                &Placed(List(Text)),
            ),
            key: keys.key(
                "key",
                "Who is counted: client (the default), route, everybody, { header = \"x-api-key\" }, or a list of these.",
                &Key,
            ),
            ipv4_prefix: keys.key(
                "ipv4_prefix",
                "Bits of an IPv4 address that make a client; 32 by default.",
                &Whole(8..=32),
            ),
            ipv6_prefix: keys.key(
                "ipv6_prefix",
                "Bits of an IPv6 address that make a client; 64 by default, what one customer gets.",
                &Whole(16..=128),
            ),
            requests_of: selection(keys),
            exempt_paths: keys.key(
                "exempt_paths",
                "Paths that do not count: whole segments, with all below.",
                &List(Text),
            ),
            exempt_clients: keys
                .key(
                    "exempt_clients",
                    "Networks of clients that do not count: [\"10.0.0.0/8\"].",
                    &List(Network),
                ),
            cost: keys.key(
                "cost",
                "What a request takes; 1 by default.",
                &Whole(0..=MANY),
            ),
            costs: keys
                .key(
                    "costs",
                    "What requests of some paths and methods take; the first that fits.",
                    &List(table(|keys: &mut Keys<'_>| {
                        let selection = selection(keys);
                        let cost = keys.key("cost", "What such a request takes.", &Whole(0..=MANY));
                        if cost.is_none() && keys.place("cost").is_none() {
                            let dotted = keys.dotted("cost");
                            let message = "is missing: what does such a request take?";
                            let diagnostic = Diagnostic::error(dotted, message).hint("cost = 5");
                            let diagnostic = diagnostic.at(keys.own_place());
                            keys.report().add(diagnostic);
                        }
                        cost.map(|cost| (selection, cost))
                    })),
                )
                .map(|costs| costs.into_iter().flatten().collect())
                .unwrap_or_default(),
            disposition: checks::disposition(keys),
            denial: checks::denial(keys),
            shared: keys.key(
                "store",
                "Where it is counted: local (this process, the default), or redis.",
                &STORES,
            ),
            on_error: keys.key(
                "on_error",
                "While the store does not answer: local (count here, the default), open (let through) or closed (503).",
                &ON_ERROR,
            ),
            nodes: keys.key(
                "nodes",
                "How many processes share the limit: each counts by its part while the store does not answer; 1 by default.",
                &Whole(1..=100_000),
            ),
            max_keys: keys.key(
                "max_keys",
                "How many keys are kept in this process; 65536 by default.",
                &Whole(1..=100_000_000),
            ),
        }
    })
}

fn selection(keys: &mut Keys<'_>) -> SelectionSetting {
    SelectionSetting {
        paths: keys.key(
            "paths",
            "Only these paths: whole segments, with all below; any by default.",
            &List(Text),
        ),
        methods: keys.key(
            "methods",
            "Only these methods; any by default.",
            &List(Text),
        ),
    }
}

/// What those write who come from another library.
fn meant(key: &str) -> Option<String> {
    let own = match key.to_ascii_lowercase().replace('-', "_").as_str() {
        "limit" | "max" | "max_requests" | "rate" | "capacity" | "points" => "requests",
        "period" | "per" | "duration" | "interval" | "window_ms" | "window_secs"
        | "window_seconds" => "window",
        "key_func" | "by" | "keys" | "key_generator" => "key",
        "routes" | "path" => "paths",
        "method" => "methods",
        "exempt" | "skip" | "whitelist" | "allowlist" => "exempt_paths or exempt_clients",
        "backend" | "storage" => "store",
        "weight" => "cost",
        "report_only" | "shadow" | "shadow_mode" | "dry_run" => "disposition = \"report\"",
        "fail_open" | "swallow_errors" | "failure_mode_deny" => "on_error",
        _ => return None,
    };
    Some(format!("did you mean {own}?"))
}

/// A value with its place.
struct Placed<R>(R);

impl<R: Read> Read for Placed<R> {
    type Out = At<R::Out>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        let value = self.0.read(key, node, report)?;
        let place = node.place.clone();
        Some(At { value, place })
    }

    fn schema(&self) -> Json {
        self.0.schema()
    }
}

/// A word, a table, or a list of these.
struct Key;

const WORDS: Choice<Word> = Choice(&[
    ("client", Word::Client),
    ("route", Word::Route),
    ("everybody", Word::Everybody),
]);

#[derive(Clone, Copy)]
enum Word {
    Client,
    Route,
    Everybody,
}

fn header() -> impl Read<Out = Option<At<String>>> {
    table(|keys: &mut Keys<'_>| {
        keys.key(
            "header",
            "The request field whose value is counted by.",
            &Text,
        )
    })
}

fn part(key: &str, node: &Node, report: &mut Report) -> Option<At<KeySetting>> {
    let value = match &node.value {
        Value::Table(_) => KeySetting::Header(header().read(key, node, report)??),
        Value::Text(_) => match WORDS.read(key, node, report)?.value {
            Word::Client => KeySetting::Client,
            Word::Route => KeySetting::Route,
            Word::Everybody => KeySetting::Everybody,
        },
        _ => return refuse(key, node, "a word, or { header = \"x-api-key\" }", report),
    };
    let place = node.place.clone();
    Some(At { value, place })
}

impl Read for Key {
    type Out = At<Vec<At<KeySetting>>>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        let value = match &node.value {
            Value::List(nodes) => nodes
                .iter()
                .filter_map(|node| part(key, node, report))
                .collect(),
            _ => vec![part(key, node, report)?],
        };
        let place = node.place.clone();
        Some(At { value, place })
    }

    fn schema(&self) -> Json {
        let part = json!({ "anyOf": [WORDS.schema(), header().schema()] });
        json!({ "anyOf": [part, { "type": "array", "items": part, "minItems": 1 }] })
    }
}

/// `[store.redis]`
pub(super) fn redis(keys: &mut Keys<'_>) -> Option<At<RedisSetting>> {
    let redis = Placed(table(|keys: &mut Keys<'_>| {
        RedisSetting {
        url: keys.key(
            "url",
            "redis://, rediss:// (TLS), unix://, redis+sentinel:// or redis+cluster://; { env = \"REDIS_URL\" } keeps a password out of the file.",
            &Secret,
        ),
        timeout: keys.key(
            "timeout",
            "How long a request may wait for it: milliseconds, or \"1s\"; 20 by default, 1 ms to 10 s.",
            &MILLISECOND,
        ),
        ca_file: keys.key(
            "ca_file",
            "With rediss://: the certificates to trust, PEM; those of the system by default.",
            &Text,
        ),
        client_cert_file: keys.key(
            "client_cert_file",
            "With rediss://: this service's certificate, PEM.",
            &Text,
        ),
        client_key_file: keys.key("client_key_file", "Its key, PEM.", &Text),
        prefix: keys.key(
            "prefix",
            "What its keys begin with; mantlet by default. Applications that share a Redis and not their limits have their own.",
            &Text,
        ),
    }
    }));
    let store = table(|keys: &mut Keys<'_>| {
        keys.key(
            "redis",
            "Redis or Valkey: what several processes share.",
            &redis,
        )
    });
    let doc = "Where state is kept that several processes share.";
    keys.key("store", doc, &store).flatten()
}

/// A text, or the variable that it stands in.
struct Secret;

fn variable() -> impl Read<Out = Option<At<String>>> {
    table(|keys: &mut Keys<'_>| keys.key("env", "The environment variable that has it.", &Text))
}

impl Read for Secret {
    type Out = SecretSetting;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        match &node.value {
            Value::Table(_) => Some(SecretSetting::Environment(
                variable().read(key, node, report)??,
            )),
            Value::Text(_) => Some(SecretSetting::Text(Text.read(key, node, report)?)),
            _ => refuse(key, node, "a string, or { env = \"NAME\" }", report),
        }
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [{ "type": "string" }, variable().schema()] })
    }
}
