//! What the program says, run as a user runs it.

#![allow(clippy::expect_used)]

use std::path::Path;
use std::process::{Command, Output};

fn mantlet(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mantlet"))
        .args(words)
        .current_dir(folder)
        .env_remove("MANTLET_ENVIRONMENT")
        .output()
        .expect("started")
}

fn folder_with(policy: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("mantlet.toml"), policy).expect("written");
    folder
}

fn out(told: &Output) -> String {
    String::from_utf8(told.stdout.clone()).expect("text")
}

fn error(told: &Output) -> String {
    String::from_utf8(told.stderr.clone()).expect("text")
}

#[test]
fn explain_knows_short_names_words_and_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    for (word, said) in [
        ("server", "server = { mode = \"remove\" }"),
        ("x-powered-by", "x-powered-by = { mode = \"remove\" }"),
        ("hsts", "Strict-Transport-Security\n"),
        ("CSP", "Content-Security-Policy\n"),
        ("coop", "Cross-Origin-Opener-Policy\n"),
        ("coep", "Cross-Origin-Embedder-Policy\n"),
        ("corp", "Cross-Origin-Resource-Policy\n"),
        ("set-cookie", "cookies (a key"),
        ("cookies", "  samesite "),
        ("'strict-dynamic'", "'strict-dynamic' (a word"),
        ("strict-dynamic", "It has an effect in default-src"),
        ("'none'", "'none' (a word"),
        ("none", "# Nothing"),
        ("redoc", "# ReDoc"),
        ("trusted_proxies", "trusted_proxies (a key"),
        ("cookies.samesite", "Values: Strict, Lax, None"),
        ("overlay", "route.overlay (a key"),
        ("hosts", "  www_redirect "),
        ("client_address", "client_address (a key"),
        ("cross_origin", "  danger_exempt_paths "),
        ("resource_isolation", "  allow_cors "),
        ("https.required", "Answered  301 Moved Permanently for GET"),
        ("host.unknown", "Answered  400 Bad Request\n"),
        ("origin.port-mismatch", "cross_origin.self_origins"),
        ("isolation", "isolation.embedded (a reason"),
        ("wire.bare-lf", "Answered  400 Bad Request\n"),
        ("limit.requests", "limit.requests (a key"),
        ("limit", "  ipv6_prefix "),
        (
            "limit.algorithm",
            "Values: token_bucket, sliding_window, adaptive",
        ),
        ("limit.key", "x-api-key"),
        ("store", "  redis.url "),
        ("limit.exceeded", "Answered  429 Too Many Requests\n"),
        ("limit.shed", "Answered  503 Service Unavailable\n"),
    ] {
        let told = mantlet(folder.path(), &["explain", word]);
        assert!(told.status.success(), "{word}: {}", error(&told));
        assert!(out(&told).contains(said), "{word}: {}", out(&told));
    }
    for (word, near) in [
        ("trusted_proxy", "trusted_proxies"),
        ("cross-origin", "cross_origin"),
        ("origin.nul", "origin.null"),
    ] {
        let told = mantlet(folder.path(), &["explain", word]);
        assert_eq!(told.status.code(), Some(2));
        let said = format!("did you mean {near}?");
        assert!(error(&told).contains(&said), "{}", error(&told));
    }
}

#[test]
fn check_prints_fifty_diagnostics_and_counts_the_others() {
    let mut policy = "[headers]\n".to_owned();
    for i in 0..60 {
        policy.push_str(&format!("x-own-{i} = \"a\\nb\"\n"));
    }
    let folder = folder_with(&policy);
    let told = error(&mantlet(folder.path(), &["check"]));
    assert_eq!(told.matches("error: ").count(), 50, "{told}");
    assert!(told.contains("... and 10 more\n"), "{told}");
    assert!(told.ends_with("mantlet.toml: 60 errors\n"), "{told}");
}

#[test]
fn check_without_a_file_names_init() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = mantlet(folder.path(), &["check"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(error(&told).contains("mantlet init"), "{}", error(&told));
}

#[test]
fn check_warns_of_an_empty_file() {
    for policy in ["", "# nothing yet\n"] {
        let folder = folder_with(policy);
        let told = mantlet(folder.path(), &["check"]);
        assert!(told.status.success());
        let said = error(&told);
        assert!(said.starts_with("warning: mantlet.toml is empty"), "{said}");
    }
}

#[test]
fn check_shows_a_path_and_nothing_else() {
    let folder = folder_with("preset = \"basic\"\n");
    for wrong in [
        "docs",
        "https://app.example/docs",
        "/docs?a=1",
        "/docs#a",
        "/a b",
        "",
    ] {
        let told = mantlet(folder.path(), &["check", "--path", wrong]);
        assert_eq!(told.status.code(), Some(2), "{wrong}");
    }
    let told = mantlet(folder.path(), &["check", "--path", "/docs/a%20b"]);
    assert!(told.status.success(), "{}", error(&told));
}

#[test]
fn check_shows_plain_http_and_other_types() {
    let folder = folder_with(
        "[[route]]\npath = \"/\"\ncontent_type = \"html\"\nheaders.x-own = \"for pages\"\n",
    );
    let over = |words: &[&str]| out(&mantlet(folder.path(), &[&["check"], words].concat()));
    assert!(over(&[]).contains("\nstrict-transport-security: "));
    let http = over(&["--http"]);
    assert!(http.contains("An HTML page at / over http gets:"), "{http}");
    assert!(!http.contains("strict-transport-security"), "{http}");
    assert!(over(&[]).contains("x-own: for pages"));
    let json = over(&["--content-type", "application/json"]);
    assert!(json.contains("A response of application/json at / over https gets:"));
    assert!(!json.contains("x-own"), "{json}");
}

#[test]
fn check_shows_the_redirect_to_https() {
    let folder = folder_with("https = \"redirect\"\n");
    let told = out(&mantlet(
        folder.path(),
        &["check", "--http", "--path", "/docs"],
    ));
    assert!(
        told.contains("A request for /docs over http is answered 301"),
        "{told}"
    );
    assert!(
        told.contains("\nlocation: https://example.com/docs\n"),
        "{told}"
    );
}

#[test]
fn init_says_first_that_the_file_is_there_and_leaves_it() {
    let folder = folder_with("preset = \"api\"\n");
    // before what was said is looked at, and so before it would ask
    let told = mantlet(folder.path(), &["init", "--trusted-proxy", "10.0.0.0/99"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(error(&told).contains("mantlet.toml is there already"));
    let kept = std::fs::read_to_string(folder.path().join("mantlet.toml"));
    assert_eq!(kept.expect("readable"), "preset = \"api\"\n");
}

#[test]
fn check_says_who_may_ask_and_shows_the_page_of_a_listed_host() {
    let folder = folder_with("hosts.allowed = [\"app.test\"]\nresource_isolation = true\n");
    let told = out(&mantlet(folder.path(), &["check"]));
    for line in [
        "Who may ask for /:",
        "  Host                those of hosts.allowed",
        "  Cross-origin        enforce",
        "  Resource isolation  enforce",
        "An HTML page at / over https gets:",
    ] {
        assert!(told.contains(&format!("{line}\n")), "{line}: {told}");
    }
}

#[test]
fn check_tries_a_request() {
    let folder = folder_with(
        "hosts = { allowed = [\"app.test\"], www_redirect = true }\ntrusted_proxies = [\"10.0.0.1\"]\n\
         cross_origin.danger_exempt_paths = [\"/hooks\"]\n",
    );
    let tried = |words: &[&str]| out(&mantlet(folder.path(), &[&["check"], words].concat()));
    let post = ["-X", "POST", "-H", "Sec-Fetch-Site: cross-site"];
    for (words, said) in [
        (&post[..], "Verdict   denied, 403 origin.cross-site\n"),
        (&post, "Told      Cross-origin request rejected.\n"),
        (&post, "Remedy    if the other site is a partner"),
        (&post, "POST / over https:\n"),
        (&post, "A request for / over https is answered 403, with:\n"),
        (&post[2..], "Verdict   goes on to the application\n"),
        (
            &[&post[..], &["--path", "/hooks/x"]].concat(),
            "Verdict   goes on",
        ),
        (
            &["-H", "Host: evil.test"],
            "Verdict   denied, 400 host.unknown\n",
        ),
        (&["-H", "Host: app.test"], "Verdict   goes on"),
        (&["-H", "Host:"], "Verdict   denied, 400 host.missing\n"),
        (&["-H", "Host;"], "Verdict   denied, 400 host.malformed\n"),
        (
            &["-H", "Host: www.app.test"],
            "Verdict   redirected, 301 host.redirect\n",
        ),
        (
            &["-H", "Host: www.app.test"],
            "location: https://app.test/\n",
        ),
        (
            &["-H", "Host: app.test", "-H", "host: app.test"],
            "Verdict   denied, 400 host.repeated\n",
        ),
        (
            &["--peer", "10.0.0.1", "-H", "X-Forwarded-For: 192.0.2.7"],
            "Client    192.0.2.7\n",
        ),
        (
            &["--peer", "10.0.0.2", "-H", "X-Forwarded-For: 192.0.2.7"],
            "Client    10.0.0.2\n  Warning   10.0.0.2 sends X-Forwarded-For and is not trusted",
        ),
    ] {
        let told = tried(words);
        assert!(told.contains(said), "{words:?}: {told}");
    }
    let wrong = mantlet(folder.path(), &["check", "-H", "Origin evil"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn check_tells_what_is_only_reported() {
    let folder = folder_with("[cross_origin]\ndisposition = \"report\"\nenforce_percent = 99\n");
    let words = ["check", "-X", "POST", "-H", "Origin: https://evil.test"];
    let told = out(&mantlet(folder.path(), &words));
    assert!(
        told.contains("Verdict   goes on to the application\n"),
        "{told}"
    );
    assert!(told.contains("Reported  origin.foreign\n"), "{told}");
}

#[test]
fn init_writes_a_policy_that_still_holds_when_its_comments_become_keys() {
    for framework in [
        "fastapi",
        "flask",
        "django",
        "streamlit",
        "axum",
        "actix",
        "node",
        "other",
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let words = ["init", "--framework", framework];
        let told = mantlet(folder.path(), &words);
        assert!(told.status.success(), "{}", error(&told));
        let file = folder.path().join("mantlet.toml");
        let text = std::fs::read_to_string(&file).expect("readable");
        // a first try comes by 127.0.0.1, so no host is listed before somebody does
        assert!(text.contains("\n# [hosts]\n"), "{text}");
        assert!(text.contains("\n# [cross_origin]\n"), "{text}");
        assert_eq!(text.matches("\n# [[limit]]\n").count(), 2, "{text}");
        let is_key = |line: &str| line.starts_with('[') || line.contains(" = ");
        let meant = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(key) if is_key(key) => key,
            _ => line,
        });
        let meant = meant.collect::<Vec<_>>().join("\n");
        std::fs::write(&file, &meant).expect("written");
        let told = mantlet(folder.path(), &["check"]);
        assert!(told.status.success(), "{meant}: {}", error(&told));
        assert!(out(&told).contains("Host                those of hosts.allowed\n"));
        assert!(out(&told).contains("Cross-origin        report\n"));
        let limit = "Limit               per-client: 100 in 1m for each client; token bucket";
        assert!(out(&told).contains(limit), "{}", out(&told));
    }
}

#[test]
fn init_lists_the_hosts_it_is_told_and_refuses_what_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let told = mantlet(folder.path(), &["init", "--host", "a/b"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(error(&told).contains("hosts.allowed"), "{}", error(&told));
    let words = ["init", "--host", "example.com", "--host", "*.example.com"];
    let told = mantlet(folder.path(), &words);
    assert!(error(&told).contains("MANTLET_ENVIRONMENT=development"));
    let tried = mantlet(folder.path(), &["check", "-H", "Host: a.example.com"]);
    assert!(out(&tried).contains("goes on to the application"));
}

#[test]
fn init_for_streamlit_writes_the_settings_of_the_dashboard_and_never_over_its_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = folder.path().join(".streamlit/config.toml");
    let words = ["init", "--framework", "streamlit", "--force"];
    let told = mantlet(folder.path(), &words);
    assert!(told.status.success(), "{}", error(&told));
    let text = std::fs::read_to_string(&settings).expect("readable");
    let server: toml::Table = text.parse().expect("TOML");
    assert_eq!(
        server["server"]["enableXsrfProtection"].as_bool(),
        Some(true)
    );
    assert_eq!(server["server"]["address"].as_str(), Some("127.0.0.1"));

    std::fs::write(&settings, "[server]\nport = 9000\n").expect("written");
    let told = mantlet(folder.path(), &words);
    assert!(told.status.success(), "{}", error(&told));
    assert!(
        error(&told).contains("enableXsrfProtection = true"),
        "{}",
        error(&told)
    );
    let text = std::fs::read_to_string(&settings).expect("readable");
    assert_eq!(text, "[server]\nport = 9000\n");

    let told = mantlet(folder.path(), &["init", "--framework", "flask", "--force"]);
    assert!(told.status.success());
    assert!(!error(&told).contains("streamlit"), "{}", error(&told));
}
