//! What was observed against what is expected.

use crate::case::{Case, NONCE};
use crate::expect::{Expectation, Verdict, Wanted};
use crate::host::Observed;
use crate::line;

/// Fields that a server writes about its connection and its message, and the proxy about its reasons: `only` does not
/// count them.
const OF_THE_SERVER: &[&str] = &[
    "connection",
    "content-length",
    "date",
    "mantlet-reason",
    "transfer-encoding",
];

/// Every difference, a sentence each.
pub fn differences(case: &Case, expect: &Expectation, observed: &Observed) -> Vec<String> {
    let mut found = Vec::new();
    let reached = expect.verdict == Verdict::Allow;
    if observed.told.is_some() != reached {
        let word = if reached { "was not" } else { "was" };
        found.push(format!("the application {word} reached"));
    }
    if let (Some(wanted), Some(reason)) = (&expect.reason, &observed.reason)
        && wanted != reason
    {
        found.push(format!("reason: expected {wanted}, found {reason}"));
    }
    if let Some(told) = &observed.told {
        if let Some(wanted) = expect.client
            && told.client != Some(wanted)
        {
            let client = told.client;
            found.push(format!("client: expected {wanted}, found {client:?}"));
        }
        if let Some(reported) = &told.reported
            && *reported != expect.reported
        {
            let wanted = &expect.reported;
            found.push(format!("reported: expected {wanted:?}, found {reported:?}"));
        }
    }
    let status = expect
        .status
        .unwrap_or_else(|| case.response.status().as_u16());
    if observed.status != status {
        found.push(format!(
            "status: expected {status}, found {}",
            observed.status.as_u16()
        ));
    }
    for (name, wanted) in &expect.fields {
        let lines: Vec<String> = observed
            .fields
            .iter()
            .filter(|(known, _)| known.as_str() == name)
            .map(|(_, value)| line::text(value))
            .collect();
        let expected: Vec<String> = match wanted {
            Wanted::One(value) => vec![filled(value)],
            Wanted::Lines(values) => values.iter().map(|value| filled(value)).collect(),
            Wanted::Count(count) => {
                if lines.len() != *count {
                    found.push(format!("{name}: expected {count} lines, found {lines:?}"));
                }
                continue;
            }
            Wanted::Present(_) => Vec::new(),
        };
        if lines != expected {
            found.push(format!("{name}: expected {expected:?}, found {lines:?}"));
        }
    }
    if expect.only {
        for (name, value) in &observed.fields {
            let name = name.as_str();
            if !expect.fields.contains_key(name) && !OF_THE_SERVER.contains(&name) {
                found.push(format!(
                    "{name}: not expected, found {:?}",
                    line::text(value)
                ));
            }
        }
    }
    if let Some(body) = &expect.body
        && filled(body).as_bytes() != observed.body
    {
        let found_body = line::text(&observed.body);
        found.push(format!(
            "body: expected {:?}, found {found_body:?}",
            filled(body)
        ));
    }
    found
}

fn filled(text: &str) -> String {
    text.replace("{nonce}", NONCE)
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, StatusCode};

    use super::*;
    use crate::case::read;
    use crate::host::Told;

    /// What is found different when an exchange is held against this expectation.
    fn against(expect: &str) -> String {
        seen_by(None, expect)
    }

    /// The same of an exchange that the application saw, or did not.
    fn seen_by(told: Option<Told>, expect: &str) -> String {
        let request = "needs = [\"peer\"]\nrequest.peer = \"127.0.0.9\"";
        let text =
            format!("[[case]]\nname = \"x\"\npolicy = \"\"\n{request}\nexpect = {{ {expect} }}\n");
        let cases = read("x.toml", &text).expect("a case");
        let field = |name, value: &str| {
            let value = value.as_bytes().to_vec();
            (HeaderName::from_static(name), value)
        };
        let observed = Observed {
            told,
            reason: Some("https.host".to_owned()),
            status: StatusCode::BAD_REQUEST,
            fields: vec![
                field("date", "today"),
                field("vary", "a"),
                field("vary", "b"),
                field("x-nonce", NONCE),
            ],
            body: b"no".to_vec(),
        };
        differences(&cases[0], &cases[0].expect, &observed).join("; ")
    }

    const DENIED: &str = "verdict = \"deny\", reason = \"https.host\", status = 400";

    #[test]
    fn what_is_as_expected_is_no_difference() {
        assert_eq!(against(DENIED), "");
        let all = "only = true, body = \"no\", fields = { vary = [\"a\", \"b\"], \
                   x-nonce = \"{nonce}\", age = false, date = 1 }";
        assert_eq!(against(&format!("{DENIED}, {all}")), "");
    }

    #[test]
    fn what_the_application_is_told_is_compared_where_the_host_tells_it() {
        let told = |reported: Option<&str>| {
            Some(Told {
                client: "192.0.2.7".parse().ok(),
                reported: reported.map(|reason| vec![reason.to_owned()]),
            })
        };
        let allowed = |more: &str| format!("verdict = \"allow\", status = 400{more}");
        let right = allowed(", client = \"192.0.2.7\", reported = [\"x.y\"]");
        assert_eq!(seen_by(told(Some("x.y")), &right), "");
        assert_eq!(seen_by(told(None), &right), "");
        let other = allowed(", client = \"192.0.2.8\"");
        assert!(seen_by(told(None), &other).contains("client: expected 192.0.2.8"));
        let unknown = seen_by(Some(Told::default()), &right);
        assert!(unknown.contains("client: expected"), "{unknown}");
        assert!(seen_by(told(Some("x.z")), &right).contains("reported: expected"));
        let none = seen_by(told(Some("x.y")), &allowed(""));
        assert!(none.contains("reported: expected []"), "{none}");
    }

    #[test]
    fn every_kind_of_wrong_expectation_is_reported() {
        for (expect, words) in [
            ("verdict = \"allow\", status = 400", "was not reached"),
            (
                "verdict = \"deny\", reason = \"x.y\", status = 400",
                "expected x.y",
            ),
            (
                "verdict = \"deny\", reason = \"https.host\", status = 403",
                "status: expected 403, found 400",
            ),
        ] {
            let found = against(expect);
            assert!(found.contains(words), "{expect}: {found}");
        }
        for (more, words) in [
            ("fields = { vary = \"a\" }", "vary: expected"),
            ("fields = { vary = [\"b\", \"a\"] }", "vary: expected"),
            ("fields = { vary = 1 }", "expected 1 lines"),
            ("fields = { vary = false }", "vary: expected []"),
            ("fields = { age = \"1\" }", "found []"),
            ("fields = { x-nonce = \"x\" }", "x-nonce: expected"),
            ("body = \"yes\"", "body: expected"),
            ("only = true", "vary: not expected"),
        ] {
            let found = against(&format!("{DENIED}, {more}"));
            assert!(found.contains(words), "{more}: {found}");
        }
    }
}
