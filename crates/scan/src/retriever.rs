//! A site as an observation: two sessions, then the probes.
//!
//! 1. `https` and `http` sessions at once, each hop by hop. A URL with a port of its own has one session: nobody knows where
//!    the other would be.
//! 2. The page is that of https, or of plain http where https does not answer.
//! 3. At the page's URL, at once: a preflight, the page again, a path that does not exist, the cross-site POST.
//! 4. If the preflight allows nobody, a GET with Origin: reading needs no preflight.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use mantlet_audit::{Cors, Http, Observation, Response, Session, Tls as How};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::exchange::Answer;
use crate::failure::{Failure, Unusable};
use crate::options::{Options, Probes};
use crate::session::{Site, Walk};
use crate::tls::{Tls, Trust};

/// The origin that the probes come from: nobody's (RFC 2606).
pub const ORIGIN: &str = "https://cors-probe.example";

/// What was seen of a site.
#[derive(Debug)]
#[non_exhaustive]
pub struct Seen {
    /// For the auditor.
    pub observation: Observation,
    /// What could not be seen, a sentence each.
    pub remarks: Vec<String>,
}

/// Asks sites; one for all of a run.
pub struct Retriever {
    options: Options,
    tls: Tls,
}

impl Retriever {
    /// Makes one.
    ///
    /// # Errors
    /// [`Unusable`] if certificates or keys cannot be used.
    pub fn new(options: Options) -> Result<Self, Unusable> {
        let tls = Tls::new(&options)?;
        Ok(Self { options, tls })
    }

    /// Retrieves a page and what belongs to it, within [`Options::total`].
    ///
    /// # Errors
    /// [`Failure`] if there is no whole page; that of https if neither session has one.
    pub async fn observe(&self, url: &Url) -> Result<Seen, Failure> {
        let deadline = Instant::now() + self.options.total;
        let site = Site {
            given: url,
            options: &self.options,
            tls: &self.tls,
        };
        let starts = Starts::of(url, self.options.probes);
        let walk = |start: Option<Url>| async move {
            match start {
                Some(start) => Some(timeout_at(deadline, site.walk(&start)).await),
                None => None,
            }
        };
        let late = |_| Failure::Timeout(self.options.total);
        let (https, http) = tokio::join!(walk(starts.https), walk(starts.http));
        let https = https.map(|walk| walk.map_err(late));
        let http = http.map(|walk| walk.map_err(late));
        let (mut seen, page, place) = Self::seen(https, http)?;
        if self.options.probes == Probes::All || self.options.cross_site_post.is_some() {
            self.probe(&site, &page, &place, deadline, &mut seen).await;
        }
        Ok(seen)
    }

    /// The page of the better session, its session, and its URL.
    fn seen(
        https: Option<Result<Walk, Failure>>,
        http: Option<Result<Walk, Failure>>,
    ) -> Result<(Seen, Walk, Url), Failure> {
        let plain = match &http {
            None => Http::NotAsked,
            Some(Ok(walk)) if !walk.hops.is_empty() => Http::Answered(Session {
                hops: walk.hops.clone(),
                verified: walk.trust == Trust::Verified,
            }),
            Some(_) => Http::Silent,
        };
        let had_https = https.is_some();
        let whole = |session: Result<Walk, Failure>| -> Result<(Walk, Answer), Failure> {
            let mut walk = session?;
            let gone = Err(Failure::Internal);
            let answer = std::mem::replace(&mut walk.page, gone)?;
            Ok((walk, answer))
        };
        let mut remarks = Vec::new();
        let https = https.map_or(Err(Failure::Internal), whole);
        let (mut walk, answer) = match (https, http) {
            (Ok(found), _) => found,
            (Err(failure), None) => return Err(failure),
            (Err(failure), Some(http)) => match whole(http) {
                Ok(found) => {
                    if had_https {
                        remarks.push(format!(
                            "https: {failure}; judged is the page of plain http"
                        ));
                    }
                    found
                }
                Err(other) if !had_https => return Err(other),
                Err(_) => return Err(failure),
            },
        };
        // a walk with a page has its hop
        let last = walk.hops.pop().ok_or(Failure::Internal)?;
        let first = walk.hops.first().map_or(&last.url, |hop| &hop.url).clone();
        let mut observation = Observation::new(first, answer.response);
        observation.tls = match (last.url.scheme(), walk.trust) {
            ("https", Trust::Verified) => How::Verified,
            ("https", Trust::Unverified) => How::Unverified,
            _ => How::None,
        };
        observation.hops = std::mem::take(&mut walk.hops);
        observation.http = plain;
        remarks.extend(answer.remark);
        let seen = Seen {
            observation,
            remarks,
        };
        Ok((seen, walk, last.url))
    }

    async fn probe(
        &self,
        site: &Site<'_>,
        walk: &Walk,
        url: &Url,
        deadline: Instant,
        seen: &mut Seen,
    ) {
        let all = self.options.probes == Probes::All;
        let ask = |method: Method, url: Url, headers: HeaderMap| async move {
            let asked = site.ask(method, &url, &walk.jar, walk.trust, headers);
            let answer = timeout_at(deadline, asked).await.ok()?.ok()?;
            Some(answer.response)
        };
        let get = |url: Option<Url>, headers: HeaderMap| async {
            match url.filter(|_| all) {
                Some(url) => ask(Method::GET, url, headers).await,
                None => None,
            }
        };
        let cors = async {
            let preflight = match all {
                true => ask(Method::OPTIONS, url.clone(), preflight()).await,
                false => None,
            };
            let preflight = preflight.filter(|answer| (200..300).contains(&answer.status));
            let allows = |answer: &Response| answer.headers.has("access-control-allow-origin");
            if preflight.as_ref().is_some_and(allows) {
                return preflight;
            }
            let simple = get(Some(url.clone()), from_elsewhere()).await;
            simple.filter(allows).or(preflight)
        };
        let post = async {
            let path = self.options.cross_site_post.as_ref()?;
            let target = url.join(path).ok()?;
            ask(Method::POST, target, forged()).await
        };
        let none = HeaderMap::new;
        let (cors, again, not_found, post) = tokio::join!(
            cors,
            get(Some(url.clone()), none()),
            get(absent(url), none()),
            post
        );
        let observation = &mut seen.observation;
        observation.cors = cors.map(|answer| Cors {
            origin: Some(ORIGIN.to_owned()),
            headers: answer.headers,
        });
        observation.again = again;
        // a site that answers every path has no page for those that do not exist
        observation.not_found = not_found.filter(|answer| answer.status >= 400);
        observation.cross_site_post = post.as_ref().map(|answer| answer.status);
        if let (Some(path), None) = (&self.options.cross_site_post, post) {
            seen.remarks
                .push(format!("{path}: no answer to the cross-site POST"));
        }
        if all && observation.again.is_none() {
            seen.remarks
                .push("the page did not come a second time: nonces are not compared".to_owned());
        }
    }

    /// The time that a site has.
    pub const fn total(&self) -> Duration {
        self.options.total
    }
}

/// Where the sessions begin.
struct Starts {
    https: Option<Url>,
    http: Option<Url>,
}

impl Starts {
    fn of(url: &Url, probes: Probes) -> Self {
        let is_https = url.scheme() == "https";
        let other = (probes == Probes::All && url.port().is_none()).then(|| {
            let mut other = url.clone();
            // between http and https this is always possible
            let _ = other.set_scheme(if is_https { "http" } else { "https" });
            other
        });
        let own = Some(url.clone());
        match is_https {
            true => Self {
                https: own,
                http: other,
            },
            false => Self {
                https: other,
                http: own,
            },
        }
    }
}

fn with(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    let pairs = fields.iter().cloned();
    pairs
        .map(|(name, value)| (name, HeaderValue::from_static(value)))
        .collect()
}

fn from_elsewhere() -> HeaderMap {
    with(&[(header::ORIGIN, ORIGIN)])
}

fn preflight() -> HeaderMap {
    with(&[
        (header::ORIGIN, ORIGIN),
        (header::ACCESS_CONTROL_REQUEST_METHOD, "GET"),
    ])
}

/// A form of another site, as a browser sends it (Fetch Metadata).
fn forged() -> HeaderMap {
    with(&[
        (header::ORIGIN, ORIGIN),
        (HeaderName::from_static("sec-fetch-site"), "cross-site"),
        (HeaderName::from_static("sec-fetch-mode"), "navigate"),
        (HeaderName::from_static("sec-fetch-dest"), "document"),
        (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
        (header::CONTENT_LENGTH, "0"),
    ])
}

/// A path that nobody has.
fn absent(url: &Url) -> Option<Url> {
    let random = getrandom::u64().ok()?;
    url.join(&format!("/mantlet-{random:016x}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_its_own_has_one_session() {
        let starts = |text: &str, probes| {
            let starts = Starts::of(&text.parse().expect("a URL"), probes);
            (
                starts.https.map(String::from),
                starts.http.map(String::from),
            )
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            starts("http://a.example/x", Probes::All),
            (text("https://a.example/x"), text("http://a.example/x"))
        );
        assert_eq!(
            starts("http://a.example:8080/", Probes::All),
            (None, text("http://a.example:8080/"))
        );
        assert_eq!(
            starts("https://a.example/", Probes::Page),
            (text("https://a.example/"), None)
        );
    }
}
