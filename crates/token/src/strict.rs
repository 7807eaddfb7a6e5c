//! JSON as a token may have it (RFC 8259, RFC 7515 section 4, RFC 7519 section 4): no repeated member on any level, at
//! most [`MAX_DEPTH`] levels, valid UTF-8, and nothing after the value.
//!
//! Two parsers that differ on a repeated member read two different tokens: one signs, the other believes. The walk keeps
//! nothing but the members of the first level, and no text that it does not have to unescape.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Levels of nesting, the object itself counted.
pub(crate) const MAX_DEPTH: u8 = 8;

/// The value of a member of the first level.
#[derive(Debug, PartialEq)]
pub(crate) enum Member<'a> {
    Null,
    Bool,
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    /// The elements if all are strings.
    List(Option<Vec<Cow<'a, str>>>),
    Object,
}

impl<'a> Member<'a> {
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads one JSON object and tells each member of its first level; `None` if it is not strict.
pub(crate) fn members<'a>(json: &'a str, told: impl FnMut(&str, Member<'a>)) -> Option<()> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    Object(told).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()
}

/// Whether the text is one strict JSON object.
pub(crate) fn is_object(json: &[u8]) -> bool {
    str::from_utf8(json).is_ok_and(|json| members(json, |_, _| ()).is_some())
}

/// The object of the first level.
struct Object<F>(F);

impl<'de, F: FnMut(&str, Member<'de>)> DeserializeSeed<'de> for Object<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, Member<'de>)> Visitor<'de> for Object<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Name)? {
            let value = map.next_value_seed(Value { depth: 2 })?;
            (self.0)(&name, value);
            names.add(name)?;
        }
        names.done()
    }
}

/// The names of one object.
#[derive(Default)]
struct Names<'a>(Vec<Cow<'a, str>>);

impl<'a> Names<'a> {
    /// Up to here each name is compared with each; beyond, they are sorted once at the end.
    const FEW: usize = 16;

    fn add<E: Error>(&mut self, name: Cow<'a, str>) -> Result<(), E> {
        if self.0.len() < Self::FEW && self.0.contains(&name) {
            return Err(E::custom("a repeated member"));
        }
        self.0.push(name);
        Ok(())
    }

    fn done<E: Error>(mut self) -> Result<(), E> {
        if self.0.len() > Self::FEW {
            self.0.sort_unstable();
            if self.0.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(E::custom("a repeated member"));
            }
        }
        Ok(())
    }
}

struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member name")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// A value on this level.
#[derive(Clone, Copy)]
struct Value {
    depth: u8,
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = Member<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Member<'de>, E> {
        Ok(Member::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Bool)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Member<'de>, E> {
        Ok(Member::Integer(number))
    }

    // beyond i64 it is too large for any date: told as a float, it is out of its range
    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E: Error>(self, number: u64) -> Result<Member<'de>, E> {
        Ok(i64::try_from(number).map_or(Member::Float(number as f64), Member::Integer))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Member<'de>, E> {
        Ok(Member::Float(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Member<'de>, A::Error> {
        let below = self.below()?;
        let mut texts = Some(Vec::new());
        while let Some(element) = seq.next_element_seed(below)? {
            texts = match (texts, element) {
                (Some(mut texts), Member::Text(text)) => {
                    texts.push(text);
                    Some(texts)
                }
                _ => None,
            };
        }
        Ok(Member::List(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
        let below = self.below()?;
        let mut names = Names::default();
        while let Some(name) = map.next_key_seed(Name)? {
            map.next_value_seed(below)?;
            names.add(name)?;
        }
        names.done()?;
        Ok(Member::Object)
    }
}

impl Value {
    fn below<E: Error>(self) -> Result<Self, E> {
        if self.depth > MAX_DEPTH {
            return Err(E::custom("too deep"));
        }
        Ok(Self {
            depth: self.depth + 1,
        })
    }
}

/// The value of one member of an object that was walked before.
pub(crate) fn member(json: &str, name: &str) -> Option<serde_json::Value> {
    struct Find<'n>(&'n str);

    impl<'de> Visitor<'de> for Find<'_> {
        type Value = Option<serde_json::Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(name) = map.next_key_seed(Name)? {
                if name == self.0 {
                    found = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    serde_json::Deserializer::from_str(json)
        .deserialize_map(Find(name))
        .ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict(json: &str) -> bool {
        is_object(json.as_bytes())
    }

    #[test]
    fn repeated_members_are_refused_on_every_level() {
        assert!(strict(r#"{"a":1,"b":{"a":1}}"#));
        for json in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"b":{"a":1,"a":2}}"#,
            r#"{"b":[{"a":1,"a":2}]}"#,
        ] {
            assert!(!strict(json), "{json}");
        }
        let many: Vec<String> = (0..40).map(|i| format!("\"{i}\":0")).collect();
        assert!(strict(&format!("{{{}}}", many.join(","))));
        assert!(!strict(&format!("{{{},\"7\":0}}", many.join(","))));
        assert!(!strict(&format!("{{{},\"39\":0}}", many.join(","))));
    }

    #[test]
    fn eight_levels_and_no_more() {
        let nested =
            |levels: usize| format!("{{\"a\":{}1{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(strict(&nested(7)));
        assert!(!strict(&nested(8)));
        let objects =
            |levels: usize| format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        assert!(strict(&objects(8)));
        assert!(!strict(&objects(9)));
        assert!(!strict(&nested(4000)));
    }

    #[test]
    fn only_one_object_of_valid_text() {
        for json in [
            "",
            "[]",
            "1",
            "{} {}",
            "{}x",
            "{\"a\":1,}",
            "{'a':1}",
            "{\"a\":\"\\ud800\"}",
            "{\"a\":1e999}",
        ] {
            assert!(!strict(json), "{json}");
        }
        assert!(!is_object(b"{\"a\":\"\xff\"}"));
        assert!(!is_object(b"\xef\xbb\xbf{}"));
        assert!(strict(" {\"a\" : null} "));
    }

    #[test]
    fn members_are_told_with_their_types() {
        let mut told = Vec::new();
        let json = r#"{"n":null,"i":-1,"f":1.5,"u":18446744073709551615,"s":"x","l":["a","b"],"m":[1],"e":[],"o":{}}"#;
        members(json, |name, value| told.push((name.to_owned(), value))).expect("strict");
        let list = |texts: &[&'static str]| {
            Member::List(Some(
                texts.iter().map(|&text| Cow::Borrowed(text)).collect(),
            ))
        };
        let values: Vec<Member<'_>> = told.into_iter().map(|(_, value)| value).collect();
        assert_eq!(
            values,
            [
                Member::Null,
                Member::Integer(-1),
                Member::Float(1.5),
                Member::Float(18_446_744_073_709_551_615.0),
                Member::Text("x".into()),
                list(&["a", "b"]),
                Member::List(None),
                list(&[]),
                Member::Object,
            ]
        );
        assert_eq!(member(json, "l"), Some(serde_json::json!(["a", "b"])));
        assert_eq!(member(json, "z"), None);
    }
}
