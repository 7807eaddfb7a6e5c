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
