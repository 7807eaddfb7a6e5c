//! A session: a URL, and its redirects hop by hop, with a cookie jar (RFC 6265).

use cookie_store::CookieStore;
use http::{HeaderMap, HeaderValue, Method, header};
use mantlet_audit::{Headers, Hop};
use url::Url;

use crate::exchange::{Answer, Ask, ask};
use crate::failure::Failure;
use crate::options::Options;
use crate::tls::{Party, Tls, Trust};

/// What a session needs to know of its scan.
#[derive(Clone, Copy)]
pub(crate) struct Site<'a> {
    /// The URL that was given: whose host may know who we are.
    pub(crate) given: &'a Url,
    pub(crate) options: &'a Options,
    pub(crate) tls: &'a Tls,
}

/// The hops so far, and the page, or why there is none.
pub(crate) struct Walk {
    /// Every answer, that of the page last.
    pub(crate) hops: Vec<Hop>,
    pub(crate) page: Result<Answer, Failure>,
    pub(crate) trust: Trust,
    pub(crate) jar: CookieStore,
}

impl Site<'_> {
    /// Follows redirects from `start` to the page.
    pub(crate) async fn walk(&self, start: &Url) -> Walk {
        let mut walk = Walk {
            hops: Vec::new(),
            page: Err(Failure::Redirects(self.options.redirects)),
            trust: Trust::Verified,
            jar: CookieStore::default(),
        };
        let mut url = start.clone();
        for _ in 0..=self.options.redirects {
            let answer = match self.page(&url, &mut walk).await {
                Ok(answer) => answer,
                Err(failure) => {
                    walk.page = Err(failure);
                    break;
                }
            };
            let headers = answer.response.headers.clone();
            for cookie in headers.all("set-cookie") {
                // a cookie that the jar refuses is one that the rules look at
                let _ = walk.jar.parse(cookie, &url);
            }
            let next = next(&url, answer.response.status, &headers);
            let status = answer.response.status;
            walk.hops.push(Hop {
                url: url.clone(),
                status,
                headers,
            });
            match next {
                Some(next) => url = next,
                None => {
                    walk.page = Ok(answer);
                    break;
                }
            }
        }
        walk
    }

    /// One hop; again without verification where the certificate is refused.
    async fn page(&self, url: &Url, walk: &mut Walk) -> Result<Answer, Failure> {
        let none = HeaderMap::new();
        let asked = self.ask(Method::GET, url, &walk.jar, walk.trust, none.clone());
        match asked.await {
            Err(Failure::Certificate(_)) => {
                walk.trust = Trust::Unverified;
                self.ask(Method::GET, url, &walk.jar, walk.trust, none)
                    .await
            }
            other => other,
        }
    }

    /// A request of this session.
    pub(crate) async fn ask(
        &self,
        method: Method,
        url: &Url,
        jar: &CookieStore,
        trust: Trust,
        headers: HeaderMap,
    ) -> Result<Answer, Failure> {
        let party = self.party(url, trust);
        let mut all = HeaderMap::new();
        let mut cookies: Vec<String> = jar
            .get_request_values(url)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if party == Party::Given {
            for (name, value) in &self.options.headers {
                match (name, value.to_str()) {
                    (&header::COOKIE, Ok(value)) => cookies.push(value.to_owned()),
                    _ => drop(all.append(name, value.clone())),
                }
            }
        }
        if !cookies.is_empty()
            && let Ok(value) = HeaderValue::try_from(cookies.join("; "))
        {
            all.insert(header::COOKIE, value);
        }
        all.extend(headers);
        let request = Ask {
            method,
            url,
            headers: all,
            trust,
            party,
        };
        ask(request, self.options, self.tls).await
    }

    /// Secrets go to the host that was given, if it proves who it is, and not in the clear if its URL is https.
    fn party(&self, url: &Url, trust: Trust) -> Party {
        let is_known = trust == Trust::Verified || self.options.danger_unverified_secrets;
        let is_same = url.host_str() == self.given.host_str();
        let is_as_safe = url.scheme() == "https" || self.given.scheme() == "http";
        // another port of the same name is another service, but for the two of one site
        let is_port = url.port() == self.given.port();
        match is_same && is_as_safe && is_port && is_known {
            true => Party::Given,
            false => Party::Other,
        }
    }
}

/// Where a redirect leads; `None` if it is no redirect, or to nothing that is asked by HTTP.
fn next(url: &Url, status: u16, headers: &Headers) -> Option<Url> {
    if !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let mut next = url.join(headers.first("location")?).ok()?;
    next.set_fragment(None);
    matches!(next.scheme(), "http" | "https").then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_redirect_needs_a_status_and_a_place() {
        let url: Url = "https://a.example/b/c".parse().expect("a URL");
        let to = |status, place: &str| {
            let headers = Headers::from_iter([("location", place)]);
            next(&url, status, &headers).map(String::from)
        };
        assert_eq!(to(302, "d#x").as_deref(), Some("https://a.example/b/d"));
        assert_eq!(
            to(308, "//b.example").as_deref(),
            Some("https://b.example/")
        );
        assert_eq!(to(304, "/"), None);
        assert_eq!(to(301, "javascript:1"), None);
        assert_eq!(to(301, "http://[x"), None);
        assert_eq!(next(&url, 301, &Headers::new()), None);
    }
}
