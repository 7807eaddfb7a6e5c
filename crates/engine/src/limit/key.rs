//! Who is counted, as bytes: parts that cannot run into each other.

use std::net::IpAddr;

use http::HeaderName;
use ipnet::IpNet;
use mantlet_limit::{Key, RemoteKey, Secret};
use smallvec::SmallVec;

use crate::head::{Fields, Single};
use crate::policy::{KeyPart, Prefix};
use crate::reason::{LIMIT_KEY_REPEATED, LIMIT_KEY_TOO_LARGE, Reason};

/// The parts of a key, each with its kind and length before it.
pub(crate) struct Parts(SmallVec<[u8; 64]>);

/// What the parts are taken from.
pub(crate) struct Source<'s> {
    pub(crate) client: Option<IpAddr>,
    pub(crate) fields: &'s dyn Fields,
    /// The longest field that is read, in bytes.
    pub(crate) longest: usize,
    /// The path of the route; empty if none claims the request.
    pub(crate) route: &'s str,
}

/// A part of who a limit counts, as a request has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CountedBy<'r> {
    /// The client's network; `None` where the host does not know its peers, and all of them share the limit.
    Client(Option<IpNet>),
    /// The value of a request field, without the white space around it.
    Field(&'r HeaderName, &'r [u8]),
    /// The path of a route; empty where none claims the request.
    Route(&'r str),
    /// Everybody together.
    Everybody,
}

impl<'r> CountedBy<'r> {
    /// # Errors
    /// A field that stands there twice, or is too long.
    pub(crate) fn new(part: &'r KeyPart, source: &Source<'r>) -> Result<Self, &'static Reason> {
        let client = |prefix: Prefix| Self::Client(source.client.map(|ip| prefix.network(ip)));
        match part {
            KeyPart::Client(prefix) => Ok(client(*prefix)),
            KeyPart::Field(name) => match source.fields.single(name) {
                Single::One(value) if value.len() > source.longest => Err(&LIMIT_KEY_TOO_LARGE),
                Single::One(value) => Ok(Self::Field(name, value.trim_ascii())),
                Single::Missing => Ok(client(Prefix::default())),
                Single::Repeated => Err(&LIMIT_KEY_REPEATED),
            },
            KeyPart::Route => Ok(Self::Route(source.route)),
            KeyPart::Everybody => Ok(Self::Everybody),
        }
    }
}

impl Parts {
    /// # Errors
    /// A field that stands there twice, or is too long.
    pub(crate) fn new(key: &[KeyPart], source: &Source<'_>) -> Result<Self, &'static Reason> {
        let mut parts = Self(SmallVec::new());
        for part in key {
            match CountedBy::new(part, source)? {
                CountedBy::Client(Some(network)) => match network.addr() {
                    IpAddr::V4(v4) => parts.push(b'4', &v4.octets()),
                    IpAddr::V6(v6) => parts.push(b'6', &v6.octets()),
                },
                CountedBy::Client(None) => parts.push(b'0', b""),
                CountedBy::Field(_, value) => parts.push(b'h', value),
                CountedBy::Route(path) => parts.push(b'r', path.as_bytes()),
                CountedBy::Everybody => parts.push(b'*', b""),
            }
        }
        Ok(parts)
    }

    fn push(&mut self, kind: u8, value: &[u8]) {
        self.0.push(kind);
        self.0
            .extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.0.extend_from_slice(value);
    }

    /// The key in this process.
    pub(crate) fn here(&self, secret: &Secret) -> Key {
        secret.key(&[&self.0])
    }

    /// The key in a store.
    pub(crate) fn shared(&self) -> RemoteKey {
        RemoteKey::new(&[&self.0])
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    use super::*;

    const API_KEY: HeaderName = HeaderName::from_static("x-api-key");

    fn parts(
        key: &[KeyPart],
        client: Option<&str>,
        fields: &HeaderMap,
    ) -> Result<Vec<u8>, &'static str> {
        let source = Source {
            client: client.map(|ip| ip.parse().expect("an address")),
            fields,
            longest: 16,
            route: "/docs",
        };
        Parts::new(key, &source)
            .map(|parts| parts.0.to_vec())
            .map_err(|reason| reason.code)
    }

    #[test]
    fn a_network_of_ipv6_is_one_client_and_an_address_of_ipv4_another() {
        let by_client = [KeyPart::Client(Prefix::default())];
        let none = HeaderMap::new();
        let of = |ip| parts(&by_client, Some(ip), &none).expect("parts");
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        let wide = [KeyPart::Client(Prefix { v4: 24, v6: 48 })];
        let wide = |ip| parts(&wide, Some(ip), &none).expect("parts");
        assert_eq!(wide("192.0.2.1"), wide("192.0.2.2"));
        assert_eq!(wide("2001:db8::1"), wide("2001:db8:0:1::1"));
    }

    #[test]
    fn a_field_is_the_key_its_absence_the_client_and_two_of_it_an_error() {
        let key = [KeyPart::Field(API_KEY)];
        let mut fields = HeaderMap::new();
        let client = parts(
            &[KeyPart::Client(Prefix::default())],
            Some("192.0.2.1"),
            &fields,
        );
        assert_eq!(parts(&key, Some("192.0.2.1"), &fields), client);
        fields.insert(API_KEY, HeaderValue::from_static(" a "));
        let own = parts(&key, Some("192.0.2.1"), &fields);
        assert_eq!(own, parts(&key, Some("192.0.2.9"), &fields));
        assert_ne!(own, client);
        fields.append(API_KEY, HeaderValue::from_static("b"));
        assert_eq!(parts(&key, None, &fields), Err("limit.key-repeated"));
        fields.insert(API_KEY, HeaderValue::from_static("more than sixteen bytes"));
        assert_eq!(parts(&key, None, &fields), Err("limit.key-too-large"));
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let (one, two) = (
            HeaderName::from_static("x-one"),
            HeaderName::from_static("x-two"),
        );
        let key = [KeyPart::Field(one.clone()), KeyPart::Field(two.clone())];
        let of = |first: &'static str, second: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(one.clone(), HeaderValue::from_static(first));
            fields.insert(two.clone(), HeaderValue::from_static(second));
            parts(&key, None, &fields).expect("parts")
        };
        assert_ne!(of("ab", "c"), of("a", "bc"));
    }
}
