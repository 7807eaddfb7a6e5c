//! `mantlet explain`: what a header, a word or a key does, what a preset sends, why a request is denied.

mod key;
mod reason;

use std::io::{IsTerminal, Write};

use anyhow::anyhow;
use clap::Args;
use mantlet_config::{Config, Environment, Overlay, Preset};
use mantlet_engine::Page;
use mantlet_headers::csp::{DirectiveName, Keyword, Kind};
use mantlet_headers::registry::{self, Entry, Transport};

use self::key::Key;
use crate::Failure;

/// Short names in common use.
const SHORT: &[(&str, &str)] = &[
    ("csp", "Content-Security-Policy"),
    ("hsts", "Strict-Transport-Security"),
    ("coop", "Cross-Origin-Opener-Policy"),
    ("coep", "Cross-Origin-Embedder-Policy"),
    ("corp", "Cross-Origin-Resource-Policy"),
    ("xfo", "X-Frame-Options"),
    ("xcto", "X-Content-Type-Options"),
    ("nosniff", "X-Content-Type-Options"),
    ("set-cookie", "cookies"),
    ("cookie", "cookies"),
];

/// Words of a source list that are no keyword-source of CSP 3.
const WORDS: &[(&str, &str)] = &[
    (
        "'none'",
        "Nothing at all; stands alone. An empty list means the same.",
    ),
    (
        "'nonce'",
        "Elements that carry the nonce of the response, which mantlet draws anew for each.",
    ),
];

/// Where keyword-sources are defined.
const KEYWORDS_SPEC: &str = "https://www.w3.org/TR/CSP3/#grammardef-keyword-source";

/// Explain a header, a CSP directive or keyword, a key of the policy file, a preset, or why a request is denied
#[derive(Args)]
pub(crate) struct Explain {
    /// A header (referrer-policy, hsts), a CSP directive or keyword (script-src, strict-dynamic), a key of the policy file
    /// (trusted_proxies, cookies.samesite), a preset (strict), an overlay (redoc), or the reason of a denial (host.unknown);
    /// without one, all are listed
    #[arg(value_name = "WORD", conflicts_with = "preset")]
    word: Option<String>,
    /// A preset: its text in the schema of the policy file, and the headers it sends
    #[arg(long, value_name = "NAME")]
    preset: Option<Preset>,
}

impl Explain {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        if let Some(preset) = self.preset {
            return explain_preset(&mut out, preset);
        }
        let Some(word) = self.word else {
            return Ok(list(&mut out)?);
        };
        let lower = word.to_ascii_lowercase();
        let long = SHORT.iter().find(|(short, _)| *short == lower);
        let lower = long.map_or(lower, |(_, long)| (*long).to_owned());
        if let Some(entry) = registry::field(&lower) {
            return Ok(explain_header(&mut out, entry)?);
        }
        if let Some(directive) = DirectiveName::from_name(&lower) {
            return Ok(explain_directive(&mut out, directive)?);
        }
        if let Ok(preset) = lower.parse() {
            return explain_preset(&mut out, preset);
        }
        if explain_word(&mut out, &lower)? {
            return Ok(());
        }
        if let Some(overlay) = Overlay::ALL.iter().find(|one| one.as_str() == lower) {
            write!(out, "{}", overlay.text())?;
            return Ok(());
        }
        let keys = key::named(&word);
        let keys = if keys.is_empty() {
            key::named(&lower)
        } else {
            keys
        };
        if !keys.is_empty() {
            return Ok(explain_keys(&mut out, &keys)?);
        }
        let reasons = reason::named(&lower);
        if !reasons.is_empty() {
            return Ok(reason::explain(&mut out, &reasons)?);
        }
        suggest(&word);
        Err(Failure::Unusable)
    }
}

fn suggest(word: &str) {
    let keys = key::keys();
    let known = registry::FIELDS.iter().map(|entry| entry.name);
    let known = known.chain(DirectiveName::ALL.iter().map(|name| name.as_str()));
    let known = known.chain(Preset::ALL.iter().map(|preset| preset.as_str()));
    let known = known.chain(Overlay::ALL.iter().map(|overlay| overlay.as_str()));
    let known = known.chain(Keyword::ALL.iter().map(|one| bare(one.as_str())));
    let known = known.chain(keys.iter().flat_map(|key| [key.last(), key.name.as_str()]));
    let known = known.chain(reason::all().map(|reason| reason.code));
    match mantlet_headers::suggest(word, known) {
        Some(near) => eprintln!("mantlet: nothing is called {word:?}; did you mean {near}?"),
        None => eprintln!("mantlet: nothing is called {word:?}; mantlet explain lists what is"),
    }
}

/// A keyword without its quotes, which a shell takes away.
fn bare(word: &str) -> &str {
    word.trim_matches('\'')
}

fn explain_directive(out: &mut impl Write, directive: DirectiveName) -> std::io::Result<()> {
    writeln!(
        out,
        "{} (a directive of Content-Security-Policy)\n",
        directive.as_str()
    )?;
    writeln!(out, "{}\n", directive.summary())?;
    let fallbacks: Vec<&str> = directive
        .fallbacks()
        .iter()
        .map(|name| name.as_str())
        .collect();
    if !fallbacks.is_empty() {
        writeln!(
            out,
            "Where a policy does not have it, a browser uses {}.\n",
            fallbacks.join(", then ")
        )?;
    }
    writeln!(out, "{}", directive.spec())
}

/// Explains a word of a source list; whether it is one.
fn explain_word(out: &mut impl Write, word: &str) -> std::io::Result<bool> {
    let about = "(a word in directives of Content-Security-Policy)";
    if let Some((known, summary)) = WORDS.iter().find(|(known, _)| bare(known) == bare(word)) {
        writeln!(out, "{known} {about}\n\n{summary}")?;
        return Ok(true);
    }
    let mut keywords = Keyword::ALL.iter();
    let Some(keyword) = keywords.find(|one| bare(one.as_str()) == bare(word)) else {
        return Ok(false);
    };
    writeln!(out, "{keyword} {about}\n\n{}\n", keyword.summary())?;
    let works_in: Vec<&str> = DirectiveName::ALL
        .iter()
        .filter(|name| {
            matches!(name.kind(), Kind::SourceList | Kind::AncestorList) && keyword.works_in(**name)
        })
        .map(|name| name.as_str())
        .collect();
    writeln!(out, "It has an effect in {}.\n", works_in.join(", "))?;
    writeln!(out, "{KEYWORDS_SPEC}")?;
    Ok(true)
}

fn explain_keys(out: &mut impl Write, keys: &[Key]) -> std::io::Result<()> {
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} (a key of the policy file)\n", key.name)?;
        writeln!(out, "{}", key.summary)?;
        if !key.words.is_empty() {
            writeln!(out, "\nValues: {}", key.words.join(", "))?;
        }
        let below = format!("{}.", key.name);
        let all = key::keys();
        let inner: Vec<&Key> = all
            .iter()
            .filter(|key| key.name.starts_with(&below))
            .collect();
        if !inner.is_empty() {
            writeln!(out, "\nKeys:")?;
        }
        for key in inner {
            let name = key.name.trim_start_matches(&below);
            writeln!(out, "  {name:<44} {}", key.summary)?;
        }
    }
    Ok(())
}

fn list(out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "Headers:")?;
    for entry in registry::FIELDS {
        writeln!(out, "  {:<44} {}", entry.name, entry.summary)?;
    }
    writeln!(out, "\nDirectives of Content-Security-Policy:")?;
    for directive in DirectiveName::ALL {
        writeln!(out, "  {:<44} {}", directive.as_str(), directive.summary())?;
    }
    writeln!(out, "\nWords in its directives:")?;
    for keyword in Keyword::ALL {
        writeln!(out, "  {:<44} {}", keyword.as_str(), keyword.summary())?;
    }
    for (word, summary) in WORDS {
        writeln!(out, "  {word:<44} {summary}")?;
    }
    writeln!(out, "\nKeys of the policy file:")?;
    for key in key::keys() {
        writeln!(out, "  {:<44} {}", key.name, key.summary)?;
    }
    writeln!(out, "\nPresets:")?;
    for preset in Preset::ALL {
        let about = preset.text().lines().next().unwrap_or_default();
        writeln!(
            out,
            "  {:<44} {}",
            preset.as_str(),
            about.trim_start_matches("# ")
        )?;
    }
    writeln!(out, "\nOverlays:")?;
    for overlay in Overlay::ALL {
        let about = overlay.text().lines().next().unwrap_or_default();
        let about = about.trim_start_matches("# ");
        writeln!(out, "  {:<44} {about}", overlay.as_str())?;
    }
    writeln!(out, "\nReasons of denials:")?;
    for reason in reason::all() {
        let status = reason.status.as_u16();
        writeln!(out, "  {:<44} {status} {}", reason.code, reason.detail)?;
    }
    Ok(())
}

fn explain_header(out: &mut impl Write, entry: &Entry) -> std::io::Result<()> {
    writeln!(out, "{}\n\n{}", entry.name, entry.summary)?;
    if entry.transport == Transport::Secure {
        writeln!(out, "Sent only over https.")?;
    }
    writeln!(out, "\nValues:")?;
    for example in entry.examples {
        writeln!(out, "  {example}")?;
    }
    writeln!(out, "\n{}", entry.reason)?;
    let name = entry.name.to_ascii_lowercase();
    match name.as_str() {
        "content-security-policy" => {
            writeln!(out, "\nIn the policy file: [csp], a key per directive.")?
        }
        "content-security-policy-report-only" => {
            writeln!(
                out,
                "\nIn the policy file: [csp_report_only], a key per directive."
            )?;
        }
        // what they tell helps nobody but an attacker
        "server" | "x-powered-by" => {
            writeln!(
                out,
                "\nIn the policy file:\n  [headers]\n  {name} = {{ mode = \"remove\" }}"
            )?;
        }
        _ => {
            let value = entry.examples.first().copied().unwrap_or_default();
            writeln!(
                out,
                "\nIn the policy file:\n  [headers]\n  {name} = {value:?}"
            )?;
        }
    }
    writeln!(out, "\n{}", entry.spec)?;
    Ok(())
}

fn explain_preset(out: &mut impl Write, preset: Preset) -> Result<(), Failure> {
    write!(out, "{}", preset.text())?;
    let loaded = Config::preset(preset).load(Some(Environment::Production));
    let engine = loaded.map_err(|report| anyhow!("{report}"))?.engine;
    // the text alone is a policy file: what follows is for people
    if std::io::stdout().is_terminal() {
        writeln!(out, "\n# An HTML page over https gets:\n#")?;
        for (name, value) in Page::root().answer(&engine).section {
            writeln!(out, "#   {name}: {value}")?;
        }
    }
    Ok(())
}
