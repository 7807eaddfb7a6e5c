//! A server that fails, in each of its ways. What is asserted is the path taken, and never how long it took.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use mantlet_limit::Mode;
use mantlet_store::redis::{BlockingRedis, Config, Redis, Trip};
use mantlet_store::{Patience, State, StoreError};

use crate::server::{LONG, Server, client, config, take, window};

/// A client that gives up soon, and asks again soon.
fn impatient(url: &str) -> Redis {
    let patience = Patience {
        failures: 3,
        open: Duration::from_millis(50),
    };
    Redis::connect(Config {
        timeout: Duration::from_millis(100),
        patience,
        ..Config::from_url(url).unwrap()
    })
    .unwrap()
}

async fn ask(redis: &Redis) -> Result<u32, StoreError> {
    let asked = redis
        .take(&[take("a", window(1_000_000, 3_600, Mode::Strict), "x", 1)])
        .await;
    asked.map(|outcomes| outcomes[0].remaining)
}

/// Asks until an answer is what is waited for.
async fn until(redis: &Redis, wanted: impl Fn(&Result<u32, StoreError>) -> bool) {
    let end = Instant::now() + LONG;
    loop {
        let answer = ask(redis).await;
        if wanted(&answer) {
            return;
        }
        assert!(Instant::now() < end, "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn open(redis: &Redis) {
    until(redis, |answer| *answer == Err(StoreError::BreakerOpen)).await;
    assert_ne!(redis.stats().snapshot().breaker, State::Closed);
}

#[tokio::test]
async fn a_flushed_script_is_sent_again() {
    let server = Server::start(&[]);
    let redis = client(&server);
    assert_eq!(ask(&redis).await, Ok(999_999));
    assert_eq!(ask(&redis).await, Ok(999_998));
    assert_eq!(redis.stats().snapshot().scripts_sent, 1);
    server.tell(&["SCRIPT", "FLUSH"]);
    assert_eq!(ask(&redis).await, Ok(999_997));
    assert_eq!(ask(&redis).await, Ok(999_996));
    let snapshot = redis.stats().snapshot();
    assert_eq!(
        (snapshot.scripts_sent, snapshot.failures.iter().sum::<u64>()),
        (2, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_opens_the_breaker_and_one_that_comes_back_closes_it() {
    let mut server = Server::start(&[]);
    let redis = impatient(&server.url());
    until(&redis, Result::is_ok).await;
    server.kill();
    open(&redis).await;
    let snapshot = redis.stats().snapshot();
    assert!(
        snapshot.failed("unreachable") >= 3 && snapshot.opened >= 1,
        "{snapshot:?}"
    );
    // nobody waits for it now, and nobody asks but the probe
    for _ in 0..100 {
        assert_eq!(ask(&redis).await, Err(StoreError::BreakerOpen));
    }
    let later = redis.stats().snapshot();
    assert_eq!(later.trips, snapshot.trips);
    assert!(later.failed("breaker_open") >= snapshot.failed("breaker_open") + 100);
    let _again = Server::start_on(server.port, &[]);
    until(&redis, Result::is_ok).await;
    let snapshot = redis.stats().snapshot();
    assert_eq!((snapshot.breaker, snapshot.opened), (State::Closed, 1));
    assert_eq!(snapshot.connections, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_server_times_out_until_the_breaker_opens() {
    let server = Server::start(&[]);
    let redis = impatient(&server.url());
    until(&redis, Result::is_ok).await;
    server.signal("-STOP");
    open(&redis).await;
    let snapshot = redis.stats().snapshot();
    assert!(snapshot.failed("timeout") >= 3, "{snapshot:?}");
    for _ in 0..100 {
        assert_eq!(ask(&redis).await, Err(StoreError::BreakerOpen));
    }
    assert_eq!(redis.stats().snapshot().trips, snapshot.trips);
    server.signal("-CONT");
    until(&redis, Result::is_ok).await;
    assert_eq!(redis.stats().snapshot().breaker, State::Closed);
}

#[tokio::test]
async fn answers_that_nobody_waits_for_are_not_taken_for_others() {
    let server = Server::start(&[]);
    let redis = client(&server);
    let left = |key: &'static str, requests| {
        let redis = redis.clone();
        async move {
            let told = redis
                .take(&[take("a", window(requests, 3_600, Mode::Strict), key, 1)])
                .await;
            told.unwrap()[0].remaining
        }
    };
    assert_eq!(left("first", 7).await, 6);
    server.signal("-STOP");
    for key in ["a", "b", "c"] {
        let given_up = tokio::time::timeout(Duration::from_millis(5), left(key, 100)).await;
        assert!(given_up.is_err());
    }
    server.signal("-CONT");
    assert_eq!(left("first", 7).await, 5);
    assert_eq!(left("other", 3).await, 2);
    // the server heard them all the same
    assert_eq!(left("a", 100).await, 98);
    assert_eq!(redis.stats().snapshot().connections, 1);
}

#[tokio::test]
async fn a_full_server_says_so_and_the_breaker_stays_closed() {
    let server = Server::start(&["--maxmemory-policy", "noeviction"]);
    let redis = client(&server);
    assert_eq!(ask(&redis).await, Ok(999_999));
    server.tell(&["CONFIG", "SET", "maxmemory", "1"]);
    for _ in 0..10 {
        assert_eq!(ask(&redis).await, Err(StoreError::OutOfMemory));
    }
    let snapshot = redis.stats().snapshot();
    assert_eq!(
        (snapshot.failed("out_of_memory"), snapshot.breaker),
        (10, State::Closed)
    );
    // asking what is left writes nothing
    let asked = redis
        .take(&[take("a", window(1_000_000, 3_600, Mode::Strict), "x", 0)])
        .await
        .unwrap();
    assert_eq!(asked[0].remaining, 999_999);
    server.tell(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(ask(&redis).await, Ok(999_998));
}

#[tokio::test]
async fn a_master_that_became_a_replica_is_left() {
    let server = Server::start(&[]);
    let redis = client(&server);
    assert_eq!(ask(&redis).await, Ok(999_999));
    server.tell(&["REPLICAOF", "127.0.0.1", "1"]);
    assert_eq!(ask(&redis).await, Err(StoreError::ReadOnly));
    server.tell(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(ask(&redis).await, Ok(999_998));
    let snapshot = redis.stats().snapshot();
    assert_eq!((snapshot.failed("read_only"), snapshot.connections), (1, 2));
}

#[tokio::test]
async fn something_else_under_our_key_is_told() {
    let server = Server::start(&[]);
    let redis = client(&server);
    let takes = [take("a", window(1_000_000, 3_600, Mode::Strict), "x", 1)];
    let trip = Trip::take("mantlet", &takes).unwrap();
    server.tell(&["RPUSH", trip.keys().next().unwrap(), "1"]);
    assert_eq!(ask(&redis).await, Err(StoreError::WrongType));
    redis.reset(&takes[0]).await.unwrap();
    assert_eq!(ask(&redis).await, Ok(999_999));
    server.tell(&["SET", trip.keys().next().unwrap(), "short"]);
    assert_eq!(ask(&redis).await.unwrap_err().word(), "server");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_costs_no_request() {
    let server = Server::start(&[]);
    let redis = client(&server);
    let blocking = BlockingRedis::connect(config(&server.url())).unwrap();
    let takes = [take("a", window(1_000, 3_600, Mode::Strict), "x", 1)];
    for _ in 0..5 {
        redis.take(&takes).await.unwrap();
        blocking.take(&takes).unwrap();
        server.tell(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]);
    }
    assert_eq!(redis.take(&takes).await.unwrap()[0].remaining, 989);
    for stats in [redis.stats(), blocking.stats()] {
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.failures.iter().sum::<u64>(), 0);
        assert!(snapshot.connections >= 5, "{snapshot:?}");
    }
}

/// A server that gives each command the same reply.
fn parrot(reply: &'static str) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut heard = [0; 64 * 1024];
            while stream.read(&mut heard).is_ok_and(|length| length > 0) {
                if stream.write_all(reply.as_bytes()).is_err() {
                    break;
                }
            }
        }
    });
    format!("redis://127.0.0.1:{port}")
}

#[tokio::test]
async fn every_other_reply_has_its_word() {
    for (reply, word, outage) in [
        (
            "-LOADING Redis is loading the dataset in memory\r\n",
            "loading",
            true,
        ),
        ("-MOVED 3999 127.0.0.1:1\r\n", "clustered", true),
        ("-ASK 3999 127.0.0.1:1\r\n", "clustered", true),
        ("-CLUSTERDOWN The cluster is down\r\n", "cluster_down", true),
        (
            "-NOPERM this user has no permissions to run the 'evalsha' command\r\n",
            "refused",
            true,
        ),
        ("-NOAUTH Authentication required.\r\n", "refused", true),
        ("-ERR unknown command 'EVALSHA'\r\n", "server", false),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", "malformed", true),
        ("+OK\r\n", "malformed", true),
        ("*5\r\n:1\r\n:1\r\n:1\r\n:-1\r\n:1\r\n", "malformed", true),
        ("*1\r\n:1\r\n", "malformed", true),
        ("$-1\r\n", "malformed", true),
        // a server that loses its scripts at once is asked twice, and not for ever
        ("-NOSCRIPT No matching script.\r\n", "no_script", false),
    ] {
        let redis = Redis::connect(config(&parrot(reply))).unwrap();
        for _ in 0..3 {
            assert_eq!(ask(&redis).await.unwrap_err().word(), word, "{reply:?}");
        }
        let snapshot = redis.stats().snapshot();
        assert_eq!(snapshot.failed(word), 3, "{reply:?}");
        let state = if outage { State::Open } else { State::Closed };
        assert_eq!(snapshot.breaker, state, "{reply:?}");
    }
}

#[tokio::test]
async fn a_server_that_closes_is_unreachable() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().for_each(drop));
    let redis = Redis::connect(config(&format!("redis://127.0.0.1:{port}"))).unwrap();
    assert_eq!(ask(&redis).await.unwrap_err().word(), "unreachable");
}
