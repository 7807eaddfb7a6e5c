//! The values of the Trusted Types directives (<https://www.w3.org/TR/trusted-types/#integration-with-content-security-policy>).
//!
//! ```text
//! trusted-types-value = *( tt-policy-name / "*" / "'allow-duplicates'" ) / "'none'"
//! tt-policy-name      = 1*( ALPHA / DIGIT / "-" / "#" / "=" / "_" / "/" / "@" / "." / "%" )
//! ```

use std::fmt;

use super::directive::{Findings, Unique};
use super::token::Token;
use crate::fault::Fault;

/// One word of `trusted-types`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TrustedTypesExpression {
    /// `*`: a policy of any name.
    Any,
    /// `'allow-duplicates'`: a name may be used again.
    AllowDuplicates,
    /// A policy of this name.
    Name(PolicyName),
}

/// The name of a Trusted Types policy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PolicyName(String);

impl PolicyName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn read(text: &str) -> Option<Self> {
        let valid = !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-#=_/@.%".contains(&b));
        valid.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for TrustedTypesExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "*",
            Self::AllowDuplicates => "'allow-duplicates'",
            Self::Name(name) => name.as_str(),
        })
    }
}

pub(crate) fn read(tokens: &[Token<'_>], findings: &mut Findings) -> Vec<TrustedTypesExpression> {
    let mut expressions = Unique::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is("'none'") {
            if tokens.len() > 1 {
                findings.at(index, none_with_others(token));
            }
            continue;
        }
        let expression = if token.text == "*" {
            TrustedTypesExpression::Any
        } else if token.is("'allow-duplicates'") {
            TrustedTypesExpression::AllowDuplicates
        } else if token.is("none") || token.is("allow-duplicates") {
            findings.at(index, unquoted(token));
            continue;
        } else if let Some(name) = PolicyName::read(token.text) {
            TrustedTypesExpression::Name(name)
        } else {
            let message = format!("{:?} is no policy name: a browser ignores it", token.text);
            findings.at(index, token.error("csp.bad-policy-name", message));
            continue;
        };
        expressions.push(expression, index, token, findings);
    }
    expressions.into_vec()
}

/// `'none'` beside something else.
pub(crate) fn none_with_others(token: &Token<'_>) -> Fault {
    let message = "'none' beside other values: a browser ignores 'none'";
    token
        .error("csp.none-with-others", message)
        .hint("leave 'none' out, or write it alone")
}

/// A keyword without its quotes.
pub(crate) fn unquoted(token: &Token<'_>) -> Fault {
    let bare = token.text.trim_matches(['\'', '"', '`']);
    let message = format!(
        "{} without single quotes is a name to a browser, not the keyword",
        token.text
    );
    let known = super::keyword::keyword_spelling(bare);
    token
        .error("csp.unquoted-keyword", message)
        .hint(known.unwrap_or_else(|| format!("'{bare}'")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csp::token::Mode;

    fn run(words: &[&str]) -> (String, Vec<&'static str>) {
        let tokens: Vec<_> = words.iter().map(|word| Token::alone(word)).collect();
        let mut findings = Findings::new(Mode::Read);
        let value = read(&tokens, &mut findings);
        let printed: Vec<_> = value.iter().map(ToString::to_string).collect();
        let codes = findings
            .found
            .iter()
            .map(|found| found.fault.code)
            .collect();
        (printed.join(" "), codes)
    }

    #[test]
    fn names_are_case_sensitive_and_keywords_are_not() {
        assert_eq!(
            run(&["a", "A", "*", "'Allow-Duplicates'"]).0,
            "a A * 'allow-duplicates'"
        );
    }

    #[test]
    fn none_stands_alone() {
        assert_eq!(run(&["'none'"]), (String::new(), vec![]));
        assert_eq!(
            run(&["'none'", "a"]),
            ("a".to_owned(), vec!["csp.none-with-others"])
        );
        assert_eq!(run(&["none"]).1, ["csp.unquoted-keyword"]);
        assert_eq!(run(&["a!"]).1, ["csp.bad-policy-name"]);
    }
}
