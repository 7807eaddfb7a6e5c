//! Findings that somebody has accepted, with the reason, and until when.
//!
//! ```toml
//! [[waiver]]
//! rule = "csp.unsafe-eval"
//! reason = "the editor compiles formulas; ticket 4711"
//! expires = "2027-03-31"        # the last day; without it, the waiver stays
//! match = "editor"              # only findings whose message or text holds this
//! ```
//!
//! A waiver without a reason is refused, and so is one for a rule that does not exist.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

use crate::finding::Finding;
use crate::registry;

/// A day: year, month, day of month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(u16, u8, u8);

impl FromStr for Date {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no date such as 2027-03-31");
        let parts: Vec<&str> = text.split('-').collect();
        let &[year, month, day] = parts.as_slice() else {
            return Err(bad());
        };
        let digits =
            |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
            return Err(bad());
        }
        let date = Self(
            year.parse().map_err(|_| bad())?,
            month.parse().map_err(|_| bad())?,
            day.parse().map_err(|_| bad())?,
        );
        if !(1..=12).contains(&date.1) || !(1..=31).contains(&date.2) {
            return Err(bad());
        }
        Ok(date)
    }
}

impl Date {
    /// The day of a Unix time in seconds, in UTC.
    pub fn of_unix_time(seconds: u64) -> Self {
        // days to a civil date, by 400 years of 146,097 days that begin in March
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let narrow = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
        Self(
            u16::try_from(year).unwrap_or(u16::MAX),
            narrow(month),
            narrow(day),
        )
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0, self.1, self.2)
    }
}

/// One waiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The rule whose findings are accepted.
    pub rule: String,
    /// Why.
    pub reason: String,
    /// The last day on which it counts.
    pub expires: Option<Date>,
    /// What the message, the text or the place of a finding must hold.
    pub matching: Option<String>,
}

/// Waivers of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waivers(Vec<Waiver>);

/// A file of waivers that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    waiver: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    rule: String,
    reason: String,
    expires: Option<String>,
    #[serde(rename = "match")]
    matching: Option<String>,
}

impl Waivers {
    /// Reads a file of waivers.
    ///
    /// # Errors
    /// [`Unusable`] with the place: no TOML, an unknown key or rule, no reason, a date that is none.
    pub fn from_toml(text: &str) -> Result<Self, Unusable> {
        let file: File = toml::from_str(text).map_err(|error| Unusable(error.to_string()))?;
        let mut waivers = Vec::with_capacity(file.waiver.len());
        for (i, entry) in file.waiver.into_iter().enumerate() {
            let refuse = |message: String| Unusable(format!("waiver {}: {message}", i + 1));
            if registry::rule(&entry.rule).is_none() {
                let known = registry::RULES.iter().map(|rule| rule.name);
                let near = mantlet_headers::suggest(&entry.rule, known);
                let hint = near
                    .map(|near| format!("; did you mean {near}?"))
                    .unwrap_or_default();
                return Err(refuse(format!("there is no rule {:?}{hint}", entry.rule)));
            }
            if entry.reason.trim().is_empty() {
                return Err(refuse("a reason is expected".to_owned()));
            }
            let expires = entry
                .expires
                .map(|text| text.parse())
                .transpose()
                .map_err(refuse)?;
            waivers.push(Waiver {
                rule: entry.rule,
                reason: entry.reason,
                expires,
                matching: entry.matching,
            });
        }
        Ok(Self(waivers))
    }

    /// The waiver of a finding.
    pub(crate) fn of(&self, finding: &Finding, today: Option<Date>) -> Option<&Waiver> {
        self.0.iter().find(|waiver| {
            let text = finding
                .evidence
                .as_ref()
                .map(|evidence| (&evidence.text, &evidence.place));
            let fits = waiver.matching.as_ref().is_none_or(|part| {
                finding.message.contains(part)
                    || text.is_some_and(|(text, place)| text.contains(part) || place.contains(part))
            });
            waiver.rule == finding.rule.name && fits && !waiver.is_over(today)
        })
    }

    /// Those that are over.
    pub(crate) fn expired(&self, today: Option<Date>) -> impl Iterator<Item = &Waiver> {
        self.0.iter().filter(move |waiver| waiver.is_over(today))
    }
}

impl Waiver {
    fn is_over(&self, today: Option<Date>) -> bool {
        matches!((self.expires, today), (Some(last), Some(today)) if last < today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect(text)
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (1_798_675_199, "2026-12-30"),
            (4_107_542_400, "2100-03-01"),
        ] {
            assert_eq!(Date::of_unix_time(seconds).to_string(), day);
        }
        assert!(date("2026-12-31") < date("2027-01-01"));
        assert!("2026-13-01".parse::<Date>().is_err() && "26-1-1".parse::<Date>().is_err());
    }

    #[test]
    fn a_waiver_is_over_after_its_last_day() {
        let waivers = Waivers::from_toml(
            "[[waiver]]\nrule = \"hsts.missing\"\nreason = \"x\"\nexpires = \"2026-12-31\"\n",
        )
        .expect("read");
        let rule = registry::rule("hsts.missing").expect("a rule");
        let finding = Finding::new(rule, "x");
        assert!(waivers.of(&finding, Some(date("2026-12-31"))).is_some());
        assert!(waivers.of(&finding, Some(date("2027-01-01"))).is_none());
        assert_eq!(waivers.expired(Some(date("2027-01-01"))).count(), 1);
        assert!(waivers.of(&finding, None).is_some());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, message) in [
            (
                "[[waiver]]\nrule = \"hsts.mising\"\nreason = \"x\"",
                "did you mean hsts.missing?",
            ),
            (
                "[[waiver]]\nrule = \"hsts.missing\"\nreason = \" \"",
                "a reason",
            ),
            ("[[waiver]]\nrule = \"hsts.missing\"", "reason"),
            (
                "[[waiver]]\nrule = \"hsts.missing\"\nreason = \"x\"\nexpires = \"soon\"",
                "no date",
            ),
            ("[[waver]]", "unknown field"),
        ] {
            let error = Waivers::from_toml(text).expect_err(text).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
