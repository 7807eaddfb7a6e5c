//! Scheme-sources and host-sources: `https:`, `*.example.com:8443/js/` (CSP3 section 2.3.1,
//! <https://www.w3.org/TR/CSP3/#grammardef-host-source>).
//!
//! ```text
//! scheme-source = scheme-part ":"
//! host-source   = [ scheme-part "://" ] host-part [ ":" port-part ] [ path-part ]
//! host-part     = "*" / [ "*." ] 1*host-char *( "." 1*host-char )
//! port-part     = 1*DIGIT / "*"
//! path-part     = path-absolute ; without ";" and ","
//! ```

use std::fmt;

use super::token::Token;
use crate::fault::Fault;

/// `https:`, `data:`: every URL of a scheme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemeSource(String);

impl SchemeSource {
    /// The scheme in lower case, without the colon.
    pub fn scheme(&self) -> &str {
        &self.0
    }

    /// The scheme-source that `text` is, by the grammar.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let scheme = text.strip_suffix(':')?;
        is_scheme(scheme).then(|| Self(scheme.to_ascii_lowercase()))
    }
}

impl fmt::Display for SchemeSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.0)
    }
}

/// The port of a host-source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// `*`
    Any,
    /// A number.
    Number(u16),
}

/// A host, with as much of scheme, port and path as is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostSource {
    scheme: Option<String>,
    host: String,
    port: Option<Port>,
    path: Option<String>,
}

impl HostSource {
    /// The scheme in lower case.
    pub fn scheme(&self) -> Option<&str> {
        self.scheme.as_deref()
    }

    /// The host in lower case: a name, `*.` and a name, or `*`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> Option<Port> {
        self.port
    }

    /// The path, from its slash on.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// Whether it is a bare `*`: every URL of a network scheme.
    pub fn is_any(&self) -> bool {
        self.host == "*" && self.scheme.is_none() && self.port.is_none() && self.path.is_none()
    }

    /// The host-source that the word is to a browser.
    pub(crate) fn read(token: &Token<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = token.text;
        let (scheme, rest) = match split_scheme(text) {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme.to_ascii_lowercase()), rest),
            Some((scheme, _)) => {
                let message = format!("{scheme:?} is no scheme: a browser ignores {text:?}");
                let fault = token.error("csp.bad-scheme", message);
                faults.push(match scheme {
                    "*" | "http*" | "http(s)" => {
                        fault.hint("http:// covers https too; a bare host takes the page's scheme")
                    }
                    _ => fault,
                });
                return None;
            }
            None => (None, text),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], Some(&rest[at..])),
            None => (rest, None),
        };
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        if let Some(fault) = bad_host(token, host, authority) {
            faults.push(fault);
            return None;
        }
        let port = match port {
            None => None,
            Some("*") => Some(Port::Any),
            Some(digits) => match digits.parse() {
                Ok(number) if digits.bytes().all(|b| b.is_ascii_digit()) => {
                    Some(Port::Number(number))
                }
                _ => {
                    let message = format!("{digits:?} is no port: a browser ignores {text:?}");
                    faults.push(
                        token
                            .error("csp.bad-port", message)
                            .hint("1 to 65535, or *"),
                    );
                    return None;
                }
            },
        };
        if let Some(path) = path
            && !is_path_absolute(path)
        {
            let message = format!("{path:?} is no path of CSP: a browser may ignore {text:?}");
            let hint = "percent-encode what is not of a path, and begin with a single slash";
            faults.push(token.error("csp.bad-path", message).hint(hint));
            return None;
        }
        faults.extend(odd_host(token, host));
        Some(Self {
            scheme,
            host: host.to_ascii_lowercase(),
            port,
            path: path.map(str::to_owned),
        })
    }
}

impl fmt::Display for HostSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = &self.scheme {
            write!(f, "{scheme}://")?;
        }
        f.write_str(&self.host)?;
        match self.port {
            Some(Port::Any) => f.write_str(":*")?,
            Some(Port::Number(number)) => write!(f, ":{number}")?,
            None => {}
        }
        f.write_str(self.path.as_deref().unwrap_or_default())
    }
}

/// Splits at `://`, where that stands before the first slash of a path.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (before, rest) = text.split_once('/')?;
    Some((before.strip_suffix(':')?, rest.strip_prefix('/')?))
}

fn bad_host(token: &Token<'_>, host: &str, authority: &str) -> Option<Fault> {
    let text = token.text;
    let ignored = |what: &str| {
        token.error(
            "csp.bad-host",
            format!("{what}: a browser ignores {text:?}"),
        )
    };
    if host == "*" {
        return None;
    }
    let name = host.strip_prefix("*.").unwrap_or(host);
    if authority.starts_with('[') {
        return Some(ignored("CSP cannot name an IPv6 address").hint("a host name, or 'self'"));
    }
    if host.is_empty() {
        let hint = "'self', or a URL with its host";
        return Some(ignored("there is no host").hint(hint));
    }
    if authority.contains('@') {
        return Some(ignored("a host-source takes no user name").hint("leave it out"));
    }
    if name.contains('*') {
        let hint = "`*.` is allowed at the very left only";
        return Some(ignored("a wildcard stands for whole labels").hint(hint));
    }
    if let Some(bare) = name.strip_suffix('.')
        && is_name(bare)
    {
        return Some(ignored("a host-source has no final dot").hint(format!("without it: {bare}")));
    }
    if !is_name(name) {
        return Some(ignored(&format!("{host:?} is no host name")));
    }
    None
}

/// Hosts of the grammar that are weak or that not every browser takes.
fn odd_host(token: &Token<'_>, host: &str) -> Option<Fault> {
    if host.contains('_') {
        let message = format!(
            "{host:?} has an underscore, which the grammar does not allow: not every browser takes it"
        );
        return Some(token.warning("csp.underscore", message));
    }
    if host != "127.0.0.1" && host.parse::<std::net::Ipv4Addr>().is_ok() {
        let message = format!("{host} is an IP address: by the specification it matches nothing");
        return Some(token.warning("csp.ip-address", message).hint("a host name"));
    }
    None
}

pub(crate) fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn is_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    })
}

/// RFC 3986 section 3.3, without `;` and `,`.
fn is_path_absolute(path: &str) -> bool {
    if path.starts_with("//") {
        return false;
    }
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let valid = match byte {
            b'%' => {
                bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
                    && bytes.next().is_some_and(|b| b.is_ascii_hexdigit())
            }
            _ => byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+=:@".contains(&byte),
        };
        if !valid {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<String>, Vec<&'static str>) {
        let mut faults = Vec::new();
        let value = HostSource::read(&Token::alone(text), &mut faults);
        (
            value.map(|v| v.to_string()),
            faults.iter().map(|f| f.code).collect(),
        )
    }

    #[test]
    fn hosts_of_the_grammar_print_in_lower_case_with_their_path_kept() {
        for (text, printed) in [
            ("*", "*"),
            ("Example.COM", "example.com"),
            ("*.example.com", "*.example.com"),
            (
                "HTTPS://*.example.com:*/A/b.js",
                "https://*.example.com:*/A/b.js",
            ),
            ("localhost:0080", "localhost:80"),
            ("https://*", "https://*"),
            ("*:8080", "*:8080"),
            ("127.0.0.1", "127.0.0.1"),
            ("a.example/%3B/'x'", "a.example/%3B/'x'"),
            ("a.example/x://y", "a.example/x://y"),
        ] {
            assert_eq!(read(text), (Some(printed.to_owned()), vec![]), "{text}");
        }
    }

    #[test]
    fn what_a_browser_ignores_is_no_host() {
        for (text, code) in [
            ("/js/app.js", "csp.bad-host"),
            ("https://", "csp.bad-host"),
            ("https://[::1]:80", "csp.bad-host"),
            ("exam*ple.com", "csp.bad-host"),
            ("*.*.example.com", "csp.bad-host"),
            ("*example.com", "csp.bad-host"),
            ("example.com.", "csp.bad-host"),
            ("a..b", "csp.bad-host"),
            ("user@example.com", "csp.bad-host"),
            ("*://example.com", "csp.bad-scheme"),
            ("example.com:", "csp.bad-port"),
            ("example.com:65536", "csp.bad-port"),
            ("example.com:+80", "csp.bad-port"),
            ("data:image/png", "csp.bad-port"),
            ("example.com//x", "csp.bad-path"),
            ("example.com/%zz", "csp.bad-path"),
            ("example.com/\"x", "csp.bad-path"),
        ] {
            assert_eq!(read(text), (None, vec![code]), "{text}");
        }
    }

    #[test]
    fn underscores_and_ip_addresses_are_warned_of() {
        assert_eq!(read("a_b.example").1, ["csp.underscore"]);
        assert_eq!(read("http://192.0.2.1:80").1, ["csp.ip-address"]);
    }
}
