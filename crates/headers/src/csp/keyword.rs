//! Keyword-sources (CSP3 section 2.3.1, <https://www.w3.org/TR/CSP3/#grammardef-keyword-source>): what each does, and where.

use super::hash::Algorithm;
use super::name::DirectiveName;
use super::words::words;

words! {
    /// The keyword-sources; `'none'` is none of them, it is the empty list.
    Keyword {
        SelfOrigin = "'self'", "The origin of the page, also by an upgraded scheme.";
        UnsafeInline = "'unsafe-inline'", "Every inline script or style; ignored beside a nonce or a hash.";
        UnsafeEval = "'unsafe-eval'", "eval() and its like, WebAssembly too.";
        WasmUnsafeEval = "'wasm-unsafe-eval'", "WebAssembly, without eval().";
        TrustedTypesEval = "'trusted-types-eval'", "eval() of Trusted Types values only.";
        StrictDynamic = "'strict-dynamic'", "Scripts that an allowed script loads; hosts and 'self' are ignored.";
        UnsafeHashes = "'unsafe-hashes'", "Hashes count for handlers, style attributes and javascript: URLs too.";
        ReportSample = "'report-sample'", "Reports carry the first 40 characters of what they are about.";
        ReportSha256 = "'report-sha256'", "Reports carry the SHA-256 hash of each script.";
        ReportSha384 = "'report-sha384'", "Reports carry the SHA-384 hash of each script.";
        ReportSha512 = "'report-sha512'", "Reports carry the SHA-512 hash of each script.";
        InlineSpeculationRules = "'inline-speculation-rules'", "Inline speculation rules (Chromium only).";
        UnsafeWebtransportHashes = "'unsafe-webtransport-hashes'",
            "WebTransport to servers known by certificate hash (experimental).";
    }
}

impl Keyword {
    /// Whether it has an effect in that directive.
    pub const fn works_in(self, name: DirectiveName) -> bool {
        use DirectiveName as N;
        match self {
            Self::SelfOrigin => true,
            Self::UnsafeInline | Self::UnsafeHashes | Self::ReportSample => {
                name.governs_scripts() || name.governs_styles()
            }
            Self::StrictDynamic => name.governs_scripts(),
            Self::UnsafeEval => matches!(name, N::DefaultSrc | N::ScriptSrc | N::StyleSrc),
            Self::WasmUnsafeEval | Self::TrustedTypesEval => {
                matches!(name, N::DefaultSrc | N::ScriptSrc)
            }
            Self::ReportSha256
            | Self::ReportSha384
            | Self::ReportSha512
            | Self::InlineSpeculationRules => {
                matches!(name, N::DefaultSrc | N::ScriptSrc | N::ScriptSrcElem)
            }
            Self::UnsafeWebtransportHashes => matches!(name, N::DefaultSrc | N::ConnectSrc),
        }
    }

    /// Whether it makes the hash of each script be reported.
    pub const fn reports_hashes(self) -> bool {
        matches!(
            self,
            Self::ReportSha256 | Self::ReportSha384 | Self::ReportSha512
        )
    }
}

/// The quoted spelling of a bare word that is a keyword, a nonce or a hash without its quotes.
pub(crate) fn keyword_spelling(bare: &str) -> Option<String> {
    let quoted = format!("'{bare}'");
    if let Some(keyword) = Keyword::from_word(&quoted) {
        return Some(keyword.as_str().to_owned());
    }
    let lower = bare.to_ascii_lowercase();
    if matches!(lower.as_str(), "none" | "nonce" | "allow-duplicates") {
        return Some(format!("'{lower}'"));
    }
    let prefixed = |prefix: &str| {
        lower
            .strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with('-'))
    };
    (prefixed("nonce") || Algorithm::ALL.iter().any(|one| prefixed(one.as_str()))).then_some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_works_somewhere_and_self_everywhere() {
        for keyword in Keyword::ALL {
            let works = |name: &&DirectiveName| keyword.works_in(**name);
            let count = DirectiveName::ALL.iter().filter(works).count();
            let everywhere = *keyword == Keyword::SelfOrigin;
            assert_eq!(count == DirectiveName::ALL.len(), everywhere, "{keyword}");
            assert!(count > 1, "{keyword}");
        }
    }

    #[test]
    fn bare_keywords_nonces_and_hashes_have_a_quoted_spelling() {
        let spelling = |bare| keyword_spelling(bare);
        assert_eq!(spelling("SELF").as_deref(), Some("'self'"));
        assert_eq!(spelling("Nonce-aB").as_deref(), Some("'Nonce-aB'"));
        assert_eq!(spelling("sha256-x").as_deref(), Some("'sha256-x'"));
        assert_eq!(spelling("selfish"), None);
        assert_eq!(spelling("sha256.example"), None);
    }
}
