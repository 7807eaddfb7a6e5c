//! `mantlet check`: is the policy file right, who may ask, and what does it send.

use std::io::Write;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mantlet_audit::{Observation, Response, Severity, audit};
use mantlet_config::{Environment, load};
use mantlet_engine::{Answer, Page, PagePath, Scheme, Verdict};

use crate::Failure;
use crate::asked::Asked;
use crate::policy::{self, DEFAULT_FILE};

/// Check a policy file, and show who may ask and the headers it sends
///
/// With -X, -H or --peer it says what becomes of that request, and why:
///
///     mantlet check -X POST -H 'Origin: https://evil.example'
#[derive(Args)]
#[command(verbatim_doc_comment)]
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
    /// The method of a request that is tried
    #[arg(long, short = 'X', alias = "request", value_name = "METHOD")]
    method: Option<Method>,
    /// A field of it, such as 'Sec-Fetch-Site: cross-site'; may be repeated. Host is one of those that the policy allows,
    /// unless it is said here; 'Host:' leaves it out
    #[arg(long = "header", short = 'H', value_name = "FIELD")]
    fields: Vec<Line>,
    /// The address it comes from: fields of trusted proxies are believed
    #[arg(long, value_name = "ADDRESS")]
    peer: Option<IpAddr>,
    /// Say nothing unless something is wrong
    #[arg(long, short)]
    quiet: bool,
}

/// A field line as curl takes it: `Name: value`, `Name;` for an empty value, `Name:` for no such field.
#[derive(Clone)]
struct Line(HeaderName, Option<HeaderValue>);

impl std::str::FromStr for Line {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let malformed = || format!("{text:?} is not like 'Origin: https://evil.example'");
        let (name, value) = match (text.split_once(':'), text.strip_suffix(';')) {
            (Some((name, value)), _) => (name, Some(value.trim()).filter(|v| !v.is_empty())),
            (None, Some(name)) => (name, Some("")),
            (None, None) => return Err(malformed()),
        };
        let name = name.trim().parse().map_err(|_| malformed())?;
        let value = value.map(HeaderValue::from_str).transpose();
        Ok(Self(name, value.map_err(|_| malformed())?))
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
        let asked = Asked::new(&loaded).map_err(|report| anyhow!("{report}"))?;
        let page = self.page(asked.engine.allowed_host(self.path.as_str()));
        let answer = page.answer(&asked.engine);
        if self.tries_a_request() {
            tell(&mut out, &page, &answer)?;
            let methods = std::slice::from_ref(&page.method);
            for (name, said) in asked.limits(&page, methods) {
                writeln!(out, "  {:<9} {name}: {said}", "Limit")?;
            }
        } else {
            writeln!(out, "\nWho may ask for {}:\n", page.path)?;
            for (check, said) in asked.lines(page.path) {
                writeln!(out, "  {check:<19} {said}")?;
            }
            let limits = asked.limits(&page, &asked.methods());
            for (name, said) in &limits {
                writeln!(out, "  {:<19} {name}: {said}", "Limit")?;
            }
            if limits.is_empty() {
                let said = match asked.engine.limits().next() {
                    Some(_) => "none for this path",
                    None => "none",
                };
                writeln!(out, "  {:<19} {said}", "Limit")?;
            }
        }
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
        for (name, value) in &answer.section {
            writeln!(out, "{name}: {value}")?;
        }
        if !self.tries_a_request() {
            self.audit(&mut out, &page, &asked)?;
        }
        Ok(())
    }

    /// The grade of what each route sends, and what keeps it from A+.
    fn audit(&self, out: &mut impl Write, page: &Page<'_>, asked: &Asked) -> Result<(), Failure> {
        writeln!(
            out,
            "\nAudit of what mantlet sends (mantlet scan grades the whole response):\n"
        )?;
        let mut paths: Vec<&str> = asked.engine.route_paths().collect();
        paths.sort_unstable();
        paths.retain(|path| *path != page.path);
        paths.insert(0, page.path);
        for path in paths {
            let page = Page {
                path,
                method: page.method.clone(),
                scheme: page.scheme,
                fields: HeaderMap::from_iter([(HOST, asked.engine.allowed_host(path))]),
                peer: page.peer,
                content_type: page.content_type.clone(),
            };
            let answer = page.answer(&asked.engine);
            if answer.denied.is_some() {
                writeln!(out, "  {path:<24} not answered by the application")?;
                continue;
            }
            let report = audit(&observation(&page, &answer)?);
            let graded = &report.graded;
            writeln!(out, "  {path:<24} {:<3} {}", graded.grade, graded.score)?;
            for finding in &report.findings {
                if finding.severity > Severity::Info {
                    let (name, message) = (finding.rule.name, &finding.message);
                    writeln!(out, "    {:<7} {name}: {message}", finding.severity)?;
                }
            }
        }
        Ok(())
    }

    fn tries_a_request(&self) -> bool {
        self.method.is_some() || !self.fields.is_empty() || self.peer.is_some()
    }

    /// The request that is tried; `host` is asked unless it says another.
    fn page(&self, host: HeaderValue) -> Page<'_> {
        let mut page = Page {
            method: self.method.clone().unwrap_or_default(),
            path: self.path.as_str(),
            scheme: match self.http {
                true => Scheme::Http,
                false => Scheme::Https,
            },
            peer: self.peer,
            content_type: self.content_type.clone(),
            ..Page::root()
        };
        page.fields.insert(HOST, host);
        for Line(name, _) in &self.fields {
            page.fields.remove(name);
        }
        for Line(name, value) in &self.fields {
            if let Some(value) = value {
                page.fields.append(name, value.clone());
            }
        }
        page
    }
}

/// What a scanner would see: the answer with its Content-Type, without a body.
///
/// # Errors
/// If Host and path make no URL.
fn observation(page: &Page<'_>, answer: &Answer) -> anyhow::Result<Observation> {
    let content_type = String::from_utf8_lossy(page.content_type.as_bytes()).into_owned();
    let own = std::iter::once(("content-type".to_owned(), content_type));
    let headers = own.chain(answer.section.iter().cloned()).collect();
    let response = Response::new(200, headers);
    Ok(Observation::new(page.url().parse()?, response))
}

/// What becomes of a request, and why.
fn tell(out: &mut impl Write, page: &Page<'_>, answer: &Answer) -> std::io::Result<()> {
    let scheme = page.scheme.as_str();
    writeln!(out, "\n{} {} over {scheme}:\n", page.method, page.path)?;
    let mut line = |name: &str, said: &str| writeln!(out, "  {name:<9} {said}");
    for value in page.fields.get_all(HOST) {
        line("Host", &String::from_utf8_lossy(value.as_bytes()))?;
    }
    match &answer.verdict {
        Verdict::Allow(permit) => {
            line("Verdict", "goes on to the application")?;
            if let Some(client) = permit.client() {
                line("Client", &client.to_string())?;
            }
            if let Some(proxy) = answer.untrusted {
                line("Warning", &proxy.to_string())?;
            }
            for reason in permit.reported() {
                line("Reported", reason.code)?;
                line("Remedy", reason.fix)?;
            }
            Ok(())
        }
        Verdict::Deny(denial) => {
            let done = match denial.location {
                Some(_) => "redirected",
                None => "denied",
            };
            let status = denial.status.as_u16();
            line("Verdict", &format!("{done}, {status} {}", denial.reason))?;
            line("Told", &denial.detail)?;
            denial.fix.map_or(Ok(()), |fix| line("Remedy", fix))
        }
        _ => line("Verdict", "answered by mantlet"),
    }
}
