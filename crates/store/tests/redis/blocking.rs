//! The client for threads.

use std::time::{Duration, Instant};

use mantlet_store::redis::{BlockingRedis, Config};
use mantlet_store::{Patience, State, StoreError};

use crate::server::{LONG, Server, bucket, config, each_way, take};

fn client(server: &Server) -> BlockingRedis {
    BlockingRedis::connect(config(&server.url())).unwrap()
}

fn ask(redis: &BlockingRedis, key: &str) -> Result<u32, StoreError> {
    let asked = redis.take(&[take("a", bucket(1_000, 3_600), key, 1)]);
    asked.map(|outcomes| outcomes[0].remaining)
}

#[test]
fn takes_gives_back_and_resets() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        let all = rule.quota().burst();
        assert_eq!(
            redis.take(&[take("a", rule, "x", all)]).unwrap()[0].remaining,
            0
        );
        assert!(!redis.take(&[take("a", rule, "x", 1)]).unwrap()[0].is_admitted());
        assert_eq!(
            redis.give_back(&[take("a", rule, "x", 2)]).unwrap()[0].remaining,
            2
        );
        redis.reset(&take("a", rule, "x", 0)).unwrap();
        assert_eq!(
            redis.take(&[take("a", rule, "x", 0)]).unwrap()[0].remaining,
            all
        );
    }
    assert_eq!(redis.stats().snapshot().connections, 1);
}

#[test]
fn threads_never_take_above_the_bound_and_keep_a_pool() {
    let server = Server::start(&[]);
    let redis = BlockingRedis::connect(Config {
        pool: 2,
        ..config(&server.url())
    })
    .unwrap();
    for rule in each_way() {
        let admitted: u32 = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        let takes = [take("a", rule, "x", 1)];
                        let once = || u32::from(redis.take(&takes).unwrap()[0].is_admitted());
                        (0..50).map(|_| once()).sum::<u32>()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .sum()
        });
        assert_eq!(admitted, rule.quota().burst(), "{rule:?}");
    }
    // those above the pool are closed once they have answered
    let until = Instant::now() + LONG;
    loop {
        let open = server
            .info("connected_clients")
            .unwrap()
            .parse::<u32>()
            .unwrap();
        // the two, and the one that asks
        if open <= 3 {
            break;
        }
        assert!(Instant::now() < until, "{open} connections");
    }
}

#[test]
fn a_flushed_script_is_sent_again() {
    let server = Server::start(&[]);
    let redis = client(&server);
    assert_eq!(ask(&redis, "x"), Ok(999));
    server.tell(&["SCRIPT", "FLUSH"]);
    assert_eq!(ask(&redis, "x"), Ok(998));
    assert_eq!(redis.stats().snapshot().scripts_sent, 2);
}

#[test]
fn a_paused_server_opens_the_breaker_and_its_late_answers_are_nobodys() {
    let server = Server::start(&[]);
    let patience = Patience {
        failures: 3,
        open: Duration::from_millis(50),
    };
    let impatient = Config {
        timeout: Duration::from_millis(100),
        patience,
        ..config(&server.url())
    };
    let redis = BlockingRedis::connect(impatient).unwrap();
    let until = Instant::now() + LONG;
    while ask(&redis, "x").is_err() {
        assert!(Instant::now() < until);
    }
    server.signal("-STOP");
    for key in ["a", "b", "c"] {
        assert_eq!(ask(&redis, key), Err(StoreError::Timeout));
    }
    let snapshot = redis.stats().snapshot();
    assert_eq!((snapshot.breaker, snapshot.opened), (State::Open, 1));
    // open, or a probe of this thread
    let stopped = ask(&redis, "x").unwrap_err().word();
    assert!(["breaker_open", "timeout"].contains(&stopped), "{stopped}");
    server.signal("-CONT");
    let mut last = ask(&redis, "never before");
    while last.is_err() {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
        last = ask(&redis, "never before");
    }
    assert_eq!(redis.stats().snapshot().breaker, State::Closed);
    let first = last.unwrap();
    assert!(first > 900);
    assert_eq!(ask(&redis, "never before"), Ok(first - 1));
}

#[test]
fn a_killed_server_is_found_again() {
    let mut server = Server::start(&[]);
    let patience = Patience {
        failures: 1,
        open: Duration::from_millis(10),
    };
    let redis = BlockingRedis::connect(Config {
        patience,
        ..config(&server.url())
    })
    .unwrap();
    assert_eq!(ask(&redis, "x"), Ok(999));
    server.kill();
    assert_eq!(ask(&redis, "x").unwrap_err().word(), "unreachable");
    assert_eq!(redis.stats().snapshot().breaker, State::Open);
    let _again = Server::start_on(server.port, &[]);
    let until = Instant::now() + LONG;
    while ask(&redis, "x") != Ok(999) {
        assert!(Instant::now() < until);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_child_never_uses_its_parents_connection() {
    let server = Server::start(&[]);
    let redis = client(&server);
    assert_eq!(ask(&redis, "parent"), Ok(999));
    let received = || {
        server
            .info("total_connections_received")
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    let before = received();
    let child = match fork::fork().unwrap() {
        fork::Fork::Child => {
            // nothing here may panic: it would run on in the child's copy of the tests
            let mut right = true;
            for count in 0..200 {
                right &= ask(&redis, "child") == Ok(999 - count);
            }
            right &= redis.stats().snapshot().connections == 2;
            std::process::exit(if right { 7 } else { 1 });
        }
        fork::Fork::Parent(child) => child,
    };
    for count in 0..200 {
        assert_eq!(ask(&redis, "parent"), Ok(998 - count));
    }
    let status = fork::waitpid(child).unwrap();
    // the code in the second byte (wait(2))
    assert_eq!(
        status >> 8,
        7,
        "the child saw other answers than its own: {status:#x}"
    );
    assert_eq!(redis.stats().snapshot().connections, 1);
    // the child's, and the second question's own
    assert_eq!(received(), before + 2);
}
