//! A rule: one fault, why it is one, and a check that finds it.

use std::fmt;

use crate::finding::{Finding, Severity};
use crate::subject::Subject;

/// A rule. Its text is the page about it; [`registry`](crate::registry) lists them all.
pub struct Rule {
    /// The stable name: `csp.unsafe-inline`.
    pub name: &'static str,
    /// The fault, in a phrase.
    pub title: &'static str,
    /// The worst that it finds.
    pub severity: Severity,
    /// What somebody can do who knows the fault.
    pub effect: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Standards and guides.
    pub references: &'static [&'static str],
    /// A response that has the fault: field lines, and a body after an empty line; or a JSON capture.
    pub bad: &'static str,
    /// One that has not.
    pub good: &'static str,
    pub(crate) check: fn(&Subject<'_>, &mut Vec<Finding>),
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
