//! From a configuration to addresses that can be dialled, and from the library's errors to ours.

use redis::{ConnectionAddr, IntoConnectionInfo as _, RedisConnectionInfo};

use super::config::{Address, Auth, Config, ConfigError, Tls, Topology};
use crate::error::StoreError;

/// What a configuration comes to: everything that can be wrong with it has been found.
#[derive(Clone)]
pub(crate) enum Target {
    Single(redis::Client),
    Sentinel(Sentinels),
    Cluster(Box<redis::cluster::ClusterClient>),
}

/// The sentinels, and how the master that they name is spoken to.
#[derive(Clone)]
pub(crate) struct Sentinels {
    pub(crate) clients: Vec<redis::Client>,
    pub(crate) master: String,
    auth: Auth,
    database: u32,
    tls: Option<Tls>,
}

impl Sentinels {
    /// The question to a sentinel.
    pub(crate) fn question(&self) -> redis::Cmd {
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        question
    }

    /// The master that a sentinel named.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] if it knows none of that name.
    pub(crate) fn named(&self, answer: &redis::Value) -> Result<redis::Client, StoreError> {
        let named = redis::from_redis_value_ref::<Option<(String, u16)>>(answer).map_err(|_| {
            StoreError::Malformed("a sentinel's word on where the master is".to_owned())
        })?;
        let Some((host, port)) = named else {
            let master = &self.master;
            return Err(StoreError::Unreachable(format!(
                "no sentinel knows a master {master:?}"
            )));
        };
        let address = Address::Tcp(host, port);
        client(&address, &self.auth, self.database, self.tls.as_ref())
            .map_err(|error| StoreError::Unreachable(error.to_string()))
    }

    /// Whether what a sentinel named is a master, in its own words: a sentinel may not have heard yet.
    ///
    /// # Errors
    /// [`StoreError::ReadOnly`] if not.
    pub(crate) fn confirmed(role: &redis::Value) -> Result<(), StoreError> {
        let redis::Value::Array(words) = role else {
            return Err(StoreError::Malformed("a role that is none".to_owned()));
        };
        match words.first() {
            Some(redis::Value::BulkString(word)) if word == b"master" => Ok(()),
            _ => Err(StoreError::ReadOnly),
        }
    }
}

impl Target {
    /// # Errors
    /// Everything that is wrong with `config`.
    pub(crate) fn new(config: &Config) -> Result<Self, Vec<ConfigError>> {
        let faults = config.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        if config.tls.is_some() {
            // the library asks for the process's own; one that the host chose before stays
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let (auth, database, tls) = (&config.auth, config.database, config.tls.as_ref());
        let target = match &config.topology {
            Topology::Single(address) => client(address, auth, database, tls).map(Self::Single),
            Topology::Sentinel {
                sentinels,
                master,
                auth: at_sentinels,
            } => sentinels
                .iter()
                .map(|address| client(address, at_sentinels, 0, tls))
                .collect::<Result<_, _>>()
                .map(|clients| {
                    Self::Sentinel(Sentinels {
                        clients,
                        master: master.clone(),
                        auth: auth.clone(),
                        database,
                        tls: tls.cloned(),
                    })
                }),
            Topology::Cluster(nodes) => {
                cluster(nodes, config).map(|client| Self::Cluster(Box::new(client)))
            }
        };
        target.map_err(|error| vec![ConfigError::Unusable(error.to_string())])
    }

    pub(crate) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

fn info(
    address: &Address,
    auth: &Auth,
    database: u32,
    over_tls: bool,
) -> Result<redis::ConnectionInfo, redis::RedisError> {
    let address = match address {
        Address::Tcp(host, port) if over_tls => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: false,
            tls_params: None,
        },
        Address::Tcp(host, port) => ConnectionAddr::Tcp(host.clone(), *port),
        Address::Unix(path) => ConnectionAddr::Unix(path.clone()),
    };
    // RESP 2 says all that is said here; the library's name would need a permission of its own
    let mut settings = RedisConnectionInfo::default()
        .set_db(i64::from(database))
        .set_skip_set_lib_name();
    if let Some(username) = &auth.username {
        settings = settings.set_username(username);
    }
    if let Some(password) = &auth.password {
        settings = settings.set_password(password.reveal());
    }
    let tcp = redis::io::tcp::TcpSettings::default().set_nodelay(true);
    Ok(address
        .into_connection_info()?
        .set_redis_settings(settings)
        .set_tcp_settings(tcp))
}

fn certificates(tls: &Tls) -> redis::TlsCertificates {
    redis::TlsCertificates {
        client_tls: tls.client.as_ref().map(|client| redis::ClientTlsConfig {
            client_cert: client.certificate.clone(),
            client_key: client.key.clone(),
        }),
        root_cert: tls.ca.clone(),
    }
}

fn client(
    address: &Address,
    auth: &Auth,
    database: u32,
    tls: Option<&Tls>,
) -> Result<redis::Client, redis::RedisError> {
    let info = info(address, auth, database, tls.is_some())?;
    match tls {
        Some(tls) => redis::Client::build_with_tls(info, certificates(tls)),
        None => redis::Client::open(info),
    }
}

fn cluster(
    nodes: &[Address],
    config: &Config,
) -> Result<redis::cluster::ClusterClient, redis::RedisError> {
    let tls = config.tls.as_ref();
    let nodes = nodes
        .iter()
        .map(|node| info(node, &config.auth, 0, tls.is_some()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut builder = redis::cluster::ClusterClient::builder(nodes)
        .tcp_settings(redis::io::tcp::TcpSettings::default().set_nodelay(true))
        .connection_timeout(config.connect_timeout)
        .response_timeout(config.timeout)
        // a redirection is a retry, and two of them may follow each other while a slot moves
        .retries(3)
        .min_retry_wait(1)
        .max_retry_wait(5);
    if let Some(tls) = tls {
        builder = builder.certs(certificates(tls));
    }
    builder.build()
}

/// The library's error in our words.
pub(crate) fn fault(error: &redis::RedisError) -> StoreError {
    use redis::ErrorKind;
    match error.kind() {
        ErrorKind::AuthenticationFailed => StoreError::Refused(error.to_string()),
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => {
            StoreError::Malformed(error.to_string())
        }
        ErrorKind::ClusterConnectionNotFound => StoreError::ClusterDown(error.to_string()),
        _ => match error.code() {
            Some(code) => StoreError::of_reply(code, error.detail().unwrap_or_default()),
            None if error.is_timeout() => StoreError::Timeout,
            None => StoreError::Unreachable(error.to_string()),
        },
    }
}

/// The same of a cluster: there a redirection that is left over led nowhere.
pub(crate) fn cluster_fault(error: &redis::RedisError) -> StoreError {
    match fault(error) {
        StoreError::Clustered => StoreError::ClusterDown(error.to_string()),
        fault => fault,
    }
}
