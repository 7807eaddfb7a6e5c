//! The test `cookies`: what the Observatory's cookie jar keeps of Set-Cookie, and the worst of it.
//!
//! The jar drops a cookie without a name, one for another domain or for a public suffix, and one that breaks the rule of
//! its prefix; a later cookie replaces the one with its name, domain and path.

use super::outcome::{self, Outcome};
use super::{Seen, Test};
use crate::site;

/// Set by a hoster against the will of its users.
const IGNORED: &str = "heroku-session-affinity";

pub(super) fn judge(seen: &Seen<'_>, has_hsts: bool) -> Test {
    let outcome = worst(seen, has_hsts);
    Test::new(
        "cookies",
        outcome::COOKIES_SECURE.name,
        outcome,
        seen.algorithm,
    )
}

fn worst(seen: &Seen<'_>, has_hsts: bool) -> &'static Outcome {
    let jar = jar(seen);
    if jar.is_empty() {
        return &outcome::COOKIES_ABSENT;
    }
    let mut found = Worst(None);
    let headers = &seen.observation.response.headers;
    if headers.all("set-cookie").any(has_bad_samesite) {
        found.note(&outcome::COOKIES_BAD_SAMESITE);
    }
    for cookie in &jar {
        let name = cookie.name.to_lowercase();
        let is_session = name.contains("login") || name.contains("sess");
        if !cookie.secure && cookie.same_site == Some("none") {
            found.note(&outcome::COOKIES_BAD_SAMESITE);
        }
        if !cookie.secure {
            found.note(match has_hsts {
                true => &outcome::COOKIES_HSTS,
                false => &outcome::COOKIES_INSECURE,
            });
        }
        if name.contains("csrf") && cookie.same_site.is_none() {
            found.note(&outcome::COOKIES_CSRF);
        }
        if is_session && !cookie.secure {
            found.note(match has_hsts {
                true => &outcome::COOKIES_SESSION_HSTS,
                false => &outcome::COOKIES_SESSION_INSECURE,
            });
        }
        if is_session && !cookie.http_only {
            found.note(&outcome::COOKIES_SCRIPTABLE);
        }
    }
    let lacks_samesite = jar.iter().any(|cookie| cookie.same_site.is_none());
    found.0.unwrap_or(match lacks_samesite {
        true => &outcome::COOKIES_SECURE,
        false => &outcome::COOKIES_SAMESITE,
    })
}

/// The worst result so far.
struct Worst(Option<&'static Outcome>);

impl Worst {
    fn note(&mut self, outcome: &'static Outcome) {
        let rank = |outcome: &Outcome| {
            [
                &outcome::COOKIES_HSTS,
                &outcome::COOKIES_INSECURE,
                &outcome::COOKIES_SESSION_HSTS,
                &outcome::COOKIES_BAD_SAMESITE,
                &outcome::COOKIES_CSRF,
                &outcome::COOKIES_SCRIPTABLE,
                &outcome::COOKIES_SESSION_INSECURE,
            ]
            .iter()
            .position(|other| other.name == outcome.name)
        };
        if self.0.is_none_or(|old| rank(outcome) > rank(old)) {
            self.0 = Some(outcome);
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Cookie<'a> {
    name: &'a str,
    domain: String,
    path: String,
    secure: bool,
    http_only: bool,
    same_site: Option<&'static str>,
}

fn jar<'a>(seen: &'a Seen<'_>) -> Vec<Cookie<'a>> {
    let url = &seen.observation.url;
    let host = url.host_str().unwrap_or_default();
    let default_path = match url.path().rfind('/') {
        Some(at) if at > 0 => &url.path()[..at],
        _ => "/",
    };
    let mut jar: Vec<Cookie<'_>> = Vec::new();
    for value in seen.observation.response.headers.all("set-cookie") {
        let Some(cookie) = Cookie::read(value, host, default_path) else {
            continue;
        };
        let same = |other: &Cookie<'_>| {
            (other.name, &other.domain, &other.path) == (cookie.name, &cookie.domain, &cookie.path)
        };
        jar.retain(|other| !same(other));
        jar.push(cookie);
    }
    jar.retain(|cookie| !cookie.name.is_empty() && cookie.name != IGNORED);
    jar
}

impl<'a> Cookie<'a> {
    fn read(value: &'a str, host: &str, default_path: &str) -> Option<Self> {
        let mut parts = value.trim().split(';');
        let (name, content) = parts.next()?.split_once('=')?;
        let (name, content) = (name.trim(), content.trim());
        let has_control = |text: &str| text.bytes().any(|b| b < 0x20);
        // the name is what stands before the first =, which is not the first character
        if value.trim().starts_with('=') || has_control(name) || has_control(content) {
            return None;
        }
        let mut domain = None;
        let mut path = None;
        let (mut secure, mut http_only, mut same_site) = (false, false, None);
        for part in parts {
            let (key, value) = match part.trim().split_once('=') {
                Some((key, value)) => (key, value.trim()),
                None => (part, ""),
            };
            match key.trim().to_ascii_lowercase().as_str() {
                "domain" => {
                    let value = value.strip_prefix('.').unwrap_or(value);
                    if !value.is_empty() {
                        domain = Some(value.to_lowercase());
                    }
                }
                "path" => path = Some(value).filter(|path| path.starts_with('/')),
                "secure" => secure = true,
                "httponly" => http_only = true,
                "samesite" => {
                    same_site = ["strict", "lax", "none"]
                        .into_iter()
                        .find(|known| known.eq_ignore_ascii_case(value));
                }
                _ => {}
            }
        }
        let host_only = domain.is_none();
        if let Some(domain) = &domain
            && !may_be_set(domain, host)
        {
            return None;
        }
        if name.starts_with("__Secure-") && !secure {
            return None;
        }
        // the jar looks at the path after its default is filled in
        let path = path.unwrap_or(default_path);
        if name.starts_with("__Host-") && !(secure && host_only && path == "/") {
            return None;
        }
        Some(Self {
            name,
            domain: domain.unwrap_or_else(|| host.to_owned()),
            path: path.to_owned(),
            secure,
            http_only,
            same_site,
        })
    }
}

/// Whether a cookie of `host` may be for `domain`: no public suffix, and the host lies in it.
fn may_be_set(domain: &str, host: &str) -> bool {
    const SPECIAL: [&str; 5] = ["local", "example", "invalid", "localhost", "test"];
    let (before, top) = domain.rsplit_once('.').unwrap_or(("", domain));
    let is_special =
        SPECIAL.contains(&top) && (!before.is_empty() || matches!(top, "localhost" | "invalid"));
    let is_known = is_special || site::registrable_domain(domain).is_some();
    let within = host
        .strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && !site::is_address(host)));
    is_known && within
}

/// Whether a SameSite has no value, or one that is none. Of a value, what stands before a second `=` counts.
fn has_bad_samesite(value: &str) -> bool {
    value.trim().split(';').any(|part| {
        let mut words = part.trim().split('=');
        let key = words.next().unwrap_or_default().trim();
        let value = words.next().unwrap_or_default();
        key.eq_ignore_ascii_case("samesite")
            && !["lax", "strict", "none"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(value.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<Cookie<'_>> {
        Cookie::read(value, "www.example.com", "/")
    }

    #[test]
    fn the_jar_drops_what_is_not_for_it() {
        for value in [
            "a",
            "=a",
            "a=b; Domain=com",
            "a=b; Domain=other.com",
            "__Secure-a=b",
            "__Host-a=b; Secure; Path=/x",
            "__Host-a=b; Secure; Path=/; Domain=example.com",
            "a\u{1}=b",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        for value in [
            "a=",
            "a=b; Domain=.Example.com",
            "__Host-a=b; Secure; Path=/",
            "__Secure-a=b; secure",
        ] {
            assert!(read(value).is_some(), "{value}");
        }
    }

    #[test]
    fn attributes_count_by_their_last_value() {
        let cookie = read("a=b; SameSite=Lax; samesite=bad; HttpOnly=x").expect("kept");
        assert_eq!(
            (cookie.same_site, cookie.http_only, cookie.secure),
            (None, true, false)
        );
        assert!(has_bad_samesite("a=b; SameSite=Lax; samesite=bad"));
        assert!(has_bad_samesite("a=b; SameSite") && !has_bad_samesite("a=b; SameSite= none"));
    }
}
