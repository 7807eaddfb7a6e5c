//! What to send instead: the field with its value, the line of the policy file, and the same for other servers.
//!
//! ```
//! use mantlet_audit::Fix;
//! let fix = Fix::set("X-Content-Type-Options", "nosniff");
//! assert_eq!(fix.toml(), "[headers]\nx-content-type-options = \"nosniff\"\n");
//! assert_eq!(fix.nginx(), "add_header X-Content-Type-Options \"nosniff\" always;");
//! ```

use mantlet_headers::Field;
use mantlet_headers::csp::{Csp, Value};

/// A change that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fix {
    /// Send this field with this value, in the place of every one of its name.
    Set {
        /// The name, in its customary spelling.
        name: &'static str,
        /// The value.
        value: String,
    },
    /// Send no field of this name.
    Remove {
        /// The name.
        name: String,
    },
    /// Send this Set-Cookie in the place of the one of its name.
    Cookie {
        /// The value as it was.
        was: String,
        /// The value as it should be.
        value: String,
        /// The lines of the policy file's `[cookies]`.
        keys: &'static str,
    },
    /// A change of the policy file that is no field.
    Policy {
        /// Its lines.
        toml: &'static str,
    },
}

impl Fix {
    /// Sends a field.
    pub fn set(name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self::Set { name, value }
    }

    /// Sends none.
    pub fn remove(name: impl Into<String>) -> Self {
        Self::Remove { name: name.into() }
    }

    /// The field line that should be sent; `None` if none should.
    pub fn header(&self) -> Option<String> {
        match self {
            Self::Set { name, value } => Some(format!("{name}: {value}")),
            // what a session is worth does not belong in a report
            Self::Cookie { value, .. } => match (value.find('='), value.find(';')) {
                (Some(name), Some(end)) if name < end => Some(format!(
                    "Set-Cookie: {}=...{}",
                    &value[..name],
                    &value[end..]
                )),
                _ => None,
            },
            Self::Remove { .. } | Self::Policy { .. } => None,
        }
    }

    /// The lines of mantlet.toml, with their table.
    pub fn toml(&self) -> String {
        match self {
            Self::Set { name, value } if *name == Csp::NAME => csp_toml(value),
            Self::Set { name, value } => {
                format!(
                    "[headers]\n{} = {}\n",
                    name.to_ascii_lowercase(),
                    quoted(value)
                )
            }
            Self::Remove { name } => {
                format!(
                    "[headers]\n{} = {{ mode = \"remove\" }}\n",
                    name.to_ascii_lowercase()
                )
            }
            Self::Cookie { keys, .. } => format!("[cookies]\n{keys}\n"),
            Self::Policy { toml } => format!("{toml}\n"),
        }
    }

    /// For nginx; a cookie is the application's.
    pub fn nginx(&self) -> String {
        match self {
            Self::Set { name, value } => format!("add_header {name} {} always;", quoted(value)),
            Self::Remove { name } if name.eq_ignore_ascii_case("server") => {
                "server_tokens off;".to_owned()
            }
            Self::Remove { name } => format!("proxy_hide_header {name};"),
            Self::Cookie { .. } => "proxy_cookie_flags ~ secure httponly samesite=lax;".to_owned(),
            Self::Policy { .. } => "return 301 https://$host$request_uri;".to_owned(),
        }
    }

    /// For Caddy.
    pub fn caddy(&self) -> String {
        match self {
            Self::Set { name, value } => format!("header {name} {}", quoted(value)),
            Self::Remove { name } => format!("header -{name}"),
            Self::Cookie { .. } => {
                "header >Set-Cookie \"(.*)\" \"$1; Secure; HttpOnly; SameSite=Lax\"".to_owned()
            }
            Self::Policy { .. } => "redir https://{host}{uri} permanent".to_owned(),
        }
    }

    /// For Apache, with mod_headers.
    pub fn apache(&self) -> String {
        match self {
            Self::Set { name, value } => format!("Header always set {name} {}", quoted(value)),
            Self::Remove { name } if name.eq_ignore_ascii_case("server") => {
                "ServerTokens Prod".to_owned()
            }
            Self::Remove { name } => format!("Header always unset {name}"),
            Self::Cookie { .. } => {
                "Header always edit Set-Cookie (.*) \"$1; Secure; HttpOnly; SameSite=Lax\""
                    .to_owned()
            }
            Self::Policy { .. } => {
                "RewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]".to_owned()
            }
        }
    }

    /// For Express.
    pub fn express(&self) -> String {
        match self {
            Self::Set { name, value } => {
                format!("response.setHeader(\"{name}\", {});", quoted(value))
            }
            Self::Remove { name } if name.eq_ignore_ascii_case("x-powered-by") => {
                "app.disable(\"x-powered-by\");".to_owned()
            }
            Self::Remove { name } => format!("response.removeHeader(\"{name}\");"),
            Self::Cookie { .. } => {
                "response.cookie(name, value, { secure: true, httpOnly: true, sameSite: \"lax\" });"
                    .to_owned()
            }
            Self::Policy { .. } => {
                "response.redirect(301, `https://${request.hostname}${request.originalUrl}`);"
                    .to_owned()
            }
        }
    }

    /// Every form, with the name of its server.
    pub fn snippets(&self) -> [(&'static str, String); 5] {
        [
            ("mantlet.toml", self.toml()),
            ("nginx", self.nginx()),
            ("Caddy", self.caddy()),
            ("Apache", self.apache()),
            ("Express", self.express()),
        ]
    }
}

/// A text in double quotes, as TOML and the servers' files escape it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A value as a table of directives, several policies as several tables.
fn csp_toml(value: &str) -> String {
    let parsed = Csp::parse(value.as_bytes()).value.unwrap_or_default();
    let table = match parsed.policies() {
        [_] => "[csp]",
        _ => "[[csp]]",
    };
    let mut tables = Vec::new();
    for policy in parsed.policies() {
        let mut lines = format!("{table}\n");
        for directive in policy.directives() {
            let words = match directive.value() {
                Value::Empty => "true".to_owned(),
                _ => {
                    let words = directive.words();
                    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
                    format!("[{}]", words.join(", "))
                }
            };
            lines.push_str(&format!("{} = {words}\n", directive.name()));
        }
        tables.push(lines);
    }
    tables.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_a_table_of_directives() {
        let fix = Fix::set(
            Csp::NAME,
            "default-src 'self' data:; object-src 'none'; upgrade-insecure-requests",
        );
        assert_eq!(
            fix.toml(),
            "[csp]\ndefault-src = [\"'self'\", \"data:\"]\nobject-src = [\"'none'\"]\nupgrade-insecure-requests = true\n"
        );
    }

    #[test]
    fn several_policies_are_several_tables() {
        let fix = Fix::set(Csp::NAME, "default-src 'none', img-src");
        assert_eq!(
            fix.toml(),
            "[[csp]]\ndefault-src = [\"'none'\"]\n\n[[csp]]\nimg-src = [\"'none'\"]\n"
        );
    }

    #[test]
    fn quotes_are_escaped() {
        let fix = Fix::set("Clear-Site-Data", "\"cache\"");
        assert_eq!(
            fix.nginx(),
            "add_header Clear-Site-Data \"\\\"cache\\\"\" always;"
        );
    }
}
