//! What holds for every value and every input.

use proptest::prelude::*;

use super::*;

/// Source expressions that are right in every source list.
fn source() -> impl Strategy<Value = String> {
    let host = "(https://|wss://|)(\\*\\.|)[a-z]{1,8}\\.[a-z]{2,4}(:[1-9][0-9]{0,3}|:\\*|)(/[A-Za-z0-9%20_.~-]{0,0}[a-z]{0,4}/?|)";
    prop_oneof![
        Just("'self'".to_owned()),
        Just("*".to_owned()),
        "[a-z][a-z+.-]{0,5}\\.x:",
        host,
    ]
}

/// Source expressions of scripts and styles.
fn guarded_source() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => source(),
        1 => Just("'unsafe-inline'".to_owned()),
        1 => Just("'report-sample'".to_owned()),
        1 => "[A-Za-z0-9+/_-]{22,30}={0,2}".prop_map(|value| format!("'nonce-{value}'")),
        1 => (0..Algorithm::ALL.len(), any::<Vec<u8>>())
            .prop_map(|(at, bytes)| HashSource::of_bytes(Algorithm::ALL[at], &bytes).to_string()),
    ]
}

fn directive() -> impl Strategy<Value = Directive> {
    let many = |one: BoxedStrategy<String>| proptest::collection::vec(one, 0..5);
    let list = (
        0..DirectiveName::ALL.len(),
        many(source().boxed()),
        many(guarded_source().boxed()),
    );
    let built = list.prop_filter_map("of another kind", |(at, plain, guarded)| {
        let name = DirectiveName::ALL[at];
        let words = match name.kind() {
            Kind::SourceList if name.takes_nonces() => guarded,
            Kind::SourceList | Kind::AncestorList => plain,
            Kind::Sandbox => vec!["allow-scripts".to_owned(), "allow-forms".to_owned()],
            Kind::UrlList => vec!["/r".to_owned(), "https://r.example/?x".to_owned()],
            Kind::Token => vec!["csp".to_owned()],
            Kind::TrustedTypes => vec!["a".to_owned(), "'allow-duplicates'".to_owned()],
            Kind::SinkGroup => vec!["'script'".to_owned()],
            Kind::AllowOrBlock => vec!["'block'".to_owned()],
            Kind::Valueless | Kind::Dead => vec![],
        };
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        Directive::build(name.as_str(), &words).ok()
    });
    built.prop_map(|(directive, _)| directive)
}

fn csp() -> impl Strategy<Value = Csp> {
    let policy = proptest::collection::vec(directive(), 1..6).prop_map(|directives| {
        directives
            .into_iter()
            .fold(Policy::new(), Policy::directive)
    });
    proptest::collection::vec(policy, 1..4).prop_map(Csp::from_iter)
}

/// Text made of pieces of the grammar, in any order.
fn grammarish() -> impl Strategy<Value = String> {
    let mut pieces: Vec<String> = [
        " ",
        " ",
        " ",
        ";",
        "; ",
        ",",
        ", ",
        "\t",
        "'",
        "'none'",
        "'nonce'",
        "'nonce-abc'",
        "self",
        "'sha256-abc'",
        "'SHA256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU='",
        "'url-sha256-x'",
        "https:",
        "https://",
        "*",
        "*.",
        "a.example",
        ":80",
        ":*",
        "/x",
        "//",
        "?q",
        "#f",
        "%2f",
        "\u{fc}",
        "\u{b}",
        "allow-scripts",
        "'script'",
        "'allow-duplicates'",
        "'block'",
        "[::1]",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    pieces.extend(DirectiveName::ALL.iter().map(|name| format!("{name} ")));
    pieces.extend(DirectiveName::DEAD.iter().map(|name| format!("{name} ")));
    pieces.extend(Keyword::ALL.iter().map(|keyword| format!(" {keyword}")));
    proptest::collection::vec(proptest::sample::select(pieces), 0..24)
        .prop_map(|pieces| pieces.concat())
}

/// Spans lie inside and in order; what is printed is read as the same, and has no fault of grammar.
fn check(input: &[u8]) -> Result<(), TestCaseError> {
    for parsed in [
        Csp::parse(input),
        CspReportOnly::parse(input).map(CspReportOnly::into_csp),
    ] {
        let mut last = 0;
        for fault in &parsed.faults {
            prop_assert!(
                fault.span.start >= last && fault.span.start <= fault.span.end,
                "{fault:?}"
            );
            prop_assert!(fault.span.end <= input.len(), "{fault:?}");
            last = fault.span.start;
        }
        let Some(csp) = parsed.value else {
            prop_assert!(parsed.faults.iter().any(Fault::is_error));
            continue;
        };
        let printed = csp.to_string();
        let again = Csp::parse(printed.as_bytes());
        prop_assert_eq!(again.value.as_ref(), Some(&csp), "{}", printed);
        for fault in again.faults.iter().filter(|fault| fault.is_error()) {
            prop_assert_eq!(fault.code, "csp.strict-dynamic-alone", "{}", printed);
        }
        prop_assert!(HeaderValue::from_str(&printed).is_ok());
    }
    Ok(())
}

proptest! {
    #[test]
    fn printed_values_parse_and_build_to_themselves(csp in csp()) {
        let printed = csp.to_string();
        let parsed = Csp::parse(printed.as_bytes());
        prop_assert!(!parsed.faults.iter().any(Fault::is_error), "{:?}", parsed.faults);
        prop_assert_eq!(parsed.value.as_ref(), Some(&csp));
        let (built, _) = Csp::build(&printed).unwrap();
        prop_assert_eq!(&built, &csp);
        let template = csp.template();
        prop_assert_eq!(template.segments(), [printed]);
    }

    #[test]
    fn directives_build_from_their_words(directive in directive()) {
        let words = directive.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let (built, _) = Directive::build(directive.name().as_str(), &words).unwrap();
        prop_assert_eq!(built, directive);
    }

    #[test]
    fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..80)) {
        check(&input)?;
    }

    #[test]
    fn grammarish_text_is_read(input in grammarish()) {
        check(input.as_bytes())?;
    }

    #[test]
    fn built_text_prints_as_text_that_builds(input in grammarish()) {
        if let Ok((csp, _)) = Csp::build(&input) {
            let (again, _) = Csp::build(&csp.to_string()).unwrap();
            prop_assert_eq!(&again, &csp);
            let nonce = Nonce::of_bytes(&[3; 16]);
            let filled = csp.template().fill(&nonce);
            prop_assert_eq!(Csp::parse(filled.as_bytes()).value, Some(csp.with_nonce(&nonce)));
        }
    }
}
