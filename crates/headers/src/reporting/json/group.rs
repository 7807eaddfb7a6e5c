//! Report-To: groups of endpoints.

use std::fmt;

use serde_json::{Map, Value};

use super::{Members, objects, write_ascii};
use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::reporting::ReportUrl;

/// One group of a Report-To value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportGroup {
    name: String,
    max_age: u64,
    include_subdomains: bool,
    endpoints: Vec<ReportUrl>,
}

impl ReportGroup {
    /// A group of one endpoint that a browser remembers for `max_age` seconds.
    pub fn new(name: impl Into<String>, max_age: u64, endpoint: ReportUrl) -> Self {
        Self {
            name: name.into(),
            max_age,
            include_subdomains: false,
            endpoints: vec![endpoint],
        }
    }

    /// Subdomains report here too.
    #[must_use]
    pub const fn include_subdomains(mut self) -> Self {
        self.include_subdomains = true;
        self
    }

    /// Another endpoint of the same group.
    #[must_use]
    pub fn endpoint(mut self, url: ReportUrl) -> Self {
        self.endpoints.push(url);
        self
    }

    /// The name that NEL refers to.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long a browser remembers the group, in seconds; zero makes it forget.
    pub const fn max_age(&self) -> u64 {
        self.max_age
    }

    /// Whether subdomains report here.
    pub const fn covers_subdomains(&self) -> bool {
        self.include_subdomains
    }

    /// Where reports go: to one of these.
    pub fn endpoints(&self) -> &[ReportUrl] {
        &self.endpoints
    }

    fn read(object: Map<String, Value>, input: &[u8], faults: &mut Vec<Fault>) -> Option<Self> {
        let mut members = Members {
            input,
            object,
            code: "report-to.member",
            faults,
        };
        let name = members.take("group", "string", |value| value.as_str().map(str::to_owned));
        let max_age = members.seconds("max_age");
        if max_age.is_none() {
            members.error(
                "max_age",
                "the group has no max_age: a browser skips it".into(),
            );
        }
        let include_subdomains = members
            .take("include_subdomains", "boolean", Value::as_bool)
            .unwrap_or_default();
        let list = members
            .take("endpoints", "list", |value| value.as_array().cloned())
            .unwrap_or_default();
        let mut endpoints = Vec::new();
        for endpoint in list {
            let url = endpoint
                .get("url")
                .and_then(Value::as_str)
                .map(ReportUrl::new);
            match url {
                Some(Ok(url)) => endpoints.push(url),
                Some(Err(malformed)) => {
                    members.error("url", format!("an endpoint's URL: {}", malformed.message));
                }
                None => members.error("endpoints", "an endpoint without a URL".into()),
            }
        }
        if endpoints.is_empty() && max_age != Some(0) {
            members.error(
                "endpoints",
                "the group has no endpoint: a browser skips it".into(),
            );
        }
        members.finish();
        let group = Self {
            name: name.unwrap_or_else(|| "default".to_owned()),
            max_age: max_age?,
            include_subdomains,
            endpoints,
        };
        (group.max_age == 0 || !group.endpoints.is_empty()).then_some(group)
    }
}

impl fmt::Display for ReportGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut object = Map::new();
        object.insert("group".into(), self.name.clone().into());
        object.insert("max_age".into(), self.max_age.into());
        if self.include_subdomains {
            object.insert("include_subdomains".into(), true.into());
        }
        let endpoint = |url: &ReportUrl| serde_json::json!({ "url": url.as_str() });
        let endpoints: Vec<Value> = self.endpoints.iter().map(endpoint).collect();
        object.insert("endpoints".into(), endpoints.into());
        write_ascii(f, object)
    }
}

/// A Report-To value: at least one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportTo(Vec<ReportGroup>);

impl ReportTo {
    /// One group.
    pub fn new(group: ReportGroup) -> Self {
        Self(vec![group])
    }

    /// Another group.
    #[must_use]
    pub fn group(mut self, group: ReportGroup) -> Self {
        self.0.push(group);
        self
    }

    /// Every group, in order.
    pub fn groups(&self) -> &[ReportGroup] {
        &self.0
    }
}

impl Field for ReportTo {
    const NAME: &'static str = "Report-To";
    const SPEC: &'static str = "https://www.w3.org/TR/2018/WD-reporting-1-20180925/#header";
    const SUMMARY: &'static str = "Tells a browser the groups of endpoints that NEL names.";
    const EXAMPLES: &'static [&'static str] =
        &[r#"{"group":"default","max_age":2592000,"endpoints":[{"url":"https://r.example/x"}]}"#];
    const REASON: &'static str = "Only Network Error Logging still needs it; everything else reports by Reporting-Endpoints.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let objects = match objects(input, "report-to.json") {
            Ok(objects) => objects,
            Err(fault) => return Parsed::ignored(fault.hint(Self::EXAMPLES[0])),
        };
        let message = "Report-To is deprecated: only Network Error Logging still reads it";
        let mut faults = vec![
            Fault::warning("report-to.deprecated", 0..input.len(), message)
                .hint("Reporting-Endpoints"),
        ];
        let mut groups: Vec<ReportGroup> = Vec::new();
        for object in objects {
            if let Some(group) = ReportGroup::read(object, input, &mut faults) {
                groups.push(group);
            }
        }
        if groups.is_empty() {
            let message = "there is no valid group: a browser ignores the field";
            let fault = Fault::error("report-to.empty", 0..input.len(), message);
            faults.push(fault.hint(Self::EXAMPLES[0]));
        }
        Parsed {
            value: (!groups.is_empty()).then_some(Self(groups)),
            faults,
        }
    }
}

from_str_by_build!(ReportTo);

impl fmt::Display for ReportTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, group) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{group}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        ReportTo,
        "\\{(\"group\":\"[a-z\u{e4}]{0,2}\",)?\"max_age\":[0-9a]{1,2},\"endpoints\":\\[(\\{\"url\":\"(https:/)?/[a-z]{0,2}\"\\})?\\]\\}"
    );

    #[test]
    fn the_group_has_a_default_name_and_the_field_is_deprecated() {
        let (value, warnings) =
            ReportTo::build(r#"{"max_age": 1, "endpoints": [{"url": "/r", "priority": 1}]}, {"group": "\u00e4", "max_age": 0}"#)
                .expect("two groups");
        assert_eq!(warnings.len(), 1);
        assert_eq!(
            value.to_string(),
            r#"{"group":"default","max_age":1,"endpoints":[{"url":"/r"}]}, {"group":"\u00e4","max_age":0,"endpoints":[]}"#
        );
    }

    #[test]
    fn broken_groups_are_no_groups() {
        for input in [
            "",
            "x",
            "[]",
            "{}",
            r#"{"max_age": 1}"#,
            r#"{"max_age": -1, "endpoints": [{"url": "/r"}]}"#,
            r#"{"max_age": 1, "endpoints": [{"url": "http://r.example"}]}"#,
        ] {
            assert_eq!(ReportTo::parse(input.as_bytes()).value, None, "{input}");
        }
    }
}
