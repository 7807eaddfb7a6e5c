//! What holds for every token and every text.

#![allow(clippy::expect_used)]

use mantlet_token::{
    Algorithm, Algorithms, Issuing, KeySet, Settings, SigningKey, Verified, Verifier, jwk, jws,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const NOW: u64 = 1_800_000_000;

fn parties(name: &str) -> (Issuing, Verifier) {
    let algorithm = Algorithm::named(name).expect("known");
    let key = SigningKey::generate(algorithm).expect("a key");
    let keys = KeySet::new(vec![key.verifying().expect("a key")]).expect("a set");
    let settings = Settings::new(jws::Rules::new(Algorithms::only(algorithm)));
    (
        Issuing::new(key),
        Verifier::new(settings, keys).expect("fitting"),
    )
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn claims() -> impl Strategy<Value = Map<String, Value>> {
    // a name of our own in front: a registered claim has its type
    prop::collection::btree_map("x\\PC{0,8}", value(), 0..8)
        .prop_map(|map| map.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_issued_is_verified_and_read_back(claims in claims(), id in any::<[u8; 16]>()) {
        for name in ["HS256", "EdDSA"] {
            let (issuing, verifier) = parties(name);
            let token = issuing.encode(&claims, NOW, id).expect("encodable");
            let verified = verifier.verify(token.as_bytes(), NOW).expect("valid");
            let mut read: Map<String, Value> = verified.claims().expect("an object");
            prop_assert_eq!(read.remove("iat"), Some(json!(NOW)));
            prop_assert_eq!(read.remove("exp"), Some(json!(NOW + 3600)));
            let id = read.remove("jti");
            prop_assert_eq!(id.as_ref().and_then(Value::as_str), verified.id());
            for (name, value) in &claims {
                let claim = verified.claim(name);
                prop_assert_eq!(claim.as_ref(), Some(value));
            }
            prop_assert_eq!(&read, &claims);
        }
    }

    #[test]
    fn one_changed_byte_is_rejected(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (issuing, verifier) = parties("HS256");
        let mut token = issuing.encode(&json!({"sub": "alice"}), NOW, [0; 16]).expect("a token").into_bytes();
        let at = at.index(token.len());
        prop_assume!(token[at] != byte);
        token[at] = byte;
        prop_assert!(verifier.verify(&token, NOW).is_err());
    }

    #[test]
    fn any_bytes_are_rejected(token in prop::collection::vec(any::<u8>(), 0..300), now in any::<u64>()) {
        let (_, verifier) = parties("HS256");
        prop_assert!(verifier.verify(&token, now).map(drop).is_err());
    }

    #[test]
    fn any_key_text_is_a_key_or_an_error(text in "(-----BEGIN (PUBLIC|RSA PRIVATE) KEY-----|\\{\"kty\":\"(RSA|EC|OKP)\",|)\\PC{0,200}") {
        for name in ["RS256", "ES256", "EdDSA", "HS256"] {
            let algorithms = Algorithms::new([name]).expect("known");
            let _ = jwk::load(text.as_bytes(), &algorithms).map_err(|error| error.to_string());
            let _ = SigningKey::load(text.as_bytes(), Algorithm::named(name).expect("known"));
        }
    }
}

#[test]
fn what_the_claims_say_goes_before_the_defaults() {
    let (issuing, verifier) = parties("HS256");
    let issuing = issuing.issuer("me").expiration(60);
    let token = |claims: Value| issuing.encode(&claims, NOW, [9; 16]);
    let read = |claims: Value| -> Verified {
        verifier
            .verify(token(claims).expect("a token").as_bytes(), NOW)
            .expect("valid")
    };
    let verified =
        read(json!({"exp": NOW + 5, "jti": "mine", "iss": "you", "sid": "s", "client_id": "c"}));
    assert_eq!(
        (verified.expires(), verified.id()),
        (Some(NOW as i64 + 5), Some("mine"))
    );
    assert_eq!(
        (verified.issuer(), verified.session()),
        (Some("you"), Some("s"))
    );
    assert_eq!(
        (verified.client(), verified.issued()),
        (Some("c"), Some(NOW as i64))
    );
    let verified = read(json!({}));
    assert_eq!(
        (verified.expires(), verified.issuer()),
        (Some(NOW as i64 + 60), Some("me"))
    );
    for claims in [
        json!([]),
        json!("x"),
        json!({"exp": "soon"}),
        json!({"nbf": 1.5}),
    ] {
        assert!(token(claims.clone()).is_err(), "{claims}");
    }
}
