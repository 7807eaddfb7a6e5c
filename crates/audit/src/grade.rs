//! From findings to a letter, with the sum shown.
//!
//! * `mantlet`: 100, less 30 for each rule that finds something of high severity, 15 for medium, 5 for low. However often a
//!   rule finds its fault, it counts once, by the worst. A+ is 100, A from 90, B from 80, C from 65, D from 50, E from 30.
//!   So a single high finding is a C at best, and A+ means that nothing above info is left.
//! * `presence`: an approximation of graders that look at which of six headers are there; a policy that allows
//!   inline script or eval is an A at best.
//! * `observatory`: see [`observatory`](crate::observatory).

use std::fmt;

use crate::finding::{Finding, Severity};
use crate::observation::Observation;
use crate::observatory::Scan;

/// Whose way of grading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Ours, which counts what an attack would use.
    #[default]
    Mantlet,
    /// That of the HTTP Observatory.
    Observatory,
    /// By the presence of six headers, approximately.
    Presence,
}

impl Profile {
    /// The name: `mantlet`, `observatory`, `presence`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mantlet => "mantlet",
            Self::Observatory => "observatory",
            Self::Presence => "presence",
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of the sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What the points are for.
    pub label: String,
    /// The points, added to the score.
    pub points: i32,
}

/// A score, a grade, and how they came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graded {
    /// Whose way.
    pub profile: Profile,
    /// The score, from 0.
    pub score: u32,
    /// The grade, `A+` to `F`.
    pub grade: &'static str,
    /// The lines of the sum, 100 first.
    pub sum: Vec<Line>,
}

/// The letters, best first, to compare grades of any profile.
const LETTERS: &str = "ABCDEF";

impl Graded {
    /// The place of a grade of any profile, such as `B` or `A-`: 0 is A+, and a worse one is higher; `None` if it is no
    /// grade.
    ///
    /// ```
    /// use mantlet_audit::Graded;
    /// assert!(Graded::place("A-") < Graded::place("B+"));
    /// assert_eq!(Graded::place("S"), None);
    /// ```
    pub fn place(grade: &str) -> Option<usize> {
        let mut chars = grade.chars();
        let letter = chars.next().map(|c| c.to_ascii_uppercase())?;
        let place = LETTERS.find(letter)? * 3;
        match chars.as_str() {
            "+" => Some(place),
            "" => Some(place + 1),
            "-" => Some(place + 2),
            _ => None,
        }
    }

    /// Whether the grade is worse than `other`, such as `B` or `A-`; `None` if that is no grade.
    pub fn is_below(&self, other: &str) -> Option<bool> {
        Some(Self::place(self.grade)? > Self::place(other)?)
    }

    pub(crate) fn ours(findings: &[Finding]) -> Self {
        let mut sum = vec![Line {
            label: "start".to_owned(),
            points: 100,
        }];
        let mut told: Vec<&str> = Vec::new();
        for finding in findings {
            let name = finding.rule.name;
            if told.contains(&name) {
                continue;
            }
            told.push(name);
            let of_rule = findings.iter().filter(|other| other.rule.name == name);
            let worst = of_rule.map(|one| one.severity).max();
            let points = match worst {
                Some(Severity::High) => -30,
                Some(Severity::Medium) => -15,
                Some(Severity::Low) => -5,
                Some(Severity::Info) | None => continue,
            };
            sum.push(Line {
                label: name.to_owned(),
                points,
            });
        }
        let score = total(&sum);
        let grade = match score {
            100.. => "A+",
            90.. => "A",
            80.. => "B",
            65.. => "C",
            50.. => "D",
            30.. => "E",
            _ => "F",
        };
        Self {
            profile: Profile::Mantlet,
            score,
            grade,
            sum,
        }
    }

    pub(crate) fn of_observatory(scan: &Scan) -> Option<Self> {
        let start = Line {
            label: "start".to_owned(),
            points: 100,
        };
        let score = scan.score?;
        let keeps_bonuses = scan
            .tests
            .iter()
            .map(|test| test.modifier.min(0))
            .sum::<i32>()
            >= -10;
        let counts = |points: &i32| *points < 0 || (*points > 0 && keeps_bonuses);
        let tests = scan.tests.iter().filter(|test| counts(&test.modifier));
        let lines = tests.map(|test| Line {
            label: test.result.to_owned(),
            points: test.modifier,
        });
        Some(Self {
            profile: Profile::Observatory,
            score,
            grade: scan.grade?,
            sum: std::iter::once(start).chain(lines).collect(),
        })
    }

    pub(crate) fn of_presence(seen: &Observation, findings: &[Finding]) -> Self {
        const FIELDS: [&str; 6] = [
            "Strict-Transport-Security",
            "Content-Security-Policy",
            "X-Frame-Options",
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Permissions-Policy",
        ];
        let mut sum = vec![Line {
            label: "start".to_owned(),
            points: 100,
        }];
        let mut missing = 0;
        for name in FIELDS {
            if !seen.response.headers.has(name) {
                missing += 1;
                sum.push(Line {
                    label: format!("no {name}"),
                    points: -16,
                });
            }
        }
        let is_loose = |finding: &Finding| {
            matches!(finding.rule.name, "csp.unsafe-inline" | "csp.unsafe-eval")
        };
        let loose = findings.iter().any(is_loose);
        if loose {
            sum.push(Line {
                label: "the policy allows inline script or eval".to_owned(),
                points: -4,
            });
        }
        let grade = match missing {
            _ if !seen.tls.is_https() => "F",
            0 if loose => "A",
            0 => "A+",
            1 => "A",
            2 => "B",
            3 => "C",
            4 => "D",
            5 => "E",
            _ => "F",
        };
        Self {
            profile: Profile::Presence,
            score: total(&sum),
            grade,
            sum,
        }
    }
}

fn total(sum: &[Line]) -> u32 {
    let points: i32 = sum.iter().map(|line| line.points).sum();
    points.max(0).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    fn graded(severities: &[Severity]) -> Graded {
        let findings = severities.iter().zip(registry::RULES);
        let findings: Vec<_> = findings
            .map(|(severity, rule)| Finding::new(rule, "x").severity(*severity))
            .collect();
        Graded::ours(&findings)
    }

    #[test]
    fn a_high_finding_is_a_c_at_best_and_info_costs_nothing() {
        use Severity::{High, Info, Low, Medium};
        for (severities, grade) in [
            (&[][..], "A+"),
            (&[Info, Info], "A+"),
            (&[Low], "A"),
            (&[Medium], "B"),
            (&[High], "C"),
            (&[High, Low], "C"),
            (&[High, Medium], "D"),
            (&[High, High], "E"),
            (&[High, High, Medium], "F"),
        ] {
            assert_eq!(graded(severities).grade, grade, "{severities:?}");
        }
    }

    #[test]
    fn a_rule_counts_once_by_its_worst_finding() {
        let rule = registry::RULES[0];
        let twice = [
            Finding::new(rule, "x").severity(Severity::Low),
            Finding::new(rule, "y").severity(Severity::High),
        ];
        assert_eq!(Graded::ours(&twice).score, 70);
    }

    fn page(names: &[&'static str]) -> Observation {
        let headers = names.iter().map(|name| (*name, "x")).collect();
        let url = "https://example.com/".parse().expect("a URL");
        Observation::new(url, crate::Response::new(200, headers))
    }

    #[test]
    fn presence_counts_six_headers_and_a_loose_policy_is_an_a_at_best() {
        let six = [
            "Strict-Transport-Security",
            "Content-Security-Policy",
            "X-Frame-Options",
            "X-Content-Type-Options",
            "Referrer-Policy",
            "Permissions-Policy",
        ];
        let grade = |seen: &Observation| Graded::of_presence(seen, &[]).grade;
        let grades = ["F", "E", "D", "C", "B", "A", "A+"];
        for (count, expected) in grades.into_iter().enumerate() {
            assert_eq!(grade(&page(&six[..count])), expected, "{count}");
        }
        let loose = registry::rule("csp.unsafe-inline").expect("a rule");
        let findings = [Finding::new(loose, "x")];
        assert_eq!(Graded::of_presence(&page(&six), &findings).grade, "A");
        let mut plain = page(&six);
        plain.tls = crate::Tls::None;
        assert_eq!(grade(&plain), "F");
    }

    #[test]
    fn the_observatory_s_sum_leads_to_its_score() {
        for names in [
            &[][..],
            &["X-Frame-Options"],
            &["Strict-Transport-Security", "Content-Security-Policy"],
        ] {
            let report = crate::audit(&page(names));
            let graded = Graded::of_observatory(&report.observatory).expect("a grade");
            let sum: i32 = graded.sum.iter().map(|line| line.points).sum();
            assert_eq!(sum.max(0).unsigned_abs(), graded.score);
        }
    }

    #[test]
    fn grades_are_compared_across_profiles() {
        let grade = |grade| Graded {
            grade,
            ..graded(&[])
        };
        assert_eq!(grade("A").is_below("A+"), Some(true));
        assert_eq!(grade("A-").is_below("B+"), Some(false));
        assert_eq!(grade("B").is_below("b"), Some(false));
        assert_eq!(grade("B").is_below("S"), None);
    }
}
