//! Whether a policy lets inline text run or apply, and strings be evaluated (CSP3 section 6.7.3,
//! <https://www.w3.org/TR/CSP3/#matching-elements>).
//!
//! Decided in this order: the directive that governs the kind of text, by its fallbacks (none: allowed);
//! `'unsafe-inline'`, unless a nonce, a hash or (for scripts) `'strict-dynamic'` switches it off; for elements the nonce;
//! the hash, which counts for attributes and `javascript:` URLs with `'unsafe-hashes'` only.
//!
//! ```
//! use mantlet_headers::csp::{Csp, Inline, InlineKind};
//! let csp: Csp = "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='".parse()?;
//! let empty = Inline { kind: InlineKind::Script, text: "", nonce: None };
//! assert!(csp.allows_inline(&empty));
//! assert!(!csp.allows_inline(&Inline { text: "alert(1)", ..empty }));
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

use super::Csp;
use super::directive::{Directive, Value};
use super::keyword::Keyword;
use super::name::DirectiveName;
use super::policy::Policy;
use super::source::{SourceExpression, SourceList};

/// What kind of inline text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InlineKind {
    /// The text of a script element.
    Script,
    /// An event handler.
    ScriptAttribute,
    /// A `javascript:` URL, from its scheme on.
    Navigation,
    /// The text of a style element.
    Style,
    /// A style attribute.
    StyleAttribute,
}

impl InlineKind {
    /// The directive that governs it.
    pub const fn directive(self) -> DirectiveName {
        match self {
            Self::Script | Self::Navigation => DirectiveName::ScriptSrcElem,
            Self::ScriptAttribute => DirectiveName::ScriptSrcAttr,
            Self::Style => DirectiveName::StyleSrcElem,
            Self::StyleAttribute => DirectiveName::StyleSrcAttr,
        }
    }

    const fn is_element(self) -> bool {
        matches!(self, Self::Script | Self::Style)
    }

    const fn is_script(self) -> bool {
        matches!(
            self,
            Self::Script | Self::ScriptAttribute | Self::Navigation
        )
    }
}

/// Inline text that would run or apply.
#[derive(Clone, Copy, Debug)]
pub struct Inline<'a> {
    /// What kind of text.
    pub kind: InlineKind,
    /// The text as in the page; see [`HashSource::of_inline`](super::HashSource::of_inline).
    pub text: &'a str,
    /// The `nonce` attribute of its element.
    pub nonce: Option<&'a str>,
}

impl Csp {
    /// Whether every policy lets it run or apply.
    pub fn allows_inline(&self, inline: &Inline<'_>) -> bool {
        self.policies()
            .iter()
            .all(|policy| policy.allows_inline(inline))
    }

    /// Whether every policy lets strings be run by eval() and its like.
    pub fn allows_eval(&self) -> bool {
        self.policies().iter().all(Policy::allows_eval)
    }

    /// Whether every policy lets WebAssembly be compiled.
    pub fn allows_wasm(&self) -> bool {
        self.policies().iter().all(Policy::allows_wasm)
    }
}

impl Policy {
    /// Whether inline text runs or applies (section 6.7.3.3).
    pub fn allows_inline(&self, inline: &Inline<'_>) -> bool {
        let Some(list) = self.list(inline.kind.directive()) else {
            return true;
        };
        if allows_all_inline(list, inline.kind) {
            return true;
        }
        if inline.kind.is_element() && has_nonce(list, inline.nonce) {
            return true;
        }
        if !inline.kind.is_element() && !list.has(Keyword::UnsafeHashes) {
            return false;
        }
        list.expressions().iter().any(
            |one| matches!(one, SourceExpression::Hash(hash) if hash.matches_inline(inline.text)),
        )
    }

    /// Whether strings are run by eval() and its like (section 4.5.1). Where Trusted Types are required,
    /// `'trusted-types-eval'` allows what comes as a typed value.
    pub fn allows_eval(&self) -> bool {
        self.list(DirectiveName::ScriptSrc).is_none_or(|list| {
            list.has(Keyword::UnsafeEval)
                || (list.has(Keyword::TrustedTypesEval) && self.requires_trusted_types())
        })
    }

    /// Whether WebAssembly is compiled (section 4.6.1).
    pub fn allows_wasm(&self) -> bool {
        self.list(DirectiveName::ScriptSrc)
            .is_none_or(|list| list.has(Keyword::UnsafeEval) || list.has(Keyword::WasmUnsafeEval))
    }

    fn requires_trusted_types(&self) -> bool {
        self.get(DirectiveName::RequireTrustedTypesFor)
            .is_some_and(|directive| *directive.value() == Value::ScriptSinks)
    }

    fn list(&self, name: DirectiveName) -> Option<&SourceList> {
        self.governing(name).and_then(Directive::sources)
    }
}

/// Section 6.7.2.3; an empty nonce matches nothing.
pub(crate) fn has_nonce(list: &SourceList, nonce: Option<&str>) -> bool {
    let Some(nonce) = nonce.filter(|nonce| !nonce.is_empty()) else {
        return false;
    };
    list.expressions()
        .iter()
        .any(|one| matches!(one, SourceExpression::Nonce(own) if own.as_str() == nonce))
}

/// Section 6.7.3.2: `'unsafe-inline'`, unless something stricter switches it off.
fn allows_all_inline(list: &SourceList, kind: InlineKind) -> bool {
    list.has(Keyword::UnsafeInline)
        && !list.has_nonce_or_hash()
        && !(kind.is_script() && list.has(Keyword::StrictDynamic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csp::{Algorithm, HashSource, Nonce};
    use crate::field::Field;

    fn inline(policy: &str, kind: InlineKind, text: &str, nonce: Option<&str>) -> bool {
        let csp = Csp::parse(policy.as_bytes()).value.unwrap();
        csp.allows_inline(&Inline { kind, text, nonce })
    }

    #[test]
    fn unsafe_inline_is_switched_off_by_nonce_hash_and_strict_dynamic() {
        use InlineKind::{Script, Style};
        for (policy, kind, allowed) in [
            ("script-src 'unsafe-inline'", Script, true),
            ("default-src 'unsafe-inline'", Style, true),
            ("default-src 'self'", Script, false),
            ("img-src 'none'", Script, true),
            ("script-src 'unsafe-inline' 'nonce-abc'", Script, false),
            (
                "default-src 'unsafe-inline' 'strict-dynamic'",
                Script,
                false,
            ),
            ("default-src 'unsafe-inline' 'strict-dynamic'", Style, true),
            ("script-src 'unsafe-inline' 'sha256-abc='", Script, false),
        ] {
            assert_eq!(inline(policy, kind, "x", None), allowed, "{policy}");
        }
    }

    #[test]
    fn handlers_need_unsafe_hashes_and_take_no_nonce() {
        use InlineKind::{Navigation, Script, ScriptAttribute};
        let hash = HashSource::of_inline(Algorithm::Sha384, "go()");
        let policy = format!("script-src {hash} 'nonce-abc'");
        assert!(inline(&policy, Script, "go()", None));
        assert!(inline(&policy, Script, "other()", Some("abc")));
        assert!(!inline(&policy, Script, "other()", Some("")));
        assert!(!inline(&policy, ScriptAttribute, "go()", None));
        assert!(!inline(&policy, ScriptAttribute, "other()", Some("abc")));
        let loose = format!("{policy} 'unsafe-hashes'");
        assert!(inline(&loose, ScriptAttribute, "go()", None));
        assert!(inline(&loose, Navigation, "go()", None));
    }

    #[test]
    fn slot_matches_only_when_filled() {
        let csp: Csp = "script-src 'nonce'".parse().unwrap();
        let nonce = Nonce::of_bytes(&[1; 16]);
        let inline = Inline {
            kind: InlineKind::Script,
            text: "",
            nonce: Some(nonce.as_str()),
        };
        assert!(!csp.allows_inline(&inline));
        assert!(csp.with_nonce(&nonce).allows_inline(&inline));
    }

    #[test]
    fn eval_and_wasm_have_their_keywords() {
        for (policy, eval, wasm) in [
            ("img-src 'self'", true, true),
            ("default-src 'self'", false, false),
            ("script-src 'unsafe-eval'", true, true),
            ("script-src 'wasm-unsafe-eval'", false, true),
            ("script-src 'trusted-types-eval'", false, false),
            (
                "script-src 'trusted-types-eval'; require-trusted-types-for 'script'",
                true,
                false,
            ),
        ] {
            let csp = Csp::parse(policy.as_bytes()).value.unwrap();
            assert_eq!(
                (csp.allows_eval(), csp.allows_wasm()),
                (eval, wasm),
                "{policy}"
            );
        }
    }
}
