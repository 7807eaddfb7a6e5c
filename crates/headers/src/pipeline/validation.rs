//! The last step: valid names, valid values, each name once.

use super::{Notice, Rejected, Step};
use crate::octets::is_token;

/// What to do with a field that cannot be mended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Invalid {
    /// Leave it out.
    #[default]
    Drop,
    /// Leave it out, with a notice.
    Warn,
    /// Refuse the list.
    Raise,
}

/// How names and values are checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validation {
    /// What to do with a field whose name is no token, or whose value begins with a space or a tab, or is empty, at
    /// once or when it is mended.
    pub on_invalid: Invalid,
    /// Whether a control character or a character beyond ASCII refuses the list, where otherwise a space takes its
    /// place (one for CR LF).
    pub strict: bool,
    /// Whether U+0080 to U+00FF may be in a value.
    pub obs_text: bool,
}

impl Validation {
    /// Checks every field.
    ///
    /// # Errors
    /// [`Rejected`] for a repeated name; for an invalid field if [`Invalid::Raise`]; for a character that must not be
    /// in a value if `strict`.
    pub fn apply(&self, fields: Vec<(String, String)>) -> Result<Step, Rejected> {
        let mut step = Step::default();
        let bad = |c: char| !self.permits(c);
        for (name, value) in fields {
            let mendable = value.contains(bad);
            let mended = value.replace("\r\n", " ").replace(bad, " ");
            let mended = mended.trim();
            if self.strict && mendable && problem(&name, &value).is_none() {
                let message = "a character that must not be in a value";
                return Err(Rejected::new(message, vec![name]));
            }
            if let Some(problem) = problem(&name, &value).or_else(|| problem(&name, mended)) {
                match self.on_invalid {
                    Invalid::Raise => return Err(Rejected::new(problem, vec![name])),
                    Invalid::Warn => step.notices.push(Notice {
                        message: format!("{problem}: the field is left out"),
                        name,
                    }),
                    Invalid::Drop => {}
                }
                continue;
            }
            let repeated = step
                .fields
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(&name));
            if repeated {
                return Err(Rejected::new("a repeated field", vec![name]));
            }
            if mendable {
                step.notices.push(Notice {
                    name: name.clone(),
                    message: "a character that must not be in a value: a space takes its place"
                        .to_owned(),
                });
            }
            step.fields.push((name, mended.to_owned()));
        }
        Ok(step)
    }

    fn permits(&self, c: char) -> bool {
        matches!(c, '\t' | ' '..='~') || (self.obs_text && matches!(c, '\u{80}'..='\u{ff}'))
    }
}

fn problem(name: &str, value: &str) -> Option<&'static str> {
    if !is_token(name.as_bytes()) {
        return Some("not a field name");
    }
    if value.trim().is_empty() {
        return Some("an empty value");
    }
    if value.starts_with([' ', '\t']) {
        return Some("a value that begins with a space or a tab");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(validation: Validation, name: &str, value: &str) -> Result<Vec<String>, Rejected> {
        validation
            .apply(vec![(name.to_owned(), value.to_owned())])
            .map(|step| step.fields.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn characters_are_mended_unless_strict() {
        let lax = Validation::default();
        let strict = Validation {
            strict: true,
            ..lax
        };
        let latin = Validation {
            obs_text: true,
            ..lax
        };
        for (value, mended) in [
            ("a\r\nb", "a b"),
            ("a\n\rb", "a  b"),
            ("a ", "a"),
            ("a\0b", "a b"),
            ("a\u{e4}b", "a b"),
            ("a\u{100}", "a"),
        ] {
            assert_eq!(
                apply(lax, "A", value),
                Ok(vec![mended.to_owned()]),
                "{value:?}"
            );
            if value != "a " {
                assert!(apply(strict, "A", value).is_err(), "{value:?}");
            }
        }
        assert_eq!(
            apply(latin, "A", "a\u{e4}b"),
            Ok(vec!["a\u{e4}b".to_owned()])
        );
        assert_eq!(apply(strict, "A", "a\tb"), Ok(vec!["a\tb".to_owned()]));
    }

    #[test]
    fn invalid_fields_are_left_out_or_refused() {
        for (name, value) in [
            ("A B", "x"),
            ("", "x"),
            ("A", ""),
            ("A", " x"),
            ("A", "\tx"),
            ("A", "\u{e4}"),
            ("A", "\0\0"),
        ] {
            assert_eq!(
                apply(Validation::default(), name, value),
                Ok(vec![]),
                "{name:?}"
            );
            let raise = Validation {
                on_invalid: Invalid::Raise,
                ..Validation::default()
            };
            assert!(apply(raise, name, value).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_repeated_name_is_always_refused() {
        let list = vec![
            ("A".to_owned(), "1".to_owned()),
            ("a".to_owned(), "2".to_owned()),
        ];
        let rejected = Validation::default()
            .apply(list)
            .expect_err("it is repeated");
        assert_eq!(rejected.names, ["a"]);
    }
}
