//! The checks, in csp-evaluator's order: what browsers ignore, the checks for strict policies, the checks for all.

use std::borrow::Cow;

use super::bypass::{Bypass, bypass};
use super::policy::{Directive, Policy, View, Word};
use super::words::{
    host_of, is_bare_keyword, is_directive, is_hash, is_ip, is_keyword, is_nonce, is_scheme,
    may_hold_ip, nonce_value, without_scheme,
};
use super::{Finding, Severity, Type};

const SCRIPTS: [&str; 3] = ["script-src", "script-src-attr", "script-src-elem"];
const CAUSING_XSS: [&str; 5] = [
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "object-src",
    "base-uri",
];

/// Where findings go.
type Found<'f, 'a> = &'f mut dyn FnMut(Finding<'a>);

fn finding<'a>(kind: Type, severity: Severity, directive: &Directive<'a>) -> Finding<'a> {
    Finding {
        kind,
        severity,
        directive: directive.name.clone(),
        value: None,
        span: directive.span.clone(),
        policy: 0,
        host: None,
    }
}

fn about<'a>(
    kind: Type,
    severity: Severity,
    directive: &Directive<'a>,
    word: &Word<'a>,
) -> Finding<'a> {
    Finding {
        value: Some(word.text.clone()),
        span: word.span.clone(),
        ..finding(kind, severity, directive)
    }
}

fn missing<'a>(
    kind: Type,
    severity: Severity,
    directive: &'static str,
    policy: &Policy<'a>,
) -> Finding<'a> {
    Finding {
        kind,
        severity,
        directive: Cow::Borrowed(directive),
        value: None,
        span: policy.end..policy.end,
        policy: 0,
        host: None,
    }
}

pub(super) fn run<'a>(written: Policy<'a>, found: Found<'_, 'a>) {
    let policy = &ignoring(written, found);
    strict(policy, found);
    for check in [
        inline,
        eval,
        schemes,
        wildcards,
        missing_directives,
        script_hosts,
        objects,
    ] {
        check(policy, found);
    }
    for check in [
        addresses, nonces, plain_http, deprecated, unknown, semicolons, keywords,
    ] {
        check(policy, found);
    }
}

/// Marks what a browser of CSP 3 ignores. A list that counts for several directives is told as often.
fn ignoring<'a>(mut policy: Policy<'a>, found: Found<'_, 'a>) -> Policy<'a> {
    for name in SCRIPTS {
        let Some(place) = policy.place(policy.effective(name)) else {
            continue;
        };
        let directive = &mut policy.directives[place];
        let mut tell = |directive: &mut Directive<'a>, test: &dyn Fn(&str) -> bool| {
            for i in 0..directive.words.len() {
                if test(&directive.words[i].text) {
                    directive.words[i].ignored = true;
                    found(about(
                        Type::Ignored,
                        Severity::None,
                        directive,
                        &directive.words[i],
                    ));
                }
            }
        };
        if directive.has_nonce() || directive.has_hash() {
            tell(directive, &|word| word == "'unsafe-inline'");
        }
        if directive.has("'strict-dynamic'", View::Written) {
            tell(directive, &|word| {
                !word.starts_with('\'') || matches!(word, "'self'" | "'unsafe-inline'")
            });
        }
    }
    policy
}

fn strict<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    if let Some(script) = policy.get(policy.effective("script-src")) {
        let has = |text| script.has(text, View::Written);
        let mut note = |kind, severity| found(finding(kind, severity, script));
        let is_dynamic = has("'strict-dynamic'");
        let is_marked = script.has_nonce() || script.has_hash();
        if !is_dynamic && script.words.iter().any(|word| !word.text.starts_with('\'')) {
            note(Type::StrictDynamic, Severity::StrictCsp);
        }
        if is_dynamic && !is_marked {
            note(Type::StrictDynamicNotStandalone, Severity::Info);
        }
        if is_marked && !has("'unsafe-inline'") {
            note(Type::UnsafeInlineFallback, Severity::StrictCsp);
        }
        let is_fallback = |word: &Word<'_>| {
            matches!(&*word.text, "http:" | "https:" | "*") || word.text.contains('.')
        };
        if is_dynamic && !script.words.iter().any(is_fallback) {
            note(Type::AllowlistFallback, Severity::StrictCsp);
        }
    }
    let name = "require-trusted-types-for";
    match policy.get(name) {
        Some(directive) if directive.has("'script'", View::Written) => {}
        Some(directive) => found(finding(
            Type::RequireTrustedTypes,
            Severity::Info,
            directive,
        )),
        None => found(missing(
            Type::RequireTrustedTypes,
            Severity::Info,
            name,
            policy,
        )),
    }
}

fn inline<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for directive in policy.governing(&SCRIPTS) {
        for (text, kind, severity) in [
            ("'unsafe-inline'", Type::ScriptUnsafeInline, Severity::High),
            (
                "'unsafe-hashes'",
                Type::ScriptUnsafeHashes,
                Severity::MediumMaybe,
            ),
        ] {
            if let Some(word) = directive
                .words(View::Effective)
                .find(|word| word.text == text)
            {
                found(about(kind, severity, directive, word));
            }
        }
    }
}

fn eval<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for directive in policy.governing(&SCRIPTS) {
        if let Some(word) = directive
            .words(View::Effective)
            .find(|word| word.text == "'unsafe-eval'")
        {
            found(about(
                Type::ScriptUnsafeEval,
                Severity::MediumMaybe,
                directive,
                word,
            ));
        }
    }
}

fn schemes<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for directive in policy.governing(&CAUSING_XSS) {
        for word in directive.words(View::Effective) {
            if matches!(&*word.text, "data:" | "http:" | "https:") {
                found(about(
                    Type::PlainUrlSchemes,
                    Severity::High,
                    directive,
                    word,
                ));
            }
        }
    }
}

fn wildcards<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for directive in policy.governing(&CAUSING_XSS) {
        for word in directive.words(View::Effective) {
            if without_scheme(&word.text) == "*" {
                found(about(Type::PlainWildcard, Severity::High, directive, word));
            }
        }
    }
}

fn missing_directives<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    let mut note = |name| {
        found(missing(
            Type::MissingDirectives,
            Severity::High,
            name,
            policy,
        ))
    };
    let objects = policy
        .get("object-src")
        .or_else(|| policy.get("default-src"));
    if objects.is_none_or(|directive| directive.words(View::Effective).next().is_none()) {
        note("object-src");
    }
    let script = policy.get(policy.effective("script-src"));
    if script.is_none() {
        note("script-src");
    }
    let needs_base = script.is_some_and(|script| {
        script.has_nonce() || (script.has_hash() && script.has("'strict-dynamic'", View::Effective))
    });
    if needs_base && policy.get("base-uri").is_none() {
        note("base-uri");
    }
}

fn script_hosts<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for directive in policy.governing(&["script-src", "script-src-elem"]) {
        if directive.has("'none'", View::Effective) {
            continue;
        }
        let evaluates = directive.has("'unsafe-eval'", View::Effective);
        for word in directive.words(View::Effective) {
            let text = &*word.text;
            let kind = Type::ScriptAllowlistBypass;
            if text == "'self'" {
                found(about(kind, Severity::MediumMaybe, directive, word));
                continue;
            }
            if text.starts_with('\'') || !text.contains('.') || is_scheme(text) {
                continue;
            }
            let known = host_of(text).and_then(|(host, path)| {
                let jsonp = bypass(Bypass::Jsonp, &host, &path)
                    .filter(|(_, needs_eval)| evaluates || !needs_eval);
                bypass(Bypass::Angular, &host, &path).or(jsonp)
            });
            found(match known {
                Some((host, _)) => Finding {
                    host: Some(host),
                    ..about(kind, Severity::High, directive, word)
                },
                None => about(kind, Severity::MediumMaybe, directive, word),
            });
        }
    }
}

fn objects<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    let plugins = policy.get("plugin-types");
    if plugins.is_some_and(|types| !types.has("application/x-shockwave-flash", View::Effective)) {
        return;
    }
    let Some(directive) = policy.get(policy.effective("object-src")) else {
        return;
    };
    if directive.has("'none'", View::Effective) {
        return;
    }
    for word in directive.words(View::Effective) {
        let kind = Type::ObjectAllowlistBypass;
        let known =
            host_of(&word.text).and_then(|(host, path)| bypass(Bypass::Flash, &host, &path));
        match known {
            Some((host, _)) => found(Finding {
                host: Some(host),
                ..about(kind, Severity::High, directive, word)
            }),
            None if directive.name == "object-src" => {
                found(about(kind, Severity::MediumMaybe, directive, word));
            }
            None => {}
        }
    }
}

fn each<'a>(policy: &Policy<'a>, mut visit: impl FnMut(&Directive<'a>, &Word<'a>)) {
    for directive in &policy.directives {
        for word in directive.words(View::Effective) {
            visit(directive, word);
        }
    }
}

fn addresses<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    each(policy, |directive, word| {
        if may_hold_ip(&word.text) && host_of(&word.text).is_some_and(|(host, _)| is_ip(&host)) {
            found(about(Type::IpSource, Severity::Info, directive, word));
        }
    });
}

fn nonces<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    each(policy, |directive, word| {
        let Some(value) = nonce_value(&word.text) else {
            return;
        };
        if value.encode_utf16().count() < 8 {
            found(about(Type::NonceLength, Severity::Medium, directive, word));
        }
        if !is_nonce(&word.text) {
            found(about(Type::NonceCharset, Severity::Info, directive, word));
        }
    });
}

fn plain_http<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    each(policy, |directive, word| {
        if word.text.starts_with("http://") {
            found(about(Type::SrcHttp, Severity::Medium, directive, word));
        }
    });
}

fn deprecated<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for name in ["reflected-xss", "referrer", "disown-opener", "prefetch-src"] {
        if let Some(directive) = policy.get(name) {
            found(finding(
                Type::DeprecatedDirective,
                Severity::Info,
                directive,
            ));
        }
    }
}

fn unknown<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    for directive in &policy.directives {
        if !is_directive(&directive.name) {
            found(finding(Type::UnknownDirective, Severity::Syntax, directive));
        }
    }
}

fn semicolons<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    each(policy, |directive, word| {
        if is_directive(&word.text) {
            found(about(
                Type::MissingSemicolon,
                Severity::Syntax,
                directive,
                word,
            ));
        }
    });
}

fn keywords<'a>(policy: &Policy<'a>, found: Found<'_, 'a>) {
    each(policy, |directive, word| {
        let text = &*word.text;
        let bare_hash = ["sha256-", "sha384-", "sha512-"]
            .iter()
            .any(|start| text.starts_with(start));
        let lacks_quotes = is_bare_keyword(text) || text.starts_with("nonce-") || bare_hash;
        let is_known = match &*directive.name {
            "require-trusted-types-for" => text == "'script'",
            "trusted-types" => matches!(text, "'allow-duplicates'" | "'none'"),
            _ => is_keyword(text) || is_hash(text) || is_nonce(text),
        };
        if lacks_quotes || (text.starts_with('\'') && !is_known) {
            found(about(
                Type::InvalidKeyword,
                Severity::Syntax,
                directive,
                word,
            ));
        }
    });
}
