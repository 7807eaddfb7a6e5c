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
    let token =
        with_claims(json!({"exp": 9_007_199_254_740_991_i64, "nbf": -9_007_199_254_740_991_i64}));
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
