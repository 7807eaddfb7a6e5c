//! Tokens as attackers and careless issuers make them, by class. Each is rejected for its own reason, so that a check that
//! is lost does not hide behind another; a good token of the same making passes.

#![allow(clippy::expect_used)]

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
const RSA_PUBLIC: &str = include_str!("keys/rsa.pub");

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

mod confusion {
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
}

mod keys_of_the_token {
    use super::*;

    #[test]
    fn are_never_used() {
        let attacker = b"a secret that the attacker knows!";
        let jwk = json!({"kty": "oct", "k": URL_SAFE_NO_PAD.encode(attacker)});
        for member in ["jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256"] {
            let header = json!({"alg": "HS256", member: jwk}).to_string();
            let [header, payload] = [header, json!({"exp": NOW + 60}).to_string()]
                .map(|json| URL_SAFE_NO_PAD.encode(json));
            let forged = hs256(attacker, &format!("{header}.{payload}"));
            assert_eq!(told(plain, &forged), Err(Reject::Signature), "{member}");
        }
        let rightly_signed =
            with_header(json!({"jku": "https://attacker.example/jwks", "x-num": 1}));
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
}

mod critical {
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
        let header: Value = serde_json::from_slice(verified.header().expect("kept")).expect("JSON");
        assert_eq!(header["bork"], 7);
        let rules = settings(&["HS256"]).rules;
        for standard in ["alg", "b64", "crit", "kid"] {
            assert!(rules.clone().extension(standard).is_err(), "{standard}");
        }
    }
}

mod spelling {
    use super::*;

    #[test]
    fn is_compact_and_canonical() {
        let good = with_claims(json!({"sub": "alice"}));
        let parts: Vec<&str> = good.split('.').collect();
        let [header, payload, signature] = parts[..] else {
            unreachable!("three parts")
        };
        let json_form = json!({"payload": payload, "protected": header, "signature": signature});
        let mut malformed = vec![
            String::new(),
            ".".to_owned(),
            "..".to_owned(),
            "...".to_owned(),
            format!("{header}.{payload}"),
            format!("{good}."),
            format!(".{good}"),
            format!("{good}="),
            format!("{good}=="),
            format!(" {good}"),
            format!("{good}\n"),
            format!("{header}.{payload} .{signature}"),
            format!("{header}.{payload}%2e{signature}"),
            format!("{header}=.{payload}.{signature}"),
            json_form.to_string(),
            URL_SAFE.encode(&good),
            good.replacen('e', "\u{435}", 1),
        ];
        // 256 bits in 43 characters leave 2 bits unused: the last one has three other spellings
        let last = signature.chars().last().expect("not empty");
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let at = alphabet.find(last).expect("base64url");
        for other in 1..4 {
            let other = &alphabet[(at & !3) + other..=(at & !3) + other];
            malformed.push(format!("{}{other}", &good[..good.len() - 1]));
        }
        for token in malformed {
            assert_eq!(told(plain, &token), Err(Reject::Malformed), "{token}");
        }
    }

    #[test]
    fn of_standard_base64_is_another_alphabet() {
        let header = base64::engine::general_purpose::STANDARD_NO_PAD
            .encode(r#"{"alg":"HS256","a":"~~~???"}"#);
        assert!(header.contains(['+', '/']));
        let token = hs256(SECRET, &format!("{header}.e30"));
        assert_eq!(told(plain, &token), Err(Reject::Malformed));
    }

    #[test]
    fn is_bounded() {
        let pad = |length| json!({"pad": "x".repeat(length)});
        assert_eq!(told(plain, &with_claims(pad(5900))), Ok(()));
        assert_eq!(told(plain, &with_claims(pad(6100))), Err(Reject::TooLarge));
        let small: Change = |settings| settings.rules = settings.rules.clone().max_size(100);
        assert_eq!(told(small, &with_claims(pad(100))), Err(Reject::TooLarge));
        assert_eq!(told(plain, &with_header(pad(2000))), Ok(()));
        assert_eq!(told(plain, &with_header(pad(2100))), Err(Reject::TooLarge));
        let dots = ".".repeat(8000);
        assert_eq!(told(plain, &dots), Err(Reject::Malformed));
    }
}

mod json_text {
    use super::*;

    #[test]
    fn of_the_header_is_strict() {
        for header in [
            r#"{"alg":"HS256","alg":"HS256"}"#,
            r#"{"alg":"none","\u0061lg":"HS256"}"#,
            r#"{"alg":"HS256","x":{"y":1,"y":2}}"#,
            r#"{"alg":"HS256","x":[[[[[[[[1]]]]]]]]}"#,
            r#"{"alg":"HS256"} "#,
            "\u{feff}{\"alg\":\"HS256\"}",
            r#"{"alg":"HS256"}{}"#,
            r#"["HS256"]"#,
            r#"{"alg":"HS256",}"#,
            "",
        ] {
            let strict = header.ends_with("} ");
            let expected = if strict {
                Ok(())
            } else {
                Err(Reject::Malformed)
            };
            let payload = json!({"exp": NOW + 60}).to_string();
            assert_eq!(told(plain, &token(header, &payload)), expected, "{header}");
        }
    }

    #[test]
    fn of_the_claims_is_strict() {
        let exp = NOW + 60;
        for payload in [
            format!(r#"{{"exp":{exp},"sub":"alice","sub":"admin"}}"#),
            format!(r#"{{"exp":{exp},"sub":"alice","s\u0075b":"admin"}}"#),
            format!(r#"{{"exp":{exp},"a":{{"b":1,"b":2}}}}"#),
            format!(r#"{{"exp":{exp},"a":[[[[[[[[1]]]]]]]]}}"#),
            format!(r#"{{"exp":{exp}}}x"#),
            format!("[{exp}]"),
            "\"eyJhbGciOiJub25lIn0.e30.\"".to_owned(),
            String::new(),
        ] {
            let token = token(r#"{"alg":"HS256"}"#, &payload);
            assert_eq!(told(plain, &token), Err(Reject::Claims), "{payload}");
        }
        let bytes = [&b"{\"exp\":1900000000,\"sub\":\""[..], b"\xff\"}"].concat();
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#),
            URL_SAFE_NO_PAD.encode(bytes)
        );
        assert_eq!(told(plain, &hs256(SECRET, &input)), Err(Reject::Claims));
    }
}

mod signature {
    use super::*;

    #[test]
    fn of_a_changed_or_cut_token_is_noticed() {
        let good = with_claims(json!({"sub": "alice"}));
        let dot = good.rfind('.').expect("a dot");
        let other = with_claims(json!({"sub": "admin"}));
        let swapped = format!(
            "{}{}",
            &other[..other.rfind('.').expect("a dot")],
            &good[dot..]
        );
        assert_eq!(told(plain, &swapped), Err(Reject::Signature));
        assert_eq!(told(plain, &good[..=dot]), Err(Reject::Signature), "empty");
        // 8 characters are 6 bytes: whole ones
        assert_eq!(told(plain, &good[..dot + 9]), Err(Reject::Signature));
        let longer = format!("{}{}", &good[..=dot], "A".repeat(1400));
        assert_eq!(
            told(plain, &longer),
            Err(Reject::Malformed),
            "longer than any"
        );
        let foreign = hs256(b"another secret of the same size!", &good[..dot]);
        assert_eq!(told(plain, &foreign), Err(Reject::Signature));
    }

    #[test]
    fn of_nothing_but_zeros_or_in_der_is_refused() {
        let algorithm = mantlet_token::Algorithm::named("ES256").expect("known");
        let key = SigningKey::generate(algorithm).expect("a key");
        let keys = KeySet::new(vec![key.verifying().expect("a key")]).expect("a set");
        let verifier = Verifier::new(settings(&["ES256"]), keys).expect("fitting");
        let input = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256"}"#),
            URL_SAFE_NO_PAD.encode("{}")
        );
        let der = [0x30, 6, 2, 1, 1, 2, 1, 1];
        let mut order = [0; 64];
        order[31] = 1;
        for signature in [
            &[0; 64][..],
            &[0xff; 64],
            &order,
            &der,
            &[0; 63],
            &[0; 65],
            &[0; 96],
        ] {
            let token = format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature));
            let told = verifier.verify(token.as_bytes(), NOW).err();
            assert_eq!(told, Some(Reject::Signature), "{} bytes", signature.len());
        }
    }
}

mod dates {
    use super::*;

    #[test]
    fn expire_exactly() {
        for (claims, result) in [
            (json!({"exp": NOW + 1}), Ok(())),
            (json!({"exp": NOW - 4}), Ok(())),
            (json!({"exp": NOW - 5}), Err(Reject::Expired)),
            (json!({"exp": (NOW - 5) as f64 + 0.9}), Err(Reject::Expired)),
            (json!({"exp": 0}), Err(Reject::Expired)),
            (json!({"exp": -1}), Err(Reject::Expired)),
            (json!({"nbf": NOW + 5}), Ok(())),
            (json!({"nbf": NOW + 6}), Err(Reject::NotYetValid)),
            (json!({"nbf": NOW as f64 + 5.1}), Err(Reject::NotYetValid)),
            (json!({"iat": NOW + 5}), Ok(())),
            (json!({"iat": NOW + 6}), Err(Reject::IssuedInFuture)),
        ] {
            assert_eq!(
                told(plain, &with_claims(claims.clone())),
                result,
                "{claims}"
            );
        }
        let exact: Change = |settings| settings.leeway = 0;
        assert_eq!(
            told(exact, &with_claims(json!({"exp": NOW}))),
            Err(Reject::Expired)
        );
        assert_eq!(told(exact, &with_claims(json!({"exp": NOW + 1}))), Ok(()));
    }

    #[test]
    fn of_a_wrong_type_are_errors_and_not_absent() {
        for name in ["exp", "nbf", "iat"] {
            for value in [
                json!("1900000000"),
                json!("9"),
                json!(null),
                json!(true),
                json!([1_900_000_000]),
                json!({}),
                json!(1e300),
                json!(9_007_199_254_740_992_i64),
                json!(u64::MAX),
                json!(i64::MIN),
            ] {
                let token = with_claims(json!({name: value}));
                assert_eq!(told(plain, &token), Err(Reject::Claims), "{name}: {value}");
            }
        }
    }

    #[test]
    fn that_are_missing_are_required() {
        let eternal = token(r#"{"alg":"HS256"}"#, "{}");
        assert_eq!(told(plain, &eternal), Err(Reject::ClaimMissing));
        assert_eq!(
            told(|settings| settings.danger_no_expiration = true, &eternal),
            Ok(())
        );
    }

    #[test]
    fn of_old_tokens_are_told_by_max_age() {
        let aged: Change = |settings| settings.max_age = Some(60);
        assert_eq!(told(aged, &with_claims(json!({"iat": NOW - 65}))), Ok(()));
        assert_eq!(
            told(aged, &with_claims(json!({"iat": NOW - 66}))),
            Err(Reject::TooOld)
        );
        assert_eq!(
            told(aged, &with_claims(json!({}))),
            Err(Reject::ClaimMissing)
        );
    }

    #[test]
    fn at_the_ends_of_time_do_not_overflow() {
        let verifier = verifier(plain);
        let token = with_claims(
            json!({"exp": 9_007_199_254_740_991_i64, "nbf": -9_007_199_254_740_991_i64}),
        );
        for now in [0, NOW, u64::MAX] {
            let _ = verifier.verify(token.as_bytes(), now);
        }
        assert!(verifier.verify(token.as_bytes(), NOW).is_ok());
    }

    #[test]
    fn may_differ_by_a_minute_at_most() {
        let mut lax = settings(&["HS256"]);
        lax.leeway = 61;
        assert!(Verifier::new(lax, KeySet::empty()).is_err());
    }
}

mod claims {
    use super::*;

    #[test]
    fn that_are_configured_are_required() {
        let issuer: Change =
            |settings| settings.issuers = vec!["https://id.example.com".to_owned()];
        for (claims, result) in [
            (json!({"iss": "https://id.example.com"}), Ok(())),
            (
                json!({"iss": "https://id.example.com/"}),
                Err(Reject::Issuer),
            ),
            (
                json!({"iss": "https://ID.example.com"}),
                Err(Reject::Issuer),
            ),
            (
                json!({"iss": "https://id.example.com.attacker.example"}),
                Err(Reject::Issuer),
            ),
            (
                json!({"iss": ["https://id.example.com"]}),
                Err(Reject::Claims),
            ),
            (json!({"iss": null}), Err(Reject::Claims)),
            (json!({}), Err(Reject::ClaimMissing)),
        ] {
            assert_eq!(
                told(issuer, &with_claims(claims.clone())),
                result,
                "{claims}"
            );
        }
    }

    #[test]
    fn of_the_audience_name_us() {
        let audience: Change = |settings| settings.audiences = vec!["api".to_owned()];
        for (claims, result) in [
            (json!({"aud": "api"}), Ok(())),
            (json!({"aud": ["other", "api"]}), Ok(())),
            (json!({"aud": "API"}), Err(Reject::Audience)),
            (json!({"aud": "api2"}), Err(Reject::Audience)),
            (json!({"aud": []}), Err(Reject::Audience)),
            (json!({"aud": [["api"]]}), Err(Reject::Claims)),
            (json!({"aud": {"api": true}}), Err(Reject::Claims)),
            (json!({}), Err(Reject::ClaimMissing)),
        ] {
            assert_eq!(
                told(audience, &with_claims(claims.clone())),
                result,
                "{claims}"
            );
        }
        // RFC 7519 section 4.1.3: who is not named must reject
        let elsewhere = with_claims(json!({"aud": "elsewhere"}));
        assert_eq!(told(plain, &elsewhere), Err(Reject::Audience));
        assert_eq!(
            told(|settings| settings.danger_any_audience = true, &elsewhere),
            Ok(())
        );
    }

    #[test]
    fn of_a_wrong_type_are_errors() {
        for name in ["iss", "sub", "jti", "sid", "client_id", "scope"] {
            for value in [json!(1), json!(null), json!({}), json!([1])] {
                let token = with_claims(json!({name: value}));
                assert_eq!(told(plain, &token), Err(Reject::Claims), "{name}: {value}");
            }
        }
    }

    #[test]
    fn of_an_access_token_are_all_there() {
        let access: Change = |settings| {
            settings.profile = Profile::Rfc9068;
            settings.issuers = vec!["https://id.example.com".to_owned()];
            settings.audiences = vec!["api".to_owned()];
        };
        let all = json!({"iss": "https://id.example.com", "aud": "api", "sub": "alice", "client_id": "web",
            "iat": NOW, "exp": NOW + 60, "jti": "1"});
        let made = |typ: &str, claims: &Value| {
            token(
                &json!({"alg": "HS256", "typ": typ}).to_string(),
                &claims.to_string(),
            )
        };
        assert_eq!(told(access, &made("at+jwt", &all)), Ok(()));
        assert_eq!(told(access, &made("application/AT+JWT", &all)), Ok(()));
        assert_eq!(told(access, &made("JWT", &all)), Err(Reject::Type));
        assert_eq!(
            told(access, &token(r#"{"alg":"HS256"}"#, &all.to_string())),
            Err(Reject::Type)
        );
        for name in ["iss", "aud", "sub", "client_id", "iat", "exp", "jti"] {
            let mut less = all.clone();
            less.as_object_mut().expect("an object").remove(name);
            assert_eq!(
                told(access, &made("at+jwt", &less)),
                Err(Reject::ClaimMissing),
                "{name}"
            );
        }
        let mut incomplete = settings(&["HS256"]);
        incomplete.profile = Profile::Rfc9068;
        assert!(Verifier::new(incomplete, KeySet::empty()).is_err());
    }

    #[test]
    fn of_a_route_are_demanded() {
        let claims = json!({"scope": "read write", "roles": ["clerk"], "tenant": 7, "none": null});
        let verified = verifier(plain)
            .verify(with_claims(claims).as_bytes(), NOW)
            .expect("valid");
        let check = |demand: Demand| demand.check(&verified);
        assert_eq!(check(Demand::new().scope("read").scope("write")), Ok(()));
        assert_eq!(check(Demand::new().scope("rea")), Err(Reject::Scope));
        assert_eq!(check(Demand::new().scope("read write")), Err(Reject::Scope));
        let claim = |claim| check(Demand::new().claim(claim));
        assert_eq!(
            claim(RequiredClaim::one_of("roles", ["admin", "clerk"])),
            Ok(())
        );
        assert_eq!(
            claim(RequiredClaim::one_of("roles", ["admin"])),
            Err(Reject::Forbidden)
        );
        assert_eq!(claim(RequiredClaim::one_of("tenant", [7])), Ok(()));
        assert_eq!(
            claim(RequiredClaim::one_of("tenant", ["7"])),
            Err(Reject::Forbidden)
        );
        assert_eq!(
            claim(RequiredClaim::one_of::<Value>("tenant", [])),
            Err(Reject::Forbidden)
        );
        assert_eq!(claim(RequiredClaim::present("tenant")), Ok(()));
        assert_eq!(
            claim(RequiredClaim::present("none")),
            Err(Reject::Forbidden)
        );
        assert_eq!(
            claim(RequiredClaim::present("email")),
            Err(Reject::Forbidden)
        );
        for scp in [json!({"scp": "read"}), json!({"scp": ["read", "write"]})] {
            let verified = verifier(plain)
                .verify(with_claims(scp).as_bytes(), NOW)
                .expect("valid");
            assert_eq!(Demand::new().scope("read").check(&verified), Ok(()));
        }
    }
}

mod cached {
    use super::*;

    fn cache() -> (Cache, Revoked) {
        (Cache::new(1 << 20), Revoked::new(1 << 16))
    }

    #[test]
    fn tokens_expire() {
        let (cache, revoked) = cache();
        let verifier = verifier(plain);
        let token = with_claims(json!({"sub": "alice"}));
        let ask = |now| {
            cache
                .verify(&verifier, &revoked, token.as_bytes(), now)
                .map(drop)
        };
        assert_eq!(ask(NOW), Ok(()));
        assert_eq!(cache.len(), 1);
        assert_eq!(ask(NOW + 64), Ok(()));
        assert_eq!(ask(NOW + 65), Err(Reject::Expired));
        assert_eq!(cache.len(), 0);
        let late = with_claims(json!({"nbf": NOW + 50}));
        let ask = |now| {
            cache
                .verify(&verifier, &revoked, late.as_bytes(), now)
                .map(drop)
        };
        assert_eq!(ask(NOW + 50), Ok(()));
        assert_eq!(ask(NOW), Err(Reject::NotYetValid), "the clock was set back");
    }

    #[test]
    fn tokens_can_be_revoked() {
        let (issuer, subject, id) = ("https://id.example.com", "alice", "7");
        let claims = json!({"iss": issuer, "sub": subject, "jti": id, "sid": "s", "iat": NOW - 10});
        let token = with_claims(claims);
        let subject_of = |not_before| Revocation::Subject {
            subject,
            not_before,
        };
        let digest = Revocation::Token(Revocation::digest(token.as_bytes()));
        for (issuer, revocation, revoked_by_it) in [
            (Some(issuer), Revocation::Id(id), true),
            (Some(issuer), Revocation::Id("8"), false),
            (Some("https://other.example.com"), Revocation::Id(id), false),
            (None, Revocation::Id(id), false),
            (Some(issuer), Revocation::Session("s"), true),
            (Some(issuer), subject_of(NOW - 9), true),
            (Some(issuer), subject_of(NOW - 10), false),
            (None, digest, true),
        ] {
            let (cache, revoked) = cache();
            let verifier = verifier(plain);
            let ask = || {
                cache
                    .verify(&verifier, &revoked, token.as_bytes(), NOW)
                    .map(drop)
            };
            assert_eq!(ask(), Ok(()));
            revoked
                .insert(issuer, revocation, NOW + 65, NOW)
                .expect("room");
            let expected = if revoked_by_it {
                Err(Reject::Revoked)
            } else {
                Ok(())
            };
            assert_eq!(ask(), expected, "{revocation:?}");
            cache.clear();
            assert_eq!(ask(), expected, "{revocation:?}, not cached");
        }
    }

    #[test]
    fn tokens_of_removed_keys_and_other_settings_are_not_found() {
        let (cache, revoked) = cache();
        let verifier = verifier(plain);
        let token = with_claims(json!({}));
        let ask = |verifier: &Verifier| {
            cache
                .verify(verifier, &revoked, token.as_bytes(), NOW)
                .map(drop)
        };
        assert_eq!(ask(&verifier), Ok(()));
        let key = HsKey::new(Hs::Hs256, b"the secret that came after the first").expect("long");
        let rotated = verifier.with_keys(KeySet::new(vec![key.into()]).expect("a set"));
        assert_eq!(ask(&rotated), Err(Reject::Signature));
        assert_eq!(ask(&verifier), Ok(()), "requests on their way keep theirs");
        let stricter = super::verifier(|settings| settings.issuers = vec!["me".to_owned()]);
        assert_eq!(ask(&stricter), Err(Reject::ClaimMissing));
    }

    #[test]
    fn tokens_take_bounded_memory_and_rejected_ones_none() {
        let cache = Cache::new(64 * 1024);
        let revoked = Revoked::new(1 << 16);
        let verifier = verifier(plain);
        for i in 0..500 {
            let token = with_claims(json!({"sub": format!("{i}"), "pad": "x".repeat(500)}));
            cache
                .verify(&verifier, &revoked, token.as_bytes(), NOW)
                .expect("valid");
            let forged = format!("{}A", &token[..token.len() - 2]);
            assert!(
                cache
                    .verify(&verifier, &revoked, forged.as_bytes(), NOW)
                    .is_err()
            );
        }
        assert!(cache.bytes() <= 64 * 1024 && cache.len() < 60, "{cache:?}");
        assert!(!cache.is_empty());
    }

    #[test]
    fn revocations_are_bounded_and_a_living_one_is_never_forgotten() {
        let revoked = Revoked::new(1000);
        let insert =
            |id: &str, expires, now| revoked.insert(None, Revocation::Id(id), expires, now);
        let mut kept = 0;
        while insert(&format!("{kept}"), NOW + 60 + kept, NOW).is_ok() {
            kept += 1;
        }
        assert!((5..12).contains(&kept), "{kept}");
        assert_eq!(revoked.len() as u64, kept);
        assert!(insert("more", NOW + 600, NOW + 59).is_err());
        assert!(
            insert("more", NOW + 600, NOW + 60).is_ok(),
            "the first has expired"
        );
        let verifier = verifier(plain);
        let verified = verifier
            .verify(with_claims(json!({"jti": "1"})).as_bytes(), NOW)
            .expect("valid");
        assert_eq!(revoked.check(&verified, b""), Err(Reject::Revoked));
        revoked.sweep(NOW + 10_000);
        assert!(revoked.is_empty());
        assert_eq!(revoked.check(&verified, b""), Ok(()));
    }
}
