//! Where Redis is, and how long it is waited for.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::breaker::Patience;

/// What a client of Redis is made from. Every field has a default but where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where it is.
    pub topology: Topology,
    /// Who we are.
    pub auth: Auth,
    /// The database, 0 by default; a cluster has no other.
    pub database: u32,
    /// TLS, if the addresses are to be spoken to over it. Not for a socket of this machine.
    pub tls: Option<Tls>,
    /// What keys begin with: `mantlet` by default. Applications that share a Redis and must not count together have their own.
    /// 1 to 64 characters, no control characters, no braces.
    pub prefix: String,
    /// How long a trip may take: 1 millisecond to 10 seconds, 20 milliseconds by default.
    pub timeout: Duration,
    /// How long making a connection may take, resolving, TLS and login and all: 10 milliseconds to 30 seconds, 1 second by default. No
    /// request waits longer than `timeout` for it.
    pub connect_timeout: Duration,
    /// When it is not asked any more.
    pub patience: Patience,
    /// Connections of the blocking client that are kept: 1 to 1024, 8 by default. More are made when more threads ask at
    /// once, and closed afterwards.
    pub pool: usize,
}

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    Single(Address),
    /// The master that sentinels name.
    Sentinel {
        /// The sentinels, asked in turn.
        sentinels: Vec<Address>,
        /// The name they know the master by.
        master: String,
        /// Who we are to the sentinels; nobody by default.
        auth: Auth,
    },
    /// A cluster, found through any of these nodes.
    Cluster(Vec<Address>),
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A host name or IP address, and a port.
    Tcp(String, u16),
    /// The path of a socket.
    Unix(PathBuf),
}

/// Who we are: nobody, a password alone (the user `default`), or a user and a password.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// The user.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Password>,
}

/// A password; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// From its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

/// What TLS needs. The server's name is always checked, and its certificate too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates that sign the server's, in PEM; none: those that this machine trusts.
    pub ca: Option<Vec<u8>>,
    /// Who we are, where the server asks for a certificate.
    pub client: Option<ClientCertificate>,
}

/// A certificate and its key.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate and those that sign it, in PEM.
    pub certificate: Vec<u8>,
    /// The key, in PEM.
    pub key: Vec<u8>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCertificate(..)")
    }
}

/// What is wrong with a configuration. None repeats the URL: a password may be in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The URL begins with something else.
    #[error(
        "{0:?} is not one of redis://, rediss://, unix://, redis+sentinel://, redis+cluster:// (valkey the same)"
    )]
    Scheme(String),
    /// The URL has no scheme.
    #[error(
        "begins with none of redis://, rediss://, unix://, redis+sentinel://, redis+cluster:// (valkey the same)"
    )]
    NoScheme,
    /// An address that is none.
    #[error(
        "{0:?} is not a host, or a host and a port: redis.internal, redis.internal:6379, [2001:db8::1]:6379"
    )]
    Address(String),
    /// Several addresses, or a list without one.
    #[error("{0} has one address: several are redis+sentinel:// or redis+cluster://")]
    Several(&'static str),
    /// Nothing listed.
    #[error("the list of nodes is empty")]
    NoNodes,
    /// Sentinels that are not told whose master.
    #[error(
        "which master? its name follows the sentinels: redis+sentinel://host:26379,host:26379/mymaster"
    )]
    NoMaster,
    /// Something in the path that has no meaning there.
    #[error("{0:?} is not a database: a number from 0 on, as in redis://host:6379/1")]
    Database(String),
    /// A cluster has one database.
    #[error("a cluster has database 0 alone")]
    ClusterDatabase,
    /// A user or password that is not percent-encoded UTF-8.
    #[error("the user or the password is not UTF-8, percent-encoded")]
    Encoding,
    /// A user without a password.
    #[error("a user without a password: redis://user:password@host")]
    NoPassword,
    /// A query that has no meaning.
    #[error("the query {0:?} has no meaning here: unix:///path?db=1 is all there is")]
    Query(String),
    /// No path, or one that does not begin at the root.
    #[error("the path of a socket begins with a slash: unix:///run/redis/redis.sock")]
    SocketPath,
    /// TLS on a socket of this machine, or a socket in a list.
    #[error("a socket of this machine is neither in a list of nodes nor spoken to over TLS")]
    Socket,
    /// Certificates or a key that cannot be read, or an address that the library refuses.
    #[error("cannot be used: {0}")]
    Unusable(String),
    /// A prefix that would break the keys.
    #[error("the prefix {0:?} is 1 to 64 characters without braces and control characters")]
    Prefix(String),
    /// A time out of range.
    #[error("{what} of {value:?} is not between {least:?} and {most:?}")]
    Time {
        /// Which.
        what: &'static str,
        /// The one given.
        value: Duration,
        /// The least.
        least: Duration,
        /// The most.
        most: Duration,
    },
    /// A number out of range.
    #[error("{what} of {value} is not between 1 and {most}")]
    Number {
        /// Which.
        what: &'static str,
        /// The one given.
        value: usize,
        /// The most.
        most: usize,
    },
}

impl Config {
    /// With the defaults, for `topology`.
    pub fn new(topology: Topology) -> Self {
        Self {
            topology,
            auth: Auth::default(),
            database: 0,
            tls: None,
            prefix: "mantlet".to_owned(),
            timeout: Duration::from_millis(20),
            connect_timeout: Duration::from_secs(1),
            patience: Patience::default(),
            pool: 8,
        }
    }

    /// Everything that is wrong with it.
    pub fn faults(&self) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        let nodes = match &self.topology {
            Topology::Single(node) => std::slice::from_ref(node),
            Topology::Sentinel {
                sentinels,
                master,
                auth,
            } => {
                if master.is_empty() {
                    faults.push(ConfigError::NoMaster);
                }
                if auth.username.is_some() && auth.password.is_none() {
                    faults.push(ConfigError::NoPassword);
                }
                sentinels
            }
            Topology::Cluster(nodes) => {
                if self.database != 0 {
                    faults.push(ConfigError::ClusterDatabase);
                }
                nodes
            }
        };
        if nodes.is_empty() {
            faults.push(ConfigError::NoNodes);
        }
        let alone = matches!(self.topology, Topology::Single(_)) && self.tls.is_none();
        for node in nodes {
            match node {
                Address::Tcp(host, port) if host.is_empty() || *port == 0 => {
                    faults.push(ConfigError::Address(format!("{host}:{port}")));
                }
                Address::Unix(path) if !path.is_absolute() => faults.push(ConfigError::SocketPath),
                Address::Unix(_) if !alone => faults.push(ConfigError::Socket),
                _ => {}
            }
        }
        if self.auth.username.is_some() && self.auth.password.is_none() {
            faults.push(ConfigError::NoPassword);
        }
        let breaks = |c: char| c.is_control() || c == '{' || c == '}';
        let length = self.prefix.chars().count();
        if !(1..=64).contains(&length) || self.prefix.contains(breaks) {
            faults.push(ConfigError::Prefix(self.prefix.clone()));
        }
        let millis = Duration::from_millis;
        for (what, value, least, most) in [
            ("a timeout", self.timeout, millis(1), millis(10_000)),
            (
                "a connect timeout",
                self.connect_timeout,
                millis(10),
                millis(30_000),
            ),
            (
                "an open breaker",
                self.patience.open,
                millis(10),
                millis(300_000),
            ),
        ] {
            if value < least || value > most {
                faults.push(ConfigError::Time {
                    what,
                    value,
                    least,
                    most,
                });
            }
        }
        let failures = usize::try_from(self.patience.failures).unwrap_or(usize::MAX);
        for (what, value, most) in [
            ("a breaker's number of failures", failures, 1_000),
            ("a pool", self.pool, 1_024),
        ] {
            if value == 0 || value > most {
                faults.push(ConfigError::Number { what, value, most });
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    #[test]
    fn every_fault_of_a_config_is_told_at_once() {
        let config = Config {
            database: 1,
            prefix: "a{b".to_owned(),
            timeout: Duration::from_secs(11),
            connect_timeout: Duration::ZERO,
            patience: Patience {
                failures: 0,
                open: Duration::ZERO,
            },
            pool: 2_000,
            auth: Auth {
                username: Some("app".to_owned()),
                password: None,
            },
            ..Config::new(Topology::Cluster(vec![]))
        };
        assert_eq!(config.faults().len(), 9, "{:#?}", config.faults());
        let socket = Address::Unix("/run/redis.sock".into());
        let config = Config {
            tls: Some(Tls::default()),
            ..Config::new(Topology::Single(socket))
        };
        assert_eq!(config.faults(), [ConfigError::Socket]);
        let config = Config::new(Topology::Single(tcp("localhost", 0)));
        assert_eq!(
            config.faults(),
            [ConfigError::Address("localhost:0".to_owned())]
        );
    }

    #[test]
    fn nothing_prints_a_password_or_a_key() {
        let mut config = Config::from_url("rediss://app:hunter2@localhost").unwrap();
        let client = ClientCertificate {
            certificate: b"hunter2".to_vec(),
            key: b"hunter2".to_vec(),
        };
        config.tls = Some(Tls {
            ca: None,
            client: Some(client),
        });
        assert!(!format!("{config:?}").contains("hunter2"));
        for url in [
            "redis://:hunter2@",
            "redis://:hunter2@a b",
            "hunter2",
            "redis://hunter2@a",
        ] {
            let error = Config::from_url(url).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
