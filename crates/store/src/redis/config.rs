//! Where Redis is, and how long it is waited for.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::percent_decode_str;

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
    #[error("{0:?} has no meaning here: unix:///path?db=1 is all there is")]
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

    /// From a URL.
    ///
    /// ```text
    /// redis://[user:password@]host[:6379][/database]            one server
    /// rediss://...                                              the same over TLS
    /// unix:///run/redis/redis.sock[?db=1]                       one server, on a socket of this machine
    /// redis+sentinel://[user:password@]host[:26379],.../master[/database]     the master that the sentinels name
    /// redis+cluster://[user:password@]host[:6379],...           a cluster, found through any of its nodes
    /// rediss+sentinel:// rediss+cluster://                      over TLS
    /// ```
    ///
    /// `valkey` in the place of `redis` is the same. A user and a password are percent-encoded; a password alone is `:password@`.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn from_url(url: &str) -> Result<Self, ConfigError> {
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| ConfigError::Scheme(url.chars().take_while(|c| *c != ':').collect()))?;
        let known = match scheme.strip_prefix("valkey") {
            Some(kind) => format!("redis{kind}"),
            None => scheme.to_owned(),
        };
        let (known, tls) = match known.strip_prefix("rediss") {
            Some(kind) => (format!("redis{kind}"), Some(Tls::default())),
            None => (known, None),
        };
        let config = match known.as_str() {
            "unix" => Self::from_socket(rest)?,
            "redis" => {
                let (auth, nodes, path) = parts(rest)?;
                let [node] = nodes.as_slice() else {
                    return Err(ConfigError::Several("redis://"));
                };
                let single = Topology::Single(address(node, 6379)?);
                Self {
                    auth,
                    database: database(path)?,
                    ..Self::new(single)
                }
            }
            "redis+sentinel" => {
                let (auth, nodes, path) = parts(rest)?;
                let (master, path) = path.split_once('/').unwrap_or((path, ""));
                let sentinel = Topology::Sentinel {
                    sentinels: addresses(&nodes, 26379)?,
                    master: decoded(master)?,
                    auth: Auth::default(),
                };
                Self {
                    auth,
                    database: database(path)?,
                    ..Self::new(sentinel)
                }
            }
            "redis+cluster" => {
                let (auth, nodes, path) = parts(rest)?;
                let cluster = Topology::Cluster(addresses(&nodes, 6379)?);
                Self {
                    auth,
                    database: database(path)?,
                    ..Self::new(cluster)
                }
            }
            _ => return Err(ConfigError::Scheme(scheme.to_owned())),
        };
        let config = Self { tls, ..config };
        match config.faults().into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(config),
        }
    }

    fn from_socket(rest: &str) -> Result<Self, ConfigError> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if !path.starts_with('/') {
            return Err(ConfigError::SocketPath);
        }
        let database = match query.strip_prefix("db=") {
            Some(number) => database(number)?,
            None if query.is_empty() => 0,
            None => return Err(ConfigError::Query(query.to_owned())),
        };
        let path = PathBuf::from(decoded(path)?);
        let single = Topology::Single(Address::Unix(path));
        Ok(Self {
            database,
            ..Self::new(single)
        })
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

/// User and password, nodes, path.
fn parts(rest: &str) -> Result<(Auth, Vec<&str>, &str), ConfigError> {
    // a password may hold an @ and even a slash that somebody forgot to encode; a host never does
    let (auth, rest) = match rest.rsplit_once('@') {
        Some((user, rest)) => (credentials(user)?, rest),
        None => (Auth::default(), rest),
    };
    if let Some((_, query)) = rest.split_once('?') {
        return Err(ConfigError::Query(query.to_owned()));
    }
    let (nodes, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((auth, nodes.split(',').collect(), path))
}

fn credentials(text: &str) -> Result<Auth, ConfigError> {
    let (username, password) = text.split_once(':').ok_or(ConfigError::NoPassword)?;
    let username = decoded(username)?;
    Ok(Auth {
        username: (!username.is_empty()).then_some(username),
        password: Some(Password(decoded(password)?)),
    })
}

fn decoded(text: &str) -> Result<String, ConfigError> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| ConfigError::Encoding)?.into_owned())
}

fn database(text: &str) -> Result<u32, ConfigError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse()
        .map_err(|_| ConfigError::Database(text.to_owned()))
}

fn addresses(nodes: &[&str], port: u16) -> Result<Vec<Address>, ConfigError> {
    nodes.iter().map(|node| address(node, port)).collect()
}

fn address(text: &str, default: u16) -> Result<Address, ConfigError> {
    let wrong = || ConfigError::Address(text.to_owned());
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong())?;
            match port {
                "" => (host, None),
                port => (host, Some(port.strip_prefix(':').ok_or_else(wrong)?)),
            }
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let outside = |c: char| !(c.is_ascii_alphanumeric() || "-._:".contains(c));
    if host.is_empty() || host.contains(outside) {
        return Err(wrong());
    }
    let port = match port {
        Some(port) => port.parse().map_err(|_| wrong())?,
        None => default,
    };
    if port == 0 {
        return Err(wrong());
    }
    Ok(Address::Tcp(host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp(host.to_owned(), port)
    }

    fn wrong(url: &str) -> ConfigError {
        Config::from_url(url).unwrap_err()
    }

    #[test]
    fn urls_of_one_server() {
        let config = Config::from_url("redis://redis.internal").unwrap();
        assert_eq!(
            config,
            Config::new(Topology::Single(tcp("redis.internal", 6379)))
        );
        let config = Config::from_url("valkeys://app:p%40ss@[2001:db8::1]:7000/2").unwrap();
        assert_eq!(config.topology, Topology::Single(tcp("2001:db8::1", 7000)));
        assert_eq!(config.auth.username.as_deref(), Some("app"));
        assert_eq!(config.auth.password, Some(Password::new("p@ss")));
        assert_eq!(config.database, 2);
        assert_eq!(config.tls, Some(Tls::default()));
        let config = Config::from_url("unix:///run/redis.sock?db=3").unwrap();
        assert_eq!(
            config.topology,
            Topology::Single(Address::Unix("/run/redis.sock".into()))
        );
        assert_eq!(config.database, 3);
    }

    #[test]
    fn urls_of_sentinels_and_clusters() {
        let config = Config::from_url("redis+sentinel://:pw@a,b:7000/mymaster/1").unwrap();
        let sentinels = vec![tcp("a", 26379), tcp("b", 7000)];
        let (master, auth) = ("mymaster".to_owned(), Auth::default());
        assert_eq!(
            config.topology,
            Topology::Sentinel {
                sentinels,
                master,
                auth
            }
        );
        assert_eq!(config.database, 1);
        assert_eq!(config.auth.username, None);
        let config = Config::from_url("rediss+cluster://a:1,b:2").unwrap();
        assert_eq!(
            config.topology,
            Topology::Cluster(vec![tcp("a", 1), tcp("b", 2)])
        );
        assert!(config.tls.is_some());
    }

    #[test]
    fn each_bad_url_has_its_error() {
        assert_eq!(wrong("http://a"), ConfigError::Scheme("http".to_owned()));
        assert_eq!(
            wrong("localhost:6379"),
            ConfigError::Scheme("localhost".to_owned())
        );
        assert_eq!(wrong("redis://"), ConfigError::Address(String::new()));
        assert_eq!(
            wrong("redis://a:70000"),
            ConfigError::Address("a:70000".to_owned())
        );
        assert_eq!(wrong("redis://a:0"), ConfigError::Address("a:0".to_owned()));
        assert_eq!(
            wrong("redis://[::1"),
            ConfigError::Address("[::1".to_owned())
        );
        assert_eq!(wrong("redis://a b"), ConfigError::Address("a b".to_owned()));
        assert_eq!(wrong("redis://a,b"), ConfigError::Several("redis://"));
        assert_eq!(wrong("redis://a/x"), ConfigError::Database("x".to_owned()));
        assert_eq!(
            wrong("redis://a/-1"),
            ConfigError::Database("-1".to_owned())
        );
        assert_eq!(wrong("redis://user@a"), ConfigError::NoPassword);
        assert_eq!(wrong("redis://:%ff@a"), ConfigError::Encoding);
        assert_eq!(wrong("redis://a?x=1"), ConfigError::Query("x=1".to_owned()));
        assert_eq!(wrong("redis+sentinel://a"), ConfigError::NoMaster);
        assert_eq!(wrong("redis+cluster://a/1"), ConfigError::ClusterDatabase);
        assert_eq!(
            wrong("redis+cluster://a,,b"),
            ConfigError::Address(String::new())
        );
        assert_eq!(wrong("unix://run/redis.sock"), ConfigError::SocketPath);
        assert_eq!(
            wrong("unix:///run/redis.sock?x"),
            ConfigError::Query("x".to_owned())
        );
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
            let told = url == "hunter2";
            assert_eq!(error.to_string().contains("hunter2"), told, "{error}");
        }
    }
}
