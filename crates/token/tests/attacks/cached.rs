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
    let insert = |id: &str, expires, now| revoked.insert(None, Revocation::Id(id), expires, now);
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

#[test]
fn a_revocation_that_is_repeated_takes_its_room_once_and_the_wider_counts() {
    let revoked = Revoked::new(300);
    let until = |not_before, expires| {
        let subject = "alice";
        revoked.insert(
            None,
            Revocation::Subject {
                subject,
                not_before,
            },
            expires,
            NOW,
        )
    };
    for at in 0..50 {
        until(NOW - at, NOW + 60 + at).expect("room");
    }
    assert_eq!(revoked.len(), 1);
    let token = with_claims(json!({"sub": "alice", "iat": NOW - 1}));
    let verified = verifier(plain)
        .verify(token.as_bytes(), NOW)
        .expect("valid");
    assert_eq!(revoked.check(&verified, b""), Err(Reject::Revoked));
    revoked.sweep(NOW + 100);
    assert_eq!(revoked.len(), 1);
    revoked.sweep(NOW + 109);
    assert!(revoked.is_empty());
}
