//! The keys of the policy file: one declaration reads them, refuses the others, and writes the JSON Schema.

mod checks;
pub(crate) mod limit;

use ipnet::{IpNet, Ipv4Net};
use mantlet_engine::policy::Https;
use mantlet_headers::cookie::SameSite;
use mantlet_headers::csp::DirectiveName;
use mantlet_headers::registry;
use serde_json::{Value as Json, json};

use crate::config::{
    Config, CookieAttributes, CookieSetting, CspSetting, CspTable, DirectiveSetting, HeaderSetting,
    Mode, RouteSection, Section,
};
use crate::environment::Environment;
use crate::error::{Diagnostic, Report};
use crate::merge::{CSP, CSP_REPORT_ONLY};
use crate::node::{Node, Value};
use crate::preset::{Overlay, Preset};
use crate::read::{Choice, Flag, Keys, List, Read, Text, refuse, table};
use crate::source::At;
use crate::values::Form;

const PRESETS: Choice<Preset> = Choice(&[
    ("basic", Preset::Basic),
    ("balanced", Preset::Balanced),
    ("strict", Preset::Strict),
    ("api", Preset::Api),
    ("streamlit", Preset::Streamlit),
    ("none", Preset::None),
]);

const ENVIRONMENTS: Choice<Environment> = Choice(&[
    ("production", Environment::Production),
    ("development", Environment::Development),
]);

const HTTPS: Choice<Https> = Choice(&[
    ("auto", Https::Auto),
    ("assume", Https::Assume),
    ("redirect", Https::Redirect),
]);

const OVERLAYS: Choice<Overlay> = Choice(&[
    ("swagger-ui", Overlay::SwaggerUi),
    ("redoc", Overlay::Redoc),
]);

const MODES: Choice<Mode> = Choice(&[
    ("override", Mode::Override),
    ("if_missing", Mode::IfMissing),
    ("append", Mode::Append),
    ("remove", Mode::Remove),
    ("off", Mode::Off),
]);

const SAME_SITES: Choice<SameSite> = Choice(&[
    ("Strict", SameSite::Strict),
    ("Lax", SameSite::Lax),
    ("None", SameSite::None),
]);

const CONTENT_TYPES: Choice<bool> = Choice(&[("any", false), ("html", true)]);

/// The whole file.
pub(crate) fn policy() -> impl Read<Out = Config> {
    table(|keys: &mut Keys<'_>| {
        let https = "What counts as https: auto (TLS here, or X-Forwarded-Proto of a trusted peer), assume, or redirect.";
        let nonce =
            "mantlet serve tells the application the nonce in the request field Mantlet-Nonce.";
        Config {
            preset: keys.key(
                "preset",
                "The named policy to start from; balanced by default.",
                &PRESETS,
            ),
            environment: keys.key(
                "environment",
                "production (the default), or development: no HSTS, no upgrade-insecure-requests.",
                &ENVIRONMENTS,
            ),
            https: keys.key("https", https, &HTTPS),
            trusted_proxies: keys
                .key(
                    "trusted_proxies",
                    "Networks whose peers may speak X-Forwarded-*: [\"10.0.0.0/8\"].",
                    &List(Network),
                )
                .map(|networks| networks.into_iter().collect()),
            client_address: keys.key("client_address", checks::CLIENT_ADDRESS, &Text),
            max_field_size: checks::max_field_size(keys),
            hosts: checks::hosts(keys),
            cross_origin: checks::cross_origin(keys),
            limits: limit::limits(keys),
            built_limits: Vec::new(),
            limit_fields: limit::limit_fields(keys),
            redis: limit::redis(keys),
            store_of_host: false,
            tell_reason: keys.key(
                "tell_reason",
                "A denial tells its reason code in the response field Mantlet-Reason.",
                &Flag,
            ),
            nonce_upstream: keys.key("nonce_upstream", nonce, &Flag),
            section: section(keys),
            routes: keys
                .key(
                    "route",
                    "Rules of their own for paths: whole segments, the longest prefix wins.",
                    &Routes,
                )
                .unwrap_or_default(),
        }
    })
}

/// JSON Schema of the policy file.
pub fn json_schema() -> Json {
    let mut schema = policy().schema();
    if let Some(object) = schema.as_object_mut() {
        object.insert(
            "$schema".to_owned(),
            Json::from("https://json-schema.org/draft/2020-12/schema"),
        );
        object.insert("title".to_owned(), Json::from("mantlet.toml"));
    }
    schema
}

/// Where a header or a directive belongs that stands beside `[csp]` and `[headers]`.
fn under_its_table(key: &str) -> Option<String> {
    let name = key.to_ascii_lowercase().replace('_', "-");
    match name.as_str() {
        CSP => Some("write [csp], a key per directive".to_owned()),
        CSP_REPORT_ONLY => Some("write [csp_report_only], a key per directive".to_owned()),
        "allowed-hosts" | "trusted-hosts" => Some("[hosts] allowed = [\"example.com\"]".to_owned()),
        "allowed-origins" | "trusted-origins" | "csrf" => {
            Some("[cross_origin] allowed_origins = [\"https://partner.example\"]".to_owned())
        }
        "rate-limit" | "rate-limits" | "limits" | "ratelimit" | "throttle" => {
            Some("[[limit]] requests = 100, window = \"1m\"".to_owned())
        }
        "redis" => Some("[store.redis] url = \"redis://...\"".to_owned()),
        "cross-origin" | "hosts" | "max-field-size" | "limit" | "limit-headers" | "store" => {
            let key = name.replace('-', "_");
            Some(format!(
                "[{key}] stands at the root and holds for every path"
            ))
        }
        _ if registry::field(&name).is_some() => {
            Some(format!("headers go under [headers]: headers.{name}"))
        }
        _ if DirectiveName::from_name(&name).is_some() => {
            Some(format!("directives go under [csp]: csp.{name}"))
        }
        _ => None,
    }
}

fn section(keys: &mut Keys<'_>) -> Section {
    keys.elsewhere(under_its_table);
    let cache = keys.key(
        "cache",
        "Cache-Control where the application chose none.",
        &cache(),
    );
    let (cache_default, cache_by_type) = cache.unwrap_or_default();
    let mut section = Section {
        csp: keys.key(
            "csp",
            "Content-Security-Policy: directives over those of the preset.",
            &Csp,
        ),
        csp_report_only: keys.key(
            "csp_report_only",
            "Content-Security-Policy-Report-Only: reported and not enforced.",
            &Csp,
        ),
        headers: keys
            .key(
                "headers",
                "A key per header field, in lower case.",
                &headers(),
            )
            .unwrap_or_default(),
        cookies: keys.key(
            "cookies",
            "Hardens Set-Cookie of the application.",
            &cookies(),
        ),
        cache_default,
        cache_by_type,
        resource_isolation: checks::resource_isolation(keys),
    };
    checks::cross_origin_isolation(keys, &mut section.headers);
    section
}

/// `[[route]]`
struct Routes;

impl Read for Routes {
    type Out = Vec<RouteSection>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        if let Value::Table(_) = node.value {
            let diagnostic = Diagnostic::error(key, "takes a list of tables, not one");
            report.add(diagnostic.hint("write [[route]]").at(node.place.as_ref()));
            return None;
        }
        let routes = List(route()).read(key, node, report)?;
        Some(routes.into_iter().flatten().collect())
    }

    fn schema(&self) -> Json {
        List(route()).schema()
    }
}

fn route() -> impl Read<Out = Option<RouteSection>> {
    table(|keys: &mut Keys<'_>| {
        let path = keys.key(
            "path",
            "The path: /docs claims /docs and all below it, not /docs-old.",
            &Text,
        );
        let content_type = keys.key(
            "content_type",
            "Only for responses of this type: any (default) or html.",
            &CONTENT_TYPES,
        );
        let overlay = keys.key(
            "overlay",
            "A ready addition for well-known pages.",
            &OVERLAYS,
        );
        let any_host = checks::any_host(keys);
        let section = section(keys);
        if path.is_none() && keys.place("path").is_none() {
            let dotted = keys.dotted("path");
            let diagnostic = Diagnostic::error(dotted, "is missing: a route needs a path")
                .hint("path = \"/docs\"");
            let diagnostic = diagnostic.at(keys.own_place());
            keys.report().add(diagnostic);
        }
        Some(RouteSection {
            path: path?,
            html_only: content_type.is_some_and(|html| html.value),
            any_host,
            overlay,
            section,
        })
    })
}

/// The default, and values by media type.
type Caching = (Option<At<String>>, Vec<(At<String>, At<String>)>);

fn cache() -> impl Read<Out = Caching> {
    table(|keys: &mut Keys<'_>| {
        let default = keys.key(
            "default",
            "The value where the application chose none: \"no-store\".",
            &Text,
        );
        let by_type = keys.key(
            "by_type",
            "Values by content type, which go before the default: { \"image/*\" = \"public, max-age=86400\" }.",
            &table(|keys: &mut Keys<'_>| keys.rest(&Text)),
        );
        (default, by_type.unwrap_or_default())
    })
}

fn cookies() -> impl Read<Out = CookieSetting> {
    table(|keys: &mut Keys<'_>| CookieSetting {
        attributes: attributes(keys),
        exceptions: keys
            .key(
                "exceptions",
                "Other attributes for the cookies of these names.",
                &exceptions(),
            )
            .unwrap_or_default(),
    })
}

fn exceptions() -> impl Read<Out = Vec<(At<String>, CookieAttributes)>> {
    table(|keys: &mut Keys<'_>| keys.rest(&table(attributes)))
}

fn attributes(keys: &mut Keys<'_>) -> CookieAttributes {
    CookieAttributes {
        secure: keys.key("secure", "Adds Secure, over https.", &Flag),
        httponly: keys.key(
            "httponly",
            "Adds HttpOnly: scripts cannot read the cookie.",
            &Flag,
        ),
        samesite: keys.key(
            "samesite",
            "Adds SameSite where the application chose none.",
            &SAME_SITES,
        ),
    }
}

/// IPv4 in IPv6 clothes as IPv4: so are the addresses that it is compared with.
fn canonical(network: IpNet) -> IpNet {
    match network {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => {
            let v4 = v6.addr().to_ipv4_mapped();
            let network = v4.and_then(|ip| Ipv4Net::new(ip, v6.prefix_len() - 96).ok());
            network.map_or(IpNet::V6(v6), IpNet::V4)
        }
        other => other,
    }
}

/// A network, or one address.
struct Network;

impl Read for Network {
    type Out = IpNet;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<IpNet> {
        let text = Text.read(key, node, report)?.value;
        let network = text
            .parse()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        let message = match network.map(canonical) {
            Ok(network) if network.prefix_len() > 0 => return Some(network),
            Ok(_) => format!("{text:?} is everybody: whoever connects could say who the client is"),
            Err(_) => format!("{text:?} is neither a network nor an address"),
        };
        let diagnostic = Diagnostic::error(key, message).value(text);
        let diagnostic =
            diagnostic.hint("the addresses of your own proxies: \"10.0.0.0/8\", \"::1\"");
        report.add(diagnostic.at(node.place.as_ref()));
        None
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "examples": ["10.0.0.0/8", "127.0.0.1", "fd00::/8"] })
    }
}

/// `[csp]`, `[[csp]]` or `csp = false`.
struct Csp;

impl Read for Csp {
    type Out = At<CspSetting>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<At<CspSetting>> {
        let value = match &node.value {
            Value::Bool(false) => CspSetting::Off,
            Value::Table(_) => CspSetting::Over(csp_table().read(key, node, report)?),
            Value::List(_) => CspSetting::Several(List(csp_table()).read(key, node, report)?),
            _ => {
                return refuse(
                    key,
                    node,
                    "a table of directives, a list of them, or false",
                    report,
                );
            }
        };
        Some(At {
            value,
            place: node.place.clone(),
        })
    }

    fn schema(&self) -> Json {
        let table = csp_table().schema();
        json!({ "anyOf": [table, { "type": "array", "items": table }, { "const": false }] })
    }
}

fn csp_table() -> impl Read<Out = CspTable> {
    table(|keys: &mut Keys<'_>| {
        let mode = keys.key(
            "mode",
            "How the field meets the application's; append by default.",
            &MODES,
        );
        let mut directives = Vec::new();
        for name in DirectiveName::ALL.iter().chain(DirectiveName::DEAD) {
            let setting = match name.is_dead() {
                false => keys.key(name.as_str(), name.summary(), &Directive),
                true => keys.old_key(name.as_str(), name.summary(), &Directive),
            };
            if let (Some(setting), Some(key)) = (setting, keys.place(name.as_str())) {
                directives.push((key.clone(), setting));
            }
        }
        directives.sort_by_key(|(key, _)| key.place.as_ref().map(|place| place.range.start));
        CspTable { mode, directives }
    })
}

/// A list of values, one value, `true`, `false` or `{ add = [...] }`.
struct Directive;

impl Read for Directive {
    type Out = DirectiveSetting;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<DirectiveSetting> {
        Some(match &node.value {
            Value::Bool(false) => DirectiveSetting::Drop,
            Value::Bool(true) => DirectiveSetting::Bare,
            Value::Text(_) => DirectiveSetting::Values(vec![Text.read(key, node, report)?]),
            Value::List(_) => DirectiveSetting::Values(List(Text).read(key, node, report)?),
            Value::Table(_) => {
                let add = |keys: &mut Keys<'_>| {
                    keys.key("add", "Values beside those of the preset.", &List(Text))
                };
                DirectiveSetting::Add(table(add).read(key, node, report)?.unwrap_or_default())
            }
            Value::Integer(_) | Value::Float(_) => {
                return refuse(
                    key,
                    node,
                    "a list of values, false, or { add = [...] }",
                    report,
                );
            }
        })
    }

    fn schema(&self) -> Json {
        let values = List(Text).schema();
        let add = json!({
            "type": "object",
            "properties": { "add": values },
            "required": ["add"],
            "additionalProperties": false,
        });
        json!({ "anyOf": [values, { "type": "string" }, { "type": "boolean" }, add] })
    }
}

fn headers() -> impl Read<Out = Vec<(At<String>, HeaderSetting)>> {
    table(|keys: &mut Keys<'_>| {
        let mut found = Vec::new();
        for entry in registry::FIELDS {
            let name = entry.name.to_ascii_lowercase();
            let setting = keys.key(
                &name,
                entry.summary,
                &Header {
                    form: Form::of(&name),
                    examples: entry.examples,
                },
            );
            if let (Some(setting), Some(key)) = (setting, keys.place(&name)) {
                found.push((key.clone(), setting));
            }
        }
        let others = keys.rest(&Header {
            form: Form::Text,
            examples: &[],
        });
        for (key, setting) in others {
            if registry::field(&key.value).is_some() {
                let lower = key.value.to_ascii_lowercase();
                let dotted = keys.dotted(&key.value);
                let diagnostic = Diagnostic::error(dotted, "is written in lower case here");
                keys.report()
                    .add(diagnostic.hint(lower).at(key.place.as_ref()));
            } else {
                found.push((key, setting));
            }
        }
        found
    })
}

/// A value, `false`, or `{ value, mode }`.
struct Header {
    form: Form,
    examples: &'static [&'static str],
}

/// The keys that make a table a setting rather than a value, each alone: another one beside it is then unknown.
const SETTING_KEYS: &[&str] = &["value", "mode", "add", "danger"];

fn names_a_setting((key, _): &(At<String>, Node)) -> bool {
    SETTING_KEYS.contains(&key.value.as_str())
}

impl Header {
    fn is_setting(&self, entries: &[(At<String>, Node)]) -> bool {
        entries.iter().any(names_a_setting) || (!entries.is_empty() && !self.form.takes_table())
    }
}

impl Read for Header {
    type Out = HeaderSetting;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<HeaderSetting> {
        match &node.value {
            Value::Bool(false) => Some(HeaderSetting {
                mode: Some(Mode::Off),
                ..HeaderSetting::default()
            }),
            Value::Table(entries) if self.is_setting(entries) => {
                let setting = setting(self.form).read(key, node, report);
                // one that has no key of a setting says nothing beyond what was reported
                setting.filter(|_| entries.iter().any(names_a_setting))
            }
            _ => Some(HeaderSetting {
                value: Some(node.clone()),
                ..HeaderSetting::default()
            }),
        }
    }

    fn schema(&self) -> Json {
        let mut setting = setting(self.form).schema();
        if let Some(object) = setting.as_object_mut() {
            object.insert("minProperties".to_owned(), Json::from(1));
        }
        let value = self.form.schema(self.examples, SETTING_KEYS);
        json!({ "anyOf": [setting, value, { "const": false }] })
    }
}

fn setting(form: Form) -> impl Read<Out = HeaderSetting> {
    table(move |keys: &mut Keys<'_>| {
        if let (Some(_), Some(add)) = (keys.place("value"), keys.place("add").cloned()) {
            let dotted = keys.dotted("add");
            let message =
                "stands beside value: one replaces what the layer below says, the other extends it";
            keys.report()
                .add(Diagnostic::error(dotted, message).at(add.place.as_ref()));
        }
        HeaderSetting {
            mode: keys
                .key(
                    "mode",
                    "override (default), if_missing, append, remove or off.",
                    &MODES,
                )
                .map(|mode| mode.value),
            value: keys.key("value", "The value.", &Valued(form)),
            add: keys.key(
                "add",
                "Members beside those of the preset, for dictionary fields.",
                &Valued(form),
            ),
            danger: keys
                .key("danger", "Sends a value that is known to do harm.", &Flag)
                .unwrap_or_default(),
        }
    })
}

/// A value of a field: it is judged where the layers have been merged.
struct Valued(Form);

impl Read for Valued {
    type Out = Node;

    fn read(&self, _: &str, node: &Node, _: &mut Report) -> Option<Node> {
        Some(node.clone())
    }

    fn schema(&self) -> Json {
        self.0.schema(&[], &[])
    }
}
