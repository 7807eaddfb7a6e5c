//! `mantlet check`: is the policy file right, and what does it send.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use mantlet_config::{Environment, load};

use crate::Failure;
use crate::explain::section;
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
    path: String,
    /// Say nothing unless something is wrong
    #[arg(long, short)]
    quiet: bool,
}

impl Check {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let loaded = load(&self.file, self.environment).map_err(|report| {
            policy::print(&report);
            let errors = report
                .diagnostics()
                .iter()
                .filter(|diagnostic| diagnostic.is_error())
                .count();
            eprintln!(
                "{}: {errors} error{}",
                self.file.display(),
                if errors == 1 { "" } else { "s" }
            );
            Failure::Unusable
        })?;
        policy::print(&loaded.warnings);
        if !self.quiet {
            writeln!(
                out,
                "{}: right, for {} ({})",
                self.file.display(),
                loaded.environment,
                loaded.chosen
            )?;
            writeln!(out, "\nAn HTML page at {} over https gets:\n", self.path)?;
            for (name, value) in section(&loaded.engine, &self.path) {
                writeln!(out, "{name}: {value}")?;
            }
        }
        Ok(())
    }
}
