//! `[headers]`, `[cache]` and `[cookies]`.

use http::{HeaderName, HeaderValue};
use mantlet_engine::policy::{MediaRange, Rule, Value, When};
use mantlet_engine::{Op, is_cache_field};
use mantlet_headers::cookie::{Attributes, Hardening, SameSite};
use mantlet_headers::registry::{self, Entry, Transport};
use mantlet_headers::{
    CacheControl, Fault, Field, Refused, XXssProtection, field_name, field_value,
};

use super::{Compiler, op};
use crate::config::{CookieAttributes, CookieSetting, HeaderSetting, Mode};
use crate::environment::Environment;
use crate::error::Diagnostic;
use crate::merge::CACHE_CONTROL;
use crate::node;
use crate::source::At;
use crate::values;

const CACHING: HeaderName = http::header::CACHE_CONTROL;

impl Compiler {
    pub(super) fn field(
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
        if op == Op::Append {
            let message = "cannot be appended: a browser reads the two values as one, and the application's may void ours";
            let diagnostic = Diagnostic::error(&dotted, message).value("append");
            let hint = "mode = \"override\", or \"if_missing\"";
            self.report
                .add(diagnostic.hint(hint).at(key.place.as_ref()));
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
        let value = &text.text.value;
        let built = match setting.danger {
            true => (entry.parse)(value.as_bytes()).strict(),
            false => built(entry, value).map_err(in_the_file),
        };
        let place = |span: &_| text.place(span).or_else(|| key.place.clone());
        let Some(printed) = self.judged_at(&dotted, value, place, built) else {
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

    pub(super) fn custom(
        &mut self,
        key: &At<String>,
        setting: &HeaderSetting,
        rules: &mut Vec<Rule>,
    ) {
        let dotted = format!("headers.{}", key.value);
        let named = field_name(&key.value).map(|name| (name, Vec::new()));
        let Some(name) = self.judged(&dotted, key, named.map_err(Refused::from)) else {
            return;
        };
        let dead = registry::DEAD.iter().find(|(dead, ..)| *dead == key.value);
        let known = || registry::FIELDS.iter().map(|entry| entry.name);
        if dead.is_some() {
            // its name may look like one of today
        } else if let Some(meant) = mantlet_headers::misspelled(&key.value, known()) {
            let message = "is nearly the name of a field, and a browser ignores it";
            let hint = format!("did you mean {}?", meant.to_ascii_lowercase());
            self.report.add(
                Diagnostic::error(&dotted, message)
                    .hint(hint)
                    .at(key.place.as_ref()),
            );
            return;
        } else if let Some(near) = mantlet_headers::suggest(&key.value, known()) {
            let hint = format!("did you mean {}?", near.to_ascii_lowercase());
            self.report.add(
                Diagnostic::warning(&dotted, "is sent as a field of your own")
                    .hint(hint)
                    .at(key.place.as_ref()),
            );
        }
        let Some(op) = op(setting.mode.unwrap_or(Mode::Override)) else {
            return;
        };
        if op == Op::Remove {
            rules.push(Rule::remove(name));
            return;
        }
        if let Some((_, message, hint)) = dead {
            self.report.add(
                Diagnostic::warning(&dotted, *message)
                    .hint(*hint)
                    .at(key.place.as_ref()),
            );
        }
        let Some(value) = self.value_node(&dotted, key, setting) else {
            return;
        };
        let Some(text) = values::text(&dotted, &key.value, value, &mut self.report) else {
            return;
        };
        let valued = field_value(&text.text.value).map(|value| (value, Vec::new()));
        let valued = valued.map_err(Refused::from);
        let place = |span: &_| text.place(span).or_else(|| key.place.clone());
        let Some(value) = self.judged_at(&dotted, &text.text.value, place, valued) else {
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

    pub(super) fn cache_default(&mut self, default: &At<String>, rules: &mut Vec<Rule>) {
        let Some(entry) = registry::field(CACHE_CONTROL) else {
            return;
        };
        let built = built(entry, &default.value);
        let Some(printed) = self.judged("cache.default", default, built) else {
            return;
        };
        let Ok(value) = HeaderValue::from_str(&printed) else {
            return;
        };
        let name = CACHING;
        if !rules.iter().any(|rule| rule.name == name) {
            rules.push(Rule {
                op: Op::IfMissing,
                name,
                value: Value::Fixed(value),
                when: When::Always,
            });
        }
    }

    pub(super) fn cache_by_type(
        &mut self,
        said: &[(At<String>, At<String>)],
    ) -> Vec<(MediaRange, HeaderValue)> {
        let mut rules = Vec::new();
        let Some(entry) = registry::field(CACHE_CONTROL) else {
            return rules;
        };
        for (media, value) in said {
            let key = format!("cache.by_type.{:?}", media.value);
            let range = match MediaRange::new(&media.value) {
                Ok(range) => range,
                Err(message) => {
                    let diagnostic = Diagnostic::error(key, message).value(&media.value);
                    self.report.add(diagnostic.at(media.place.as_ref()));
                    continue;
                }
            };
            let printed = self.judged(&key, value, built(entry, &value.value));
            let value = printed.and_then(|printed| HeaderValue::from_str(&printed).ok());
            rules.extend(value.map(|value| (range, value)));
        }
        // a type goes before its kind
        rules.sort_by_key(|(range, _)| range.is_kind());
        rules
    }

    pub(super) fn warn_of_shared_nonces(
        &mut self,
        rules: &[Rule],
        by_type: &[(MediaRange, HeaderValue)],
        cache: Option<&(At<String>, HeaderSetting)>,
    ) {
        let nonce = rules
            .iter()
            .any(|rule| matches!(rule.value, Value::Nonce(_)));
        let is_shared = |value: &HeaderValue| {
            let told = CacheControl::parse(value.as_bytes()).value;
            !told.is_some_and(|told| told.is_private() || told.is_no_store())
        };
        let shared = rules.iter().any(|rule| match &rule.value {
            Value::Fixed(value) if rule.name == CACHING && rule.op != Op::Remove => {
                is_shared(value)
            }
            // a cache that has a field of its own obeys it first
            Value::Fixed(value) if is_cache_field(&rule.name) && rule.op != Op::Remove => {
                !matches!(value.as_bytes(), b"no-store" | b"private" | b"0")
            }
            _ => false,
        });
        let pages = by_type
            .iter()
            .filter(|(range, _)| range.holds(b"text/html"));
        if nonce && (shared || pages.into_iter().any(|(_, value)| is_shared(value))) {
            let message = "may let shared caches keep pages with a nonce: every client then gets the same one";
            let place = cache.and_then(|(key, _)| key.place.as_ref());
            let diagnostic =
                Diagnostic::warning("headers.cache-control", message).hint("private, or no-store");
            self.report.add(diagnostic.at(place));
        }
    }

    pub(super) fn cookies(&mut self, said: &CookieSetting) -> Option<Hardening> {
        let mut hardening = Hardening::new(attributes(&said.attributes));
        self.warn_of_same_site_none("cookies", &said.attributes);
        for (name, exception) in &said.exceptions {
            let merged = CookieAttributes {
                secure: exception.secure.or(said.attributes.secure),
                httponly: exception.httponly.or(said.attributes.httponly),
                samesite: exception
                    .samesite
                    .clone()
                    .or_else(|| said.attributes.samesite.clone()),
            };
            // one that only inherits both was warned of above
            if exception.samesite.is_some() || exception.secure.is_some() {
                self.warn_of_same_site_none(&format!("cookies.exceptions.{}", name.value), &merged);
            }
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

    fn warn_of_same_site_none(&mut self, key: &str, said: &CookieAttributes) {
        let none = said
            .samesite
            .as_ref()
            .filter(|at| at.value == SameSite::None);
        let (Some(none), false) = (none, said.secure.unwrap_or_default()) else {
            return;
        };
        let message = "a browser takes SameSite=None with Secure only: over https Secure is added too, over plain http \
                       neither is";
        let diagnostic = Diagnostic::warning(format!("{key}.samesite"), message).value("None");
        self.report
            .add(diagnostic.hint("secure = true").at(none.place.as_ref()));
    }
}

fn built(entry: &Entry, text: &str) -> Result<(String, Vec<Fault>), Refused> {
    (entry.build)(text).map(|built| (built.text, built.warnings))
}

/// A hint that names a function of the library says what the file has in its place.
fn in_the_file(mut refused: Refused) -> Refused {
    for fault in &mut refused.faults {
        if fault.code == XXssProtection::DANGER {
            let hint =
                "\"0\"; to send it all the same: { value = \"1; mode=block\", danger = true }";
            fault.hint = Some(hint.to_owned());
        }
    }
    refused
}

fn attributes(said: &CookieAttributes) -> Attributes {
    Attributes {
        secure: said.secure.unwrap_or_default(),
        http_only: said.httponly.unwrap_or_default(),
        same_site: said.samesite.as_ref().map(|at| at.value),
    }
}
