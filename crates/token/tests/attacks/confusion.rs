use super::*;

#[test]
fn of_algorithm_by_a_public_key_as_secret() {
    let algorithms = Algorithms::new(["RS256"]).expect("known");
    let loaded = jwk::load(RSA_PUBLIC.as_bytes(), &algorithms).expect("a key");
    let keys = KeySet::new(loaded.keys).expect("a set");
    let verifier = Verifier::new(settings(&["RS256"]), keys).expect("fitting");
    let der = base64::engine::general_purpose::STANDARD
        .decode(
            RSA_PUBLIC
                .lines()
                .filter(|line| !line.starts_with('-'))
                .collect::<String>(),
        )
        .expect("base64");
    for secret in [RSA_PUBLIC.as_bytes(), RSA_PUBLIC.trim().as_bytes(), &der] {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
        let token = hs256(
            secret,
            &format!("{header}.{}", URL_SAFE_NO_PAD.encode("{}")),
        );
        let told = verifier.verify(token.as_bytes(), NOW);
        assert_eq!(told.err(), Some(Reject::Algorithm));
    }
}

#[test]
fn of_algorithm_by_none_in_every_spelling() {
    for alg in ["none", "None", "NONE", "nOnE", "noNE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": alg}).to_string());
        let payload = URL_SAFE_NO_PAD.encode(json!({"exp": NOW + 60}).to_string());
        let unsigned = format!("{header}.{payload}.");
        assert_eq!(told(plain, &unsigned), Err(Reject::Algorithm), "{alg}");
        assert_eq!(
            told(plain, &with_header(json!({"alg": alg}))),
            Err(Reject::Algorithm)
        );
    }
}

#[test]
fn of_algorithm_by_spelling_or_type() {
    for alg in ["hs256", "HS256 ", "HS384", "RS256", "HS2560", "ES521"] {
        assert_eq!(
            told(plain, &with_header(json!({"alg": alg}))),
            Err(Reject::Algorithm),
            "{alg}"
        );
    }
    for alg in [
        json!(null),
        json!(256),
        json!(["HS256"]),
        json!({"alg": "HS256"}),
    ] {
        assert_eq!(
            told(plain, &with_header(json!({"alg": alg}))),
            Err(Reject::Malformed)
        );
    }
    let missing = token("{}", "{}");
    assert_eq!(told(plain, &missing), Err(Reject::Malformed));
}

#[test]
fn of_token_kinds_by_typ() {
    for typ in [
        "dbsc+jwt",
        "dpop+jwt",
        "logout+jwt",
        "JOSE",
        "JWT2",
        "application/dbsc+jwt",
        "application/",
        "",
    ] {
        assert_eq!(
            told(plain, &with_header(json!({"typ": typ}))),
            Err(Reject::Type),
            "{typ}"
        );
    }
    for typ in [
        "JWT",
        "jwt",
        "at+jwt",
        "application/at+jwt",
        "APPLICATION/JWT",
    ] {
        assert_eq!(
            told(plain, &with_header(json!({"typ": typ}))),
            Ok(()),
            "{typ}"
        );
    }
    assert_eq!(
        told(plain, &with_header(json!({"typ": 1}))),
        Err(Reject::Malformed)
    );
    let listed: Change = |settings| settings.types = vec!["session+jwt".to_owned()];
    assert_eq!(
        told(listed, &with_header(json!({"typ": "Session+JWT"}))),
        Ok(())
    );
    assert_eq!(
        told(listed, &with_header(json!({"typ": "JWT"}))),
        Err(Reject::Type)
    );
    assert_eq!(told(listed, &with_header(json!({}))), Err(Reject::Type));
}

#[test]
fn of_signing_and_encrypting() {
    let five = format!("{}.e30.e30", with_claims(json!({})));
    assert_eq!(told(plain, &five), Err(Reject::Encrypted));
    let header = json!({"enc": "A128CBC-HS256", "zip": "DEF"});
    assert_eq!(told(plain, &with_header(header)), Err(Reject::Encrypted));
}
