//! A list of fields made fit to send: allowed names only, each once, with valid names and values.
//!
//! Three steps, in this order, each on its own: [`Allowlist`], [`deduplicate`], [`Validation`]. What a step leaves out
//! or mends it tells as [`Notice`]s; nothing is logged here. Names compare in any case
//! (<https://www.rfc-editor.org/rfc/rfc9110#section-5.1>) and keep their spelling.
//!
//! ```
//! use mantlet_headers::pipeline::{Allowlist, Duplicates, Unexpected, Validation, deduplicate};
//! let fields = vec![
//!     ("X-Frame-Options".to_owned(), "DENY".to_owned()),
//!     ("X-Frame-Options".to_owned(), "SAMEORIGIN".to_owned()),
//!     ("X-Team".to_owned(), "payments".to_owned()),
//! ];
//! let step = Allowlist::default().apply(fields, Unexpected::Drop)?;
//! let step = deduplicate(step.fields, Duplicates::Last, &["cache-control"], &[])?;
//! let step = Validation::default().apply(step.fields)?;
//! assert_eq!(step.fields, [("X-Frame-Options".to_owned(), "SAMEORIGIN".to_owned())]);
//! # Ok::<(), mantlet_headers::pipeline::Rejected>(())
//! ```

mod validation;

use std::fmt;

pub use validation::{Invalid, Validation};

/// The names allowed unless told otherwise, in lower case.
pub const DEFAULT_ALLOWED_HEADERS: [&str; 17] = [
    "cache-control",
    "content-security-policy",
    "content-security-policy-report-only",
    "cross-origin-embedder-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "origin-agent-cluster",
    "permissions-policy",
    "referrer-policy",
    "server",
    "strict-transport-security",
    "x-content-type-options",
    "x-dns-prefetch-control",
    "x-download-options",
    "x-frame-options",
    "x-permitted-cross-domain-policies",
    "x-xss-protection",
];

/// Names that may come several times: every Content-Security-Policy is enforced.
pub const MULTI_OK: [&str; 1] = ["content-security-policy"];

/// Names whose values may be joined with a comma.
pub const COMMA_JOIN_OK: [&str; 1] = ["cache-control"];

/// What a step leaves, and what it has to tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The fields, in order.
    pub fields: Vec<(String, String)>,
    /// What was left out, mended or let through against the rule.
    pub notices: Vec<Notice>,
}

/// One field that a step found fault with, and went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The name, as written.
    pub name: String,
    /// One sentence: what was wrong and what was done.
    pub message: String,
}

/// A list that a step refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The names at fault, as written: sorted by the allowlist, in order of appearance otherwise.
    pub names: Vec<String>,
    /// One sentence: what is wrong with them.
    pub message: String,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.message, self.names.join(", "))
    }
}

impl std::error::Error for Rejected {}

impl Rejected {
    fn new(message: impl Into<String>, names: Vec<String>) -> Self {
        Self {
            names,
            message: message.into(),
        }
    }
}

fn is_among<S: AsRef<str>>(name: &str, names: &[S]) -> bool {
    names
        .iter()
        .any(|other| other.as_ref().eq_ignore_ascii_case(name))
}

/// What to do with a name that is not allowed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unexpected {
    /// Refuse the list.
    #[default]
    Raise,
    /// Leave the field out, with a notice.
    Drop,
    /// Let the field through, with a notice.
    Warn,
}

/// The names that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowlist {
    /// Names in any case.
    pub allowed: Vec<String>,
    /// Whether every name that begins with `X-` is allowed too.
    pub x_prefixed: bool,
}

impl Default for Allowlist {
    /// [`DEFAULT_ALLOWED_HEADERS`], no other `X-` field.
    fn default() -> Self {
        Self {
            allowed: DEFAULT_ALLOWED_HEADERS.map(str::to_owned).into(),
            x_prefixed: false,
        }
    }
}

impl Allowlist {
    fn allows(&self, name: &str) -> bool {
        let x_prefixed = || {
            name.get(..2)
                .is_some_and(|start| start.eq_ignore_ascii_case("x-"))
        };
        is_among(name, &self.allowed) || (self.x_prefixed && x_prefixed())
    }

    /// Checks every name.
    ///
    /// # Errors
    /// [`Rejected`] with every name that is not allowed, for [`Unexpected::Raise`].
    pub fn apply(
        &self,
        fields: Vec<(String, String)>,
        unexpected: Unexpected,
    ) -> Result<Step, Rejected> {
        if unexpected == Unexpected::Raise {
            let mut names: Vec<String> = fields
                .iter()
                .filter(|(name, _)| !self.allows(name))
                .map(|(name, _)| name.clone())
                .collect();
            names.sort();
            names.dedup();
            if !names.is_empty() {
                return Err(Rejected::new("fields that are not allowed", names));
            }
        }
        let mut step = Step::default();
        for (name, value) in fields {
            let allowed = self.allows(&name);
            if !allowed {
                let done = match unexpected {
                    Unexpected::Warn => "the field is not allowed, and sent all the same",
                    _ => "the field is not allowed, and left out",
                };
                step.notices.push(Notice {
                    name: name.clone(),
                    message: done.to_owned(),
                });
            }
            if allowed || unexpected == Unexpected::Warn {
                step.fields.push((name, value));
            }
        }
        Ok(step)
    }
}

/// What to do with a name that comes again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Duplicates {
    /// Refuse the list.
    #[default]
    Raise,
    /// The first value counts.
    First,
    /// The last value counts, in the place of the first.
    Last,
    /// The values are joined with a comma, where that is allowed; elsewhere the list is refused.
    Concat,
}

/// Leaves each name once, in the place where it comes first; those of `multi_ok` keep every value, next to each other.
///
/// # Errors
/// [`Rejected`] with every repeated name that must not be: any for [`Duplicates::Raise`], one that is not of
/// `comma_join_ok` for [`Duplicates::Concat`].
pub fn deduplicate<S: AsRef<str>>(
    fields: Vec<(String, String)>,
    duplicates: Duplicates,
    comma_join_ok: &[S],
    multi_ok: &[S],
) -> Result<Step, Rejected> {
    let mut step = Step::default();
    let mut refused: Vec<String> = Vec::new();
    for (name, value) in fields {
        let same = |(other, _): &(String, String)| other.eq_ignore_ascii_case(&name);
        if is_among(&name, multi_ok) {
            let last = step.fields.iter().rposition(same);
            let place = last.map_or(step.fields.len(), |last| last + 1);
            step.fields.insert(place, (name, value));
            continue;
        }
        let Some(first) = step.fields.iter().position(same) else {
            step.fields.push((name, value));
            continue;
        };
        let (first_name, first_value) = &mut step.fields[first];
        let done = match duplicates {
            Duplicates::First => "the field is repeated: the first value is kept",
            Duplicates::Last => {
                (*first_name, *first_value) = (name.clone(), value);
                "the field is repeated: the last value is kept"
            }
            Duplicates::Concat if is_among(&name, comma_join_ok) => {
                first_value.push_str(", ");
                first_value.push_str(&value);
                "the field is repeated: the values are joined"
            }
            Duplicates::Raise | Duplicates::Concat => {
                if !is_among(&name, &refused) {
                    refused.push(name);
                }
                continue;
            }
        };
        step.notices.push(Notice {
            name,
            message: done.to_owned(),
        });
    }
    if refused.is_empty() {
        Ok(step)
    } else {
        let message = match duplicates {
            Duplicates::Concat => "repeated fields whose values cannot be joined",
            _ => "repeated fields",
        };
        Err(Rejected::new(message, refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn offenders_are_named_sorted_and_once() {
        let list = fields(&[("Z", "1"), ("A", "1"), ("Z", "2"), ("SERVER", "x")]);
        let rejected = Allowlist::default()
            .apply(list.clone(), Unexpected::Raise)
            .expect_err("A and Z are not allowed");
        assert_eq!(rejected.names, ["A", "Z"]);
        let dropped = Allowlist::default().apply(list.clone(), Unexpected::Drop);
        let dropped = dropped.expect("the rest is left");
        assert_eq!((dropped.fields.len(), dropped.notices.len()), (1, 3));
        let warned = Allowlist::default().apply(list.clone(), Unexpected::Warn);
        let warned = warned.expect("all are let through");
        assert_eq!((warned.fields, warned.notices.len()), (list, 3));
    }

    #[test]
    fn x_prefixed_names_are_allowed_on_demand() {
        let list = fields(&[("x-team", "a")]);
        assert!(
            Allowlist::default()
                .apply(list.clone(), Unexpected::Raise)
                .is_err()
        );
        let wide = Allowlist {
            x_prefixed: true,
            ..Allowlist::default()
        };
        assert!(wide.apply(list, Unexpected::Raise).is_ok());
    }

    #[test]
    fn repeated_names_keep_the_first_place() {
        let list = fields(&[("A", "1"), ("B", "1"), ("a", "2")]);
        let apply =
            |duplicates| deduplicate(list.clone(), duplicates, &["a"], &[]).map(|step| step.fields);
        assert_eq!(
            apply(Duplicates::First),
            Ok(fields(&[("A", "1"), ("B", "1")]))
        );
        assert_eq!(
            apply(Duplicates::Last),
            Ok(fields(&[("a", "2"), ("B", "1")]))
        );
        assert_eq!(
            apply(Duplicates::Concat),
            Ok(fields(&[("A", "1, 2"), ("B", "1")]))
        );
        assert!(apply(Duplicates::Raise).is_err());
    }

    #[test]
    fn only_what_may_be_joined_or_repeated_is() {
        let list = fields(&[
            ("Content-Security-Policy", "a"),
            ("Content-Security-Policy", "b"),
            ("Cache-Control", "a"),
            ("Cache-Control", "b"),
        ]);
        let step = deduplicate(list.clone(), Duplicates::Concat, &COMMA_JOIN_OK, &MULTI_OK);
        let step = step.expect("joined");
        assert_eq!(step.fields.len(), 3);
        assert_eq!(step.fields[2].1, "a, b");
        let rejected = deduplicate(list, Duplicates::Concat, &[] as &[&str], &MULTI_OK)
            .expect_err("Cache-Control may not be joined");
        assert_eq!(rejected.names, ["Cache-Control"]);
    }

    #[test]
    fn values_of_a_name_that_may_repeat_come_next_to_each_other() {
        let list = fields(&[("A", "1"), ("B", "1"), ("a", "2"), ("B", "2")]);
        let step = deduplicate(list, Duplicates::First, &[], &["a"]).expect("A may repeat");
        assert_eq!(step.fields, fields(&[("A", "1"), ("a", "2"), ("B", "1")]));
    }

    #[test]
    fn the_default_names_are_sorted_and_lower_case() {
        assert!(DEFAULT_ALLOWED_HEADERS.is_sorted());
        for name in DEFAULT_ALLOWED_HEADERS {
            assert_eq!(name, name.to_ascii_lowercase());
        }
    }
}
