//! Passwords and TLS.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mantlet_store::redis::{
    BlockingRedis, ClientCertificate, Config, ConfigError, Password, Redis, Tls,
};
use mantlet_store::{State, StoreError};

use crate::server::{LONG, Server, bucket, config, spare_port, take};

async fn ask(config: Config) -> Result<u32, StoreError> {
    let takes = [take("a", bucket(10, 60), "x", 1)];
    let async_ = Redis::connect(config.clone()).unwrap().take(&takes).await;
    let blocking =
        tokio::task::spawn_blocking(move || BlockingRedis::connect(config).unwrap().take(&takes));
    let blocking = blocking.await.unwrap();
    assert_eq!(
        async_.as_ref().map_err(StoreError::word).map(|_| ()),
        blocking.as_ref().map_err(StoreError::word).map(|_| ())
    );
    async_.map(|outcomes| outcomes[0].remaining)
}

#[tokio::test]
async fn a_password_opens_and_a_wrong_one_is_refused() {
    let server = Server::start(&[]);
    server.tell(&[
        "ACL",
        "SETUSER",
        "app",
        "on",
        ">p@ss",
        "~mantlet:*",
        "+@all",
    ]);
    server.tell(&[
        "ACL",
        "SETUSER",
        "reader",
        "on",
        ">p@ss",
        "~mantlet:*",
        "+@connection",
    ]);
    server.tell(&["CONFIG", "SET", "requirepass", "secret"]);
    let at = |user: &str| config(&format!("redis://{user}127.0.0.1:{}", server.port));
    assert!(ask(at(":secret@")).await.is_ok());
    assert!(ask(at("app:p%40ss@")).await.is_ok());
    for user in [
        "",
        ":wrong@",
        "app:wrong@",
        "nobody:p%40ss@",
        "reader:p%40ss@",
    ] {
        assert_eq!(ask(at(user)).await.unwrap_err().word(), "refused", "{user}");
    }
    let mut wrong = at("");
    wrong.auth.password = Some(Password::new("hunter2"));
    let redis = Redis::connect(wrong).unwrap();
    for _ in 0..3 {
        let refused = redis
            .take(&[take("a", bucket(10, 60), "x", 1)])
            .await
            .unwrap_err();
        assert!(!refused.to_string().contains("hunter2"));
    }
    assert_eq!(redis.stats().snapshot().breaker, State::Open);
    assert!(!format!("{redis:?}").contains("hunter2"));
}

struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self {
            certificate,
            issuer: rcgen::Issuer::new(params, key),
        }
    }

    fn signs(&self, name: &str) -> ClientCertificate {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        // another subject than the authority's: OpenSSL takes it for self-signed otherwise
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        ClientCertificate {
            certificate: certificate.pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
        }
    }

    fn pem(&self) -> Vec<u8> {
        self.certificate.pem().into_bytes()
    }
}

fn written(folder: &Path, name: &str, text: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn tls_with_an_authority_of_ones_own_and_a_client_certificate() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let of_server = ours.signs("localhost");
    let ca = written(folder.path(), "ca.pem", &ours.pem());
    let certificate = written(folder.path(), "server.pem", &of_server.certificate);
    let key = written(folder.path(), "server.key", &of_server.key);
    let port = spare_port();
    let port_text = port.to_string();
    let _server = Server::launch(
        0,
        &[
            "--tls-port",
            &port_text,
            "--tls-ca-cert-file",
            ca.to_str().unwrap(),
            "--tls-cert-file",
            certificate.to_str().unwrap(),
            "--tls-key-file",
            key.to_str().unwrap(),
            "--tls-auth-clients",
            "yes",
        ],
    );
    let until = Instant::now() + LONG;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "the server does not start");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let at = |host: &str, ca: Option<Vec<u8>>, client: Option<ClientCertificate>| {
        let mut config = config(&format!("rediss://{host}:{port}"));
        config.tls = Some(Tls { ca, client });
        config
    };
    let (ca, us) = (Some(ours.pem()), Some(ours.signs("client")));
    assert_eq!(ask(at("localhost", ca.clone(), us.clone())).await, Ok(9));
    for (what, config) in [
        (
            "a name that the certificate does not hold",
            at("127.0.0.1", ca.clone(), us.clone()),
        ),
        (
            "another authority",
            at("localhost", Some(theirs.pem()), us.clone()),
        ),
        (
            "the authorities of this machine",
            at("localhost", None, us.clone()),
        ),
        ("no certificate of ours", at("localhost", ca.clone(), None)),
        (
            "a certificate of another authority",
            at("localhost", ca.clone(), Some(theirs.signs("client"))),
        ),
        ("no TLS", config(&format!("redis://localhost:{port}"))),
    ] {
        let error = ask(config).await.expect_err(what);
        assert_eq!(error.word(), "unreachable", "{what}: {error}");
    }
    let broken = ClientCertificate {
        certificate: b"none".to_vec(),
        key: b"none".to_vec(),
    };
    let broken = Redis::connect(at("localhost", ca, Some(broken))).unwrap_err();
    assert!(
        matches!(broken[..], [ConfigError::Unusable(_)]),
        "{broken:?}"
    );
}
