//! `mantlet explain`: what a header does, what a preset sends, and why.

use std::io::{IsTerminal, Write};

use anyhow::anyhow;
use clap::Args;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mantlet_config::{Config, Environment, Preset};
use mantlet_engine::{Engine, RequestHead, ResponseHead};
use mantlet_headers::csp::DirectiveName;
use mantlet_headers::registry::{self, Entry, Transport};

use crate::Failure;

/// Explain a header, a CSP directive or a preset
#[derive(Args)]
pub(crate) struct Explain {
    /// A header (referrer-policy), a CSP directive (script-src) or a preset (strict); without one, all are listed
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
        if let Some(entry) = registry::field(&word) {
            return Ok(explain_header(&mut out, entry)?);
        }
        if let Some(directive) = DirectiveName::from_name(&word.to_ascii_lowercase()) {
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
            writeln!(out, "{}", directive.spec())?;
            return Ok(());
        }
        if let Ok(preset) = word.parse() {
            return explain_preset(&mut out, preset);
        }
        let known = registry::FIELDS.iter().map(|entry| entry.name);
        let known = known.chain(DirectiveName::ALL.iter().map(|name| name.as_str()));
        let known = known.chain(Preset::ALL.iter().map(|preset| preset.as_str()));
        match mantlet_headers::suggest(&word, known) {
            Some(near) => eprintln!("mantlet: nothing is called {word:?}; did you mean {near}?"),
            None => eprintln!("mantlet: nothing is called {word:?}; mantlet explain lists what is"),
        }
        Err(Failure::Unusable)
    }
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
        for (name, value) in section(&engine, "/") {
            writeln!(out, "#   {name}: {value}")?;
        }
    }
    Ok(())
}

/// The header section of an otherwise empty HTML page at `path` over https.
pub(crate) fn section(engine: &Engine, path: &str) -> Vec<(String, String)> {
    let none = HeaderMap::new();
    let mut head = RequestHead::new(&Method::GET, path.as_bytes(), &none);
    head.tls = true;
    let (_, exchange) = engine.on_request(&head);
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
    let edits = exchange.on_response(&ResponseHead::new(StatusCode::OK, &headers));
    edits.apply(&mut headers);
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let own = headers.iter().filter(|(name, _)| *name != CONTENT_TYPE);
    own.map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}
