//! The session's cookie: its attributes, and what browsers make of them (RFC 6265bis sections 4.1 and 5.7).
//!
//! ```
//! use mantlet_session::{Cookie, CookieSettings};
//! let (cookie, warnings) = Cookie::new(CookieSettings::default())?;
//! assert!(warnings.is_empty());
//! assert_eq!(
//!     cookie.set("v1.x", None),
//!     "__Host-mantlet-sid=v1.x; Path=/; Secure; HttpOnly; SameSite=Lax",
//! );
//! # Ok::<(), mantlet_session::ConfigError>(())
//! ```

use std::fmt::Write as _;

use mantlet_headers::cookie::{Prefix, SameSite, sent};

use crate::error::ConfigError;

/// The attributes as they are configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CookieSettings {
    /// The name; a `__Host-` one keeps other hosts and plain http from setting it.
    pub name: String,
    /// `Path`.
    pub path: String,
    /// `Domain`; with one, every host below it can read and set the cookie.
    pub domain: Option<String>,
    /// `Secure`.
    pub secure: bool,
    /// `HttpOnly`.
    pub http_only: bool,
    /// `SameSite`.
    pub same_site: SameSite,
    /// Whether it outlives the browser: `Max-Age` is then what is left of the absolute timeout.
    pub persistent: bool,
}

impl Default for CookieSettings {
    /// `__Host-mantlet-sid`, Path=/, Secure, HttpOnly, SameSite=Lax, gone with the browser.
    fn default() -> Self {
        Self {
            name: "__Host-mantlet-sid".to_owned(),
            path: "/".to_owned(),
            domain: None,
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
            persistent: false,
        }
    }
}

impl CookieSettings {
    /// For plain http on a developer's machine: another name, for a `__Host-` cookie cannot be set there, and not Secure.
    pub fn development() -> Self {
        Self {
            name: "mantlet-sid".to_owned(),
            secure: false,
            ..Self::default()
        }
    }
}

/// A setting that is taken, and should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Warning {
    /// Not Secure: whoever is on the network can read the session.
    NotSecure,
    /// Not HttpOnly: a script that was injected can read the session.
    NotHttpOnly,
    /// With a Domain: every host below it can read and set the session.
    Domain,
}

impl Warning {
    /// One sentence: what is unsafe, and what to write.
    pub const fn message(self) -> &'static str {
        match self {
            Self::NotSecure => {
                "the session cookie is not Secure: over plain http everybody on the way can read it; set secure = true"
            }
            Self::NotHttpOnly => {
                "the session cookie is not HttpOnly: an injected script can read it; set httponly = true"
            }
            Self::Domain => {
                "the session cookie has a Domain: every host below it can read and set it; leave domain out"
            }
        }
    }
}

/// A cookie that browsers keep.
#[derive(Clone, Debug)]
pub struct Cookie {
    settings: CookieSettings,
}

impl Cookie {
    /// Checks the settings; what is unsafe and yet works is told.
    ///
    /// # Errors
    /// [`ConfigError`] for what cannot be sent, and for what browsers drop.
    pub fn new(settings: CookieSettings) -> Result<(Self, Vec<Warning>), ConfigError> {
        let token = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let name = settings.name.as_bytes();
        if name.is_empty() || name.len() > 64 || !name.iter().all(|&b| token(b)) {
            return Err(ConfigError::CookieName(settings.name));
        }
        let plain = |b: u8| matches!(b, b' '..=b'~') && b != b';';
        if !settings.path.starts_with('/') || !settings.path.bytes().all(plain) {
            return Err(ConfigError::CookiePath(settings.path));
        }
        if let Some(domain) = &settings.domain {
            let host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
            let labels = domain.strip_prefix('.').unwrap_or(domain).split('.');
            let odd = domain.len() > 253 || labels.into_iter().any(str::is_empty);
            if odd || !domain.bytes().all(host) {
                return Err(ConfigError::CookieDomain(domain.clone()));
            }
        }
        if settings.same_site == SameSite::None && !settings.secure {
            return Err(ConfigError::NoneWithoutSecure);
        }
        if let Some(prefix) = Prefix::of(name) {
            meets(prefix, &settings)?;
        }
        let mut warnings = Vec::new();
        if !settings.secure {
            warnings.push(Warning::NotSecure);
        }
        if !settings.http_only {
            warnings.push(Warning::NotHttpOnly);
        }
        if settings.domain.is_some() {
            warnings.push(Warning::Domain);
        }
        Ok((Self { settings }, warnings))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The same cookie with Secure, for a response over https whatever the settings say.
    #[must_use]
    pub fn secured(&self) -> Self {
        let mut settings = self.settings.clone();
        settings.secure = true;
        Self { settings }
    }

    /// Set-Cookie with this value; `lifetime`, in seconds, is told only if the cookie is persistent.
    pub fn set(&self, value: &str, lifetime: Option<u64>) -> String {
        self.write(value, lifetime.filter(|_| self.settings.persistent))
    }

    /// Set-Cookie that removes it: with the same Path and Domain, for it is another cookie otherwise.
    pub fn clear(&self) -> String {
        self.write("", Some(0))
    }

    fn write(&self, value: &str, max_age: Option<u64>) -> String {
        let settings = &self.settings;
        let mut text = format!("{}={value}; Path={}", settings.name, settings.path);
        if let Some(domain) = &settings.domain {
            text.push_str("; Domain=");
            text.push_str(domain);
        }
        if let Some(max_age) = max_age {
            // writing to a String does not fail
            let _ = write!(text, "; Max-Age={max_age}");
        }
        if settings.secure {
            text.push_str("; Secure");
        }
        if settings.http_only {
            text.push_str("; HttpOnly");
        }
        text.push_str("; SameSite=");
        text.push_str(settings.same_site.as_str());
        text
    }

    /// The one value that a client sent; none if there is none, or more than one: then one of them was set by a sibling host
    /// or over plain http, and nobody can tell which.
    pub fn read<'a>(&'a self, lines: impl IntoIterator<Item = &'a [u8]>) -> Sent<'a> {
        let mut values = sent(lines, self.settings.name.as_bytes());
        match (values.next(), values.next()) {
            (None, _) => Sent::None,
            (Some(value), None) => Sent::One(value),
            (Some(_), Some(_)) => Sent::Repeated,
        }
    }
}

/// What a client sent under the cookie's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<'a> {
    /// Nothing.
    None,
    /// One value.
    One(&'a [u8]),
    /// Several: none of them counts.
    Repeated,
}

fn meets(prefix: Prefix, settings: &CookieSettings) -> Result<(), ConfigError> {
    let name = match prefix {
        Prefix::Secure => "__Secure-",
        Prefix::Host => "__Host-",
        Prefix::Http => "__Http-",
        Prefix::HostHttp => "__Host-Http-",
    };
    let needs = if !settings.secure {
        "secure"
    } else if prefix.needs_host() && settings.domain.is_some() {
        "no domain"
    } else if prefix.needs_host() && settings.path != "/" {
        "the path /"
    } else if prefix.needs_http_only() && !settings.http_only {
        "httponly"
    } else {
        return Ok(());
    };
    Err(ConfigError::Prefix {
        prefix: name,
        needs,
    })
}

#[cfg(test)]
mod tests {
    use mantlet_headers::cookie::SetCookie;

    use super::*;

    fn made(change: impl Fn(&mut CookieSettings)) -> Result<(Cookie, Vec<Warning>), ConfigError> {
        let mut settings = CookieSettings::default();
        change(&mut settings);
        Cookie::new(settings)
    }

    #[test]
    fn what_browsers_drop_is_refused() {
        let prefix = |prefix, needs| Some(ConfigError::Prefix { prefix, needs });
        assert_eq!(
            made(|s| s.secure = false).err(),
            prefix("__Host-", "secure")
        );
        let domain = made(|s| s.domain = Some("example.com".to_owned()));
        assert_eq!(domain.err(), prefix("__Host-", "no domain"));
        assert_eq!(
            made(|s| s.path = "/app".to_owned()).err(),
            prefix("__Host-", "the path /")
        );
        let http = made(|s| {
            s.name = "__Http-id".to_owned();
            s.http_only = false;
        });
        assert_eq!(http.err(), prefix("__Http-", "httponly"));
        let none = made(|s| {
            s.name = "id".to_owned();
            s.same_site = SameSite::None;
            s.secure = false;
        });
        assert_eq!(none.err(), Some(ConfigError::NoneWithoutSecure));
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        let long = "x".repeat(65);
        for name in ["", "a b", "a=b", "a;b", "a\r\nb", "\u{e9}", long.as_str()] {
            assert!(made(|s| s.name = name.to_owned()).is_err(), "{name}");
        }
        for path in ["", "app", "/a;b", "/\r\n"] {
            assert!(made(|s| s.path = path.to_owned()).is_err(), "{path}");
        }
        for domain in ["", ".", "a..b", "a b", "a;b", "a/b"] {
            let made = made(|s| {
                s.name = "id".to_owned();
                s.domain = Some(domain.to_owned());
            });
            assert_eq!(
                made.err(),
                Some(ConfigError::CookieDomain(domain.to_owned()))
            );
        }
    }

    #[test]
    fn what_is_unsafe_and_works_is_told() {
        let (_, warnings) = made(|s| {
            s.name = "session_id".to_owned();
            s.secure = false;
            s.http_only = false;
            s.domain = Some("example.com".to_owned());
        })
        .expect("it works");
        assert_eq!(
            warnings,
            [Warning::NotSecure, Warning::NotHttpOnly, Warning::Domain]
        );
    }

    #[test]
    fn setting_and_clearing_are_about_the_same_cookie() {
        let (cookie, _) = made(|s| {
            s.name = "id".to_owned();
            s.path = "/app".to_owned();
            s.domain = Some("example.com".to_owned());
            s.persistent = true;
        })
        .expect("it works");
        let (set, clear) = (cookie.set("x", Some(60)), cookie.clear());
        let [set_read, clear_read] =
            [&set, &clear].map(|text| SetCookie::parse(text.as_bytes()).expect("a cookie"));
        assert_eq!(
            (set_read.name(), set_read.path()),
            (clear_read.name(), clear_read.path())
        );
        assert_eq!(set_read.domain(), clear_read.domain());
        assert!(set.contains("; Max-Age=60;") && clear.contains("; Max-Age=0;"));
        assert!(set_read.meets_its_requirements() && clear_read.meets_its_requirements());
    }

    #[test]
    fn over_https_it_is_secure_whatever_the_settings_say() {
        let (cookie, _) = Cookie::new(CookieSettings::development()).expect("it works");
        assert!(!cookie.set("x", None).contains("Secure"));
        assert!(cookie.secured().set("x", None).contains("; Secure"));
    }

    #[test]
    fn a_cookie_that_comes_twice_is_none() {
        let (cookie, _) = Cookie::new(CookieSettings::development()).expect("it works");
        let read =
            |lines: &[&'static str]| match cookie.read(lines.iter().map(|line| line.as_bytes())) {
                Sent::None => "none".to_owned(),
                Sent::One(value) => String::from_utf8_lossy(value).into_owned(),
                Sent::Repeated => "repeated".to_owned(),
            };
        assert_eq!(read(&["a=b; mantlet-sid=x"]), "x");
        assert_eq!(read(&["mantlet-sid=x; mantlet-sid=x"]), "repeated");
        assert_eq!(read(&["mantlet-sid=x", "mantlet-sid=y"]), "repeated");
        assert_eq!(read(&["Mantlet-Sid=x", "\u{2000}mantlet-sid=y"]), "none");
    }
}
