//! The format: a file of cases.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::Path;

use http::{HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use mantlet_config::{Config, Source};
use mantlet_engine::{Engine, Entropy, EntropyError};
use serde::Deserialize;

use crate::expect::Expectation;
use crate::host::Fact;
use crate::line::Line;

/// The hosts that may have expectations of their own. Those of Python replay the cases in `tests/python`.
pub const HOSTS: &[&str] = &["engine", "tower", "hyper", "proxy", "asgi", "wsgi"];

/// The nonce of every exchange: the engine's source of randomness is pinned.
pub const NONCE: &str = "AAECAwQFBgcICQoLDA0ODw";

/// One exchange under one policy.
#[derive(Clone, Debug)]
pub struct Case {
    /// The file it stands in.
    pub file: String,
    /// What it shows.
    pub name: String,
    /// The text of the policy.
    pub policy: String,
    /// The facts a host must see for [`Case::expect`] to hold.
    pub needs: Vec<Fact>,
    /// Whether the source of randomness has nothing to give.
    pub entropy_fails: bool,
    /// How often the client has sent the same before: only the last time is looked at.
    pub earlier: u16,
    /// What the client sends.
    pub request: Request,
    /// What the application answers.
    pub response: Response,
    /// What comes out.
    pub expect: Expectation,
    /// What comes out of hosts that do not see what the case needs, or deny earlier; by the name of the host.
    pub at: BTreeMap<String, Expectation>,
}

/// What the client sends.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    method: String,
    target: String,
    /// The client came by https, in whatever way the host can learn of it.
    pub secure: bool,
    /// TLS ends at the host.
    pub tls: bool,
    /// The other end of the connection, in 127.0.0.0/8.
    pub peer: Option<Ipv4Addr>,
    host: bool,
    fields: Vec<Line>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            method: "GET".to_owned(),
            target: "/".to_owned(),
            secure: false,
            tls: false,
            peer: None,
            host: true,
            fields: Vec::new(),
        }
    }
}

impl Request {
    /// The method.
    pub fn method(&self) -> Method {
        // checked when the case was read
        Method::from_bytes(self.method.as_bytes()).unwrap_or_default()
    }

    /// The target as it goes over the wire.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// HTTP/1.1, or HTTP/1.0 for a request without a Host.
    pub fn version(&self) -> Version {
        match self.host {
            true => Version::HTTP_11,
            false => Version::HTTP_10,
        }
    }

    /// The fields, with `host: example.com` unless the case has a Host or says that there is none.
    pub fn lines(&self) -> Vec<(HeaderName, HeaderValue)> {
        let mut lines = Vec::with_capacity(self.fields.len() + 1);
        if self.host && !self.names_host() {
            lines.push((header::HOST, HeaderValue::from_static("example.com")));
        }
        lines.extend(
            self.fields
                .iter()
                .map(|line| (line.name.clone(), line.value.clone())),
        );
        lines
    }

    fn names_host(&self) -> bool {
        self.fields.iter().any(|line| line.name == header::HOST)
    }

    /// The other end of the connection; 127.0.0.1 unless the case says otherwise.
    pub fn peer(&self) -> Ipv4Addr {
        self.peer.unwrap_or(Ipv4Addr::LOCALHOST)
    }
}

/// What the application answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Response {
    status: u16,
    fields: Vec<Line>,
    body: String,
}

impl Default for Response {
    fn default() -> Self {
        Self {
            status: 200,
            fields: Vec::new(),
            body: String::new(),
        }
    }
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        // checked when the case was read
        StatusCode::from_u16(self.status).unwrap_or_default()
    }

    /// The fields.
    pub fn lines(&self) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
        self.fields.iter().map(|line| (&line.name, &line.value))
    }

    /// The body, with the nonce the application was told.
    pub fn body(&self, nonce: Option<&str>) -> String {
        self.body.replace("{nonce}", nonce.unwrap_or_default())
    }
}

impl Case {
    /// The same case, its limits counted in a store; `None` if it has no limit that can be.
    ///
    /// # Errors
    /// If the policy is no TOML.
    pub fn in_a_store(&self) -> Result<Option<Self>, toml::de::Error> {
        let mut policy: toml::Table = self.policy.parse()?;
        let tables: Vec<&mut toml::Table> = match policy.get_mut("limit") {
            Some(toml::Value::Table(table)) => vec![table],
            Some(toml::Value::Array(list)) => list
                .iter_mut()
                .filter_map(toml::Value::as_table_mut)
                .collect(),
            _ => return Ok(None),
        };
        for limit in tables {
            let algorithm = limit.get("algorithm").and_then(toml::Value::as_str);
            if matches!(algorithm, Some("adaptive" | "concurrency")) || limit.contains_key("store")
            {
                return Ok(None);
            }
            limit.insert("store".to_owned(), "redis".into());
            limit.insert("on_error".to_owned(), "closed".into());
        }
        let redis = toml::Table::from_iter([("url".to_owned(), "redis://localhost".into())]);
        let store = toml::Table::from_iter([("redis".to_owned(), redis.into())]);
        policy.insert("store".to_owned(), store.into());
        Ok(Some(Self {
            name: format!("{}, in a store", self.name),
            policy: policy.to_string(),
            ..self.clone()
        }))
    }

    /// The policy, compiled with a pinned source of randomness.
    ///
    /// # Errors
    /// What is wrong with the policy.
    pub fn engine(&self) -> Result<Engine, mantlet_config::Report> {
        self.engine_of(&self.policy)
    }

    /// As [`Case::engine`], for a policy that a host had to adapt.
    ///
    /// # Errors
    /// What is wrong with the policy.
    pub fn engine_of(&self, policy: &str) -> Result<Engine, mantlet_config::Report> {
        let source = Source::new(format!("{}: {}", self.file, self.name), policy);
        let (config, _) = Config::read(&source)?;
        config.build_with(Pinned {
            fails: self.entropy_fails,
        })
    }

    fn fault(&self) -> Option<String> {
        let request = &self.request;
        if Method::from_bytes(request.method.as_bytes()).is_err() {
            return Some(format!("{:?} is no method", request.method));
        }
        if request.target.parse::<Uri>().is_err() {
            return Some(format!("{:?} is no target", request.target));
        }
        if StatusCode::from_u16(self.response.status).is_err() {
            return Some(format!("{} is no status", self.response.status));
        }
        if !request.host && request.names_host() {
            return Some("host = false, and a Host among the fields".to_owned());
        }
        if request.secure && (request.tls || request.peer.is_some()) {
            return Some("secure leaves the way to the host: not with tls or peer".to_owned());
        }
        if request.peer.is_some_and(|peer| !peer.is_loopback()) {
            return Some("a peer is in 127.0.0.0/8, so that a socket can have it".to_owned());
        }
        for (fact, given) in [
            (Fact::Tls, request.tls),
            (Fact::Peer, request.peer.is_some()),
        ] {
            if given != self.needs.contains(&fact) {
                return Some(format!(
                    "{fact} stands in needs exactly if the request says it"
                ));
            }
        }
        if let Some(host) = self.at.keys().find(|host| !HOSTS.contains(&host.as_str())) {
            return Some(format!("{host} is none of the hosts {}", HOSTS.join(", ")));
        }
        let mut expectations = std::iter::once(&self.expect).chain(self.at.values());
        if request.peer.is_none() && expectations.clone().any(|expect| expect.client.is_some()) {
            return Some("a case that expects a client says who the peer is".to_owned());
        }
        expectations
            .by_ref()
            .filter_map(Expectation::fault)
            .next()
            .map(str::to_owned)
    }
}

struct Pinned {
    fails: bool,
}

impl Entropy for Pinned {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        if self.fails {
            return Err(EntropyError);
        }
        for (byte, value) in bytes.iter_mut().zip(0..) {
            *byte = value;
        }
        Ok(())
    }
}

/// Why a file of cases cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaseError {
    /// It cannot be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// Its shape is not that of a file of cases.
    #[error("{file}: {source}")]
    Shape {
        /// The file.
        file: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A case contradicts itself.
    #[error("{file}: {name}: {fault}")]
    Case {
        /// The file.
        file: String,
        /// The case.
        name: String,
        /// What is wrong with it.
        fault: String,
    },
}

/// Every case of the `*.toml` in a folder, in the order of file names; `Cargo.toml` is no file of cases.
///
/// # Errors
/// [`CaseError`] for the first file that cannot be used.
pub fn cases(folder: &Path) -> Result<Vec<Case>, CaseError> {
    let unreadable = |source| CaseError::Unreadable {
        file: folder.display().to_string(),
        source,
    };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry
            .map_err(unreadable)?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.ends_with(".toml") && name != "Cargo.toml" {
            names.push(name);
        }
    }
    names.sort();
    let mut all = Vec::new();
    for file in names {
        let text = std::fs::read_to_string(folder.join(&file)).map_err(|source| {
            CaseError::Unreadable {
                file: file.clone(),
                source,
            }
        })?;
        all.extend(read(&file, &text)?);
    }
    Ok(all)
}

/// The cases of one text.
///
/// # Errors
/// [`CaseError`] for the first thing wrong with it.
pub fn read(file: &str, text: &str) -> Result<Vec<Case>, CaseError> {
    let whole: File = toml::from_str(text).map_err(|source| CaseError::Shape {
        file: file.to_owned(),
        source: Box::new(source),
    })?;
    let mut names = BTreeSet::new();
    let mut cases = Vec::new();
    for entry in whole.cases {
        let fault = |name: &str, fault: String| CaseError::Case {
            file: file.to_owned(),
            name: name.to_owned(),
            fault,
        };
        if !names.insert(entry.name.clone()) {
            return Err(fault(&entry.name, "stands here twice".to_owned()));
        }
        let Some(policy) = entry.policy.or_else(|| whole.policy.clone()) else {
            let message = "has no policy, and its file has none either".to_owned();
            return Err(fault(&entry.name, message));
        };
        let case = Case {
            file: file.to_owned(),
            name: entry.name,
            policy,
            needs: entry.needs,
            entropy_fails: entry.entropy_fails,
            earlier: entry.earlier,
            request: entry.request,
            response: entry.response,
            expect: entry.expect,
            at: entry.at,
        };
        if let Some(message) = case.fault() {
            return Err(fault(&case.name, message));
        }
        cases.push(case);
    }
    Ok(cases)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    policy: Option<String>,
    #[serde(rename = "case")]
    cases: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    policy: Option<String>,
    #[serde(default)]
    needs: Vec<Fact>,
    #[serde(default)]
    entropy_fails: bool,
    #[serde(default)]
    earlier: u16,
    #[serde(default)]
    request: Request,
    #[serde(default)]
    response: Response,
    expect: Expectation,
    #[serde(default)]
    at: BTreeMap<String, Expectation>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: &str = "[[case]]\nname = \"x\"\npolicy = \"\"\nexpect = { verdict = \"allow\" }\n";

    fn refused(text: &str) -> String {
        read("x.toml", text).expect_err("a refusal").to_string()
    }

    #[test]
    fn a_case_needs_a_name_a_policy_and_an_expectation() {
        assert_eq!(read("x.toml", CASE).expect("a case").len(), 1);
        for line in ["name", "policy", "expect"] {
            let without: String = CASE
                .lines()
                .filter(|text| !text.starts_with(line))
                .map(|text| format!("{text}\n"))
                .collect();
            assert!(refused(&without).contains(line), "{line}");
        }
        assert!(refused(&CASE.repeat(2)).contains("twice"));
    }

    #[test]
    fn an_unknown_key_is_an_error_wherever_it_stands() {
        for text in [
            format!("polcy = \"\"\n{CASE}"),
            format!("{CASE}nedes = []"),
            format!("{CASE}request = {{ path = \"/\" }}"),
            format!("{CASE}response = {{ code = 200 }}"),
            CASE.replace("verdict = \"allow\"", "verdict = \"allow\", absent = []"),
            format!("{CASE}at = {{ proxy = {{ verdict = \"allow\", x = 1 }} }}"),
        ] {
            assert!(refused(&text).contains("unknown field"), "{text}");
        }
    }

    #[test]
    fn a_case_that_contradicts_itself_is_an_error() {
        for (more, words) in [
            ("request = { tls = true }", "stands in needs"),
            ("needs = [\"peer\"]", "stands in needs"),
            ("needs = [\"weather\"]", "unknown variant"),
            ("request = { secure = true, tls = true }", "leaves the way"),
            (
                "needs = [\"peer\"]\nrequest = { peer = \"192.0.2.1\" }",
                "127.0.0.0/8",
            ),
            (
                "request = { host = false, fields = [\"host: a\"] }",
                "host = false",
            ),
            (
                "at = { proxy = { verdict = \"allow\", client = \"192.0.2.7\" } }",
                "who the peer is",
            ),
            (
                "at = { proxy = { verdict = \"deny\", reason = \"x.y\", status = 400, reported = [\"x.y\"] } }",
                "told nothing",
            ),
            ("request = { method = \"A B\" }", "no method"),
            ("request = { target = \"a b\" }", "no target"),
            ("response = { status = 99 }", "no status"),
            (
                "at = { moon = { verdict = \"allow\" } }",
                "none of the hosts",
            ),
            ("at = { proxy = { verdict = \"deny\" } }", "a reason"),
        ] {
            let found = refused(&format!("{CASE}{more}"));
            assert!(found.contains(words), "{more}: {found}");
        }
        let odd = CASE.replace("verdict =", "fields = { x = true }, verdict =");
        assert!(refused(&odd).contains("absent"));
    }
}
