use super::*;

#[test]
fn that_are_configured_are_required() {
    let issuer: Change = |settings| settings.issuers = vec!["https://id.example.com".to_owned()];
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
    let claims = json!({"scope": "read write", "roles": ["clerk"], "tenant": 7, "none": null, "nothing": [null]});
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
    assert_eq!(
        claim(RequiredClaim::one_of::<Value>("nothing", [])),
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
