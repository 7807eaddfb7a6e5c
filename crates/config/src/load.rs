//! A policy file, read, merged and compiled.

use std::path::Path;
use std::sync::Arc;

use mantlet_engine::policy::{Policy, RedisSettings, Rules, Scoped};
use mantlet_engine::{Engine, Entropy, Live, OsEntropy};

use crate::compile::{Compiled, compile};
use crate::config::Config;
use crate::environment::{self, Chosen, Environment};
use crate::error::{Diagnostic, Report};
use crate::node;
use crate::read::Read;
use crate::schema;
use crate::source::Source;

/// What to write into an empty file.
const SAY_SO: &str = "preset = \"balanced\" says that the default is meant";

/// A policy ready for use.
#[derive(Debug)]
pub struct Loaded {
    /// The compiled policy.
    pub engine: Engine,
    /// The environment it was compiled for.
    pub environment: Environment,
    /// Who chose that.
    pub chosen: Chosen,
    /// Whether the policy lets a proxy tell the application its nonces.
    pub nonce_upstream: bool,
    /// Where limits are counted that several processes share, if the policy says so.
    pub redis: Option<RedisSettings>,
    /// The text that was read; none for what code has built.
    pub source: Option<Arc<Source>>,
    /// What is odd about it.
    pub warnings: Report,
}

/// Reads and compiles the policy file at `path`. The environment is `flag`, else `MANTLET_ENVIRONMENT`, else the file's.
///
/// # Errors
/// Every error of the file at once, or the one that kept it from being read.
pub fn load(path: &Path, flag: Option<Environment>) -> Result<Loaded, Report> {
    let source = read_file(path)?;
    let mut loaded = load_text(&source, flag)?;
    if source.says_nothing() {
        let message = format!("{} is empty: the default preset is in force", source.name);
        let warning = Diagnostic::warning("", message).hint(SAY_SO);
        loaded.warnings.add(warning);
    }
    Ok(loaded)
}

fn read_file(path: &Path) -> Result<Arc<Source>, Report> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        let mut report = Report::default();
        report.add(Diagnostic::error(
            "",
            format!("cannot read {name}: {error}"),
        ));
        report
    })?;
    Ok(Source::new(name, text))
}

fn load_text(source: &Arc<Source>, flag: Option<Environment>) -> Result<Loaded, Report> {
    let (config, mut warnings) = Config::read(source)?;
    let mut loaded = config.load(flag)?;
    warnings.extend(loaded.warnings);
    loaded.warnings = warnings;
    loaded.source = Some(source.clone());
    Ok(loaded)
}

/// Reads the policy file again and puts it in force, if `accept` has nothing against it. After an error the policy in force
/// stays.
///
/// # Errors
/// As [`load`], what `accept` says, and a file without a key: it is a file that is being written, more likely than the wish
/// to go back to the default preset.
pub fn reload(
    path: &Path,
    flag: Option<Environment>,
    live: &Live,
    accept: impl Fn(Loaded) -> Result<Loaded, Report>,
) -> Result<Loaded, Report> {
    let source = read_file(path)?;
    if source.says_nothing() {
        let message = format!("{} is empty", source.name);
        let mut report = Report::default();
        report.add(Diagnostic::error("", message).hint(SAY_SO));
        return Err(report);
    }
    let loaded = load_text(&source, flag).and_then(accept)?;
    live.replace(loaded.engine.clone());
    Ok(loaded)
}

impl Source {
    /// Whether it has no key, and comments at most.
    fn says_nothing(&self) -> bool {
        let nothing = |line: &str| line.trim().is_empty() || line.trim().starts_with('#');
        self.text.lines().all(nothing)
    }
}

impl Loaded {
    /// The policy for a proxy: the application behind it has no other way to learn a nonce than to be told, and a proxy that
    /// does not end TLS itself learns of https from a trusted peer only.
    ///
    /// # Errors
    /// If the policy draws nonces and does not set `nonce_upstream`: every script of the application would be blocked.
    pub fn for_proxy(mut self) -> Result<Self, Report> {
        if self.engine.uses_nonce() && !self.nonce_upstream {
            let message = "is not set, and the policy has 'nonce': the application could not know it, and a browser would \
                           block every script";
            let hint = "nonce_upstream = true sends it to the application in the request field Mantlet-Nonce";
            let mut report = Report::default();
            report.add(Diagnostic::error("nonce_upstream", message).hint(hint));
            return Err(report);
        }
        if self.engine.redirects_all_plain_http() {
            let message =
                "redirects every request: nobody is trusted to say that one came by https";
            let hint = "name the proxy that ends TLS in trusted_proxies; without one, this listener can only redirect";
            self.warnings
                .add(Diagnostic::warning("https", message).hint(hint));
        }
        if self.environment == Environment::Production && !self.engine.lists_hosts() {
            let message = "is not written: any Host that a client invents reaches the application";
            let hint = match self.source {
                Some(_) => "allowed = [\"example.com\"] lists your names; [\"*\"] means any",
                None => "a policy file lists your names: mantlet init writes one",
            };
            self.warnings
                .add(Diagnostic::warning("hosts", message).hint(hint));
        }
        Ok(self)
    }
}

impl Config {
    /// Reads a policy text.
    ///
    /// # Errors
    /// Every error at once. Errors of shape (syntax, unknown keys, values of the wrong kind) do not hide those of meaning
    /// in the rest of the text.
    pub fn read(source: &Arc<Source>) -> Result<(Self, Report), Report> {
        let mut report = Report::default();
        let node = node::parse(source, &mut report);
        let config = schema::policy()
            .read("", &node, &mut report)
            .unwrap_or_default();
        if report.has_errors()
            && let Err(meaning) = compile(&config, Environment::Production)
        {
            report.extend(meaning);
        }
        report.finish(config)
    }

    /// Reads a policy text that stands in no file; what code says next goes over it.
    ///
    /// ```
    /// use mantlet_config::Config;
    ///
    /// let engine = Config::parse("preset = 'strict'\n[[route]]\npath = '/docs'\noverlay = 'swagger-ui'")?
    ///     .csp_add("img-src", ["https://cdn.example.com"])
    ///     .build()?;
    /// # Ok::<(), mantlet_config::Report>(())
    /// ```
    ///
    /// # Errors
    /// As [`Config::read`], whose warnings are dropped here.
    pub fn parse(text: &str) -> Result<Self, Report> {
        let (config, _) = Self::read(&Source::new("policy", text))?;
        Ok(config)
    }

    /// Compiles for the environment of `flag`, else of `MANTLET_ENVIRONMENT`, else of the policy.
    ///
    /// # Errors
    /// Everything that a browser would ignore or misread, at once.
    pub fn load(&self, flag: Option<Environment>) -> Result<Loaded, Report> {
        let (environment, chosen) = self.chosen_environment(flag)?;
        let (compiled, warnings) = compile(self, environment)?;
        let Compiled {
            policy,
            nonce_upstream,
            redis,
        } = compiled;
        Ok(Loaded {
            engine: Engine::new(policy, OsEntropy),
            environment,
            chosen,
            nonce_upstream,
            redis,
            source: None,
            warnings,
        })
    }

    /// Compiles the policy for its own environment; the variable of the process is not read. Warnings are dropped: use
    /// [`Config::load`] to see them.
    ///
    /// # Errors
    /// Everything that a browser would ignore or misread, at once.
    pub fn build(&self) -> Result<Engine, Report> {
        self.build_with(OsEntropy)
    }

    /// As [`Config::build`], with another source of randomness: tests pin the nonce.
    ///
    /// # Errors
    /// As [`Config::build`].
    pub fn build_with(&self, entropy: impl Entropy) -> Result<Engine, Report> {
        let environment = self
            .environment
            .as_ref()
            .map(|at| at.value)
            .unwrap_or_default();
        let (compiled, _) = compile(self, environment)?;
        Ok(Engine::new(compiled.policy, entropy))
    }

    /// The policy's limits, the routes and trusted proxies they count by, and no other check and no header field: to try the
    /// limits alone.
    ///
    /// # Errors
    /// As [`Config::build`].
    pub fn limits_alone(&self) -> Result<Policy, Report> {
        let (compiled, _) = compile(self, Environment::default())?;
        let whole = compiled.policy;
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        policy.trusted_proxies = whole.trusted_proxies;
        policy.client_address = whole.client_address;
        policy.field_sizes = whole.field_sizes;
        policy.limits = whole.limits;
        let bare = |(path, _)| (path, Scoped::any(Rules::default()));
        policy.routes = whole.routes.into_iter().map(bare).collect();
        Ok(policy)
    }

    fn chosen_environment(
        &self,
        flag: Option<Environment>,
    ) -> Result<(Environment, Chosen), Report> {
        if let Some(environment) = flag {
            return Ok((environment, Chosen::Flag));
        }
        if let Some(word) = std::env::var_os(environment::VARIABLE).filter(|word| !word.is_empty())
        {
            let environment = word.to_string_lossy().parse().map_err(|message: String| {
                let mut report = Report::default();
                report.add(Diagnostic::error(environment::VARIABLE, message));
                report
            })?;
            return Ok((environment, Chosen::Variable));
        }
        Ok(match &self.environment {
            Some(at) => (at.value, Chosen::Policy),
            None => (Environment::default(), Chosen::Default),
        })
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode};
    use mantlet_engine::{RequestHead, ResponseHead};

    use super::*;

    fn sent(config: &Config, name: &str) -> String {
        let loaded = config.load(Some(Environment::Production)).expect("right");
        let mut headers = HeaderMap::new();
        let request = RequestHead::new(&Method::GET, b"/", &headers);
        let (_, exchange) = loaded.engine.on_request(&request).without_store();
        let response = ResponseHead::new(StatusCode::OK, &headers);
        exchange.on_response(&response).apply(&mut headers);
        let value = headers.get(name).expect("sent");
        value.to_str().expect("ASCII").to_owned()
    }

    #[test]
    fn code_goes_over_the_text_it_began_with() {
        let text = "preset = 'none'\n[csp]\nimg-src = ['https://a.example']\nfont-src = ['https://a.example']\n\
                    [csp_report_only]\nimg-src = ['https://a.example']\n";
        let config = Config::parse(text)
            .expect("right")
            .csp_add("img-src", ["https://b.example"])
            .csp("font-src", ["https://b.example"])
            .csp_report_only("img-src", ["https://b.example"])
            .csp_report_only("font-src", ["'self'"]);
        assert_eq!(
            sent(&config, "content-security-policy"),
            "img-src https://a.example https://b.example; font-src https://b.example"
        );
        assert_eq!(
            sent(&config, "content-security-policy-report-only"),
            "img-src https://b.example; font-src 'self'"
        );
    }

    #[test]
    fn code_can_allow_a_proxy_to_tell_nonces() {
        let config = Config::new().csp("script-src", ["'nonce'"]);
        let load = |config: &Config| config.load(None).expect("right").for_proxy();
        assert!(load(&config).is_err());
        assert!(load(&config.nonce_upstream(true)).is_ok());
    }

    #[test]
    fn a_mistake_in_a_text_without_a_file_has_its_place() {
        let report = Config::parse("preset = 'no such'").expect_err("wrong");
        assert!(report.to_string().starts_with("policy:1:10: error: preset"));
    }

    #[test]
    fn a_report_is_readable_where_rust_prints_it_for_debugging() {
        let source = Source::new("mantlet.toml", "preset = \"no such\"\n");
        let report = Config::read(&source).expect_err("wrong");
        let printed = format!("{report:?}");
        assert_eq!(printed, report.to_string());
        assert!(
            printed.starts_with("mantlet.toml:1:10: error: preset"),
            "{printed}"
        );
    }
}
