//! `mantlet init`: a commented policy file for the application in this folder.

mod framework;

use std::fs::OpenOptions;
use std::io::{ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use mantlet_config::{Config, Preset, Source};

use self::framework::Framework;
use crate::Failure;
use crate::policy::{self, DEFAULT_FILE};

/// Write a commented policy file for the application in this folder
///
/// Asks what it needs to know if it runs in a terminal; what a flag says is not asked.
#[derive(Args)]
pub(crate) struct Init {
    /// The framework [default: the one found in this folder]
    #[arg(long, value_name = "NAME")]
    framework: Option<Framework>,
    /// The preset to start from [default: what fits the framework]
    #[arg(long, value_name = "NAME")]
    preset: Option<Preset>,
    /// A network whose peers may speak X-Forwarded-*, such as that of a load balancer; may be repeated
    #[arg(long, value_name = "NETWORK")]
    trusted_proxy: Vec<String>,
    /// Send plain http requests to https
    #[arg(long)]
    redirect: bool,
    /// Ask nothing
    #[arg(long, short)]
    yes: bool,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// The file to write, - for standard output
    #[arg(long, short, value_name = "FILE", default_value = DEFAULT_FILE)]
    output: PathBuf,
}

impl Init {
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let found = framework::detect(&std::env::current_dir()?);
        let framework = self.framework.unwrap_or(found);
        if !self.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            self.ask(framework)?;
        }
        let text = self.text(framework);
        let (config, _) = Config::read(&Source::new(
            self.output.display().to_string(),
            text.as_str(),
        ))
        .and_then(|(config, warnings)| config.load(None).map(|loaded| (loaded, warnings)))
        .map_err(|report| {
            policy::print(&report);
            Failure::Unusable
        })?;
        policy::print(&config.warnings);
        if self.output.as_os_str() == "-" {
            write!(std::io::stdout(), "{text}")?;
            return Ok(());
        }
        self.write(&text)?;
        eprintln!(
            "Wrote {} for {}. Now:\n",
            self.output.display(),
            framework.name()
        );
        eprintln!("    mantlet check {}", self.output.display());
        eprintln!("    {}", framework.start());
        Ok(())
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut options = OpenOptions::new();
        options.write(true);
        match self.force {
            true => options.create(true).truncate(true),
            false => options.create_new(true),
        };
        let mut file = match options.open(&self.output) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                eprintln!(
                    "mantlet: {} is there already; --force writes over it",
                    self.output.display()
                );
                return Err(Failure::Unusable);
            }
            Err(error) => {
                return Err(Failure::Work(
                    anyhow::Error::new(error)
                        .context(format!("cannot write {}", self.output.display())),
                ));
            }
        };
        file.write_all(text.as_bytes())
            .with_context(|| format!("cannot write {}", self.output.display()))?;
        Ok(())
    }

    fn ask(&mut self, framework: Framework) -> Result<(), Failure> {
        eprintln!("A policy for {}.", framework.name());
        if self.preset.is_none() {
            let fits = framework.preset();
            loop {
                let words: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
                let said = question(&format!("Preset ({}) [{fits}]: ", words.join(", ")))?;
                match said.parse() {
                    _ if said.is_empty() => break,
                    Ok(preset) => {
                        self.preset = Some(preset);
                        break;
                    }
                    Err(message) => eprintln!("{message}"),
                }
            }
        }
        if self.trusted_proxy.is_empty() {
            let said = question(
                "Networks of proxies or load balancers in front, comma-separated [none]: ",
            )?;
            self.trusted_proxy = said
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect();
        }
        if !self.redirect {
            let said = question("Send plain http to https? (y/n) [n]: ")?;
            self.redirect = said.eq_ignore_ascii_case("y") || said.eq_ignore_ascii_case("yes");
        }
        Ok(())
    }

    fn text(&self, framework: Framework) -> String {
        let preset = self.preset.unwrap_or(framework.preset());
        let mut text = format!(
            "# The security policy of this application ({}).\n\
             # mantlet check shows what it sends; mantlet explain WORD says what a header does.\n\n\
             # basic, balanced, strict, api, streamlit or none: mantlet explain --preset {preset}\n\
             preset = \"{preset}\"\n\n\
             # development sends no Strict-Transport-Security; MANTLET_ENVIRONMENT=development says so for one run\n\
             # environment = \"production\"\n\n\
             # auto: https is TLS here or X-Forwarded-Proto of a trusted proxy. assume: always. redirect: auto, and plain\n\
             # requests are sent to https\n",
            framework.name(),
        );
        text.push_str(if self.redirect {
            "https = \"redirect\"\n\n"
        } else {
            "# https = \"auto\"\n\n"
        });
        text.push_str("# only peers in these networks may say X-Forwarded-*\n");
        if self.trusted_proxy.is_empty() {
            text.push_str("# trusted_proxies = [\"10.0.0.0/8\"]\n");
        } else {
            let quoted: Vec<String> = self
                .trusted_proxy
                .iter()
                .map(|network| format!("{network:?}"))
                .collect();
            text.push_str(&format!("trusted_proxies = [{}]\n", quoted.join(", ")));
        }
        text.push_str(framework.section());
        text
    }
}

fn question(words: &str) -> Result<String, Failure> {
    eprint!("{words}");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}
