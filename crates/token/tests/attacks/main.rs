//! Tokens as attackers and careless issuers make them, by class. Each is rejected for its own reason, so that a check that
//! is lost does not hide behind another; a good token of the same making passes.

#![allow(clippy::expect_used)]

mod cached;
mod claims;
mod confusion;
mod critical;
mod dates;
mod json_text;
mod keys_of_the_token;
mod signature;
mod spelling;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use mantlet_token::{
    Algorithms, Cache, Demand, Hs, HsKey, Key, KeySet, Profile, Reject, RequiredClaim, Revocation,
    Revoked, Settings, SigningKey, Verifier, jwk, jws,
};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const SECRET: &[u8; 32] = b"an HMAC secret of 32 good bytes!";
const RSA_PUBLIC: &str = include_str!("../keys/rsa.pub");

type Change = fn(&mut Settings);

fn settings(names: &[&str]) -> Settings {
    let algorithms = Algorithms::new(names.iter().copied()).expect("known");
    Settings::new(jws::Rules::new(algorithms))
}

fn verifier(change: Change) -> Verifier {
    let mut settings = settings(&["HS256"]);
    change(&mut settings);
    let key = HsKey::new(Hs::Hs256, SECRET).expect("long enough");
    let keys = KeySet::new(vec![Key::from(key)]).expect("a set");
    Verifier::new(settings, keys).expect("fitting settings")
}

fn hs256(secret: &[u8], input: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// A token of this header and payload, rightly signed.
fn token(header: &str, payload: &str) -> String {
    let [header, payload] = [header, payload].map(|json| URL_SAFE_NO_PAD.encode(json));
    hs256(SECRET, &format!("{header}.{payload}"))
}

fn with_header(members: Value) -> String {
    let mut header = json!({"alg": "HS256"});
    merge(&mut header, members);
    token(&header.to_string(), &json!({"exp": NOW + 60}).to_string())
}

/// A token of these claims, and of `exp` in a minute unless they say otherwise.
fn with_claims(members: Value) -> String {
    let mut claims = json!({"exp": NOW + 60});
    merge(&mut claims, members);
    token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims.to_string())
}

fn merge(object: &mut Value, members: Value) {
    if let (Some(object), Value::Object(members)) = (object.as_object_mut(), members) {
        object.extend(members);
    }
}

fn told(change: Change, token: &str) -> Result<(), Reject> {
    verifier(change).verify(token.as_bytes(), NOW).map(drop)
}

fn plain(_: &mut Settings) {}

#[test]
fn a_good_token_passes() {
    assert_eq!(told(plain, &with_claims(json!({"sub": "alice"}))), Ok(()));
    assert_eq!(told(plain, &with_header(json!({}))), Ok(()));
}
