//! Keys as programs in use write them, and what is refused at load.

#![allow(clippy::expect_used)]

use mantlet_token::{
    Algorithm, Algorithms, ConfigError, Issuing, KeySet, Settings, SigningKey, Verifier, jwk, jws,
};
use serde_json::json;

const NOW: u64 = 1_800_000_000;

fn algorithms(names: &[&str]) -> Algorithms {
    Algorithms::new(names.iter().copied()).expect("known")
}

fn named(name: &str) -> Algorithm {
    Algorithm::named(name).expect("known")
}

fn refused(text: &str, names: &[&str]) -> ConfigError {
    jwk::load(text.as_bytes(), &algorithms(names)).expect_err(text)
}

fn verifies(signing: &str, verifying: &str, name: &str) {
    let key = SigningKey::load(signing.as_bytes(), named(name)).expect("a private key");
    let token = Issuing::new(key).encode(&json!({}), NOW, [0; 16]);
    let token = token.expect("a token");
    let loaded = jwk::load(verifying.as_bytes(), &algorithms(&[name])).expect("a key");
    let keys = KeySet::new(loaded.keys).expect("a set");
    let settings = Settings::new(jws::Rules::new(algorithms(&[name])));
    let verifier = Verifier::new(settings, keys).expect("a verifier");
    verifier.verify(token.as_bytes(), NOW).expect("valid");
}

const RSA: &str = include_str!("keys/rsa.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa1.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub");
const RSA_PUBLIC_PKCS1: &str = include_str!("keys/rsa1.pub");
const EC: &str = include_str!("keys/ec.pem");
const EC_PUBLIC: &str = include_str!("keys/ec.pub");
const EC_521: &str = include_str!("keys/ec521.pem");
const EC_521_PUBLIC: &str = include_str!("keys/ec521.pub");
const ED25519: &str = include_str!("keys/ed.pem");
const ED25519_PUBLIC: &str = include_str!("keys/ed.pub");
const RSA_1024_PUBLIC: &str = include_str!("keys/weak.pub");
const SECP256K1_PUBLIC: &str = include_str!("keys/k1.pub");

#[test]
fn every_form_of_pem_that_openssl_writes_is_read() {
    for name in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        verifies(RSA, RSA_PUBLIC, name);
    }
    verifies(RSA_PKCS1, RSA_PUBLIC_PKCS1, "RS256");
    verifies(EC, EC_PUBLIC, "ES256");
    verifies(EC_521, EC_521_PUBLIC, "ES512");
    verifies(ED25519, ED25519_PUBLIC, "EdDSA");
    let windows = RSA_PUBLIC.replace('\n', "\r\n");
    verifies(RSA, &windows, "RS256");
}

#[test]
fn a_private_key_verifies_with_its_public_half() {
    for (key, name) in [
        (RSA, "RS256"),
        (RSA_PKCS1, "PS512"),
        (EC, "ES256"),
        (EC_521, "ES512"),
        (ED25519, "Ed25519"),
    ] {
        verifies(key, key, name);
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let jwk = r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#;
    let ssh = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJzqXzXyAJcHvgm2TmZ1xCSqXq3W user@host";
    for text in [RSA_PUBLIC, RSA, EC_PUBLIC, jwk, ssh] {
        let error = refused(text, &["HS256"]);
        assert!(matches!(error, ConfigError::KeyAsSecret { .. }), "{error}");
        assert!(
            error.to_string().contains("openssl rand -base64 32"),
            "{error}"
        );
    }
    // text before the block does not hide it
    let hidden = format!("# the key of production\n{RSA_PUBLIC}");
    let error = refused(&hidden, &["HS512"]);
    assert!(matches!(error, ConfigError::KeyAsSecret { .. }), "{error}");
    // nor does a repeated member make a JWK a secret
    let twice = r#"{"kty":"RSA","kty":"RSA","n":"AQAB0000000000000000000","e":"AQAB"}"#;
    assert!(matches!(refused(twice, &["HS256"]), ConfigError::Jwk(_)));
}

#[test]
fn a_secret_is_no_public_key_and_a_key_has_its_own_algorithms() {
    let secret = "0123456789abcdef0123456789abcdef";
    assert!(matches!(
        refused(secret, &["RS256"]),
        ConfigError::NotAKey { .. }
    ));
    for (text, name) in [
        (RSA_PUBLIC, "ES256"),
        (EC_PUBLIC, "RS256"),
        (EC_PUBLIC, "ES384"),
        (EC_521_PUBLIC, "ES256"),
        (ED25519_PUBLIC, "ES256"),
        (EC, "ES384"),
    ] {
        let error = refused(text, &[name]);
        assert!(
            matches!(error, ConfigError::WrongKey { .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn weak_and_foreign_keys_are_refused() {
    assert!(matches!(
        refused(RSA_1024_PUBLIC, &["RS256"]),
        ConfigError::WeakRsa(_)
    ));
    assert!(matches!(
        refused(SECP256K1_PUBLIC, &["ES256"]),
        ConfigError::Pem(_)
    ));
    for (label, told) in [
        ("CERTIFICATE", "openssl x509"),
        ("ENCRYPTED PRIVATE KEY", "openssl pkey"),
        ("OPENSSH PRIVATE KEY", "a PUBLIC KEY or a PRIVATE KEY"),
    ] {
        let text = format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n");
        let error = refused(&text, &["RS256"]).to_string();
        assert!(error.contains(told), "{error}");
    }
    for text in [
        "-----BEGIN ",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\n!!!!\n-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
    ] {
        let error = refused(text, &["RS256"]);
        assert!(
            matches!(error, ConfigError::Pem(_) | ConfigError::PemLabel { .. }),
            "{error}"
        );
    }
}

#[test]
fn only_a_private_key_signs() {
    let load = |text: &str, name: &str| SigningKey::load(text.as_bytes(), named(name)).err();
    assert_eq!(load(RSA_PUBLIC, "RS256"), Some(ConfigError::NotPrivate));
    let public =
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    assert_eq!(load(public, "EdDSA"), Some(ConfigError::NotPrivate));
    assert!(matches!(
        load("secret", "HS256"),
        Some(ConfigError::ShortSecret { .. })
    ));
    assert!(matches!(
        load(RSA, "HS256"),
        Some(ConfigError::KeyAsSecret { .. })
    ));
}

/// The private keys of RFC 7515 appendix A.3 and RFC 8037 appendix A.
const EC_JWK: &str = r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
const ED25519_JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
    "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

#[test]
fn private_jwks_sign_and_inconsistent_ones_do_not() {
    verifies(EC_JWK, EC_JWK, "ES256");
    verifies(ED25519_JWK, ED25519_JWK, "EdDSA");
    let secret = r#"{"kty":"oct","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}"#;
    verifies(secret, secret, "HS256");
    let other = ED25519_JWK.replace("nWGx", "nWGy");
    assert_eq!(
        SigningKey::load(other.as_bytes(), named("EdDSA")).err(),
        Some(ConfigError::InvalidKey("Ed25519"))
    );
}

#[test]
fn a_jwk_is_held_to_what_it_says_of_itself() {
    let with = |member: &str| {
        let jwk = ED25519_JWK.replacen('{', &format!("{{{member},"), 1);
        jwk::load(jwk.as_bytes(), &algorithms(&["EdDSA"])).map(|loaded| loaded.keys.len())
    };
    for fine in [
        r#""use":"sig""#,
        r#""key_ops":["verify"]"#,
        r#""key_ops":["sign"]"#,
        r#""alg":"EdDSA""#,
        r#""alg":"Ed25519""#,
        r#""x5u":"https://attacker.example/""#,
    ] {
        assert_eq!(with(fine), Ok(1), "{fine}");
    }
    for (other, member) in [
        (r#""use":"enc""#, "use"),
        (r#""key_ops":["encrypt"]"#, "key_ops"),
        (r#""key_ops":[]"#, "key_ops"),
        (r#""alg":"RSA-OAEP""#, "alg"),
    ] {
        assert_eq!(
            with(other),
            Err(ConfigError::OtherUse { member }),
            "{other}"
        );
    }
    assert!(matches!(
        with(r#""alg":"ES256""#),
        Err(ConfigError::WrongKey { .. })
    ));
    assert!(matches!(with(r#""use":1"#), Err(ConfigError::Jwk(_))));
    assert_eq!(with(r#""kid":"""#), Err(ConfigError::KidLength));
}

#[test]
fn a_set_leaves_out_what_is_not_for_it_and_tells() {
    let set = json!({"keys": [
        {"kty": "OKP", "crv": "Ed25519", "kid": "good", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "OKP", "crv": "X25519", "kid": "other curve", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"},
        {"kty": "AKP", "kid": "of the future"},
        {"kid": "no type"},
        7,
    ]});
    let allowed = algorithms(&["EdDSA", "RS256"]);
    let loaded = jwk::set(
        set.to_string().as_bytes(),
        &allowed,
        jwk::Provenance::Published,
    );
    let loaded = loaded.expect("one key is good");
    assert_eq!(loaded.keys[0].id(), Some("good"));
    let left_out: Vec<_> = loaded
        .left_out
        .iter()
        .map(|out| out.kid.as_deref())
        .collect();
    assert_eq!(
        left_out,
        [
            Some("other curve"),
            Some("weak"),
            Some("of the future"),
            Some("no type"),
            None
        ]
    );
    assert!(matches!(loaded.left_out[1].why, ConfigError::WeakRsa(_)));
}

#[test]
fn a_set_is_refused_as_a_whole() {
    let published = |document: String| {
        jwk::set(
            document.as_bytes(),
            &algorithms(&["EdDSA"]),
            jwk::Provenance::Published,
        )
        .err()
    };
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let key = |kid: &str| json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": x});
    let of = |keys: Vec<serde_json::Value>| json!({ "keys": keys }).to_string();
    assert_eq!(
        published(of(vec![key("a"), key("a")])),
        Some(ConfigError::RepeatedKid("a".to_owned()))
    );
    let secret = json!({"kty": "oct", "k": "A".repeat(43)});
    assert_eq!(
        published(of(vec![key("a"), secret.clone()])),
        Some(ConfigError::MixedKeys)
    );
    assert_eq!(
        published(of(vec![secret])),
        Some(ConfigError::PublishedSecret)
    );
    let private = serde_json::from_str(ED25519_JWK).expect("JSON");
    assert_eq!(
        published(of(vec![private])),
        Some(ConfigError::PublishedSecret)
    );
    assert!(matches!(
        published(of(vec![])),
        Some(ConfigError::NoKey { .. })
    ));
    let many = (0..65).map(|i| key(&i.to_string())).collect();
    assert_eq!(published(of(many)), Some(ConfigError::LargeSet));
    let spaces = " ".repeat(jwk::MAX_SET);
    assert_eq!(
        published(of(vec![key("a")]) + &spaces),
        Some(ConfigError::LargeSet)
    );
    for text in [
        "",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        "<html>",
    ] {
        assert!(
            matches!(published(text.to_owned()), Some(ConfigError::Jwk(_))),
            "{text}"
        );
    }
}

#[test]
fn secrets_with_ids_rotate() {
    let key = |kid: &str, letter: &str| json!({"kty": "oct", "kid": kid, "k": letter.repeat(43)});
    let set = json!({"keys": [key("new", "A"), key("old", "I")]}).to_string();
    let loaded = jwk::load(set.as_bytes(), &algorithms(&["HS256"])).expect("a set");
    let keys = KeySet::new(loaded.keys).expect("a set");
    let settings = Settings::new(jws::Rules::new(algorithms(&["HS256"])));
    let verifier = Verifier::new(settings, keys).expect("a verifier");
    for (kid, letter, valid) in [("new", "A", true), ("old", "I", true), ("old", "A", false)] {
        let jwk = key(kid, letter).to_string();
        let signing = SigningKey::load(jwk.as_bytes(), named("HS256")).expect("a secret");
        let issuing = Issuing::new(signing).kid(kid).expect("short");
        let token = issuing.encode(&json!({}), NOW, [0; 16]).expect("a token");
        assert_eq!(
            verifier.verify(token.as_bytes(), NOW).is_ok(),
            valid,
            "{kid} {letter}"
        );
    }
}

#[test]
fn one_secret_serves_each_allowed_hmac_if_it_is_long_enough() {
    let secret = [b'k'; 64];
    let loaded = jwk::load(&secret, &algorithms(&["HS256", "HS512"])).expect("long enough");
    assert_eq!(loaded.keys.len(), 2);
    let short = jwk::load(&secret[..32], &algorithms(&["HS256", "HS512"]));
    assert!(matches!(
        short,
        Err(ConfigError::ShortSecret { needed: 64, .. })
    ));
}
