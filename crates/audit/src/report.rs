//! The report on one observation: findings, what is waived, the grade, and the Observatory's beside it.

use url::Url;

use crate::finding::{Finding, Severity};
use crate::grade::{Graded, Profile};
use crate::observation::{Observation, Response};
use crate::observatory::{self, Algorithm, Scan};
use crate::preload::PreloadList;
use crate::registry::RULES;
use crate::subject::Subject;
use crate::waiver::{Date, Waiver, Waivers};

/// What was found about one page.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// The URL of the page.
    pub url: String,
    /// The findings that count, the worst first.
    pub findings: Vec<Finding>,
    /// Findings that somebody has accepted, each with the waiver.
    pub waived: Vec<(Finding, Waiver)>,
    /// Waivers that are over.
    pub expired: Vec<Waiver>,
    /// The score and the grade.
    pub graded: Graded,
    /// What the HTTP Observatory would say.
    pub observatory: Scan,
}

/// Judges an observation by every rule, without waivers.
///
/// ```
/// use mantlet_audit::{Headers, Observation, Response, Severity, audit};
/// let headers = Headers::from_iter([("Content-Type", "text/html"), ("Server", "nginx/1.27.0")]);
/// let report = audit(&Observation::new("https://example.com/".parse()?, Response::new(200, headers)));
/// assert_eq!(report.graded.grade, "F");
/// assert_eq!(report.findings[0].severity, Severity::High);
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn audit(seen: &Observation) -> Report {
    Report::new(seen, &PreloadList::default(), &Waivers::default(), None)
}

impl Report {
    /// Judges a Content-Security-Policy alone: by the rules about policies, as that of `page`.
    ///
    /// ```
    /// use mantlet_audit::Report;
    /// let grade = |policy| Ok::<_, url::ParseError>(Report::of_policy(policy, "https://example.com/".parse()?).graded.grade);
    /// assert_eq!(grade("default-src 'none'; base-uri 'none'")?, "A+");
    /// assert_eq!(grade("default-src 'self' 'unsafe-inline'")?, "C");
    /// # Ok::<(), url::ParseError>(())
    /// ```
    pub fn of_policy(policy: &str, page: Url) -> Self {
        let headers = [
            ("content-type", "text/html"),
            ("content-security-policy", policy),
        ];
        let response = Response::new(200, headers.into_iter().collect());
        let mut report = audit(&Observation::new(page, response));
        let is_of_policy = |finding: &Finding| {
            matches!(finding.rule.name.split('.').next(), Some("csp" | "framing"))
        };
        report
            .findings
            .retain(|finding| is_of_policy(finding) && finding.rule.name != "framing.missing");
        report.graded = Graded::ours(&report.findings);
        report
    }

    /// Judges an observation. `today` decides which waivers are over; `None` means that none is.
    pub fn new(
        seen: &Observation,
        preload: &PreloadList,
        waivers: &Waivers,
        today: Option<Date>,
    ) -> Self {
        let subject = Subject::new(seen);
        let mut every: Vec<Finding> = Vec::new();
        for rule in RULES {
            let mut of_rule = Vec::new();
            (rule.check)(&subject, &mut of_rule);
            every.append(&mut of_rule);
        }
        // browsers that preload the host never ask by plain http
        if preload.covers(seen.host()) {
            every.retain(|finding| {
                !matches!(finding.rule.name, "hsts.missing" | "transport.redirect")
            });
        }
        every.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let mut findings = Vec::new();
        let mut waived = Vec::new();
        for finding in every {
            match waivers.of(&finding, today) {
                Some(waiver) => waived.push((finding, waiver.clone())),
                None => findings.push(finding),
            }
        }
        Self {
            url: seen.url.to_string(),
            graded: Graded::ours(&findings),
            expired: waivers.expired(today).cloned().collect(),
            observatory: observatory::scan(seen, Algorithm::Six, preload),
            findings,
            waived,
        }
    }

    /// The report with the grade of another profile; where that has none (the Observatory refuses a status), ours stays.
    #[must_use]
    pub fn graded_by(mut self, profile: Profile, seen: &Observation) -> Self {
        match profile {
            Profile::Mantlet => {}
            Profile::Observatory => {
                if let Some(graded) = Graded::of_observatory(&self.observatory) {
                    self.graded = graded;
                }
            }
            Profile::Presence => self.graded = Graded::of_presence(seen, &self.findings),
        }
        self
    }

    /// The worst severity that counts; `None` if there is no finding.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// How many findings there are of a severity.
    pub fn count(&self, severity: Severity) -> usize {
        let of = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(of).count()
    }
}
