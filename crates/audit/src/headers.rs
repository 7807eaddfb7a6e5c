//! A header section as it was seen: names in any case, repeated fields kept apart, values as text.
//!
//! ```
//! use mantlet_audit::Headers;
//! let headers = Headers::from_iter([("Vary", "a"), ("vary", "b"), ("Set-Cookie", "x=1")]);
//! assert_eq!(headers.all("VARY").collect::<Vec<_>>(), ["a", "b"]);
//! assert_eq!(headers.combined("vary").as_deref(), Some("a, b"));
//! ```

use std::borrow::Cow;

/// The fields of a response in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a field at the end.
    pub fn push(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    /// Takes every field of that name away, in any case.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(own, _)| !own.eq_ignore_ascii_case(name));
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The values of every field of that name, in any case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        self.0
            .iter()
            .filter(move |(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The value of the first field of that name.
    pub fn first(&self, name: &str) -> Option<&str> {
        let named = |(own, _): &&(String, String)| own.eq_ignore_ascii_case(name);
        self.0.iter().find(named).map(|(_, value)| value.as_str())
    }

    /// Whether there is a field of that name.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// The values of that name as one, with `, ` between them (RFC 9110 section 5.3); not for Set-Cookie.
    pub fn combined(&self, name: &str) -> Option<Cow<'_, str>> {
        let mut found = self
            .0
            .iter()
            .filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let (_, first) = found.next()?;
        let mut value = Cow::Borrowed(first.as_str());
        for (_, next) in found {
            let value = value.to_mut();
            value.push_str(", ");
            value.push_str(next);
        }
        Some(value)
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let own = |(name, value): (N, V)| (name.into(), value.into());
        Self(fields.into_iter().map(own).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_in_any_case_and_combined_in_order() {
        let mut headers = Headers::from_iter([("A", "1"), ("b", "2"), ("a", "3")]);
        assert_eq!(headers.first("a"), Some("1"));
        assert_eq!(headers.combined("A").as_deref(), Some("1, 3"));
        assert_eq!(headers.combined("c"), None);
        headers.remove("a");
        assert!(headers.has("B") && headers.len() == 1);
    }
}
