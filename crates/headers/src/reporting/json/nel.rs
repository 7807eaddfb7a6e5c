//! NEL: Network Error Logging.

use std::fmt;

use serde_json::{Map, Value};

use super::{Members, objects, write_ascii};
use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::malformed::Malformed;

/// A NEL value.
#[derive(Clone, Debug, PartialEq)]
pub struct Nel {
    report_to: Option<String>,
    max_age: u64,
    include_subdomains: bool,
    success_fraction: Option<f64>,
    failure_fraction: Option<f64>,
}

impl Nel {
    /// Reports network errors to a group of Report-To; a browser remembers it for `max_age` seconds.
    pub fn new(group: impl Into<String>, max_age: u64) -> Self {
        Self {
            report_to: Some(group.into()),
            max_age,
            ..Self::forget()
        }
    }

    /// Makes a browser forget what it was told before.
    pub const fn forget() -> Self {
        Self {
            report_to: None,
            max_age: 0,
            include_subdomains: false,
            success_fraction: None,
            failure_fraction: None,
        }
    }

    /// Subdomains report DNS errors too.
    #[must_use]
    pub const fn include_subdomains(mut self) -> Self {
        self.include_subdomains = true;
        self
    }

    /// The part of successful requests to report, from 0 to 1.
    ///
    /// # Errors
    /// [`Malformed`] for any other number.
    pub fn success_fraction(mut self, fraction: f64) -> Result<Self, Malformed> {
        self.success_fraction = Some(checked(fraction)?);
        Ok(self)
    }

    /// The part of failed requests to report, from 0 to 1.
    ///
    /// # Errors
    /// [`Malformed`] for any other number.
    pub fn failure_fraction(mut self, fraction: f64) -> Result<Self, Malformed> {
        self.failure_fraction = Some(checked(fraction)?);
        Ok(self)
    }

    /// The group of Report-To.
    pub fn group(&self) -> Option<&str> {
        self.report_to.as_deref()
    }

    /// How long a browser remembers, in seconds; zero makes it forget.
    pub const fn max_age(&self) -> u64 {
        self.max_age
    }
}

fn checked(fraction: f64) -> Result<f64, Malformed> {
    if (0.0..=1.0).contains(&fraction) {
        // no negative zero: it would print a sign
        return Ok(fraction.abs());
    }
    Err(Malformed::new(
        "nel.fraction",
        0..0,
        "a fraction is from 0 to 1",
    ))
}

impl Field for Nel {
    const NAME: &'static str = "NEL";
    const SPEC: &'static str = "https://www.w3.org/TR/network-error-logging/#nel-response-header";
    const SUMMARY: &'static str = "A browser reports requests to this host that failed below HTTP.";
    const EXAMPLES: &'static [&'static str] = &[
        r#"{"report_to":"default","max_age":2592000}"#,
        r#"{"report_to":"default","max_age":2592000,"include_subdomains":true,"failure_fraction":0.1}"#,
        r#"{"max_age":0}"#,
    ];
    const REASON: &'static str = "The server never sees a DNS or TLS failure; thirty days cover an outage. Only Chromium reads it.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let mut objects = match objects(input, "nel.json") {
            Ok(objects) => objects.into_iter(),
            Err(fault) => return Parsed::ignored(fault.hint(Self::EXAMPLES[0])),
        };
        let Some(object) = objects.next() else {
            let message = "the value is empty: a browser ignores the field";
            let fault = Fault::error("nel.json", 0..input.len(), message);
            return Parsed::ignored(fault.hint(Self::EXAMPLES[0]));
        };
        let mut faults = Vec::new();
        if objects.next().is_some() {
            let message = "a browser reads the first object only";
            faults.push(Fault::warning("nel.extra", 0..input.len(), message));
        }
        let value = read(object, input, &mut faults);
        Parsed { value, faults }
    }
}

fn read(object: Map<String, Value>, input: &[u8], faults: &mut Vec<Fault>) -> Option<Nel> {
    let mut members = Members {
        input,
        object,
        code: "nel.member",
        faults,
    };
    let report_to = members.take("report_to", "string", |value| {
        value.as_str().map(str::to_owned)
    });
    let max_age = members.seconds("max_age");
    let include_subdomains = members
        .take("include_subdomains", "boolean", Value::as_bool)
        .unwrap_or_default();
    let fraction = |value: &Value| value.as_f64().and_then(|number| checked(number).ok());
    let success_fraction = members.take("success_fraction", "number from 0 to 1", fraction);
    let failure_fraction = members.take("failure_fraction", "number from 0 to 1", fraction);
    if max_age.is_none() {
        members.error(
            "max_age",
            "max_age is missing: a browser ignores the field".into(),
        );
    }
    if report_to.is_none() && max_age != Some(0) {
        members.error(
            "report_to",
            "report_to is missing: a browser ignores the field".into(),
        );
    }
    members.finish();
    let max_age = max_age?;
    if report_to.is_none() && max_age != 0 {
        return None;
    }
    Some(Nel {
        report_to,
        max_age,
        include_subdomains,
        success_fraction,
        failure_fraction,
    })
}

from_str_by_build!(Nel);

impl fmt::Display for Nel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut object = Map::new();
        if let Some(group) = &self.report_to {
            object.insert("report_to".into(), group.clone().into());
        }
        object.insert("max_age".into(), self.max_age.into());
        if self.include_subdomains {
            object.insert("include_subdomains".into(), true.into());
        }
        if let Some(fraction) = self.success_fraction {
            object.insert("success_fraction".into(), fraction.into());
        }
        if let Some(fraction) = self.failure_fraction {
            object.insert("failure_fraction".into(), fraction.into());
        }
        write_ascii(f, object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        Nel,
        "\\{(\"report_to\":\"[a-z]{0,2}\",)?\"max_age\":[0-9]{1,3}(,\"(success|failure)_fraction\":-?[0-9.e-]{1,5})?\\}"
    );

    #[test]
    fn broken_values_are_ignored() {
        for input in [
            "",
            "default",
            "{}",
            r#"{"max_age": 1}"#,
            r#"{"report_to": "default"}"#,
            r#"{"report_to": "default", "max_age": 1.5}"#,
            r#"{"report_to": 1, "max_age": 1}"#,
        ] {
            assert_eq!(Nel::parse(input.as_bytes()).value, None, "{input}");
        }
        let odd = r#"{"report_to": "d", "max_age": 1, "failure_fraction": 2, "x": 1}"#;
        let parsed = Nel::parse(odd.as_bytes());
        assert_eq!(parsed.faults.len(), 2);
        assert!(Nel::build(odd).is_err());
    }

    #[test]
    fn fractions_are_from_zero_to_one() {
        let nel = Nel::new("default", 60)
            .failure_fraction(0.25)
            .expect("a fraction");
        assert_eq!(
            nel.to_string(),
            r#"{"report_to":"default","max_age":60,"failure_fraction":0.25}"#
        );
        for fraction in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Nel::forget().success_fraction(fraction).is_err());
        }
    }
}
