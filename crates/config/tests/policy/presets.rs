//! What each preset sends, and what stays home.

use mantlet_config::{Config, Environment, Preset};

use super::{exchange, https, read, sent};

#[test]
fn balanced_sends_what_its_document_says() {
    let expected = [
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
         frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; \
         style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests",
        "strict-transport-security: max-age=31536000; includeSubDomains",
        "permissions-policy: geolocation=(), microphone=(), camera=()",
        "referrer-policy: strict-origin-when-cross-origin",
        "x-content-type-options: nosniff",
        "x-frame-options: SAMEORIGIN",
    ];
    assert_eq!(https("preset = \"balanced\""), expected);
    assert_eq!(https(""), expected, "balanced is the default");
}

#[test]
fn basic_sends_what_its_document_says() {
    let mut sent = https("preset = \"basic\"");
    sent.sort();
    let mut expected = [
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
         frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; \
         style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests",
        "strict-transport-security: max-age=31536000; includeSubDomains",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: SAMEORIGIN",
        "x-permitted-cross-domain-policies: none",
        "x-dns-prefetch-control: off",
        "origin-agent-cluster: ?1",
        "x-download-options: noopen",
        "x-xss-protection: 0",
    ];
    expected.sort();
    assert_eq!(sent, expected);
}

#[test]
fn strict_sends_what_its_document_says() {
    let expected = [
        "cache-control: no-store, max-age=0",
        "cross-origin-embedder-policy: require-corp",
        "cross-origin-opener-policy: same-origin",
        "content-security-policy: default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; \
         base-uri 'none'; frame-ancestors 'none'",
        "strict-transport-security: max-age=63072000; includeSubDomains",
        "permissions-policy: geolocation=(), microphone=(), camera=()",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
    ];
    assert_eq!(https("preset = \"strict\""), expected);
}

#[test]
fn api_is_data_only_and_in_no_cache_unless_the_application_says_so() {
    let engine = read("preset = \"api\"").expect("valid");
    let plain = exchange(&engine, "/", true, &[]);
    assert!(plain.contains(
        &"content-security-policy: default-src 'none'; frame-ancestors 'none'".to_owned()
    ));
    assert!(plain.contains(&"cache-control: no-store".to_owned()));
    let chosen = exchange(&engine, "/", true, &[("cache-control", "max-age=60")]);
    assert!(chosen.contains(&"cache-control: max-age=60".to_owned()));
}

#[test]
fn server_and_x_powered_by_go() {
    let engine = read("headers.x-powered-by = { mode = \"remove\" }").expect("valid");
    let sent = exchange(
        &engine,
        "/",
        true,
        &[("server", "app/1"), ("x-powered-by", "PHP/5")],
    );
    assert!(
        !sent
            .iter()
            .any(|line| line.starts_with("server:") || line.starts_with("x-powered-by:")),
        "{sent:?}"
    );
}

#[test]
fn every_preset_and_overlay_compiles_without_a_warning() {
    for preset in Preset::ALL {
        let loaded = Config::preset(*preset)
            .load(Some(Environment::Production))
            .expect("valid");
        assert!(
            loaded.warnings.diagnostics().is_empty(),
            "{preset}: {}",
            loaded.warnings
        );
    }
    for overlay in mantlet_config::Overlay::ALL {
        let text = format!(
            "[[route]]\npath = \"/x\"\noverlay = \"{}\"",
            overlay.as_str()
        );
        let lines = sent(&text, "/x", true);
        assert_ne!(lines, sent(&text, "/", true));
        // what the overlay does not name stays
        let all = lines.join("\n");
        assert!(all.contains("frame-ancestors 'self'"), "{all}");
        assert!(all.contains("upgrade-insecure-requests"), "{all}");
        assert!(all.contains("x-frame-options: SAMEORIGIN"), "{all}");
    }
}

#[test]
fn hsts_and_upgrades_need_https_and_production() {
    let plain = sent("", "/", false).join("\n");
    assert!(
        !plain.contains("strict-transport-security")
            && !plain.contains("upgrade-insecure-requests"),
        "{plain}"
    );
    let development = sent("environment = \"development\"", "/", true).join("\n");
    assert!(
        !development.contains("strict-transport-security"),
        "{development}"
    );
    assert!(
        !development.contains("upgrade-insecure-requests"),
        "{development}"
    );
    assert!(
        development.contains("content-security-policy"),
        "{development}"
    );
}
