//! `mantlet init`: a commented policy file for the application in this folder.

mod framework;

use std::fs::OpenOptions;
use std::io::{BufRead, ErrorKind, IsTerminal, Write};
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
    /// A name that the application is reached by, such as example.com or *.example.com; may be repeated
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
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

/// Where Streamlit reads its own settings.
const STREAMLIT: &str = ".streamlit/config.toml";

/// What the dashboard itself has to do: nothing behind the proxy may be reached past it, and its own token against forged
/// requests stays on.
const STREAMLIT_SETTINGS: &str = "\
[server]
# reached through mantlet serve alone
address = \"127.0.0.1\"
# Streamlit's token against forged uploads, beside the cross-origin protection of mantlet.toml
enableXsrfProtection = true
enableCORS = true
";

/// Writes the settings of the dashboard, or says which they are where it has its own.
fn streamlit() -> Result<(), Failure> {
    let cannot = || format!("cannot write {STREAMLIT}");
    std::fs::create_dir_all(".streamlit").with_context(cannot)?;
    let mut options = OpenOptions::new();
    match options.write(true).create_new(true).open(STREAMLIT) {
        Ok(mut file) => {
            file.write_all(STREAMLIT_SETTINGS.as_bytes())
                .with_context(cannot)?;
            eprintln!("Wrote {STREAMLIT}: the dashboard is on loopback, with XSRF protection.");
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            eprintln!("{STREAMLIT} is there already. It needs:\n\n{STREAMLIT_SETTINGS}");
        }
        Err(error) => return Err(Failure::Work(anyhow::Error::new(error).context(cannot()))),
    }
    Ok(())
}

impl Init {
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        let found = framework::detect(&std::env::current_dir()?);
        let framework = self.framework.unwrap_or(found);
        // told before the questions are answered for nothing
        if !self.force && !self.to_stdout() && self.output.exists() {
            return Err(self.is_there());
        }
        if !self.yes && std::io::stdin().is_terminal() && std::io::stderr().is_terminal() {
            self.ask(framework, &mut std::io::stdin().lock())?;
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
        if self.to_stdout() {
            write!(std::io::stdout(), "{text}")?;
            return Ok(());
        }
        self.write(&text)?;
        eprintln!("Wrote {} for {}.", self.output.display(), framework.name());
        if framework == Framework::Streamlit {
            streamlit()?;
        }
        eprintln!("Now:\n");
        eprintln!("    mantlet check {}", self.output.display());
        eprintln!("    {}", framework.start());
        if !self.host.is_empty() {
            eprintln!(
                "\nOn this machine it has another name: MANTLET_ENVIRONMENT=development takes any."
            );
        }
        Ok(())
    }

    fn to_stdout(&self) -> bool {
        self.output.as_os_str() == "-"
    }

    fn is_there(&self) -> Failure {
        eprintln!(
            "mantlet: {} is there already; --force writes over it",
            self.output.display()
        );
        Failure::Unusable
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
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(self.is_there()),
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

    fn ask(&mut self, framework: Framework, input: &mut impl BufRead) -> Result<(), Failure> {
        eprintln!("A policy for {}.", framework.name());
        if self.preset.is_none() {
            let fits = framework.preset();
            let words: Vec<&str> = Preset::ALL.iter().map(|preset| preset.as_str()).collect();
            let words = format!("Preset ({}) [{fits}]: ", words.join(", "));
            self.preset = answer(input, &words, |said| match said {
                "" => Ok(None),
                said => said.parse().map(Some),
            })?;
        }
        if self.host.is_empty() {
            let words = "Names it is reached by, such as example.com, comma-separated [any]: ";
            self.host = answer(input, words, hosts)?;
        }
        if self.trusted_proxy.is_empty() {
            let words = "Networks of proxies or load balancers in front, comma-separated [none]: ";
            self.trusted_proxy = answer(input, words, networks)?;
        }
        if !self.redirect {
            let words = "Send plain http to https? (y/n) [n]: ";
            self.redirect = answer(input, words, |said| {
                match said.to_ascii_lowercase().as_str() {
                    "y" | "yes" => Ok(true),
                    "" | "n" | "no" => Ok(false),
                    _ => Err("y or n".to_owned()),
                }
            })?;
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
        let list = |words: &[String]| {
            let quoted: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            quoted.join(", ")
        };
        text.push_str(&match self.trusted_proxy.as_slice() {
            [] => "# trusted_proxies = [\"10.0.0.0/8\"]\n".to_owned(),
            networks => format!("trusted_proxies = [{}]\n", list(networks)),
        });
        text.push_str(
            "\n# a request for another name is denied, except in development; links and caches cannot be poisoned by it\n",
        );
        text.push_str(&match self.host.as_slice() {
            [] => "# [hosts]\n# allowed = [\"example.com\", \"www.example.com\"]\n".to_owned(),
            names => format!("[hosts]\nallowed = [{}]\n", list(names)),
        });
        if preset != Preset::None {
            text.push_str(&format!(
                "\n# a form or script of another site cannot make a browser change something here (CSRF); webhooks and\n\
                 # programs pass, for they are no browser. report lets all pass and logs it: to find out who asks\n\
                 # [cross_origin]\n\
                 # disposition = \"report\"\n\
                 # a front end at another origin: what {} allows\n\
                 # allowed_origins = [\"https://app.example.com\"]\n\
                 # the address that browsers show, if a proxy in front changes Host\n\
                 # self_origins = [\"https://www.example.com\"]\n",
                framework.cors()
            ));
        }
        text.push_str(framework.section());
        text.push_str(&limits(framework));
        text
    }
}

/// Limits to begin with: for every client, and for the form that guesses passwords.
fn limits(framework: Framework) -> String {
    let login = framework.login();
    format!(
        "\n# how many requests, of whom. Behind a proxy, trusted_proxies tells clients apart. mantlet limit simulate --trace FILE\n\
         # says who would have been limited, by an access log\n\
         # [[limit]]\n# name = \"per-client\"\n# requests = 100\n# window = \"1m\"\n\n\
         # [[limit]]\n# name = \"login\"\n# requests = 5\n# window = \"1m\"\n# paths = [\"{login}\"]\n# methods = [\"POST\"]\n"
    )
}

/// The networks in a line, each as the policy file takes it.
fn networks(said: &str) -> Result<Vec<String>, String> {
    words(
        said,
        "trusted_proxies",
        "neither a network nor an address: 10.0.0.0/8, 192.0.2.1, fd00::/8",
    )
}

/// The hosts in a line, each as the policy file takes it.
fn hosts(said: &str) -> Result<Vec<String>, String> {
    words(
        said,
        "hosts.allowed",
        "no name: example.com, *.example.com, example.com:8443, [::1]",
    )
}

fn words(said: &str, key: &str, wrong: &str) -> Result<Vec<String>, String> {
    let words = said.split(',').map(str::trim);
    words
        .filter(|word| !word.is_empty())
        .map(|word| {
            let config = Config::parse(&format!("{key} = [{word:?}]"));
            match config.and_then(|config| config.build()) {
                Ok(_) => Ok(word.to_owned()),
                Err(_) => Err(format!("{word:?} is {wrong}")),
            }
        })
        .collect()
}

/// Asks until the answer can be read; the end of the input ends the program.
fn answer<T>(
    input: &mut impl BufRead,
    words: &str,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<T, Failure> {
    loop {
        eprint!("{words}");
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            eprintln!("\nmantlet: nothing was written");
            return Err(Failure::Unusable);
        }
        match read(line.trim()) {
            Ok(value) => return Ok(value),
            Err(message) => eprintln!("{message}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        init: Init,
    }

    /// What is known after these lines were typed; none if the input ended before.
    fn asked(typed: &str) -> Option<Init> {
        let mut init = Program::parse_from(["init"]).init;
        let done = init.ask(Framework::Fastapi, &mut typed.as_bytes());
        done.is_ok().then_some(init)
    }

    #[test]
    fn enter_takes_what_is_proposed() {
        let init = asked("\n\n\n\n").expect("answered");
        assert_eq!((init.preset, init.redirect), (None, false));
        assert!(init.trusted_proxy.is_empty() && init.host.is_empty());
    }

    #[test]
    fn an_answer_that_cannot_be_read_is_asked_again() {
        let typed = "severe\nstrict\na/b\nexample.com, *.example.com\n10.0.0.0/8, 10.0.0.0/99\n10.0.0.0/8, ::1\nmaybe\nYES\n";
        let init = asked(typed).expect("answered");
        assert_eq!((init.preset, init.redirect), (Some(Preset::Strict), true));
        assert_eq!(init.trusted_proxy, ["10.0.0.0/8", "::1"]);
        assert_eq!(init.host, ["example.com", "*.example.com"]);
    }

    #[test]
    fn the_end_of_the_input_is_no_answer() {
        for typed in ["", "strict\n", "strict\n\n", "strict\n\n\nmaybe\n"] {
            assert!(asked(typed).is_none(), "{typed:?}");
        }
    }
}
