//! What a request said of itself to the checks: for the log, next to the reason.

use http::{HeaderName, header};

use crate::head::{Fields, RequestHead};

/// Bytes of a value that are told.
const TOLD: usize = 128;

/// The fields that decide who may ask, as the client wrote them: escaped, and cut where they are long. `None`: there is no
/// such field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evidence {
    /// Host, or the authority of the target.
    pub host: Option<String>,
    /// Origin.
    pub origin: Option<String>,
    /// Sec-Fetch-Site.
    pub fetch_site: Option<String>,
}

impl Evidence {
    /// What this request said.
    pub fn of(head: &RequestHead<'_>) -> Self {
        const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
        let told = |name: &HeaderName| told(head.fields, name);
        Self {
            host: head.authority.map(escaped).or_else(|| told(&header::HOST)),
            origin: told(&header::ORIGIN),
            fetch_site: told(&FETCH_SITE),
        }
    }
}

/// Every line of a field.
fn told(fields: &dyn Fields, name: &HeaderName) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    fields.each(name, &mut |line| lines.push(escaped(line)));
    (!lines.is_empty()).then(|| lines.join(" | "))
}

fn escaped(value: &[u8]) -> String {
    let mut text = value[..value.len().min(TOLD)].escape_ascii().to_string();
    if value.len() > TOLD {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    #[test]
    fn values_are_escaped_and_cut_and_repeated_ones_stand_beside_each_other() {
        let mut fields = HeaderMap::new();
        let odd = HeaderValue::from_bytes(b"https://\xe4\"x").expect("a value");
        fields.append(header::ORIGIN, odd);
        fields.append(header::ORIGIN, HeaderValue::from_static("null"));
        let long = HeaderValue::from_str(&"a".repeat(200)).expect("a value");
        fields.append(header::HOST, long);
        let evidence = Evidence::of(&RequestHead::new(&Method::GET, b"/", &fields));
        assert_eq!(
            evidence.origin.as_deref(),
            Some("https://\\xe4\\\"x | null")
        );
        assert_eq!(evidence.host.map(|host| host.len()), Some(131));
        assert_eq!(evidence.fetch_site, None);
    }
}
