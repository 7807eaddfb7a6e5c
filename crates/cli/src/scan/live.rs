//! How live sites are asked: the flags, and the pages that come.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use http::header::{COOKIE, USER_AGENT};
use http::{HeaderName, HeaderValue};
use mantlet_scan::{Identity, Options, Probes, Proxy, Retriever, site};
use tokio::runtime::{Builder, Runtime};

use super::input::Pages;
use super::unusable;
use crate::Failure;

/// Sites that are asked at once if nothing is said: enough to wait for slow ones, few enough for a laptop's sockets.
const CONCURRENCY: &str = "64";

#[derive(Args)]
#[command(next_help_heading = "Live sites")]
pub(super) struct Live {
    /// A field of each request to the site, such as "Authorization: Bearer ..."; may be repeated
    #[arg(long, value_name = "NAME: VALUE", value_parser = field)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// A cookie of each request to the site; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = cookie)]
    cookie: Vec<HeaderValue>,
    /// User-Agent
    #[arg(long, value_name = "TEXT")]
    user_agent: Option<HeaderValue>,
    /// A proxy: http://host:port, with user:password@ before the host if it asks for them
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
    /// The client's certificate, as PEM
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// Its private key, as PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// A bad certificate is not held against the site, and fields, cookies and client certificate go there all the same
    #[arg(long, short = 'k')]
    pub(super) insecure: bool,
    /// Authorities that are trusted beside those of browsers, as PEM
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// An address in place of the DNS's; may be repeated
    #[arg(long, value_name = "HOST:ADDRESS", value_parser = resolution)]
    resolve: Vec<(String, IpAddr)>,
    /// Seconds for a connection
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    connect_timeout: Duration,
    /// Seconds for a site
    #[arg(long, value_name = "SECONDS", default_value = "20", value_parser = seconds)]
    timeout: Duration,
    /// Send a cross-site POST to this path too, and see whether it is refused; it may change something there
    #[arg(long, value_name = "PATH")]
    csrf: Option<String>,
    /// One GET a site and its redirects: no preflight, no second fetch, no error page, no other scheme
    #[arg(long)]
    quick: bool,
    /// Sites that are asked at once
    #[arg(long, value_name = "NUMBER", default_value = CONCURRENCY, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub(super) concurrency: u16,
}

fn field(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("a field is NAME: VALUE")?;
    let name = HeaderName::try_from(name.trim()).map_err(|error| error.to_string())?;
    Ok((name, secret(value.trim())?))
}

fn cookie(text: &str) -> Result<HeaderValue, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.trim().is_empty() => secret(text.trim()),
        _ => Err("a cookie is NAME=VALUE".to_owned()),
    }
}

/// A value that is not shown.
fn secret(text: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(text).map_err(|error| error.to_string())?;
    value.set_sensitive(true);
    Ok(value)
}

fn resolution(text: &str) -> Result<(String, IpAddr), String> {
    let (host, address) = text.split_once(':').ok_or("HOST:ADDRESS")?;
    let address = address.trim_matches(['[', ']']).parse();
    let address = address.map_err(|_| "the address is no IP address".to_owned())?;
    Ok((host.to_ascii_lowercase(), address))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    match seconds {
        0.01..=3600.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("from 0.01 to 3600 seconds".to_owned()),
    }
}

/// Whether an argument is a site; what is no URL is a file.
pub(super) fn is_site(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.starts_with("http://") || text.starts_with("https://")
}

impl Live {
    pub(super) fn retriever(&self) -> Result<Arc<Retriever>, Failure> {
        let mut headers = self.header.clone();
        headers.extend(self.cookie.iter().map(|value| (COOKIE, value.clone())));
        let mut options = Options {
            connect: self.connect_timeout,
            total: self.timeout,
            cross_site_post: self.csrf.clone(),
            identity: self.identity()?,
            danger_unverified_secrets: self.insecure,
            authorities: self.ca_file.as_deref().map(read).transpose()?,
            resolve: self.resolve.iter().cloned().collect(),
            ..Options::default()
        };
        if let Some((_, value)) = headers.iter().find(|(name, _)| name == USER_AGENT) {
            options.user_agent = value.clone();
        }
        if let Some(value) = &self.user_agent {
            options.user_agent = value.clone();
        }
        headers.retain(|(name, _)| name != USER_AGENT);
        options.headers = headers;
        if self.quick {
            options.probes = Probes::Page;
        }
        if let Some(text) = &self.proxy {
            options.proxy = Some(Proxy::parse(text).map_err(refused)?);
        }
        Retriever::new(options).map(Arc::new).map_err(refused)
    }

    fn identity(&self) -> Result<Option<Identity>, Failure> {
        let (Some(certificates), Some(key)) = (&self.client_cert, &self.client_key) else {
            return Ok(None);
        };
        Ok(Some(Identity {
            certificates: read(certificates)?,
            key: read(key)?,
        }))
    }

    /// Asks every site, `concurrency` at once; the pages come in the order of the arguments.
    pub(super) fn pages(&self, sites: &[String]) -> Result<Pages, Failure> {
        for text in sites {
            site(text).map_err(refused)?;
        }
        let retriever = self.retriever()?;
        let mut found = Vec::new();
        let told = runtime()?.block_on(mantlet_scan::each(
            retriever,
            sites.to_vec(),
            self.concurrency.into(),
            |text, seen| (text.to_owned(), seen),
            |one| {
                found.push(one);
                Ok::<(), std::convert::Infallible>(())
            },
        ));
        let Ok(()) = told;
        let place = |text: &String| sites.iter().position(|other| other == text);
        found.sort_by_key(|(text, _)| place(text));
        let pages = found.into_iter().map(|(text, seen)| match seen {
            Ok(seen) => {
                for remark in &seen.remarks {
                    eprintln!("mantlet: {text}: {remark}");
                }
                Ok(seen.observation)
            }
            Err(failure) => {
                eprintln!("mantlet: {text}: {failure}");
                Err(format!("{text}: {failure}"))
            }
        });
        Ok(Pages {
            pages: pages.collect(),
            is_list: sites.len() > 1,
        })
    }
}

fn refused(error: mantlet_scan::Unusable) -> Failure {
    eprintln!("mantlet: {error}");
    Failure::Unusable
}

fn read(file: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(file).map_err(|error| unusable(file, error))
}

/// Threads for all processors: judging is work, retrieving is waiting.
pub(super) fn runtime() -> Result<Runtime, Failure> {
    Ok(Builder::new_multi_thread().enable_all().build()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_addresses_are_read() {
        let (name, value) = field("X-Key: a: b").expect("a field");
        assert_eq!(
            (name.as_str(), value.to_str().ok()),
            ("x-key", Some("a: b"))
        );
        assert!(value.is_sensitive());
        assert!(field("no colon").is_err() && field("a b: c").is_err());
        assert!(cookie("a=b").is_ok() && cookie("=b").is_err() && cookie("ab").is_err());
        let (host, address) = resolution("A.example:[::1]").expect("a resolution");
        assert_eq!(
            (host.as_str(), address.to_string()),
            ("a.example", "::1".to_owned())
        );
        assert!(resolution("a.example:b.example").is_err());
        assert!(seconds("0").is_err() && seconds("NaN").is_err());
    }

    #[test]
    fn what_is_no_url_is_a_file() {
        assert!(is_site("HTTPS://a.example"));
        assert!(!is_site("capture.json") && !is_site("-") && !is_site("http.txt"));
    }
}
