//! Which policy a subcommand works on, and how it says what is wrong with it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::Args;
use mantlet_config::{Config, Environment, Loaded, Preset, Report, Styled, load};

use crate::Failure;

/// The file that is used when none is named.
pub(crate) const DEFAULT_FILE: &str = "mantlet.toml";

/// The policy of a subcommand: a file, a preset, or the default of both.
#[derive(Args)]
pub(crate) struct PolicyArguments {
    /// The policy file [default: mantlet.toml if there is one, else the preset balanced]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// A preset in place of a file: basic, balanced, strict, api, streamlit or none
    #[arg(long, value_name = "NAME", conflicts_with = "policy")]
    preset: Option<Preset>,
    /// production or development; goes before MANTLET_ENVIRONMENT and the file
    #[arg(long, value_name = "NAME")]
    pub(crate) environment: Option<Environment>,
}

impl PolicyArguments {
    /// The file, if the policy comes from one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        match (&self.policy, self.preset) {
            (Some(file), _) => Some(file.clone()),
            (None, None) if Path::new(DEFAULT_FILE).exists() => Some(PathBuf::from(DEFAULT_FILE)),
            _ => None,
        }
    }

    /// Where the policy comes from, for messages.
    pub(crate) fn origin(&self) -> String {
        match self.file() {
            Some(file) => file.display().to_string(),
            None => format!("preset {}", self.preset.unwrap_or_default()),
        }
    }

    /// Reads and compiles it for a proxy; what is wrong goes to standard error.
    pub(crate) fn load(&self) -> Result<Loaded, Failure> {
        let loaded = match self.file() {
            Some(file) => load(&file, self.environment),
            None => Config::preset(self.preset.unwrap_or_default()).load(self.environment),
        };
        let loaded = loaded.and_then(Loaded::for_proxy).map_err(|report| {
            print(&report);
            Failure::Unusable
        })?;
        print(&loaded.warnings);
        Ok(loaded)
    }
}

/// How many diagnostics are printed: who has more of them mends these first.
const SHOWN: usize = 50;

/// Prints the diagnostics with the lines they are about, errors first if there are too many for all.
pub(crate) fn print(report: &Report) {
    let styled = if std::io::stderr().is_terminal() {
        Styled::Ansi
    } else {
        Styled::Plain
    };
    let mut diagnostics: Vec<_> = report.diagnostics().iter().collect();
    if diagnostics.len() > SHOWN {
        diagnostics.sort_by_key(|diagnostic| !diagnostic.is_error());
    }
    for diagnostic in diagnostics.iter().take(SHOWN) {
        eprintln!("{}\n", diagnostic.render(styled));
    }
    if diagnostics.len() > SHOWN {
        eprintln!("... and {} more\n", diagnostics.len() - SHOWN);
    }
}
