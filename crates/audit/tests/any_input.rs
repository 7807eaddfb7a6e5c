//! Whatever was captured, it is judged: no panic, places inside the text, equal input gives an equal report.

#![allow(clippy::expect_used)]

use mantlet_audit::observatory::{Algorithm, scan};
use mantlet_audit::render::{self, Colour};
use mantlet_audit::{
    Headers, Observation, PreloadList, Response, audit, capture, evaluator, repair,
};
use proptest::prelude::*;
use url::Url;

fn page() -> Url {
    Url::parse("https://www.example.com/a/b").expect("a URL")
}

/// Names that rules look at, and others.
fn name() -> impl Strategy<Value = String> {
    let known = [
        "content-security-policy",
        "content-security-policy-report-only",
        "strict-transport-security",
        "x-frame-options",
        "x-content-type-options",
        "referrer-policy",
        "permissions-policy",
        "cross-origin-opener-policy",
        "cross-origin-embedder-policy",
        "cross-origin-resource-policy",
        "set-cookie",
        "cache-control",
        "content-type",
        "reporting-endpoints",
        "report-to",
        "server",
        "x-xss-protection",
        "access-control-allow-origin",
        "integrity-policy",
        "x-ratelimit-limit",
    ];
    prop::sample::select(known.to_vec()).prop_map(str::to_owned)
}

/// Values of words that matter, and of anything.
fn value() -> impl Strategy<Value = String> {
    let words = [
        "'self'",
        "'unsafe-inline'",
        "'nonce-a'",
        "'strict-dynamic'",
        "default-src",
        "script-src",
        ";",
        ",",
        "https:",
        "*",
        "max-age=1",
        "max-age=",
        "includeSubDomains",
        "preload",
        "nosniff",
        "DENY",
        "a=b",
        "sessionid=",
        "Secure",
        "SameSite=None",
        "camera=()",
        "\u{e9}",
        "same-origin",
        "text/html",
        "\"",
        "report-to x",
        "frame-ancestors",
        "1.2.3.4",
        "[::1]",
        "%zz",
        "'none'",
        "no-store",
    ];
    let spoken = prop::collection::vec(prop::sample::select(words.to_vec()), 0..8)
        .prop_map(|words| words.join(" "));
    prop_oneof![spoken, "\\PC{0,40}"]
}

fn body() -> impl Strategy<Value = String> {
    let parts = [
        "<script>",
        "</script>",
        "<script src=//x.example/a integrity=x>",
        "<meta http-equiv=content-security-policy content=\"",
        "\">",
        "<base href=http://a/>",
        "<form action=http://b/>",
        "<noscript>",
        "</noscript>",
        "<template>",
        "<!--",
        "<input type=password>",
        "default-src \u{e9}; frame-ancestors *",
    ];
    prop::collection::vec(prop::sample::select(parts.to_vec()), 0..8)
        .prop_map(|parts| parts.concat())
}

fn observation() -> impl Strategy<Value = Observation> {
    let fields = prop::collection::vec((name(), value()), 0..8);
    (fields, body(), any::<bool>()).prop_map(|(fields, body, twice)| {
        let headers: Headers = fields.into_iter().collect();
        let mut seen = Observation::new(page(), Response::new(200, headers).body(body));
        seen.again = twice.then(|| seen.response.clone());
        seen
    })
}

proptest! {
    #[test]
    fn every_observation_is_judged_and_told(seen in observation()) {
        let report = audit(&seen);
        for finding in &report.findings {
            prop_assert!(finding.severity <= finding.rule.severity, "{finding:?}");
            if let Some(evidence) = &finding.evidence {
                prop_assert!(evidence.text.get(evidence.span.clone()).is_some(), "{finding:?}");
            }
        }
        prop_assert_eq!(&report, &audit(&seen));
        let reports = [report];
        render::terminal(&reports[0], Colour::Ansi);
        let markup = render::html(&reports);
        prop_assert!(!markup.contains("<script"));
        let xml = render::junit(&reports);
        prop_assert!(xml.chars().all(|c| c == '\n' || !c.is_control()));
        render::markdown(&reports);
        render::sarif(&reports, "x", "0");
        let old = render::json(&reports[0]);
        let change = render::difference(&old, &reports[0]);
        prop_assert!(change.new.is_empty() && change.gone.is_empty(), "{change:?}");
        for algorithm in [Algorithm::Four, Algorithm::Six] {
            scan(&seen, algorithm, &PreloadList::default()).to_json();
        }
    }

    #[test]
    fn a_repair_never_makes_it_worse(seen in observation()) {
        let before = audit(&seen);
        let after = repair(&seen).after;
        prop_assert!(after.graded.score >= before.graded.score, "{:?}\n{:?}", before.findings, after.findings);
    }

    #[test]
    fn any_text_is_a_policy(text in prop_oneof![value(), "\\PC*"]) {
        for finding in evaluator::evaluate(&text) {
            let part = text.get(finding.span.clone());
            prop_assert!(part.is_some(), "{finding:?}");
            if let (Some(value), Some(part)) = (&finding.value, part) {
                prop_assert_eq!(part.to_lowercase(), value.to_lowercase());
            }
        }
    }

    #[test]
    fn any_bytes_are_a_capture_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut text = b"HTTP/1.1 200 OK\r\n".to_vec();
        text.extend_from_slice(&bytes);
        for text in [&bytes, &text] {
            if let Ok(found) = capture::any(text, &page()) {
                found.iter().for_each(|seen| drop(audit(seen)));
            }
        }
    }
}
