//! The keys of the request's side: who may ask.

use crate::config::{
    CrossOriginSetting, DenialSetting, DispositionSetting, FieldSizeSetting, HeaderSetting,
    HostsSetting, IsolationSetting, IsolationTable, Mode,
};
use crate::error::{Diagnostic, Report};
use crate::node::{Node, Value};
use crate::read::{Choice, Flag, Keys, List, Read, Text, Whole, refuse, table};
use crate::source::At;
use serde_json::{Value as Json, json};

pub(super) const CLIENT_ADDRESS: &str = "Where trusted proxies tell the client's address: x-forwarded-for (the default), forwarded, \
                                         proxy-protocol, or a field of one address such as cf-connecting-ip.";

const DISPOSITIONS: Choice<bool> = Choice(&[("enforce", false), ("report", true)]);

pub(super) fn max_field_size(keys: &mut Keys<'_>) -> Option<FieldSizeSetting> {
    let doc = "How long a request field may be that a check reads, in bytes; a longer one is denied (431).";
    let sizes = table(|keys: &mut Keys<'_>| {
        let mut size = |name, doc| {
            let size = keys.key(name, doc, &Whole(256..=65535));
            size.map(|at| at.value as usize)
        };
        FieldSizeSetting {
            token: size("token", "Authorization; 8192 by default."),
            cookie: size("cookie", "Cookie; 16384 by default."),
            other: size(
                "other",
                "Every other field that a check reads; 2048 by default.",
            ),
        }
    });
    keys.key("max_field_size", doc, &sizes)
}

pub(super) fn hosts(keys: &mut Keys<'_>) -> Option<HostsSetting> {
    let hosts = table(|keys: &mut Keys<'_>| {
        HostsSetting {
        allowed: keys.key(
            "allowed",
            "example.com, *.example.com (not example.com itself), [::1], each with a port or for any; * is any name.",
            &List(Text),
        ),
        www_redirect: keys.key(
            "www_redirect",
            "A name that is not listed, but is with or without www., is redirected there.",
            &Flag,
        ),
        denial: denial(keys),
        place: keys.own_place().cloned(),
    }
    });
    let doc = "The names the service answers to; others are denied (400), except in development.";
    keys.key("hosts", doc, &hosts)
}

pub(super) fn cross_origin(keys: &mut Keys<'_>) -> Option<CrossOriginSetting> {
    let own = table(|keys: &mut Keys<'_>| {
        keys.elsewhere(meant);
        protection(keys)
    });
    let doc = "Protection against requests that another site makes a browser send (CSRF).";
    keys.key("cross_origin", doc, &own)
}

/// What those write who come from another library.
fn meant(key: &str) -> Option<String> {
    let own = match key.to_ascii_lowercase().replace('-', "_").as_str() {
        "exempt_paths" | "exempt" | "exclude_paths" | "ignore_paths" => "danger_exempt_paths",
        "trusted_origins" | "origins" => "allowed_origins",
        "mode" | "report_only" | "report" | "enforce" => "disposition",
        "off" | "enabled" | "disabled" => "danger_off",
        _ => return None,
    };
    Some(format!("did you mean {own}?"))
}

fn protection(keys: &mut Keys<'_>) -> CrossOriginSetting {
    CrossOriginSetting {
        off: keys.key("danger_off", "No cross-origin protection at all.", &Flag),
        disposition: disposition(keys),
        allowed_origins: keys.key(
            "allowed_origins",
            "Origins whose requests pass: [\"https://partner.example\"].",
            &List(Text),
        ),
        self_origins: keys.key(
            "self_origins",
            "The service's own origins, for a proxy in front that changes Host: Origin is compared to them.",
            &List(Text),
        ),
        exempt_paths: keys.key(
            "danger_exempt_paths",
            "Paths that are not checked: whole segments, /hooks with all below it.",
            &List(Text),
        ),
        allow_unverifiable: keys.key(
            "allow_unverifiable_requests",
            "Requests without Sec-Fetch-Site and Origin pass: programs send neither; true by default.",
            &Flag,
        ),
        protect_websockets: keys.key(
            "protect_websockets",
            "A WebSocket handshake is checked like a POST; true by default.",
            &Flag,
        ),
        method_override: keys.key(
            "method_override",
            "Fields that give a request another method: [\"x-http-method-override\"].",
            &List(Text),
        ),
        denial: denial(keys),
    }
}

pub(super) fn any_host(keys: &mut Keys<'_>) -> Option<At<bool>> {
    let doc = "Any Host, or none, may ask for this path: health probes come by address.";
    let place = keys
        .place("danger_any_host")
        .and_then(|at| at.place.clone());
    let value = keys.key("danger_any_host", doc, &Flag)?;
    Some(At { value, place })
}

pub(super) fn resource_isolation(keys: &mut Keys<'_>) -> Option<At<IsolationSetting>> {
    let doc =
        "Who may load what, by Fetch Metadata: pages of other sites cannot embed what is here.";
    keys.key("resource_isolation", doc, &Isolation)
}

/// A table, `true` or `false`.
struct Isolation;

fn isolation() -> impl Read<Out = IsolationTable> {
    table(|keys: &mut Keys<'_>| {
        IsolationTable {
        disposition: disposition(keys),
        allow_same_site: keys.key(
            "allow_same_site",
            "Other hosts of the same site may load it; true by default.",
            &Flag,
        ),
        allow_cors: keys.key(
            "allow_cors",
            "Requests with CORS go on, and the CORS layer behind decides; false by default.",
            &Flag,
        ),
        allow_framing: keys.key(
            "allow_framing",
            "Pages may be shown in frames of other sites; true by default, and frame-ancestors decides.",
            &Flag,
        ),
        denial: denial(keys),
    }
    })
}

impl Read for Isolation {
    type Out = At<IsolationSetting>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        let value = match &node.value {
            Value::Bool(false) => IsolationSetting::Off,
            // the table with its defaults, whatever the layer below says
            Value::Bool(true) => IsolationSetting::On(IsolationTable {
                disposition: DispositionSetting {
                    report: Some(false),
                    enforce_percent: None,
                },
                allow_same_site: Some(true),
                allow_cors: Some(false),
                allow_framing: Some(true),
                denial: Some(DenialSetting::default()),
            }),
            Value::Table(_) => IsolationSetting::On(isolation().read(key, node, report)?),
            _ => return refuse(key, node, "a table, true or false", report),
        };
        let place = node.place.clone();
        Some(At { value, place })
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [isolation().schema(), { "type": "boolean" }] })
    }
}

pub(super) fn disposition(keys: &mut Keys<'_>) -> DispositionSetting {
    let report = keys.key(
        "disposition",
        "enforce (the default), or report: what fails goes on, and the log tells it.",
        &DISPOSITIONS,
    );
    let percent = keys.key(
        "enforce_percent",
        "With report: of a hundred requests that fail, so many are denied all the same; 0 by default.",
        &Whole(0..=100),
    );
    let report = report.map(|at| at.value);
    if let (Some(at), false) = (&percent, report.unwrap_or_default()) {
        let dotted = keys.dotted("enforce_percent");
        let message = "is for disposition = \"report\": enforce denies them all";
        let diagnostic = Diagnostic::error(dotted, message).at(at.place.as_ref());
        keys.report()
            .add(diagnostic.hint("disposition = \"report\""));
    }
    DispositionSetting {
        report,
        enforce_percent: percent.and_then(|At { value, place }| {
            let value = u8::try_from(value).ok()?;
            Some(At { value, place })
        }),
    }
}

pub(super) fn denial(keys: &mut Keys<'_>) -> Option<DenialSetting> {
    let own = table(|keys: &mut Keys<'_>| DenialSetting {
        status: keys
            .key("status", "400 to 599.", &Whole(400..=599))
            .and_then(|at| u16::try_from(at.value).ok()),
        content_type: keys.key(
            "content_type",
            "The type of the body; text/plain; charset=utf-8 by default.",
            &Text,
        ),
        body: keys.key("body", "What is sent in place of the default body.", &Text),
    });
    keys.key("denial", "An answer of your own to what is denied.", &own)
}

const OPENERS: Words = &[
    "same-origin",
    "same-origin-allow-popups",
    "noopener-allow-popups",
];
const EMBEDDERS: Words = &["require-corp", "credentialless"];
const RESOURCES: Words = &["same-site", "same-origin", "cross-origin"];
const DOCUMENTS: Words = &["isolate-and-require-corp", "isolate-and-credentialless"];

type Words = &'static [&'static str];

/// `[cross_origin_isolation]`: three headers or four, each only where the application set none. It is another way to write
/// them, so they are put among the headers.
pub(super) fn cross_origin_isolation(
    keys: &mut Keys<'_>,
    headers: &mut Vec<(At<String>, HeaderSetting)>,
) {
    let doc = "Cross-Origin-Opener-Policy, -Embedder-Policy and -Resource-Policy where the application set none: \
               crossOriginIsolated in browsers.";
    let Some(settings) = keys.key("cross_origin_isolation", doc, &CrossOriginIsolation) else {
        return;
    };
    for (name, setting) in settings {
        let known = headers.iter().find(|(known, _)| known.value == name.value);
        match known {
            Some((known, _)) => {
                let message =
                    "stands here and in [cross_origin_isolation]: one header has one place";
                let key = keys.dotted(&format!("headers.{}", name.value));
                let diagnostic = Diagnostic::error(key, message).at(known.place.as_ref());
                keys.report()
                    .add(diagnostic.hint("keep one of them, the other key = false"));
            }
            None => headers.push((name, setting)),
        }
    }
}

/// A table, `true` or `false`.
struct CrossOriginIsolation;

impl CrossOriginIsolation {
    /// The keys, the fields they stand for, and their words, the default first.
    const KEYS: [(&'static str, &'static str, Words, &'static str); 4] = [
        (
            "opener",
            "cross-origin-opener-policy",
            OPENERS,
            "Cross-Origin-Opener-Policy; same-origin by default, false leaves it alone.",
        ),
        (
            "embedder",
            "cross-origin-embedder-policy",
            EMBEDDERS,
            "Cross-Origin-Embedder-Policy; require-corp by default, false leaves it alone.",
        ),
        (
            "resource",
            "cross-origin-resource-policy",
            RESOURCES,
            "Cross-Origin-Resource-Policy; same-site by default, false leaves it alone.",
        ),
        (
            "document",
            "document-isolation-policy",
            DOCUMENTS,
            "Document-Isolation-Policy, which isolates a page without its opener and frames; not sent unless written.",
        ),
    ];

    fn table() -> impl Read<Out = Vec<(At<String>, HeaderSetting)>> {
        table(|keys: &mut Keys<'_>| {
            let mut found = Vec::new();
            for (key, name, words, doc) in Self::KEYS {
                let said = keys.key(key, doc, &Word(words));
                let place = keys.place(key).or(None).and_then(|at| at.place.clone());
                let place = place.or_else(|| keys.own_place().cloned());
                let default = || words.first().filter(|_| key != "document").copied();
                let setting = match said {
                    Some(None) => setting(Mode::Off, None),
                    Some(Some(word)) => setting(Mode::IfMissing, Some(word)),
                    // a word that was refused is no reason to send another
                    None if keys.place(key).is_some() => continue,
                    None => match default() {
                        Some(word) => setting(Mode::IfMissing, Some(At::code(word.to_owned()))),
                        None => continue,
                    },
                };
                let name = name.to_owned();
                found.push((At { value: name, place }, setting));
            }
            found
        })
    }
}

fn setting(mode: Mode, word: Option<At<String>>) -> HeaderSetting {
    HeaderSetting {
        mode: Some(mode),
        value: word.map(|At { value, place }| Node {
            value: Value::Text(value),
            place,
        }),
        ..HeaderSetting::default()
    }
}

impl Read for CrossOriginIsolation {
    type Out = Vec<(At<String>, HeaderSetting)>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        let place = node.place.clone();
        match &node.value {
            Value::Bool(false) => {
                let named = |(_, name, ..): (_, &str, _, _)| At {
                    value: name.to_owned(),
                    place: place.clone(),
                };
                let off = Self::KEYS
                    .map(named)
                    .map(|name| (name, setting(Mode::Off, None)));
                Some(off.into())
            }
            Value::Bool(true) => {
                let empty = Node {
                    value: Value::Table(Vec::new()),
                    place,
                };
                Self::table().read(key, &empty, report)
            }
            Value::Table(_) => Self::table().read(key, node, report),
            _ => refuse(key, node, "a table, true or false", report),
        }
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [Self::table().schema(), { "type": "boolean" }] })
    }
}

/// One of a few words, or `false`: `None`.
struct Word(Words);

impl Read for Word {
    type Out = Option<At<String>>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        if let Value::Bool(false) = node.value {
            return Some(None);
        }
        let text = Text.read(key, node, report)?;
        if self.0.contains(&text.value.as_str()) {
            return Some(Some(text));
        }
        let message = format!(
            "{:?} is not one of {}, false",
            text.value,
            self.0.join(", ")
        );
        let diagnostic = Diagnostic::error(key, message).value(&text.value);
        report.add(diagnostic.at(node.place.as_ref()));
        None
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [{ "enum": self.0 }, { "const": false }] })
    }
}
