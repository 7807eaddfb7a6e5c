use super::*;

#[test]
fn extensions_are_refused_unless_listed_and_present() {
    for header in [
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["http://example.com/UNDEFINED"], "http://example.com/UNDEFINED": true}),
        json!({"crit": "bork", "bork": 1}),
        json!({"crit": []}),
        json!({"crit": null}),
        json!({"crit": [1]}),
        json!({"crit": ["alg"]}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"b64": false}),
        json!({"b64": true}),
    ] {
        assert_eq!(
            told(plain, &with_header(header.clone())),
            Err(Reject::Critical),
            "{header}"
        );
    }
}

#[test]
fn extensions_that_are_listed_are_handed_on() {
    let listed: Change = |settings| {
        let rules = settings.rules.clone();
        settings.rules = rules.extension("bork").expect("not a standard one");
    };
    assert_eq!(
        told(listed, &with_header(json!({"crit": ["bork"], "bork": 7}))),
        Ok(())
    );
    for header in [
        json!({"crit": ["bork"]}),
        json!({"crit": ["bork", "bork"], "bork": 1}),
        json!({"crit": ["bork", "other"], "bork": 1, "other": 1}),
    ] {
        assert_eq!(
            told(listed, &with_header(header.clone())),
            Err(Reject::Critical),
            "{header}"
        );
    }
    let token = with_header(json!({"crit": ["bork"], "bork": 7}));
    let verified = verifier(listed)
        .verify(token.as_bytes(), NOW)
        .expect("valid");
    let header: Value = serde_json::from_str(verified.header().expect("kept")).expect("JSON");
    assert_eq!(header["bork"], 7);
    let rules = settings(&["HS256"]).rules;
    for standard in ["alg", "b64", "crit", "kid"] {
        assert!(rules.clone().extension(standard).is_err(), "{standard}");
    }
}
