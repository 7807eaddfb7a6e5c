//! One master, one replica, three sentinels: the master dies.

use std::time::{Duration, Instant};

use mantlet_store::Patience;
use mantlet_store::redis::{BlockingRedis, Config, Redis};

use crate::server::{LONG, Server, bucket, config, spare_port, take, tell};

struct Deployment {
    master: Server,
    replica: Server,
    sentinels: Vec<Server>,
    _folder: tempfile::TempDir,
}

impl Deployment {
    fn start() -> Self {
        let master = Server::start(&["--repl-diskless-sync-delay", "0"]);
        let port = master.port.to_string();
        let replica = Server::start(&["--replicaof", "127.0.0.1", &port]);
        let folder = tempfile::tempdir().unwrap();
        let sentinels = (0..3)
            .map(|number| {
                let file = folder.path().join(format!("{number}.conf"));
                let text = format!(
                    "sentinel monitor main 127.0.0.1 {port} 2\n\
                     sentinel down-after-milliseconds main 300\n\
                     sentinel failover-timeout main 2000\n"
                );
                std::fs::write(&file, text).unwrap();
                Server::start_on(spare_port(), &[file.to_str().unwrap(), "--sentinel"])
            })
            .collect();
        let deployment = Self {
            master,
            replica,
            sentinels,
            _folder: folder,
        };
        deployment.settle();
        deployment
    }

    /// Waits until the replica is in step, and every sentinel knows it and the other two.
    fn settle(&self) {
        let until = Instant::now() + 3 * LONG;
        let known = |sentinel: &Server| {
            let told = sentinel
                .tell(&["SENTINEL", "MASTER", "main"])
                .unwrap_or_default();
            let value = |name: &str| {
                let mut lines = told.lines().skip_while(|line| *line != name);
                lines.nth(2).map(str::to_owned)
            };
            value("num-slaves").as_deref() == Some("1")
                && value("num-other-sentinels").as_deref() == Some("2")
        };
        while self.replica.info("master_link_status").as_deref() != Some("up")
            || !self.sentinels.iter().all(known)
        {
            assert!(
                Instant::now() < until,
                "the sentinels do not find each other"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn config(&self) -> Config {
        // the first is nobody: the next one is asked
        let nodes: Vec<_> = std::iter::once(spare_port())
            .chain(self.sentinels.iter().map(|sentinel| sentinel.port))
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        let patience = Patience {
            failures: 3,
            open: Duration::from_millis(50),
        };
        Config {
            patience,
            ..config(&format!("redis+sentinel://{}/main", nodes.join(",")))
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_clients_follow_the_master_through_a_failover() {
    let mut deployment = Deployment::start();
    let redis = Redis::connect(deployment.config()).unwrap();
    let blocking = BlockingRedis::connect(deployment.config()).unwrap();
    let takes = [take("a", bucket(1_000_000, 3_600), "x", 1)];
    assert_eq!(redis.take(&takes).await.unwrap()[0].remaining, 999_999);
    assert_eq!(blocking.take(&takes).unwrap()[0].remaining, 999_998);

    deployment.master.kill();
    let until = Instant::now() + 6 * LONG;
    let mut failed = 0;
    while redis.take(&takes).await.is_err() {
        failed += 1;
        assert!(Instant::now() < until, "{:?}", redis.stats().snapshot());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(failed > 0);
    while let Err(error) = blocking.take(&takes) {
        assert!(Instant::now() < until, "{error}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(deployment.replica.info("role").as_deref(), Some("master"));
    assert!(redis.stats().snapshot().connections >= 2);
    assert!(redis.stats().snapshot().opened >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_demoted_is_left_for_the_new_one() {
    let deployment = Deployment::start();
    let redis = Redis::connect(deployment.config()).unwrap();
    let blocking = BlockingRedis::connect(deployment.config()).unwrap();
    let takes = [take("a", bucket(1_000_000, 3_600), "x", 1)];
    redis.take(&takes).await.unwrap();
    blocking.take(&takes).unwrap();
    let told = tell(
        deployment.sentinels[0].port,
        &["SENTINEL", "FAILOVER", "main"],
    );
    assert!(told.unwrap().starts_with("+OK"));
    let until = Instant::now() + 6 * LONG;
    while deployment.master.info("role").as_deref() != Some("slave") {
        assert!(Instant::now() < until, "the master stays one");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // no connection breaks: the old master answers that it is none, or closes it
    while redis.take(&takes).await.is_err() || blocking.take(&takes).is_err() {
        assert!(Instant::now() < until, "{:?}", redis.stats().snapshot());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let counted = deployment.replica.info("role");
    assert_eq!(counted.as_deref(), Some("master"));
}

#[tokio::test]
async fn a_master_that_no_sentinel_knows_is_told() {
    let deployment = Deployment::start();
    let nobody = format!(
        "redis+sentinel://127.0.0.1:{}/nobody",
        deployment.sentinels[0].port
    );
    let takes = [take("a", bucket(1, 60), "x", 1)];
    let error = Redis::connect(config(&nobody))
        .unwrap()
        .take(&takes)
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no sentinel knows a master \"nobody\""),
        "{error}"
    );
    let error = BlockingRedis::connect(config(&nobody))
        .unwrap()
        .take(&takes)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no sentinel knows a master \"nobody\""),
        "{error}"
    );
}
