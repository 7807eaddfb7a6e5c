use super::*;

#[test]
fn are_never_used() {
    let attacker = b"a secret that the attacker knows!";
    let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(attacker)});
    for member in ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"] {
        let header = json!({"alg": "HS256", member: jwk}).to_string();
        let [header, payload] =
            [header, json!({"exp": NOW + 60}).to_string()].map(|json| URL_SAFE_NO_PAD.encode(json));
        let forged = hs256(attacker, &format!("{header}.{payload}"));
        assert_eq!(told(plain, &forged), Err(Reject::Signature), "{member}");
    }
    let rightly_signed = with_header(json!({"jku": "https://attacker.example/jwks", "x-num": 1}));
    assert_eq!(told(plain, &rightly_signed), Ok(()), "read by nobody");
}

#[test]
fn are_found_by_kid_and_only_looked_up() {
    let two = ["a", "b"].map(|id| {
        let key = HsKey::new(Hs::Hs256, SECRET).expect("long enough");
        Key::from(key).with_id(id).expect("short enough")
    });
    let keys = KeySet::new(two.into()).expect("a set");
    let verifier = Verifier::new(settings(&["HS256"]), keys).expect("fitting");
    let told = |header: Value| {
        let token = with_header(header);
        verifier.verify(token.as_bytes(), NOW).map(drop)
    };
    assert_eq!(told(json!({"kid": "b"})), Ok(()));
    assert_eq!(told(json!({})), Err(Reject::UnknownKey), "two fit");
    for kid in [
        "",
        "c",
        "../../dev/null",
        "b'; DROP TABLE keys; --",
        "http://127.0.0.1/",
        "\u{0}b",
    ] {
        assert_eq!(told(json!({"kid": kid})), Err(Reject::UnknownKey), "{kid}");
    }
    assert_eq!(
        told(json!({"kid": "k".repeat(257)})),
        Err(Reject::Malformed)
    );
    for kid in [json!(null), json!(1), json!(["b"])] {
        assert_eq!(told(json!({"kid": kid})), Err(Reject::Malformed));
    }
}

#[test]
fn have_one_algorithm_each() {
    let ec = SigningKey::generate(mantlet_token::Algorithm::named("ES256").expect("known"));
    let key = ec
        .and_then(|key| key.verifying())
        .expect("a key")
        .with_id("a");
    let keys = KeySet::new(vec![key.expect("short")]).expect("a set");
    let verifier = Verifier::new(settings(&["ES256", "RS256"]), keys).expect("fitting");
    let token = with_header(json!({"alg": "RS256", "kid": "a"}));
    assert_eq!(
        verifier.verify(token.as_bytes(), NOW).err(),
        Some(Reject::Algorithm)
    );
}

#[test]
fn that_are_missing_reject_everything() {
    let none = verifier(plain).with_keys(KeySet::empty());
    let good = with_claims(json!({}));
    assert_eq!(
        none.verify(good.as_bytes(), NOW).err(),
        Some(Reject::NoKeys)
    );
}
