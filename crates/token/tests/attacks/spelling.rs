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
    let header =
        base64::engine::general_purpose::STANDARD_NO_PAD.encode(r#"{"alg":"HS256","a":"~~~???"}"#);
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
