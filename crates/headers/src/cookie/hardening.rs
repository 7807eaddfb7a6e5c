//! What is added to the cookies of an application, with exceptions by name.

use std::str::FromStr;

use super::{Prefix, SameSite, SetCookie};
use crate::malformed::Malformed;
use crate::octets::is_token;

/// What a cookie is to have at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Secure is added where it is absent.
    pub secure: bool,
    /// HttpOnly is added where it is absent.
    pub http_only: bool,
    /// SameSite is added where the application chose none.
    pub same_site: Option<SameSite>,
}

/// What is added to the cookies of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardening {
    base: Attributes,
    exceptions: Vec<(CookieNames, Attributes)>,
}

impl Hardening {
    /// The same for every cookie.
    pub const fn new(base: Attributes) -> Self {
        Self {
            base,
            exceptions: Vec::new(),
        }
    }

    /// Other attributes for some cookies: one name in its exact case, or all that begin with what stands before a `*`.
    ///
    /// # Errors
    /// [`Malformed`] if `names` is no cookie name with at most one `*`, at its end.
    pub fn except(mut self, names: &str, attributes: Attributes) -> Result<Self, Malformed> {
        self.exceptions.push((names.parse()?, attributes));
        // exact names first, then the longer prefixes: the first match is the closest one
        self.exceptions
            .sort_by_key(|(names, _)| (names.wildcard, usize::MAX - names.text.len()));
        Ok(self)
    }

    /// The same for responses over plain http, without Secure and without SameSite=None, which needs it: a browser would
    /// drop the cookie. Prefixed cookies still get Secure: without it a browser drops them everywhere.
    #[must_use]
    pub fn without_secure(mut self) -> Self {
        let exceptions = self.exceptions.iter_mut().map(|(_, one)| one);
        for attributes in exceptions.chain([&mut self.base]) {
            attributes.secure = false;
            attributes.same_site = attributes.same_site.filter(|one| *one != SameSite::None);
        }
        self
    }

    /// What a cookie of this name is to have.
    pub fn attributes(&self, name: &[u8]) -> Attributes {
        self.exceptions
            .iter()
            .find(|(names, _)| names.contains(name))
            .map_or(self.base, |(_, attributes)| *attributes)
    }

    /// The value with what is missing, or `None` if it stays as it is. Allocates only for a changed value.
    pub fn harden(&self, input: &[u8]) -> Option<Vec<u8>> {
        let cookie = SetCookie::parse(input)?;
        let wanted = self.attributes(cookie.name);
        let prefix = cookie.prefix();
        let same_site = wanted.same_site.filter(|_| cookie.same_site.is_none());
        let secure = !cookie.secure
            && (wanted.secure || prefix.is_some() || same_site == Some(SameSite::None));
        let http_only =
            !cookie.http_only && (wanted.http_only || prefix.is_some_and(Prefix::needs_http_only));
        if !secure && !http_only && same_site.is_none() {
            return None;
        }
        let end = input
            .iter()
            .rposition(|b| !matches!(b, b';' | b' ' | b'\t'))
            .map_or(0, |at| at + 1);
        let mut hardened = Vec::with_capacity(end + 40);
        hardened.extend_from_slice(&input[..end]);
        if secure {
            hardened.extend_from_slice(b"; Secure");
        }
        if http_only {
            hardened.extend_from_slice(b"; HttpOnly");
        }
        if let Some(same_site) = same_site {
            hardened.extend_from_slice(b"; SameSite=");
            hardened.extend_from_slice(same_site.as_str().as_bytes());
        }
        Some(hardened)
    }
}

/// One cookie name, or all with one beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CookieNames {
    text: String,
    wildcard: bool,
}

impl CookieNames {
    fn contains(&self, name: &[u8]) -> bool {
        if self.wildcard {
            name.starts_with(self.text.as_bytes())
        } else {
            name == self.text.as_bytes()
        }
    }
}

impl FromStr for CookieNames {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        let (text, wildcard) = match input.strip_suffix('*') {
            Some(text) => (text, true),
            None => (input, false),
        };
        let valid = (wildcard && text.is_empty()) || is_token(text.as_bytes());
        if !valid || text.contains('*') {
            let message = "not a cookie name";
            return Err(Malformed::new("cookie.name", 0..input.len(), message)
                .hint("a name, or the beginning of one and a *"));
        }
        Ok(Self {
            text: text.to_owned(),
            wildcard,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Attributes = Attributes {
        secure: true,
        http_only: true,
        same_site: Some(SameSite::Lax),
    };

    fn harden(attributes: Attributes, input: &str) -> Option<String> {
        Hardening::new(attributes)
            .harden(input.as_bytes())
            .map(|value| String::from_utf8(value).expect("ASCII"))
    }

    #[test]
    fn only_what_is_missing_is_added() {
        for (input, output) in [
            ("a=b", Some("a=b; Secure; HttpOnly; SameSite=Lax")),
            ("a=b;", Some("a=b; Secure; HttpOnly; SameSite=Lax")),
            (
                "a=b; SECURE;httponly",
                Some("a=b; SECURE;httponly; SameSite=Lax"),
            ),
            ("a=b; Secure=no; HttpOnly; SameSite=Strict", None),
            (
                "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; samesite = none",
                Some(
                    "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; samesite = none; Secure; HttpOnly",
                ),
            ),
            (
                "a=b; Secure; HttpOnly; SameSite=Lax; SameSite=foo",
                Some("a=b; Secure; HttpOnly; SameSite=Lax; SameSite=foo; SameSite=Lax"),
            ),
            (
                "a=\"x; y\"",
                Some("a=\"x; y\"; Secure; HttpOnly; SameSite=Lax"),
            ),
        ] {
            assert_eq!(harden(ALL, input).as_deref(), output, "{input}");
        }
    }

    #[test]
    fn unparsable_cookies_are_left_alone() {
        for input in ["", "=", " = ; Path=/", "a=b\0", "a=b\r\nX: y", "; Secure"] {
            assert_eq!(harden(ALL, input), None, "{input:?}");
        }
    }

    #[test]
    fn a_cookie_without_a_name_is_a_cookie() {
        for (input, output) in [
            ("secrettoken", "secrettoken; Secure; HttpOnly; SameSite=Lax"),
            (
                "=__Host-sid=1",
                "=__Host-sid=1; Secure; HttpOnly; SameSite=Lax",
            ),
            (
                " =b; Path=/;",
                " =b; Path=/; Secure; HttpOnly; SameSite=Lax",
            ),
            ("a=", "a=; Secure; HttpOnly; SameSite=Lax"),
        ] {
            assert_eq!(harden(ALL, input).as_deref(), Some(output), "{input:?}");
        }
    }

    #[test]
    fn only_the_exception_of_all_names_is_one_of_no_name() {
        let off = Attributes::default();
        let hardening = Hardening::new(ALL).except("csrf*", off).expect("a name");
        assert!(hardening.harden(b"csrftoken").is_some());
        let hardening = hardening.except("*", off).expect("a name");
        assert_eq!(hardening.harden(b"csrftoken"), None);
    }

    #[test]
    fn same_site_none_brings_secure_along() {
        let none = Attributes {
            same_site: Some(SameSite::None),
            ..Attributes::default()
        };
        let output = harden(none, "a=b");
        assert_eq!(output.as_deref(), Some("a=b; Secure; SameSite=None"));
        assert_eq!(harden(none, "a=b; SameSite=Lax"), None);
    }

    #[test]
    fn plain_http_gets_neither_secure_nor_same_site_none() {
        let none = Attributes {
            same_site: Some(SameSite::None),
            ..ALL
        };
        let hardening = Hardening::new(ALL)
            .except("embedded", none)
            .expect("a name")
            .without_secure();
        for (input, output) in [
            ("a=b", "a=b; HttpOnly; SameSite=Lax"),
            ("embedded=b", "embedded=b; HttpOnly"),
        ] {
            let hardened = hardening.harden(input.as_bytes());
            assert_eq!(hardened.as_deref(), Some(output.as_bytes()), "{input}");
        }
        let base = Hardening::new(none).without_secure();
        assert_eq!(base.harden(b"a=b; HttpOnly"), None);
    }

    #[test]
    fn prefixes_get_what_they_ask_for() {
        let nothing = Attributes::default();
        for (input, output) in [
            ("__Host-a=b; Path=/", Some("__Host-a=b; Path=/; Secure")),
            ("__secure-a=b", Some("__secure-a=b; Secure")),
            ("__Http-a=b; Secure", Some("__Http-a=b; Secure; HttpOnly")),
            (
                "__Host-Http-a=b; Path=/",
                Some("__Host-Http-a=b; Path=/; Secure; HttpOnly"),
            ),
            ("__Hosta=b", None),
        ] {
            assert_eq!(harden(nothing, input).as_deref(), output, "{input}");
        }
    }

    #[test]
    fn the_closest_exception_counts() {
        let off = Attributes::default();
        let lax = Attributes {
            same_site: Some(SameSite::Lax),
            ..off
        };
        let hardening = Hardening::new(ALL)
            .except("a*", off)
            .and_then(|h| h.except("abc", ALL))
            .and_then(|h| h.except("ab*", lax))
            .expect("names");
        assert_eq!(hardening.attributes(b"A"), ALL);
        assert_eq!(hardening.attributes(b"ax"), off);
        assert_eq!(hardening.attributes(b"abd"), lax);
        assert_eq!(hardening.attributes(b"abc"), ALL);
        for names in ["", "a b", "a*b", "**", "a=b"] {
            assert!(Hardening::default().except(names, off).is_err(), "{names}");
        }
    }

    #[test]
    fn high_bytes_pass_unchanged() {
        let output = Hardening::new(ALL).harden(b"a=\xff\xfe; Path=/");
        assert!(output.is_some_and(|value| value.starts_with(b"a=\xff\xfe; Path=/; Secure")));
    }

    proptest! {
        #[test]
        fn a_hardened_cookie_keeps_its_start_and_stays(input in proptest::collection::vec(any::<u8>(), 0..60)) {
            let hardening = Hardening::new(ALL);
            if let Some(value) = hardening.harden(&input) {
                prop_assert_eq!(hardening.harden(&value), None);
                let (before, after) = (SetCookie::parse(&input), SetCookie::parse(&value));
                prop_assert_eq!(before.map(|c| (c.name, c.value)), after.map(|c| (c.name, c.value)));
            }
        }

        #[test]
        fn cookie_like_text_is_hardened_once(input in "[a-zA-Z_=; /-]{0,60}") {
            let hardening = Hardening::new(ALL);
            if let Some(value) = hardening.harden(input.as_bytes()) {
                prop_assert_eq!(hardening.harden(&value), None);
            }
        }
    }
}
