//! The names of the directives: what kind of value each takes, and which one stands in for it.

use std::fmt;

/// What a directive takes as its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Source expressions; none is `'none'`.
    SourceList,
    /// Scheme-sources, host-sources and `'self'` only; none is `'none'`.
    AncestorList,
    /// Flags of HTML's sandbox; may be empty.
    Sandbox,
    /// One or more URLs.
    UrlList,
    /// One token: the name of a reporting endpoint.
    Token,
    /// Policy names, `*`, `'allow-duplicates'`; none is `'none'`.
    TrustedTypes,
    /// `'script'`.
    SinkGroup,
    /// `'allow'` or `'block'`.
    AllowOrBlock,
    /// Nothing.
    Valueless,
    /// Anything: no browser reads the directive any more.
    Dead,
}

macro_rules! directives {
    ($($variant:ident = $name:literal, $kind:ident, $spec:literal, [$($fallback:ident),*], $summary:literal;)+) => {
        /// The name of a directive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum DirectiveName {
            $(#[doc = concat!("`", $name, "`: ", $summary)] $variant,)+
        }

        impl DirectiveName {
            const EVERY: &'static [Self] = &[$(Self::$variant,)+];

            /// The name as the specification spells it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What it takes as its value.
            pub const fn kind(self) -> Kind {
                match self {
                    $(Self::$variant => Kind::$kind,)+
                }
            }

            /// One sentence: what it limits or does.
            pub const fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)+
                }
            }

            /// The defining document and section, as a URL.
            pub const fn spec(self) -> &'static str {
                match self {
                    $(Self::$variant => $spec,)+
                }
            }

            /// The directives that stand in for it when a policy lacks it, nearest first (CSP3 section 6.8.3).
            pub const fn fallbacks(self) -> &'static [Self] {
                match self {
                    $(Self::$variant => &[$(Self::$fallback),*],)+
                }
            }
        }
    };
}

directives! {
    DefaultSrc = "default-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-default-src", [],
        "Sources for every kind of fetch that has no directive of its own.";
    ScriptSrc = "script-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-script-src", [DefaultSrc],
        "Scripts: elements, handlers, eval, WebAssembly.";
    ScriptSrcElem = "script-src-elem", SourceList, "https://www.w3.org/TR/CSP3/#directive-script-src-elem",
        [ScriptSrc, DefaultSrc], "Script elements, inline and external.";
    ScriptSrcAttr = "script-src-attr", SourceList, "https://www.w3.org/TR/CSP3/#directive-script-src-attr",
        [ScriptSrc, DefaultSrc], "Inline event handlers.";
    StyleSrc = "style-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-style-src", [DefaultSrc],
        "Styles: elements, links, attributes.";
    StyleSrcElem = "style-src-elem", SourceList, "https://www.w3.org/TR/CSP3/#directive-style-src-elem",
        [StyleSrc, DefaultSrc], "Style elements and stylesheet links.";
    StyleSrcAttr = "style-src-attr", SourceList, "https://www.w3.org/TR/CSP3/#directive-style-src-attr",
        [StyleSrc, DefaultSrc], "Style attributes.";
    ImgSrc = "img-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-img-src", [DefaultSrc],
        "Images and favicons.";
    FontSrc = "font-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-font-src", [DefaultSrc],
        "Fonts.";
    ConnectSrc = "connect-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-connect-src", [DefaultSrc],
        "What scripts may connect to: fetch, XMLHttpRequest, WebSocket, EventSource, beacons.";
    MediaSrc = "media-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-media-src", [DefaultSrc],
        "Audio, video and text tracks.";
    ObjectSrc = "object-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-object-src", [DefaultSrc],
        "Object and embed elements.";
    FrameSrc = "frame-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-frame-src", [ChildSrc, DefaultSrc],
        "What frames of the page may show.";
    ChildSrc = "child-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-child-src", [DefaultSrc],
        "Frames and workers that have no directive of their own.";
    WorkerSrc = "worker-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-worker-src",
        [ChildSrc, ScriptSrc, DefaultSrc], "Workers, shared workers and service workers.";
    ManifestSrc = "manifest-src", SourceList, "https://www.w3.org/TR/CSP3/#directive-manifest-src", [DefaultSrc],
        "The web application manifest.";
    FencedFrameSrc = "fenced-frame-src", SourceList, "https://wicg.github.io/fenced-frame/",
        [FrameSrc, ChildSrc, DefaultSrc], "What fenced frames may show (Chromium only).";
    BaseUri = "base-uri", SourceList, "https://www.w3.org/TR/CSP3/#directive-base-uri", [],
        "What a base element may name; default-src does not cover it.";
    FormAction = "form-action", SourceList, "https://www.w3.org/TR/CSP3/#directive-form-action", [],
        "Where forms may submit to, redirects included in some browsers; default-src does not cover it.";
    FrameAncestors = "frame-ancestors", AncestorList, "https://www.w3.org/TR/CSP3/#directive-frame-ancestors", [],
        "Who may embed the page; replaces X-Frame-Options, and default-src does not cover it.";
    Sandbox = "sandbox", Sandbox, "https://www.w3.org/TR/CSP3/#directive-sandbox", [],
        "Puts the page into a sandbox that the listed flags loosen.";
    UpgradeInsecureRequests = "upgrade-insecure-requests", Valueless,
        "https://www.w3.org/TR/upgrade-insecure-requests/#delivery", [],
        "Fetches http subresources by https.";
    RequireTrustedTypesFor = "require-trusted-types-for", SinkGroup,
        "https://www.w3.org/TR/trusted-types/#require-trusted-types-for-csp-directive", [],
        "Makes the DOM's script sinks take typed values instead of strings.";
    TrustedTypes = "trusted-types", TrustedTypes,
        "https://www.w3.org/TR/trusted-types/#trusted-types-csp-directive", [],
        "Which Trusted Types policies scripts may create.";
    Webrtc = "webrtc", AllowOrBlock, "https://www.w3.org/TR/CSP3/#directive-webrtc", [],
        "Whether WebRTC may connect (experimental).";
    ReportUri = "report-uri", UrlList, "https://www.w3.org/TR/CSP3/#directive-report-uri", [],
        "Where violation reports are posted, also on plain http; ignored beside report-to.";
    ReportTo = "report-to", Token, "https://www.w3.org/TR/CSP3/#directive-report-to", [],
        "The endpoint of Reporting-Endpoints that gets violation reports; https only.";
    BlockAllMixedContent = "block-all-mixed-content", Dead,
        "https://www.w3.org/TR/mixed-content/#strict-checking", [],
        "Dead: browsers upgrade or block mixed content by themselves.";
    PrefetchSrc = "prefetch-src", Dead, "https://www.w3.org/TR/2021/WD-CSP3-20210629/#directive-prefetch-src", [],
        "Dead: default-src governs prefetches.";
    NavigateTo = "navigate-to", Dead, "https://www.w3.org/TR/2021/WD-CSP3-20210629/#directive-navigate-to", [],
        "Dead: was never shipped.";
    PluginTypes = "plugin-types", Dead, "https://www.w3.org/TR/CSP2/#directive-plugin-types", [],
        "Dead: there are no plugins any more; write object-src 'none'.";
    RequireSriFor = "require-sri-for", Dead, "https://www.w3.org/TR/SRI-2/", [],
        "Dead: Integrity-Policy took its place.";
    Referrer = "referrer", Dead, "https://www.w3.org/TR/referrer-policy/", [],
        "Dead: Referrer-Policy took its place.";
    ReflectedXss = "reflected-xss", Dead, "https://www.w3.org/TR/2014/WD-CSP2-20140703/#directive-reflected-xss", [],
        "Dead: browsers have no XSS filter any more.";
}

impl DirectiveName {
    /// Every directive that a browser reads.
    pub const ALL: &'static [Self] = Self::living();
    /// Directives that were once specified and that no browser reads any more.
    pub const DEAD: &'static [Self] = Self::EVERY.split_at(Self::ALL.len()).1;

    const fn living() -> &'static [Self] {
        let mut count = 0;
        while !matches!(Self::EVERY[count].kind(), Kind::Dead) {
            count += 1;
        }
        Self::EVERY.split_at(count).0
    }

    /// The directive of that name, in any case, living or dead.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::EVERY
            .iter()
            .copied()
            .find(|one| one.as_str().eq_ignore_ascii_case(name))
    }

    /// Whether no browser reads it any more.
    pub const fn is_dead(self) -> bool {
        matches!(self.kind(), Kind::Dead)
    }

    /// Whether it is specified, but few browsers or none act on it yet.
    pub const fn is_experimental(self) -> bool {
        matches!(self, Self::Webrtc)
    }

    /// Whether it governs scripts, itself or as a fallback.
    pub const fn governs_scripts(self) -> bool {
        matches!(
            self,
            Self::DefaultSrc | Self::ScriptSrc | Self::ScriptSrcElem | Self::ScriptSrcAttr
        )
    }

    /// Whether it governs styles, itself or as a fallback.
    pub const fn governs_styles(self) -> bool {
        matches!(
            self,
            Self::DefaultSrc | Self::StyleSrc | Self::StyleSrcElem | Self::StyleSrcAttr
        )
    }

    /// Whether a browser heeds it in a `<meta http-equiv>` (CSP 3 section 3.3). What reports goes to an endpoint that only a
    /// header can name.
    pub const fn works_in_meta(self) -> bool {
        !matches!(
            self,
            Self::FrameAncestors | Self::Sandbox | Self::ReportUri | Self::ReportTo
        )
    }

    /// Whether nonces work in it: it governs script or style elements.
    pub const fn takes_nonces(self) -> bool {
        (self.governs_scripts() || self.governs_styles())
            && !matches!(self, Self::ScriptSrcAttr | Self::StyleSrcAttr)
    }
}

impl fmt::Display for DirectiveName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl AsRef<str> for DirectiveName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn living_and_dead_are_every_name_once() {
        assert_eq!(
            (DirectiveName::ALL.len(), DirectiveName::DEAD.len()),
            (27, 7)
        );
        assert!(DirectiveName::ALL.iter().all(|name| !name.is_dead()));
        assert!(DirectiveName::DEAD.iter().all(|name| name.is_dead()));
        for name in DirectiveName::EVERY {
            assert_eq!(
                DirectiveName::from_name(&name.as_str().to_uppercase()),
                Some(*name)
            );
        }
    }

    #[test]
    fn fallbacks_of_fetch_directives_end_at_default_src() {
        for name in DirectiveName::ALL {
            let governs_itself = matches!(
                name,
                DirectiveName::DefaultSrc | DirectiveName::BaseUri | DirectiveName::FormAction
            );
            if name.kind() == Kind::SourceList && !governs_itself {
                assert_eq!(
                    name.fallbacks().last(),
                    Some(&DirectiveName::DefaultSrc),
                    "{name}"
                );
            } else {
                assert!(name.fallbacks().is_empty(), "{name}");
            }
        }
    }
}
