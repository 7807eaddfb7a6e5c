//! What is read, refused and printed, by table.

use super::*;
use crate::fault::Severity;

/// Code and text of each fault, and the printed value.
fn read(input: &str) -> (Vec<(&'static str, &str)>, Option<String>) {
    let parsed = Csp::parse(input.as_bytes());
    let faults = parsed
        .faults
        .iter()
        .map(|fault| (fault.code, &input[fault.span.clone()]))
        .collect();
    (faults, parsed.value.map(|csp| csp.to_string()))
}

fn hint(input: &str) -> Option<String> {
    Csp::parse(input.as_bytes()).faults.remove(0).hint
}

#[test]
fn clean_policies_read_as_written() {
    for input in [
        "default-src 'self'; script-src 'self' 'report-sample'; style-src 'self' 'unsafe-inline'",
        "default-src 'none'; frame-ancestors 'none'",
        "default-src 'self', script-src 'self' https://cdn.example:8443/js/",
        "sandbox; upgrade-insecure-requests",
        "sandbox allow-scripts allow-same-origin",
        "require-trusted-types-for 'script'; trusted-types a b#c 'allow-duplicates'",
        "script-src 'nonce-ch4hvvbHDpv7xCSvXCs3BrNggHdTzxUA' 'strict-dynamic'",
        "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' 'unsafe-hashes'",
        "script-src 'trusted-types-eval'; require-trusted-types-for 'script'",
        "img-src * data: blob:; report-uri /csp https://r.example/x?y=1",
        "script-src 'report-sha256'; report-to csp",
    ] {
        assert_eq!(read(input), (vec![], Some(input.to_owned())));
    }
}

#[test]
fn reading_is_canonical_in_case_and_space() {
    let input = "\tDEFAULT-SRC\t'SELF'   HTTPS://A.Example/Path ;; ,, Sandbox Allow-Forms;";
    let printed = "default-src 'self' https://a.example/Path, sandbox allow-forms";
    assert_eq!(read(input), (vec![], Some(printed.to_owned())));
}

#[test]
fn first_of_two_directives_wins() {
    let (faults, value) = read("img-src a.example; IMG-SRC b.example; img-src c.example");
    assert_eq!(
        faults,
        [
            ("csp.repeated-directive", "IMG-SRC b.example"),
            ("csp.repeated-directive", "img-src c.example")
        ]
    );
    assert_eq!(value.as_deref(), Some("img-src a.example"));
}

#[test]
fn directive_without_a_use_takes_its_name_all_the_same() {
    let (faults, value) = read("report-to; report-to csp; img-src *");
    assert_eq!(
        faults,
        [
            ("csp.missing-value", "report-to"),
            ("csp.repeated-directive", "report-to csp")
        ]
    );
    assert_eq!(value.as_deref(), Some("img-src *"));
}

#[test]
fn a_misspelled_slot_is_meant_for_a_nonce_when_built() {
    let refused = Directive::build("script-src", &["'nonse'"]).expect_err("no keyword");
    assert_eq!(refused.faults[0].fault.hint.as_deref(), Some("'nonce'"));
}

#[test]
fn unknown_directives_are_ignored_with_a_suggestion() {
    assert_eq!(
        read("scirpt-src 'self'; img-src *"),
        (
            vec![("csp.unknown-directive", "scirpt-src")],
            Some("img-src *".to_owned())
        )
    );
    assert_eq!(
        hint("scirpt-src 'self'").as_deref(),
        Some("did you mean script-src?")
    );
    assert_eq!(
        hint("default_src 'self'").as_deref(),
        Some("did you mean default-src?")
    );
    assert_eq!(read("nonsense").1, None);
}

#[test]
fn comma_begins_another_policy() {
    let input = "script-src 'self', https://a.example";
    let (faults, value) = read(input);
    assert_eq!(faults, [("csp.unknown-directive", "https://a.example")]);
    assert_eq!(value.as_deref(), Some("script-src 'self'"));
    assert!(hint(input).unwrap().contains("comma"));
}

#[test]
fn non_ascii_directive_is_ignored_whole() {
    let input = "img-src 'self' b\u{fc}cher.example *; font-src *";
    assert_eq!(
        read(input),
        (
            vec![("csp.non-ascii", "b\u{fc}cher.example")],
            Some("font-src *".to_owned())
        )
    );
    assert_eq!(hint(input).as_deref(), Some("xn--bcher-kva.example"));
    let parsed = Csp::parse(b"img-src \xff");
    assert_eq!((parsed.value, parsed.faults[0].span.clone()), (None, 8..9));
}

#[test]
fn dead_directives_are_kept_with_a_warning() {
    for name in DirectiveName::DEAD {
        let input = format!("{name} x; img-src *");
        let parsed = Csp::parse(input.as_bytes());
        assert_eq!(parsed.faults.len(), 1, "{name}");
        assert_eq!(
            (parsed.faults[0].code, parsed.faults[0].severity),
            ("csp.dead-directive", Severity::Warning)
        );
        assert_eq!(parsed.value.unwrap().to_string(), input);
    }
}

#[test]
fn source_expressions_that_a_browser_ignores_or_misreads_are_left_out() {
    for (source, code, hinted) in [
        ("self", "csp.unquoted-keyword", Some("'self'")),
        ("\"self\"", "csp.unquoted-keyword", Some("'self'")),
        ("none", "csp.unquoted-keyword", Some("'none'")),
        (
            "Unsafe-Inline",
            "csp.unquoted-keyword",
            Some("'unsafe-inline'"),
        ),
        ("nonce-abc", "csp.unquoted-keyword", Some("'nonce-abc'")),
        ("nonce-{n}", "csp.unquoted-keyword", Some("'nonce-{n}'")),
        ("sha256-abc", "csp.unquoted-keyword", Some("'sha256-abc'")),
        ("https", "csp.scheme-colon", Some("https:")),
        ("data:image/png", "csp.bad-scheme", Some("data:")),
        ("http:/x", "csp.bad-scheme", Some("http://x")),
        (
            "HTTPS:a.example",
            "csp.bad-scheme",
            Some("https://a.example"),
        ),
        ("http:/", "csp.bad-scheme", Some("http:")),
        ("'nonse'", "csp.unknown-keyword", Some("'nonce-<value>'")),
        ("'slef'", "csp.unknown-keyword", Some("'self'")),
        (
            "'https://a.example'",
            "csp.unknown-keyword",
            Some("without quotes: https://a.example"),
        ),
        ("'self", "csp.quote", Some("'self'")),
        ("'", "csp.quote", None),
        ("'nonce'", "csp.nonce-slot", Some("'nonce-<value>'")),
        ("'nonce-{nonce}'", "csp.bad-nonce", None),
        ("'nonce-'", "csp.bad-nonce", None),
        ("'sha256-a~b'", "csp.hash-grammar", None),
        ("'sha256-abc='", "csp.bad-hash", None),
        (
            "'sha512-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
            "csp.bad-hash",
            None,
        ),
        ("style-src", "csp.missing-semicolon", Some("; style-src")),
        ("/js/app.js", "csp.bad-host", None),
        ("a\u{b}b", "csp.control", None),
    ] {
        let input = format!("script-src {source} b.example");
        let (faults, value) = read(&input);
        assert_eq!(faults, [(code, source)], "{source}");
        assert_eq!(value.as_deref(), Some("script-src b.example"), "{source}");
        if let Some(hinted) = hinted {
            assert_eq!(hint(&input).as_deref(), Some(hinted), "{source}");
        }
    }
}

#[test]
fn query_and_fragment_are_cut() {
    for input in [
        "img-src https://a.example/x?y=1",
        "img-src https://a.example/x#y?z",
    ] {
        let (faults, value) = read(input);
        assert_eq!(faults, [("csp.query", &input[8..])]);
        assert_eq!(value.as_deref(), Some("img-src https://a.example/x"));
    }
    for input in ["img-src self?q", "img-src https:?q", "img-src ?q"] {
        assert_eq!(read(input).0[0].0, "csp.query", "{input}");
        assert_eq!(read(input).1.as_deref(), Some("img-src 'none'"), "{input}");
    }
}

#[test]
fn directive_name_among_values_lacks_its_semicolon() {
    for input in [
        "report-uri /csp script-src",
        "trusted-types a script-src",
        "img-src * script-src",
        "sandbox allow-forms script-src",
    ] {
        assert_eq!(read(input).0, [("csp.missing-semicolon", "script-src")]);
    }
}

#[test]
fn none_beside_others_is_ignored() {
    assert_eq!(
        read("img-src 'NONE' a.example"),
        (
            vec![("csp.none-with-others", "'NONE'")],
            Some("img-src a.example".to_owned())
        )
    );
    assert_eq!(read("img-src").1.as_deref(), Some("img-src 'none'"));
    assert_eq!(
        read("img-src 'none' 'none'").1.as_deref(),
        Some("img-src 'none'")
    );
}

#[test]
fn keywords_that_need_or_exclude_others_are_found() {
    let long = "ch4hvvbHDpv7xCSvXCs3BrNggHdTzxUA";
    for (input, code, place, severity) in [
        (
            "script-src 'strict-dynamic' https:",
            "csp.strict-dynamic-alone",
            "'strict-dynamic'",
            Severity::Error,
        ),
        (
            "script-src 'unsafe-hashes' 'self'",
            "csp.unsafe-hashes-alone",
            "'unsafe-hashes'",
            Severity::Warning,
        ),
        (
            "script-src 'trusted-types-eval'",
            "csp.trusted-types-eval-alone",
            "'trusted-types-eval'",
            Severity::Warning,
        ),
        (
            "report-uri /a; report-to b",
            "csp.report-uri-ignored",
            "report-uri /a",
            Severity::Warning,
        ),
        (
            "script-src 'report-sha512'",
            "csp.report-hash-unheard",
            "'report-sha512'",
            Severity::Warning,
        ),
        (
            "img-src 'unsafe-inline'",
            "csp.no-effect",
            "'unsafe-inline'",
            Severity::Warning,
        ),
        (
            "img-src a.example A.example",
            "csp.repeated-word",
            "A.example",
            Severity::Warning,
        ),
        (
            "frame-ancestors 'self' 'unsafe-inline'",
            "csp.not-an-ancestor",
            "'unsafe-inline'",
            Severity::Error,
        ),
        (
            "upgrade-insecure-requests 1",
            "csp.value",
            "1",
            Severity::Error,
        ),
        ("report-to a b", "csp.surplus-value", "b", Severity::Error),
        (
            "sandbox allow-script",
            "csp.unknown-sandbox-flag",
            "allow-script",
            Severity::Error,
        ),
        (
            "require-trusted-types-for script",
            "csp.unknown-sink-group",
            "script",
            Severity::Error,
        ),
        (
            "webrtc 'block'",
            "csp.experimental",
            "webrtc",
            Severity::Warning,
        ),
        (
            "script-src 'nonce-abc'",
            "csp.weak-nonce",
            "'nonce-abc'",
            Severity::Warning,
        ),
        (
            "report-uri data:x",
            "csp.bad-url",
            "data:x",
            Severity::Error,
        ),
    ] {
        let parsed = Csp::parse(input.as_bytes());
        let faults: Vec<_> = parsed
            .faults
            .iter()
            .map(|fault| (fault.code, &input[fault.span.clone()], fault.severity))
            .collect();
        assert_eq!(faults, [(code, place, severity)], "{input}");
    }
    let input =
        format!("script-src 'nonce-{long}' 'strict-dynamic' a.example 'unsafe-inline' https:");
    let (faults, _) = read(&input);
    assert_eq!(
        faults,
        [
            ("csp.host-ignored", "a.example"),
            ("csp.unsafe-inline-ignored", "'unsafe-inline'")
        ]
    );
}

#[test]
fn spans_count_from_the_beginning_of_the_field() {
    let input = "default-src 'self', img-src 'self' ; font-src  self";
    let parsed = Csp::parse(input.as_bytes());
    assert_eq!(parsed.faults[0].span, 47..51);
    assert_eq!(&input[47..51], "self");
}

#[test]
fn empty_field_is_no_value() {
    for input in ["", " ", ";", ", ;,"] {
        let (faults, value) = read(input);
        assert_eq!((faults, value), (vec![("csp.empty", input)], None));
    }
}

#[test]
fn report_only_warns_of_what_has_no_effect() {
    let input = b"sandbox; upgrade-insecure-requests; img-src *";
    let parsed = CspReportOnly::parse(input);
    let faults: Vec<_> = parsed
        .faults
        .iter()
        .map(|fault| (fault.code, fault.span.clone()))
        .collect();
    assert_eq!(
        faults,
        [
            ("csp.report-only-ignored", 0..7),
            ("csp.report-only-silent", 0..45),
            ("csp.report-only-ignored", 9..34),
        ]
    );
    assert!(
        CspReportOnly::parse(b"img-src *; report-uri /x")
            .faults
            .is_empty()
    );
}

#[test]
fn building_refuses_what_reading_forgives() {
    for (values, index, code) in [
        (&["'self'", "a.example;script-src"][..], 1, "csp.semicolon"),
        (&["a.example,b.example"], 0, "csp.comma"),
        (&["'self' a.example"], 0, "csp.space"),
        (&["'self'", "a.example\r\nX: y"], 1, "csp.control"),
        (&["b\u{fc}cher.example"], 0, "csp.non-ascii"),
        (&["'self'", ""], 1, "csp.empty-word"),
        (&["a.example", "'none'"], 1, "csp.none-with-others"),
        (&["'nonce'"], 0, "csp.nonce-slot"),
        (&["'self'", "SELF"], 1, "csp.unquoted-keyword"),
    ] {
        let refused = Directive::build("img-src", values).unwrap_err();
        let found: Vec<_> = refused
            .faults
            .iter()
            .map(|found| (found.index, found.fault.code))
            .collect();
        assert_eq!(found, [(Some(index), code)], "{values:?}");
    }
    let refused = Directive::build("img-scr", &["a;b"]).unwrap_err();
    let indexes: Vec<_> = refused.faults.iter().map(|found| found.index).collect();
    assert_eq!(indexes, [None, Some(0)]);
}

#[test]
fn fixed_nonce_is_built_with_a_warning() {
    let (_, warnings) = Directive::build("script-src", &["'self'", "'nonce-abc'"]).unwrap();
    assert_eq!(
        (warnings[0].index, warnings[0].fault.code),
        (Some(1), "csp.fixed-nonce")
    );
}

#[test]
fn extending_replaces_none_and_counts_in_what_was_added() {
    let (none, _) = Directive::build("img-src", &[]).unwrap();
    let (more, warnings) = none.extended(&["'self'", "data:"]).unwrap();
    assert_eq!(
        (more.to_string().as_str(), warnings.len()),
        ("img-src 'self' data:", 0)
    );
    let (same, warnings) = more.extended(&["'self'"]).unwrap();
    assert_eq!((same, warnings.len()), (more.clone(), 0));
    let refused = more.extended(&["*", "self"]).unwrap_err();
    assert_eq!(refused.faults[0].index, Some(1));
}

#[test]
fn template_is_cut_at_the_slots_only() {
    let csp: Csp = "script-src 'nonce' a.example/'nonce'; style-src 'nonce', script-src 'nonce'"
        .parse()
        .unwrap();
    assert!(csp.has_nonce_slot());
    assert_eq!(
        csp.template().segments(),
        [
            "script-src 'nonce-",
            "' a.example/'nonce'; style-src 'nonce-",
            "', script-src 'nonce-",
            "'"
        ]
    );
    let fixed: Csp = "img-src *".parse().unwrap();
    assert_eq!(fixed.template().segments(), ["img-src *"]);
}

#[test]
fn value_with_an_open_slot_is_not_sent() {
    let csp: Csp = "script-src 'nonce'".parse().unwrap();
    assert!(csp.to_value().is_err());
    assert!(Csp::new().to_value().is_err());
    let nonce = Nonce::of_bytes(&[9; 16]);
    let text = csp.template().fill(&nonce);
    assert_eq!(csp.with_nonce(&nonce).to_value().unwrap(), text.as_str());
}

#[test]
fn examples_build_clean() {
    for example in Csp::EXAMPLES {
        let (csp, warnings) = Csp::build(example).unwrap();
        assert_eq!((csp.to_string().as_str(), warnings), (*example, vec![]));
    }
    for example in CspReportOnly::EXAMPLES {
        let (csp, warnings) = CspReportOnly::build(example).unwrap();
        assert_eq!((csp.to_string().as_str(), warnings), (*example, vec![]));
    }
}
