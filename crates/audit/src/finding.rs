//! What a rule found: how bad, where, why, and what to send instead.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::fix::Fix;
use crate::rule::Rule;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; takes no points.
    Info,
    /// A layer of defence is missing.
    Low,
    /// An attack gets easier.
    Medium,
    /// An attack gets through.
    High,
}

impl Severity {
    /// Every severity, the worst first.
    pub const ALL: [Self; 4] = [Self::High, Self::Medium, Self::Low, Self::Info];

    /// The name: `high`, `medium`, `low`, `info`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Severity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = |severity: &Self| severity.as_str() == text;
        let found = Self::ALL.into_iter().find(named);
        found.ok_or_else(|| "high, medium, low or info".to_owned())
    }
}

/// Where a fault is to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What holds it: the name of a field, `meta`, `body`, or a URL.
    pub place: String,
    /// The text that holds it: the value of the field, as it came.
    pub text: String,
    /// The bytes of the text that are at fault; empty where something is missing.
    pub span: Range<usize>,
}

impl Evidence {
    /// A text at fault as a whole.
    pub fn whole(place: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            place: place.into(),
            span: 0..text.len(),
            text,
        }
    }

    /// The part that is at fault.
    pub fn part(&self) -> &str {
        self.text.get(self.span.clone()).unwrap_or_default()
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule that found it.
    pub rule: &'static Rule,
    /// How bad it is here; never worse than the rule's own severity.
    pub severity: Severity,
    /// What is the case, in a sentence.
    pub message: String,
    /// Where; `None` for what is missing.
    pub evidence: Option<Evidence>,
    /// What to send instead.
    pub fix: Option<Fix>,
}

impl Finding {
    pub(crate) fn new(rule: &'static Rule, message: impl Into<String>) -> Self {
        Self {
            rule,
            severity: rule.severity,
            message: message.into(),
            evidence: None,
            fix: None,
        }
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(crate) fn evidence(mut self, evidence: Evidence) -> Self {
        self.evidence = Some(evidence);
        self
    }

    pub(crate) fn fix(mut self, fix: impl Into<Option<Fix>>) -> Self {
        self.fix = fix.into();
        self
    }

    /// What makes two findings of two scans the same: the rule, the place, and the part at fault.
    pub fn identity(&self) -> String {
        match &self.evidence {
            Some(evidence) => format!("{} {} {}", self.rule.name, evidence.place, evidence.part()),
            None => self.rule.name.to_owned(),
        }
    }
}
