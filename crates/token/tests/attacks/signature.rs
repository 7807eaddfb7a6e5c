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
