//! Report-To and NEL: the older reporting fields, which are JSON.
//!
//! ```text
//! Report-To = 1#json-object                          ; group, max_age, endpoints, include_subdomains
//! NEL       = json-object                            ; report_to, max_age, include_subdomains,
//!                                                    ; success_fraction, failure_fraction
//! ```
//!
//! Report-To has given way to Reporting-Endpoints, but Network Error Logging still names its groups. Both need https.
//! <https://www.w3.org/TR/2018/WD-reporting-1-20180925/#header>, <https://www.w3.org/TR/network-error-logging/#nel-response-header>
//!
//! ```
//! use mantlet_headers::{Field, Nel};
//! let (nel, _) = Nel::build(r#"{"report_to": "default", "max_age": 2592000}"#)?;
//! assert_eq!(nel.to_string(), r#"{"report_to":"default","max_age":2592000}"#);
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

mod group;
mod nel;

pub use group::{ReportGroup, ReportTo};
pub use nel::Nel;

use std::fmt;

use serde_json::{Map, Value};

use crate::fault::Fault;
use crate::sf::place;

/// Reads the objects of a list without its brackets.
fn objects(input: &[u8], code: &'static str) -> Result<Vec<Map<String, Value>>, Fault> {
    let mut text = Vec::with_capacity(input.len() + 2);
    text.push(b'[');
    text.extend_from_slice(input);
    text.push(b']');
    let values: Vec<Value> = serde_json::from_slice(&text).map_err(|error| {
        let at = match error.line() {
            1 => error.column().saturating_sub(2).min(input.len()),
            _ => 0,
        };
        let message = "not JSON: a browser ignores the whole field";
        Fault::error(code, at..(at + 1).min(input.len()), message)
    })?;
    let mut objects = Vec::with_capacity(values.len());
    for value in values {
        let Value::Object(object) = value else {
            let message = "not a JSON object: a browser ignores the field";
            return Err(Fault::error(code, 0..input.len(), message));
        };
        objects.push(object);
    }
    Ok(objects)
}

/// The members of one object, each taken once; what is left is unknown.
struct Members<'a> {
    input: &'a [u8],
    object: Map<String, Value>,
    code: &'static str,
    faults: &'a mut Vec<Fault>,
}

impl Members<'_> {
    fn error(&mut self, name: &str, message: String) {
        let span = place(self.input, name);
        self.faults.push(Fault::error(self.code, span, message));
    }

    /// A member that `read` can make sense of; a fault if it is there and is not `what`.
    fn take<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.object.remove(name)?;
        let taken = read(&value);
        if taken.is_none() {
            self.error(name, format!("{name} is no {what}"));
        }
        taken
    }

    fn seconds(&mut self, name: &str) -> Option<u64> {
        self.take(name, "whole number of seconds", Value::as_u64)
    }

    fn finish(self) {
        for name in self.object.keys() {
            let message = format!("{name:?} is an unknown member: a browser ignores it");
            let span = 0..self.input.len();
            self.faults.push(Fault::warning(self.code, span, message));
        }
    }
}

/// Writes JSON in ASCII, as a field value has to be.
fn write_ascii(f: &mut fmt::Formatter<'_>, object: Map<String, Value>) -> fmt::Result {
    for c in Value::Object(object).to_string().chars() {
        if matches!(c, ' '..='~') {
            write!(f, "{c}")?;
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(f, "\\u{unit:04x}")?;
            }
        }
    }
    Ok(())
}
