//! A configuration from a URL.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use super::config::{Address, Auth, Config, ConfigError, Password, Tls, Topology};

impl Config {
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
        let (scheme, rest) = url.split_once("://").ok_or(ConfigError::NoScheme)?;
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
            None => return Err(unknown(query)),
        };
        let path = PathBuf::from(decoded(path)?);
        let single = Topology::Single(Address::Unix(path));
        Ok(Self {
            database,
            ..Self::new(single)
        })
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
        return Err(unknown(query));
    }
    let (nodes, path) = rest.split_once('/').unwrap_or((rest, ""));
    Ok((auth, nodes.split(',').collect(), path))
}

fn credentials(text: &str) -> Result<Auth, ConfigError> {
    let (username, password) = text.split_once(':').ok_or(ConfigError::NoPassword)?;
    let username = decoded(username)?;
    Ok(Auth {
        username: (!username.is_empty()).then_some(username),
        password: Some(Password::new(decoded(password)?)),
    })
}

fn decoded(text: &str) -> Result<String, ConfigError> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded.map_err(|_| ConfigError::Encoding)?.into_owned())
}

/// The query has no meaning; what it says may be a password, so only its first name is told.
fn unknown(query: &str) -> ConfigError {
    let name = query.split_once('=').map_or("", |(name, _)| name);
    ConfigError::Query(name.to_owned())
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
    let wrong = || {
        // where the host was forgotten, what stands for its port is a password
        let told = match text.rsplit_once(':') {
            Some((host, port)) if !port.bytes().all(|b| b.is_ascii_digit() || b == b']') => {
                format!("{host}:...")
            }
            _ => text.to_owned(),
        };
        ConfigError::Address(told)
    };
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
        assert_eq!(wrong("localhost:6379"), ConfigError::NoScheme);
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
        assert_eq!(wrong("redis://a?x=1"), ConfigError::Query("x".to_owned()));
        assert_eq!(wrong("redis+sentinel://a"), ConfigError::NoMaster);
        assert_eq!(wrong("redis+cluster://a/1"), ConfigError::ClusterDatabase);
        assert_eq!(
            wrong("redis+cluster://a,,b"),
            ConfigError::Address(String::new())
        );
        assert_eq!(wrong("unix://run/redis.sock"), ConfigError::SocketPath);
        assert_eq!(
            wrong("unix:///run/redis.sock?x"),
            ConfigError::Query(String::new())
        );
    }
}
