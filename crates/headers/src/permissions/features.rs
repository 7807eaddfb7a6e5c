//! The features a browser can be told of, as data.
//!
//! <https://github.com/w3c/webappsec-permissions-policy/blob/main/features.md>

/// Features that a browser knows or tries out, sorted.
pub const FEATURES: &[&str] = &[
    "accelerometer",
    "all-screens-capture",
    "ambient-light-sensor",
    "aria-notify",
    "autoplay",
    "battery",
    "bluetooth",
    "camera",
    "captured-surface-control",
    "ch-device-memory",
    "ch-downlink",
    "ch-dpr",
    "ch-ect",
    "ch-prefers-color-scheme",
    "ch-prefers-reduced-motion",
    "ch-prefers-reduced-transparency",
    "ch-rtt",
    "ch-save-data",
    "ch-ua",
    "ch-ua-arch",
    "ch-ua-bitness",
    "ch-ua-form-factors",
    "ch-ua-full-version",
    "ch-ua-full-version-list",
    "ch-ua-high-entropy-values",
    "ch-ua-mobile",
    "ch-ua-model",
    "ch-ua-platform",
    "ch-ua-platform-version",
    "ch-ua-wow64",
    "ch-viewport-height",
    "ch-viewport-width",
    "ch-width",
    "clipboard-read",
    "clipboard-write",
    "compute-pressure",
    "controlled-frame",
    "cross-origin-isolated",
    "deferred-fetch",
    "deferred-fetch-minimal",
    "digital-credentials-create",
    "digital-credentials-get",
    "direct-sockets",
    "direct-sockets-private",
    "display-capture",
    "encrypted-media",
    "execution-while-not-rendered",
    "execution-while-out-of-viewport",
    "focus-without-user-activation",
    "fullscreen",
    "gamepad",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "join-ad-interest-group",
    "keyboard-map",
    "language-detector",
    "language-model",
    "local-fonts",
    "local-network",
    "local-network-access",
    "loopback-network",
    "magnetometer",
    "media-playback-while-not-visible",
    "microphone",
    "midi",
    "monetization",
    "navigation-override",
    "on-device-speech-recognition",
    "otp-credentials",
    "payment",
    "picture-in-picture",
    "private-aggregation",
    "private-state-token-issuance",
    "private-state-token-redemption",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "rewriter",
    "run-ad-auction",
    "screen-wake-lock",
    "serial",
    "shared-storage",
    "shared-storage-select-url",
    "smart-card",
    "speaker-selection",
    "storage-access",
    "sub-apps",
    "summarizer",
    "sync-script",
    "sync-xhr",
    "tools",
    "translator",
    "unload",
    "usb",
    "vertical-scroll",
    "web-share",
    "window-management",
    "writer",
    "xr-spatial-tracking",
];

/// Features that browsers have dropped, with what came after them, if anything did.
pub const RETIRED_FEATURES: &[(&str, Option<&str>)] = &[
    ("attribution-reporting", None),
    ("browsing-topics", None),
    ("conversion-measurement", None),
    ("document-domain", None),
    ("interest-cohort", None),
    (
        "trust-token-redemption",
        Some("private-state-token-redemption"),
    ),
    ("vr", Some("xr-spatial-tracking")),
    ("wake-lock", Some("screen-wake-lock")),
    ("window-placement", Some("window-management")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_sorted_keys_and_not_retired() {
        assert!(FEATURES.is_sorted_by(|a, b| a < b));
        for feature in FEATURES {
            assert!(sfv::KeyRef::from_str(feature).is_ok(), "{feature}");
            assert!(RETIRED_FEATURES.iter().all(|(name, _)| name != feature));
        }
        for (_, successor) in RETIRED_FEATURES {
            assert!(successor.is_none_or(|name| FEATURES.contains(&name)));
        }
    }
}
