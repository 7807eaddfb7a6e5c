//! The published vectors of others, which are not kept here:
//! `MANTLET_WYCHEPROOF` names a folder with json_web_signature_test.json (github.com/C2SP/wycheproof, testvectors_v1),
//! `MANTLET_JOSE_COOKBOOK` one with the examples of RFC 7520 (github.com/ietf-jose/cookbook, jws).
//! A test without its folder says so and passes.

#![allow(clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mantlet_token::{Algorithm, Algorithms, KeySet, Reject, jwk, jws};
use serde_json::Value;

// a test is no part of the crate that knows no environment and no file
#[allow(clippy::disallowed_methods)]
fn folder(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os(name).map(PathBuf::from);
    if folder.is_none() {
        eprintln!("skipped: {name} does not name a folder");
    }
    folder
}

#[allow(clippy::disallowed_methods)]
fn read(path: PathBuf) -> Value {
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).expect("JSON")
}

/// A verifier is told its algorithm by its operator: that of the key, or that of the case if the key names none.
fn verify(key: &Value, algorithm: &str, token: &str) -> Result<Vec<u8>, String> {
    let algorithms = Algorithms::new([algorithm]).map_err(|error| error.to_string())?;
    let loaded =
        jwk::load(key.to_string().as_bytes(), &algorithms).map_err(|error| error.to_string())?;
    let keys = KeySet::new(loaded.keys).map_err(|error| error.to_string())?;
    jws::verify(token.as_bytes(), &keys, &jws::Rules::new(algorithms))
        .map(|signed| signed.payload().to_vec())
        .map_err(|reject: Reject| reject.to_string())
}

fn algorithm_of(token: &str) -> Option<String> {
    let header = token.split('.').next()?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    Some(header["alg"].as_str()?.to_owned())
}

#[test]
fn wycheproof_signatures_without_a_false_accept() {
    let Some(folder) = folder("MANTLET_WYCHEPROOF") else {
        return;
    };
    let file = read(folder.join("json_web_signature_test.json"));
    let (mut accepted, mut rejected, mut false_accepts) = (0, 0, Vec::new());
    for group in file["testGroups"].as_array().expect("groups") {
        let key = ["public", "private"]
            .iter()
            .find_map(|half| group.get(half));
        let key = key.expect("a key");
        for case in group["tests"].as_array().expect("tests") {
            let token = case["jws"].as_str().expect("a token");
            let own = key["alg"].as_str().map(str::to_owned);
            // a key for something else does not say what it verifies: then the token's word is tried, which an operator
            // would never do
            let algorithm = own
                .filter(|own| Algorithm::named(own).is_some())
                .or_else(|| algorithm_of(token))
                .unwrap_or_else(|| "ES256".to_owned());
            let verified = verify(key, &algorithm, token);
            let told = format!(
                "{} {} in {}: {} and {verified:?}",
                case["tcId"], case["comment"], group["comment"], case["result"]
            );
            match (case["result"].as_str(), &verified) {
                (Some("valid"), Ok(_)) => accepted += 1,
                (Some("invalid"), Err(_)) => rejected += 1,
                (Some("invalid"), Ok(_)) if !is_mislabelled(&case["tcId"]) => {
                    false_accepts.push(told)
                }
                _ => eprintln!("{told}"),
            }
        }
    }
    eprintln!("{accepted} accepted, {rejected} rejected; what differs is above");
    assert!(
        accepted > 0 && rejected > 0,
        "the file has cases of both kinds"
    );
    assert_eq!(false_accepts, Vec::<String>::new());
}

/// 367 and 370 are the same bytes as 357, which is labelled valid (github.com/C2SP/wycheproof/issues/236).
fn is_mislabelled(id: &Value) -> bool {
    [367, 370].iter().any(|mislabelled| id == mislabelled)
}

#[test]
fn rfc_7520_compact_signatures() {
    let Some(folder) = folder("MANTLET_JOSE_COOKBOOK") else {
        return;
    };
    for name in [
        "4_1.rsa_v15_signature.json",
        "4_2.rsa-pss_signature.json",
        "4_3.ecdsa_signature.json",
        "4_4.hmac-sha2_integrity_protection.json",
    ] {
        let example = read(folder.join(name));
        let algorithm = example["input"]["alg"].as_str().expect("an algorithm");
        let token = example["output"]["compact"].as_str().expect("a token");
        let payload = verify(&example["input"]["key"], algorithm, token).expect(name);
        let input = example["input"]["payload"].as_str().expect("a payload");
        assert_eq!(payload, input.as_bytes(), "{name}");
        let (head, tail) = token.rsplit_once('.').expect("a signature");
        let forged = format!(
            "{head}.{}{}",
            if tail.starts_with('A') { 'B' } else { 'A' },
            &tail[1..]
        );
        let rejected = verify(&example["input"]["key"], algorithm, &forged);
        assert_eq!(rejected, Err("token.signature".to_owned()), "{name}");
    }
}
