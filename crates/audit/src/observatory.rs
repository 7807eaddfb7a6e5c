//! The HTTP Observatory's judgement: its tests, their results, modifiers, score and grade, name by name.
//!
//! For teams that gate on it or compare with it. What it does is followed where it is odd as well (a header field that
//! is repeated is joined by `, ` first, as its client does), so that a score means the same in both; the oddities are
//! listed in `docs/audit.md`. Judgement that one may act on is that of the profile `mantlet`.
//!
//! * [`Algorithm::Six`] is that of its service since 2026, [`Algorithm::Four`] that of its npm package 1.4.
//! * Score: 100 plus the modifiers. A bonus counts only where the penalties leave 90 or more; never below 0.
//! * Grade: by the score rounded down to a multiple of 5.
//! * Fails open: what an observation does not hold (no preflight, no session on plain http) is no penalty.
//!
//! <https://github.com/mdn/mdn-http-observatory>

mod collation;
mod cookies;
mod csp;
mod fields;
mod outcome;
mod scripts;
mod text;
mod transport;

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::headers::Headers;
use crate::html::Page;
use crate::observation::Observation;
use crate::preload::PreloadList;

use outcome::Outcome;

/// Which version of the Observatory's rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Of the npm package 1.4: ten tests.
    Four,
    /// Of 2026: commas separate policies, Cross-Origin-Opener-Policy and -Embedder-Policy are tested, and X-Frame-Options earns
    /// a bonus.
    #[default]
    Six,
}

impl Algorithm {
    /// The number by which the Observatory calls it.
    pub const fn number(self) -> u8 {
        match self {
            Self::Four => 4,
            Self::Six => 6,
        }
    }
}

/// One test and its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// The test, as the Observatory names it: `x-frame-options`.
    pub name: &'static str,
    /// The result with which it passes without more.
    pub expectation: &'static str,
    /// The result, as the Observatory names it.
    pub result: &'static str,
    /// Points that the result adds to the score; negative ones are a penalty.
    pub modifier: i32,
    /// Whether the Observatory counts the test as passed.
    pub pass: bool,
    /// What the result means, in a sentence.
    pub description: &'static str,
    /// What the test looked at, in the Observatory's shape.
    pub data: Value,
}

/// A scan: every test, the score and the grade.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The rules that were used.
    pub algorithm: Algorithm,
    /// The tests, in the Observatory's order.
    pub tests: Vec<Test>,
    /// The score, from 0; `None` where [`Scan::error`] says why there is none.
    pub score: Option<u32>,
    /// The grade, `A+` to `F`.
    pub grade: Option<&'static str>,
    /// Why the Observatory would not grade the response.
    pub error: Option<String>,
    status: u16,
    headers: Vec<(String, Value)>,
}

/// What the tests read: the observation, its fields as the Observatory's client joins them, its page.
struct Seen<'a> {
    observation: &'a Observation,
    algorithm: Algorithm,
    preload: &'a PreloadList,
    page: Page,
    /// Whether the body is read for meta elements.
    reads_meta: bool,
}

impl Seen<'_> {
    /// The value of a field, repeated ones joined as Node joins them; Set-Cookie is never asked by this.
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        field(&self.observation.response.headers, name)
    }

    /// The value of a field, if it is not empty.
    fn filled(&self, name: &str) -> Option<Cow<'_, str>> {
        self.field(name).filter(|value| !value.is_empty())
    }
}

fn field<'a>(headers: &'a Headers, name: &str) -> Option<Cow<'a, str>> {
    match name {
        "content-type" => headers.first(name).map(Cow::Borrowed),
        _ => headers.combined(name),
    }
}

/// Judges an observation as the Observatory would.
///
/// ```
/// use mantlet_audit::{Headers, Observation, Response, observatory};
/// let bare = Observation::new("https://example.com/".parse()?, Response::new(200, Headers::new()));
/// let scan = observatory::scan(&bare, observatory::Algorithm::Six, &Default::default());
/// assert_eq!((scan.score, scan.grade), (Some(30), Some("D")));
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn scan(observation: &Observation, algorithm: Algorithm, preload: &PreloadList) -> Scan {
    let response = &observation.response;
    let media_type = response.headers.first("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default();
    let html = matches!(media_type, "text/html" | "application/xhtml+xml");
    let unnamed = algorithm == Algorithm::Six && media_type.is_empty();
    let page = match html || unnamed {
        true => Page::read(&response.body),
        false => Page::default(),
    };
    let seen = Seen {
        observation,
        algorithm,
        preload,
        page,
        reads_meta: html,
    };
    let hsts = transport::hsts(&seen);
    let csp = csp::judge(&seen);
    let framing = fields::framing(&seen, csp.has_frame_ancestors);
    let mut tests = vec![
        csp.test,
        cookies::judge(&seen, hsts.pass),
        fields::cors(&seen),
        transport::redirection(&seen),
        fields::referrer(&seen),
        hsts,
        scripts::judge(&seen, html || unnamed),
        fields::sniffing(&seen),
        framing,
        fields::resource(&seen),
    ];
    if algorithm == Algorithm::Six {
        tests.push(fields::opener(&seen));
        tests.push(fields::embedder(&seen));
    }
    let status = response.status;
    let refused = !(200..400).contains(&status) && !matches!(status, 401 | 403);
    let error =
        refused.then(|| format!("Site did respond with an unexpected HTTP status code {status}."));
    let score = error.is_none().then(|| score(&tests));
    Scan {
        algorithm,
        score,
        grade: score.map(grade),
        error,
        tests,
        status,
        headers: section(&response.headers),
    }
}

/// 100 plus the modifiers; bonuses only from 90 on.
fn score(tests: &[Test]) -> u32 {
    let penalties: i32 = tests.iter().map(|test| test.modifier.min(0)).sum();
    let every: i32 = tests.iter().map(|test| test.modifier).sum();
    let sum = 100 + if penalties >= -10 { every } else { penalties };
    sum.max(0).unsigned_abs()
}

/// The grade of a score.
pub fn grade(score: u32) -> &'static str {
    match score {
        100.. => "A+",
        90.. => "A",
        85.. => "A-",
        80.. => "B+",
        70.. => "B",
        65.. => "B-",
        60.. => "C+",
        50.. => "C",
        45.. => "C-",
        40.. => "D+",
        30.. => "D",
        25.. => "D-",
        _ => "F",
    }
}

/// Names in lower case, repeated ones joined, Set-Cookie as a list.
fn section(headers: &Headers) -> Vec<(String, Value)> {
    let mut section: Vec<(String, Value)> = Vec::new();
    for (name, _) in headers.iter() {
        let name = name.to_ascii_lowercase();
        if section.iter().any(|(own, _)| *own == name) {
            continue;
        }
        let value = match name.as_str() {
            "set-cookie" => headers.all("set-cookie").collect(),
            name => Value::from(field(headers, name).unwrap_or_default()),
        };
        section.push((name, value));
    }
    section
}

impl Scan {
    /// The test of that name.
    pub fn test(&self, name: &str) -> Option<&Test> {
        self.tests.iter().find(|test| test.name == name)
    }

    /// The scan in the Observatory's JSON shape.
    pub fn to_json(&self) -> Value {
        let passed = self.tests.iter().filter(|test| test.pass).count();
        let headers: Map<String, Value> = self.headers.iter().cloned().collect();
        let tests: Map<String, Value> = self
            .tests
            .iter()
            .map(|test| {
                let value = json!({
                    "expectation": test.expectation,
                    "pass": test.pass,
                    "result": test.result,
                    "scoreDescription": test.description,
                    "scoreModifier": test.modifier,
                    "data": test.data,
                });
                (test.name.to_owned(), value)
            })
            .collect();
        json!({
            "scan": {
                "algorithmVersion": self.algorithm.number(),
                "grade": self.grade,
                "error": self.error,
                "score": self.score,
                "statusCode": self.status,
                "testsFailed": self.tests.len() - passed,
                "testsPassed": passed,
                "testsQuantity": self.tests.len(),
                "responseHeaders": headers,
            },
            "tests": tests,
        })
    }
}

impl Test {
    fn new(
        name: &'static str,
        expectation: &'static str,
        outcome: &'static Outcome,
        algorithm: Algorithm,
    ) -> Self {
        Self {
            name,
            expectation,
            result: outcome.name,
            modifier: outcome.modifier(algorithm),
            pass: outcome.passes || outcome.name == expectation,
            description: outcome.description,
            data: Value::Null,
        }
    }

    fn data(mut self, data: impl Into<Value>) -> Self {
        self.data = data.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Response;

    fn scanned(fields: &[(&str, &str)], algorithm: Algorithm) -> Scan {
        let headers = fields.iter().copied().collect();
        let url = "https://example.com/".parse().expect("a URL");
        let seen = Observation::new(url, Response::new(200, headers));
        scan(&seen, algorithm, &PreloadList::default())
    }

    #[test]
    fn bonuses_count_from_ninety_on() {
        let good = [
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'",
            ),
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
        ];
        assert_eq!(scanned(&good, Algorithm::Four).score, Some(120));
        assert_eq!(scanned(&good, Algorithm::Six).score, Some(130));
        let without_hsts: Vec<_> = good
            .into_iter()
            .filter(|(name, _)| !name.starts_with("strict"))
            .collect();
        assert_eq!(scanned(&without_hsts, Algorithm::Six).score, Some(80));
    }

    #[test]
    fn grades_change_at_the_observatory_s_steps() {
        let steps = [
            (100, "A+"),
            (99, "A"),
            (89, "A-"),
            (84, "B+"),
            (79, "B"),
            (69, "B-"),
            (64, "C+"),
            (59, "C"),
            (49, "C-"),
            (44, "D+"),
            (39, "D"),
            (29, "D-"),
            (24, "F"),
            (0, "F"),
        ];
        for (score, expected) in steps {
            assert_eq!(grade(score), expected, "{score}");
        }
    }

    #[test]
    fn a_status_that_the_observatory_refuses_has_no_score() {
        let url = "https://example.com/".parse().expect("a URL");
        let seen = Observation::new(url, Response::new(500, Headers::new()));
        let refused = scan(&seen, Algorithm::Six, &PreloadList::default());
        assert_eq!((refused.score, refused.grade), (None, None));
        assert!(refused.to_json()["scan"]["error"].is_string());
    }

    #[test]
    fn algorithm_four_has_ten_tests_and_six_twelve() {
        assert_eq!(scanned(&[], Algorithm::Four).tests.len(), 10);
        assert_eq!(scanned(&[], Algorithm::Six).tests.len(), 12);
        let xfo = [("x-frame-options", "DENY")];
        let modifier = |algorithm| {
            scanned(&xfo, algorithm)
                .test("x-frame-options")
                .map(|test| test.modifier)
        };
        assert_eq!(
            (modifier(Algorithm::Four), modifier(Algorithm::Six)),
            (Some(0), Some(5))
        );
    }

    /// What algorithm 6 does otherwise than algorithm 4, of which no package is to be had to compare with.
    #[test]
    fn algorithm_six_by_its_own_vectors() {
        let isolated = "cross-origin-opener-policy";
        let embedded = "cross-origin-embedder-policy";
        for (name, value, result, points) in [
            (
                isolated,
                "same-origin",
                "coop-implemented-with-same-origin",
                10,
            ),
            (
                isolated,
                "same-origin-allow-popups",
                "coop-implemented-with-same-origin-allow-popups",
                10,
            ),
            (
                isolated,
                "noopener-allow-popups",
                "coop-implemented-with-noopener-allow-popups",
                10,
            ),
            (
                isolated,
                "unsafe-none",
                "coop-implemented-with-unsafe-none",
                0,
            ),
            (
                isolated,
                " same-origin; report-to=\"x\"",
                "coop-implemented-with-same-origin",
                10,
            ),
            (isolated, "Same-Origin", "coop-header-invalid", -5),
            (isolated, "\"same-origin\"", "coop-header-invalid", -5),
            (
                isolated,
                "same-origin, same-origin",
                "coop-header-invalid",
                -5,
            ),
            (isolated, "same-origin;", "coop-header-invalid", -5),
            (isolated, "", "coop-not-implemented", 0),
            (
                embedded,
                "require-corp",
                "coep-implemented-with-require-corp",
                10,
            ),
            (
                embedded,
                "credentialless;x",
                "coep-implemented-with-credentialless",
                10,
            ),
            (
                embedded,
                "unsafe-none",
                "coep-implemented-with-unsafe-none",
                0,
            ),
            (embedded, "REQUIRE-CORP", "coep-header-invalid", -5),
            (
                "x-frame-options",
                "DENY",
                "x-frame-options-sameorigin-or-deny",
                5,
            ),
            (
                "content-security-policy",
                "default-src *, default-src 'none'",
                "csp-implemented-with-no-unsafe-default-src-none",
                10,
            ),
            (
                "content-security-policy",
                "default-src 'none',",
                "csp-header-invalid",
                -25,
            ),
            (
                "content-security-policy",
                "default-src 'self', default-src 'self'",
                "csp-implemented-with-no-unsafe",
                5,
            ),
        ] {
            let scan = scanned(&[(name, value)], Algorithm::Six);
            let found = scan.test(name).map(|test| (test.result, test.modifier));
            assert_eq!(found, Some((result, points)), "{name}: {value}");
        }
    }

    #[test]
    fn a_repeated_policy_is_two_policies_to_algorithm_six() {
        let twice = [
            (
                "content-security-policy",
                "default-src 'self'; script-src *",
            ),
            (
                "content-security-policy",
                "default-src 'self'; script-src 'self'",
            ),
        ];
        let result = |algorithm| scanned(&twice, algorithm).tests[0].result;
        assert_eq!(result(Algorithm::Six), "csp-implemented-with-no-unsafe");
        assert_eq!(result(Algorithm::Four), "csp-header-invalid");
    }

    #[test]
    fn a_response_without_a_type_has_scripts_to_algorithm_six() {
        let url = "https://example.com/".parse().expect("a URL");
        let body = "<script src=https://cdn.example.org/x.js></script>";
        let seen = Observation::new(url, Response::new(200, Headers::new()).body(body));
        let result = |algorithm| {
            let scan = scan(&seen, algorithm, &PreloadList::default());
            scan.test("subresource-integrity").map(|test| test.result)
        };
        assert_eq!(
            result(Algorithm::Four),
            Some("sri-not-implemented-response-not-html")
        );
        assert_eq!(
            result(Algorithm::Six),
            Some("sri-not-implemented-but-external-scripts-loaded-securely")
        );
    }
}
