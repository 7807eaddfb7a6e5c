//! A proposal that mends findings, and the grade that it would have: each fix is applied to the observation, and the result
//! is judged again.
//!
//! Fixes are applied one after the other, the worst finding first, until none is left that changes anything. What the
//! grade does not depend on (severity info) is left alone.

use std::fmt::Write as _;

use mantlet_headers::Field;
use mantlet_headers::csp::Csp;

use crate::finding::Severity;
use crate::fix::Fix;
use crate::observation::Observation;
use crate::report::{Report, audit};

/// More rounds than there are rules are never needed.
const ROUNDS: usize = 100;

/// What to change, and what that gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    /// Fields to send: name and value.
    pub set: Vec<(&'static str, String)>,
    /// Fields to remove.
    pub remove: Vec<String>,
    /// Lines of the policy file that are no fields, table and key.
    pub policy: Vec<String>,
    /// The report on the response with these changes.
    pub after: Report,
}

/// Proposes what mends the findings of an observation.
///
/// ```
/// use mantlet_audit::{Headers, Observation, Response, repair};
/// let bare = Headers::from_iter([("Content-Type", "text/html")]);
/// let repair = repair(&Observation::new("https://example.com/".parse()?, Response::new(200, bare)));
/// assert_eq!(repair.after.graded.grade, "A+");
/// # Ok::<(), url::ParseError>(())
/// ```
pub fn repair(seen: &Observation) -> Repair {
    let mut mended = seen.clone();
    let mut set: Vec<(&'static str, String)> = Vec::new();
    let mut remove: Vec<String> = Vec::new();
    let mut policy: Vec<String> = Vec::new();
    let mut after = audit(&mended);
    for _ in 0..ROUNDS {
        let counts = after
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info);
        let fixes = counts.filter_map(|finding| finding.fix.clone());
        let changed = fixes
            .into_iter()
            .find_map(|fix| apply(&fix, &mended).map(|next| (fix, next)));
        let Some((fix, next)) = changed else { break };
        match fix {
            Fix::Set { name, value } => {
                set.retain(|(own, _)| *own != name);
                set.push((name, value));
            }
            Fix::Remove { name } => remove.push(name.to_ascii_lowercase()),
            Fix::Cookie { .. } => {
                let lines = fix.toml();
                if !policy.contains(&lines) {
                    policy.push(lines);
                }
            }
            Fix::Policy { .. } => policy.push(fix.toml()),
        }
        mended = next;
        after = audit(&mended);
    }
    Repair {
        set,
        remove,
        policy,
        after,
    }
}

/// The observation with a fix; `None` if that changes nothing that can be seen.
fn apply(fix: &Fix, seen: &Observation) -> Option<Observation> {
    let mut next = seen.clone();
    let headers = &mut next.response.headers;
    match fix {
        Fix::Set { name, value } => {
            headers.remove(name);
            headers.push(*name, value.as_str());
        }
        Fix::Remove { name } => headers.remove(name),
        Fix::Cookie { was, value, .. } => {
            let fields: Vec<(String, String)> = headers
                .iter()
                .map(|(name, own)| {
                    let is_it = name.eq_ignore_ascii_case("set-cookie") && own == was;
                    (
                        name.to_owned(),
                        if is_it { value.clone() } else { own.to_owned() },
                    )
                })
                .collect();
            *headers = fields.into_iter().collect();
        }
        // what is no field is not seen in one response
        Fix::Policy { .. } => return None,
    }
    (next != *seen).then_some(next)
}

impl Repair {
    /// The changes as a policy file, a table once.
    pub fn toml(&self) -> String {
        let mut out = String::from("preset = \"none\"\n");
        for (name, value) in self.set.iter().filter(|(name, _)| *name == Csp::NAME) {
            let _ = write!(out, "\n{}", Fix::set(name, value.as_str()).toml());
        }
        let others: Vec<_> = self
            .set
            .iter()
            .filter(|(name, _)| *name != Csp::NAME)
            .collect();
        if !others.is_empty() || !self.remove.is_empty() {
            out.push_str("\n[headers]\n");
        }
        let lines = others
            .into_iter()
            .map(|(name, value)| Fix::set(name, value.as_str()).toml());
        let removed = self
            .remove
            .iter()
            .map(|name| Fix::remove(name.as_str()).toml());
        for line in lines.chain(removed) {
            out.push_str(line.strip_prefix("[headers]\n").unwrap_or(&line));
        }
        let mut tables: Vec<(&str, Vec<&str>)> = Vec::new();
        for lines in &self.policy {
            let (table, keys) = lines.split_once('\n').unwrap_or(("", lines));
            let place = match tables.iter().position(|(own, _)| *own == table) {
                Some(place) => place,
                None => {
                    tables.push((table, Vec::new()));
                    tables.len() - 1
                }
            };
            for key in keys.lines().filter(|key| !key.is_empty()) {
                if !tables[place].1.contains(&key) {
                    tables[place].1.push(key);
                }
            }
        }
        for (table, keys) in tables {
            let _ = writeln!(out, "\n{table}\n{}", keys.join("\n"));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Headers, Response};

    #[test]
    fn a_bad_response_is_mended_step_by_step() {
        let headers = Headers::from_iter([
            ("Content-Type", "text/html"),
            (
                "Content-Security-Policy",
                "script-src 'unsafe-inline' https:",
            ),
            ("Set-Cookie", "sessionid=a"),
            ("Server", "Apache/2.4.1"),
            ("Strict-Transport-Security", "max-age=60"),
        ]);
        let url = "https://example.com/".parse().expect("a URL");
        let seen = Observation::new(url, Response::new(200, headers));
        let repair = repair(&seen);
        assert_eq!(
            repair.after.graded.grade, "A+",
            "{:#?}",
            repair.after.findings
        );
        let toml = repair.toml();
        for line in [
            "script-src = [\"'self'\"]",
            "secure = true\nhttponly = true",
            "server = { mode = \"remove\" }",
        ] {
            assert!(toml.contains(line), "{toml}");
        }
        assert_eq!(toml.matches("[headers]").count(), 1, "{toml}");
    }
}
