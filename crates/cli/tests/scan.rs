//! `mantlet scan` and `mantlet csp evaluate`, run as a user runs them; the presets, judged by ourselves.

#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

use mantlet_audit::{Headers, Observation, Response, Severity, audit, capture};
use serde_json::Value;

const BAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: Apache/2.4.1\r\n\
                   Content-Security-Policy: script-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'\r\n\
                   Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n\
                   Set-Cookie: sessionid=secret-value; Path=/\r\n\r\n<p>";

const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\
                    Content-Security-Policy: default-src 'self'; base-uri 'none'; frame-ancestors 'none'\r\n\
                    Strict-Transport-Security: max-age=31536000; includeSubDomains\r\n\
                    X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
                    Permissions-Policy: camera=()\r\nCross-Origin-Opener-Policy: same-origin\r\n\r\n";

fn mantlet(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mantlet"))
        .args(words)
        .current_dir(folder)
        .env_remove("MANTLET_ENVIRONMENT")
        .output()
        .expect("started")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("bad.txt", BAD);
    write("good.txt", GOOD);
    folder
}

fn out(told: &Output) -> String {
    String::from_utf8(told.stdout.clone()).expect("text")
}

fn error(told: &Output) -> String {
    String::from_utf8(told.stderr.clone()).expect("text")
}

fn json(told: &Output) -> Value {
    serde_json::from_slice(&told.stdout).expect("JSON")
}

#[test]
fn a_bad_response_fails_the_gates_and_a_good_one_passes() {
    let folder = folder();
    for (words, code) in [
        (
            &["scan", "good.txt", "--fail-below", "A+", "--fail-on", "low"][..],
            0,
        ),
        (&["scan", "bad.txt"], 0),
        (&["scan", "bad.txt", "--fail-below", "A"], 1),
        (&["scan", "bad.txt", "--fail-on", "high"], 1),
        (&["scan", "bad.txt", "--fail-below", "Z"], 2),
        (
            &[
                "scan",
                "bad.txt",
                "--profile",
                "observatory",
                "--fail-below",
                "A",
            ],
            1,
        ),
        (&["scan", "absent.txt"], 2),
        (&["scan", "bad.txt", "--profile", "observatory", "--fix"], 2),
    ] {
        let told = mantlet(folder.path(), words);
        assert_eq!(
            told.status.code(),
            Some(code),
            "{words:?}: {}",
            error(&told)
        );
        assert_eq!(
            error(&told).is_empty(),
            code == 0,
            "{words:?}: {}",
            error(&told)
        );
    }
}

#[test]
fn a_report_shows_the_place_the_sum_and_what_to_send() {
    let folder = folder();
    let text = out(&mantlet(folder.path(), &["scan", "bad.txt", "--fix"]));
    for part in [
        "csp.unsafe-inline",
        "script-src 'self' 'unsafe-inline'",
        "^^^^^^^^^^^^^^^",
        "send Content-Security-Policy: script-src 'self'; object-src 'none'; base-uri 'none'",
        "   100  start",
        "   -30  csp.unsafe-inline",
        "The HTTP Observatory would say",
        "A policy that mends this (A+, 100 when scanned again)",
        "httponly = true",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(
        !text.contains("secret-value") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[test]
fn the_proposed_policy_is_a_policy_file() {
    let folder = folder();
    // nothing that the application sends already
    let bare = "HTTP/1.1 200 OK\nContent-Type: text/html\nSet-Cookie: sessionid=a\n\n";
    std::fs::write(folder.path().join("bare.txt"), bare).expect("written");
    let told = json(&mantlet(
        folder.path(),
        &["scan", "bare.txt", "--fix", "--format", "json"],
    ));
    let policy = told["repair"]["policy"].as_str().expect("a policy");
    std::fs::write(folder.path().join("mantlet.toml"), policy).expect("written");
    let checked = mantlet(folder.path(), &["check"]);
    assert!(checked.status.success(), "{policy}\n{}", error(&checked));
    assert!(out(&checked).contains("A+  100"), "{}", out(&checked));
}

#[test]
fn waivers_take_findings_away_until_they_are_over() {
    let folder = folder();
    let waiver = |rule: &str| {
        format!(
            "[[waiver]]\nrule = \"{rule}\"\nreason = \"ticket 4711\"\nexpires = \"2026-12-31\"\n"
        )
    };
    let rules = ["csp.unsafe-inline", "cookies.secure", "cookies.http-only"];
    let text: String = rules.into_iter().map(waiver).collect();
    std::fs::write(folder.path().join("waivers.toml"), text).expect("written");
    let scan = |today| {
        mantlet(
            folder.path(),
            &[
                "scan",
                "bad.txt",
                "--waivers",
                "waivers.toml",
                "--today",
                today,
                "--fail-on",
                "high",
            ],
        )
    };
    let before = scan("2026-12-31");
    assert!(before.status.success(), "{}", error(&before));
    assert!(out(&before).contains("waived  csp.unsafe-inline: ticket 4711"));
    let after = scan("2027-01-01");
    assert_eq!(after.status.code(), Some(1));
    assert!(out(&after).contains("the waiver of csp.unsafe-inline was over on 2026-12-31"));
    std::fs::write(
        folder.path().join("waivers.toml"),
        "[[waiver]]\nrule = \"csp\"\nreason = \"x\"",
    )
    .expect("written");
    assert_eq!(scan("2026-12-31").status.code(), Some(2));
}

#[test]
fn a_baseline_forgives_what_is_known_and_a_difference_shows_what_is_new() {
    let folder = folder();
    let words = [
        "scan", "bad.txt", "--format", "json", "--output", "old.json",
    ];
    assert!(mantlet(folder.path(), &words).status.success());
    let known = mantlet(
        folder.path(),
        &[
            "scan",
            "bad.txt",
            "--baseline",
            "old.json",
            "--fail-on",
            "info",
        ],
    );
    assert!(known.status.success(), "{}", error(&known));
    let worse = BAD
        .replace("nosniff", "")
        .replace("base-uri 'none'", "base-uri 'none'; img-src 192.0.2.1");
    std::fs::write(folder.path().join("worse.txt"), worse).expect("written");
    let told = mantlet(
        folder.path(),
        &[
            "scan",
            "worse.txt",
            "--baseline",
            "old.json",
            "--diff",
            "old.json",
            "--fail-on",
            "info",
        ],
    );
    assert_eq!(told.status.code(), Some(1));
    assert!(
        out(&told).contains("+ csp.ip-source Content-Security-Policy 192.0.2.1"),
        "{}",
        out(&told)
    );
    let gone = mantlet(folder.path(), &["scan", "good.txt", "--diff", "old.json"]);
    assert!(out(&gone).contains("- csp.unsafe-inline"), "{}", out(&gone));
}

#[test]
fn every_format_is_whole() {
    let folder = folder();
    let told = |format| mantlet(folder.path(), &["scan", "bad.txt", "--format", format]);
    let sarif = json(&told("sarif"));
    let results = sarif["runs"][0]["results"].as_array().expect("results");
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .expect("rules");
    for result in results {
        let id = &result["ruleId"];
        assert!(rules.iter().any(|rule| rule["id"] == *id), "{id}");
    }
    assert!(
        results
            .iter()
            .any(|result| result["ruleId"] == "csp.unsafe-inline" && result["level"] == "error")
    );
    let junit = out(&told("junit"));
    assert_eq!(junit.matches("<testcase").count(), rules.len());
    assert!(junit.contains("<failure type=\"high\""));
    let markdown = out(&told("markdown"));
    assert!(
        markdown.starts_with("## `https://example.com/`: F"),
        "{markdown}"
    );
    assert_eq!(json(&told("json"))["grade"], "F");
}

#[test]
fn the_page_passes_its_own_audit_and_shows_text_as_text() {
    let folder = folder();
    let hostile = GOOD.replace("no-referrer", "<script>alert(1)</script>");
    std::fs::write(folder.path().join("hostile.txt"), hostile).expect("written");
    let page = out(&mantlet(
        folder.path(),
        &["scan", "hostile.txt", "--format", "html"],
    ));
    assert!(
        page.contains("&lt;script&gt;") && !page.contains("<script"),
        "{page}"
    );
    let headers = Headers::from_iter([("Content-Type", "text/html")]);
    let seen = Observation::new(
        "https://example.com/".parse().expect("a URL"),
        Response::new(200, headers).body(page),
    );
    let report = audit(&seen);
    let of_page = |name: &str| {
        name.starts_with("csp.") || name.starts_with("content.") || name.starts_with("referrer.")
    };
    let bad: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| of_page(finding.rule.name) && finding.severity > Severity::Info)
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn what_is_no_capture_is_told_and_leaves_the_others() {
    let folder = folder();
    let list = r#"[{"url": "https://a.example/"}, {"url": 7}, {"url": "https://b.example/"}]"#;
    std::fs::write(folder.path().join("list.json"), list).expect("written");
    for profile in ["mantlet", "observatory"] {
        let told = mantlet(
            folder.path(),
            &[
                "scan",
                "list.json",
                "--profile",
                profile,
                "--format",
                "json",
            ],
        );
        assert_eq!(told.status.code(), Some(1));
        assert!(error(&told).contains("[1].url"), "{}", error(&told));
        let values = json(&told);
        let urls: Vec<_> = values
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|one| one["url"].as_str())
            .collect();
        assert_eq!(urls, ["https://a.example/", "https://b.example/"]);
        // each result keeps its place
        assert_eq!(values.as_array().map(Vec::len), Some(3));
    }
    for (text, said) in [
        ("\u{0}\u{1}binary", "neither JSON nor a response"),
        ("HTTP/1.1 200 OK\r\nA: b", "cut off"),
        ("{\"url\":", "not JSON"),
        ("", "neither JSON"),
    ] {
        std::fs::write(folder.path().join("junk"), text).expect("written");
        let told = mantlet(folder.path(), &["scan", "junk"]);
        assert_eq!(told.status.code(), Some(2), "{text:?}");
        assert!(error(&told).contains(said), "{text:?}: {}", error(&told));
    }
}

#[test]
fn a_hundred_megabytes_of_fields_are_refused() {
    let folder = folder();
    let mut text = b"HTTP/1.1 200 OK\r\n".to_vec();
    while text.len() < 100 << 20 {
        text.extend_from_slice(b"X-Filler: ");
        text.resize(text.len() + (1 << 20), b'x');
        text.extend_from_slice(b"\r\n");
    }
    std::fs::write(folder.path().join("huge"), &text).expect("written");
    let told = mantlet(folder.path(), &["scan", "huge"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(
        error(&told).contains("longer than 64 MiB"),
        "{}",
        error(&told)
    );
    text.truncate(60 << 20);
    std::fs::write(folder.path().join("large"), &text).expect("written");
    let told = mantlet(folder.path(), &["scan", "large"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(
        error(&told).contains("a header section above"),
        "{}",
        error(&told)
    );
}

#[test]
fn a_policy_is_judged_alone() {
    let folder = folder();
    let told = mantlet(
        folder.path(),
        &[
            "scan",
            "--csp",
            "script-src 'self' *; object-src 'none'",
            "--fail-on",
            "high",
        ],
    );
    assert_eq!(told.status.code(), Some(1));
    assert!(
        out(&told).contains("csp.broad-source") && !out(&told).contains("hsts"),
        "{}",
        out(&told)
    );
    let told = json(&mantlet(
        folder.path(),
        &["csp", "evaluate", "script-src *", "--format", "json"],
    ));
    let wildcard = &told["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .find(|one| one["type"] == "PLAIN_WILDCARD");
    let wildcard = wildcard.expect("found");
    assert_eq!(
        (&wildcard["severity"], &wildcard["rule"]),
        (&Value::from("HIGH"), &Value::from("csp.broad-source"))
    );
    assert_eq!(
        (&wildcard["start"], &wildcard["end"]),
        (&Value::from(11), &Value::from(12))
    );
    let usage = mantlet(folder.path(), &["csp", "evaluate"]);
    assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn check_audits_every_route() {
    let folder = folder();
    let policy = "preset = \"strict\"\n\n[[route]]\npath = \"/open\"\ncsp = { script-src = [\"'self'\", \"'unsafe-inline'\"] }\n";
    std::fs::write(folder.path().join("mantlet.toml"), policy).expect("written");
    let told = mantlet(folder.path(), &["check"]);
    assert!(told.status.success(), "{}", error(&told));
    let text = out(&told);
    let audit = text
        .split("Audit of what mantlet sends")
        .nth(1)
        .expect("a section");
    for part in [
        "  /                        A+  100",
        "  /open                    C   70",
        "csp.unsafe-inline",
    ] {
        assert!(audit.contains(part), "{audit}");
    }
}

/// What the presets send, judged by ourselves: nothing above info is left without a reason.
#[test]
fn presets_are_judged_by_ourselves() {
    let folder = folder();
    for (preset, grade, reasons) in [
        ("strict", "A+", &[][..]),
        ("balanced", "A+", &[]),
        ("streamlit", "A+", &[]),
        // it is helmet's default set, which has no Permissions-Policy
        ("basic", "A", &["permissions.missing"]),
        // an answer of an API is no window
        ("api", "A", &["isolation.opener"]),
    ] {
        std::fs::write(
            folder.path().join("mantlet.toml"),
            format!("preset = \"{preset}\"\n"),
        )
        .expect("written");
        let told = mantlet(folder.path(), &["check"]);
        let text = out(&told);
        let (headers, _) = text.split_once("\nAudit").expect("a section");
        let headers = headers.split_once(" gets:\n\n").expect("headers").1;
        let raw = format!("HTTP/1.1 200 OK\nContent-Type: text/html\n{headers}\n");
        let seen = capture::raw(
            raw.as_bytes(),
            &"https://example.com/".parse().expect("a URL"),
        )
        .expect(&raw);
        let report = audit(&seen);
        let above: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info)
            .map(|finding| finding.rule.name)
            .collect();
        assert_eq!(
            (report.graded.grade, above.as_slice()),
            (grade, reasons),
            "{preset}"
        );
    }
}
