//! `mantlet check`: is the policy file right, and what does it send.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use http::HeaderValue;
use http::uri::PathAndQuery;
use mantlet_config::{Environment, load};

use crate::Failure;
use crate::page::{Page, Scheme};
use crate::policy::{self, DEFAULT_FILE};

/// Check a policy file, and show the headers it sends
#[derive(Args)]
pub(crate) struct Check {
    /// The policy file
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    file: PathBuf,
    /// production or development; goes before MANTLET_ENVIRONMENT and the file
    #[arg(long, value_name = "NAME")]
    environment: Option<Environment>,
    /// The path whose headers are shown
    #[arg(long, value_name = "PATH", default_value = "/")]
    path: PagePath,
    /// Show the headers over plain http
    #[arg(long)]
    http: bool,
    /// The Content-Type of the response whose headers are shown
    #[arg(long, value_name = "TYPE", default_value = "text/html")]
    content_type: HeaderValue,
    /// Say nothing unless something is wrong
    #[arg(long, short)]
    quiet: bool,
}

/// The path of a URL, without what stands before and behind it.
#[derive(Clone)]
struct PagePath(String);

impl std::str::FromStr for PagePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("a path begins with /, and has no scheme and no host: /docs".to_owned());
        }
        if text.contains(['?', '#']) {
            return Err("a path ends before ? and #: the policy does not read them".to_owned());
        }
        match text.parse::<PathAndQuery>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("{error}: write it as in a URL, a space as %20")),
        }
    }
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let file = self.file.display();
        let loaded = load(&self.file, self.environment).map_err(|report| {
            policy::print(&report);
            if self.file == Path::new(DEFAULT_FILE) && !self.file.exists() {
                eprintln!("mantlet init writes one for the application in this folder");
                return Failure::Unusable;
            }
            let errors = report
                .diagnostics()
                .iter()
                .filter(|diagnostic| diagnostic.is_error())
                .count();
            eprintln!(
                "{file}: {errors} error{}",
                if errors == 1 { "" } else { "s" }
            );
            Failure::Unusable
        })?;
        policy::print(&loaded.warnings);
        if self.quiet {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        writeln!(
            out,
            "{file}: right, for {} ({})",
            loaded.environment, loaded.chosen
        )?;
        let page = self.page();
        let answer = page.answer(&loaded.engine);
        let (path, scheme) = (page.path, page.scheme.as_str());
        match (answer.denied, page.content_type.as_bytes()) {
            (Some(status), _) => {
                let status = status.as_u16();
                writeln!(
                    out,
                    "\nA request for {path} over {scheme} is answered {status}, with:\n"
                )?;
            }
            (None, b"text/html") => {
                writeln!(out, "\nAn HTML page at {path} over {scheme} gets:\n")?;
            }
            (None, other) => {
                let other = String::from_utf8_lossy(other);
                writeln!(
                    out,
                    "\nA response of {other} at {path} over {scheme} gets:\n"
                )?;
            }
        }
        for (name, value) in answer.section {
            writeln!(out, "{name}: {value}")?;
        }
        Ok(())
    }

    fn page(&self) -> Page<'_> {
        Page {
            path: &self.path.0,
            scheme: match self.http {
                true => Scheme::Http,
                false => Scheme::Https,
            },
            content_type: self.content_type.clone(),
        }
    }
}
