//! Strict-Transport-Security (RFC 6797): browsers come back by https only.
//!
//! ```text
//! Strict-Transport-Security = [ directive ] *( ";" [ directive ] )
//! directive                 = token [ "=" ( token / quoted-string ) ]
//! ```
//!
//! `max-age` is required; names are case-insensitive; a repeated directive voids the field (section 6.1).
//! `preload` is of no RFC: <https://hstspreload.org> asks for `includeSubDomains` and at least one year with it.
//!
//! ```
//! use mantlet_headers::Hsts;
//! let hsts: Hsts = "max-age=31536000; includeSubDomains".parse()?;
//! assert_eq!(hsts.max_age(), 31_536_000);
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

use std::collections::HashSet;
use std::fmt;

use crate::fault::{Fault, Parsed, Refused};
use crate::field::{Field, from_str_by_build};

/// One year in seconds: the least `max-age` that the preload list accepts.
pub const PRELOAD_MIN_AGE: u64 = 31_536_000;

/// A Strict-Transport-Security value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hsts {
    max_age: u64,
    include_subdomains: bool,
    preload: bool,
}

impl Hsts {
    /// `max-age` in seconds, for this host only. Zero makes a browser forget the host.
    pub const fn new(max_age: u64) -> Self {
        Self {
            max_age,
            include_subdomains: false,
            preload: false,
        }
    }

    /// Covers all subdomains too.
    #[must_use]
    pub const fn include_subdomains(mut self) -> Self {
        self.include_subdomains = true;
        self
    }

    /// Consents to the browsers' preload list.
    ///
    /// # Errors
    /// [`Refused`] without `includeSubDomains`, or with a `max-age` below [`PRELOAD_MIN_AGE`].
    pub fn preload(mut self) -> Result<Self, Refused> {
        self.preload = true;
        match self.preload_fault(0..0) {
            Some(fault) => Err(fault.into()),
            None => Ok(self),
        }
    }

    /// How long a browser remembers, in seconds.
    pub const fn max_age(&self) -> u64 {
        self.max_age
    }

    /// Whether subdomains are covered.
    pub const fn covers_subdomains(&self) -> bool {
        self.include_subdomains
    }

    /// Whether the host consents to be preloaded.
    pub const fn is_preload(&self) -> bool {
        self.preload
    }

    fn preload_fault(&self, span: std::ops::Range<usize>) -> Option<Fault> {
        if !self.preload {
            return None;
        }
        if !self.include_subdomains {
            let message = "preload without includeSubDomains: the preload list refuses the host";
            return Some(
                Fault::error("hsts.preload-subdomains", span, message)
                    .hint("add includeSubDomains"),
            );
        }
        if self.max_age < PRELOAD_MIN_AGE {
            let message = format!(
                "preload with max-age={}: the preload list asks for at least a year",
                self.max_age
            );
            return Some(
                Fault::error("hsts.preload-max-age", span, message)
                    .hint("max-age=31536000 or more"),
            );
        }
        None
    }
}

impl Field for Hsts {
    const NAME: &'static str = "Strict-Transport-Security";
    const SPEC: &'static str = "https://www.rfc-editor.org/rfc/rfc6797#section-6.1";
    const SUMMARY: &'static str =
        "For max-age seconds, a browser comes back to this host by https only.";
    const EXAMPLES: &'static [&'static str] = &[
        "max-age=31536000; includeSubDomains",
        "max-age=63072000; includeSubDomains; preload",
        "max-age=0",
    ];
    const REASON: &'static str = "A year outlives any visit gap; includeSubDomains stops a forged subdomain from setting cookies. preload is left \
         to the owner of the domain: it is hard to undo.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let mut faults = Vec::new();
        let mut max_age: Option<u64> = None;
        let mut value = Self::new(0);
        let mut seen: HashSet<String> = HashSet::new();
        let mut void = false;
        let mut preload_span = 0..0;
        let mut start = 0;
        for part in input.split(|&b| b == b';') {
            let lead = part.len() - part.trim_ascii_start().len();
            let text = part.trim_ascii();
            let span = start + lead..start + lead + text.len();
            start += part.len() + 1;
            if text.is_empty() {
                continue;
            }
            let (name, argument) = match text.iter().position(|&b| b == b'=') {
                Some(at) => (text[..at].trim_ascii(), Some(text[at + 1..].trim_ascii())),
                None => (text, None),
            };
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            if seen.contains(&name) {
                void = true;
                let message = format!("{name} is given twice: a browser ignores the whole field");
                faults.push(Fault::error("hsts.repeated", span.clone(), message));
            }
            match (name.as_str(), argument) {
                ("max-age", Some(argument)) => match seconds(argument) {
                    Some(age) => max_age = Some(age),
                    None => {
                        void = true;
                        let message = "max-age is no whole number of seconds: a browser ignores the whole field";
                        faults.push(
                            Fault::error("hsts.max-age", span, message).hint("max-age=31536000"),
                        );
                    }
                },
                ("max-age", None) => {}
                ("includesubdomains" | "preload", Some(_)) => {
                    let message = format!("{name} takes no value: a browser ignores the directive");
                    faults.push(Fault::error("hsts.argument", span, message));
                }
                ("includesubdomains", None) => value.include_subdomains = true,
                ("preload", None) => {
                    value.preload = true;
                    preload_span = span;
                }
                _ => {
                    let message = format!(
                        "{name:?} is no directive of Strict-Transport-Security: a browser ignores it"
                    );
                    let hint = "max-age, includeSubDomains or preload";
                    faults.push(Fault::error("hsts.unknown-directive", span, message).hint(hint));
                }
            }
            seen.insert(name);
        }
        let Some(max_age) = max_age.filter(|_| !void) else {
            if !void {
                let message = "max-age is missing: a browser ignores the whole field";
                faults.push(
                    Fault::error("hsts.max-age-missing", 0..input.len(), message)
                        .hint("max-age=31536000"),
                );
            }
            return Parsed {
                value: None,
                faults,
            };
        };
        value.max_age = max_age;
        faults.extend(value.preload_fault(preload_span));
        Parsed {
            value: Some(value),
            faults,
        }
    }
}

from_str_by_build!(Hsts);

impl fmt::Display for Hsts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "max-age={}", self.max_age)?;
        if self.include_subdomains {
            f.write_str("; includeSubDomains")?;
        }
        if self.preload {
            f.write_str("; preload")?;
        }
        Ok(())
    }
}

/// Digits, bare or as a quoted-string; more than `u64` holds counts as its end, as a browser clamps.
fn seconds(argument: &[u8]) -> Option<u64> {
    let digits = match argument {
        [b'"', inner @ .., b'"'] => inner,
        _ => argument,
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0u64, |sum, &d| {
        sum.saturating_mul(10).saturating_add(u64::from(d - b'0'))
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_case_insensitive_and_values_may_be_quoted() {
        let parsed = Hsts::parse(br#"MAX-AGE="31536000" ;; includesubdomains"#);
        assert_eq!(
            parsed,
            Parsed::clean(Hsts::new(31_536_000).include_subdomains())
        );
    }

    #[test]
    fn repeated_directive_voids_the_field() {
        let parsed = Hsts::parse(b"max-age=1; max-age=2");
        assert_eq!(parsed.value, None);
        assert_eq!(
            (parsed.faults[0].code, parsed.faults[0].span.clone()),
            ("hsts.repeated", 11..20)
        );
    }

    #[test]
    fn a_repeated_directive_that_is_not_known_voids_it_too() {
        let parsed = Hsts::parse(b"max-age=1; new; NEW=1");
        assert_eq!(parsed.value, None);
        let codes: Vec<_> = parsed.faults.iter().map(|fault| fault.code).collect();
        let unknown = "hsts.unknown-directive";
        assert_eq!(codes, [unknown, "hsts.repeated", unknown]);
    }

    #[test]
    fn a_field_of_many_directives_is_read_in_one_pass() {
        // each looked for among all before it, this does not end in minutes
        let names: String = (0..300_000).map(|n| format!("{n:06};")).collect();
        let parsed = Hsts::parse(format!("{names}max-age=1").as_bytes());
        assert_eq!(parsed.value, Some(Hsts::new(1)));
        assert_eq!(parsed.faults.len(), 300_000);
    }

    #[test]
    fn preload_needs_a_year_and_subdomains() {
        assert!("max-age=31536000; preload".parse::<Hsts>().is_err());
        assert!(
            "max-age=31535999; includeSubDomains; preload"
                .parse::<Hsts>()
                .is_err()
        );
        assert!(
            "max-age=31536000; includeSubDomains; preload"
                .parse::<Hsts>()
                .is_ok()
        );
        assert!(Hsts::new(1).include_subdomains().preload().is_err());
    }

    #[test]
    fn missing_or_broken_max_age_is_no_value() {
        for input in [
            "",
            "includeSubDomains",
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.5",
            "max-age=\"\"",
        ] {
            let parsed = Hsts::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
            assert!(parsed.faults[0].is_error(), "{input}");
        }
    }

    proptest! {
        #[test]
        fn printed_values_parse_to_themselves(age: u64, subdomains: bool, preload: bool) {
            let value = Hsts { max_age: age, include_subdomains: subdomains, preload };
            prop_assert_eq!(Hsts::parse(value.to_string().as_bytes()).value, Some(value));
        }

        #[test]
        fn print_after_parse_is_idempotent(input in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(value) = Hsts::parse(&input).value {
                prop_assert_eq!(Hsts::parse(value.to_string().as_bytes()).value, Some(value));
            }
        }
    }
}
