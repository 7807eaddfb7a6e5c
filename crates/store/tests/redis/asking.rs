//! A server that answers.

use std::time::Duration;

use mantlet_limit::{Admission, Outcome};

use crate::server::{Server, bucket, client, config, each_way, take};
use mantlet_store::redis::{Config, Redis};

/// What is left of each.
fn left(outcomes: &[Outcome]) -> Vec<u32> {
    outcomes.iter().map(|outcome| outcome.remaining).collect()
}

#[tokio::test]
async fn every_way_counts_down_and_denies() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        let all = rule.quota().burst();
        let outcome = redis.take(&[take("a", rule, "x", all - 1)]).await.unwrap()[0];
        assert_eq!(
            (outcome.admission, outcome.remaining),
            (Admission::Admitted, 1)
        );
        assert!(outcome.retry_after.is_zero() && !outcome.next.is_zero());
        assert!(outcome.reset >= outcome.next && outcome.reset <= Duration::from_secs(3_960));
        let outcome = redis.take(&[take("a", rule, "x", 2)]).await.unwrap()[0];
        assert_eq!(
            (outcome.admission, outcome.remaining),
            (Admission::Exceeded, 1)
        );
        assert!(!outcome.retry_after.is_zero());
        let outcome = redis.take(&[take("a", rule, "x", all + 1)]).await.unwrap()[0];
        assert_eq!(
            (outcome.admission, outcome.remaining),
            (Admission::Oversized, 1)
        );
        assert_eq!(
            left(&redis.take(&[take("a", rule, "y", 1)]).await.unwrap()),
            [all - 1]
        );
    }
}

#[tokio::test]
async fn cost_0_asks_and_writes_nothing() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        let outcomes = redis.take(&[take("a", rule, "x", 0)]).await.unwrap();
        assert_eq!(outcomes[0].admission, Admission::Admitted);
        assert_eq!(outcomes[0].remaining, rule.quota().burst());
    }
    assert_eq!(server.tell(&["DBSIZE"]).unwrap(), ":0\r\n");
}

#[tokio::test]
async fn one_denial_takes_nothing_of_all() {
    let server = Server::start(&[]);
    let redis = client(&server);
    let [a, b, c, d] = each_way();
    let takes = |cost| {
        let small = take("small", bucket(1, 3_600), "x", 1);
        [
            take("a", a, "x", cost),
            take("b", b, "y", cost),
            small,
            take("c", c, "x", cost),
            take("d", d, "z", cost),
        ]
    };
    assert_eq!(
        left(&redis.take(&takes(4)).await.unwrap()),
        [6, 6, 0, 96, 6]
    );
    let outcomes = redis.take(&takes(4)).await.unwrap();
    assert_eq!(left(&outcomes), [6, 6, 0, 96, 6]);
    let admitted: Vec<_> = outcomes.iter().map(Outcome::is_admitted).collect();
    assert_eq!(admitted, [true, true, false, true, true]);
    assert_eq!(redis.stats().snapshot().trips, 2);
}

#[tokio::test]
async fn what_is_given_back_can_be_taken_again() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        let all = rule.quota().burst();
        redis.take(&[take("a", rule, "x", all)]).await.unwrap();
        let outcomes = redis.give_back(&[take("a", rule, "x", 3)]).await.unwrap();
        assert_eq!(left(&outcomes), [3]);
        assert!(redis.take(&[take("a", rule, "x", 3)]).await.unwrap()[0].is_admitted());
        assert!(!redis.take(&[take("a", rule, "x", 1)]).await.unwrap()[0].is_admitted());
        // more than was taken is not a credit, and of nothing nothing is given
        let outcomes = redis
            .give_back(&[take("a", rule, "x", u32::MAX)])
            .await
            .unwrap();
        assert_eq!(left(&outcomes), [all]);
        redis
            .give_back(&[take("a", rule, "never", 1)])
            .await
            .unwrap();
        assert_eq!(
            left(&redis.take(&[take("a", rule, "never", 0)]).await.unwrap()),
            [all]
        );
    }
}

#[tokio::test]
async fn reset_forgets_one_limit_of_one_key() {
    let server = Server::start(&[]);
    let redis = client(&server);
    let rule = bucket(5, 3_600);
    redis
        .take(&[take("a", rule, "x", 5), take("b", rule, "x", 5)])
        .await
        .unwrap();
    redis.reset(&take("a", rule, "x", 0)).await.unwrap();
    let asked = [take("a", rule, "x", 0), take("b", rule, "x", 0)];
    assert_eq!(left(&redis.take(&asked).await.unwrap()), [5, 0]);
}

#[tokio::test]
async fn every_key_has_a_time_to_live_and_says_nothing_after_it() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        redis.take(&[take("a", rule, "x", 3)]).await.unwrap();
        redis.take(&[take("a", rule, "x", 3)]).await.unwrap();
        let outcomes = redis.give_back(&[take("a", rule, "x", 1)]).await.unwrap();
        let keys = server.tell(&["KEYS", "*"]).unwrap();
        let key = keys
            .lines()
            .find(|line| line.starts_with("mantlet:{"))
            .unwrap();
        let lives = server.tell(&["PTTL", key]).unwrap();
        let lives = lives.lines().next().unwrap()[1..].parse::<u128>().unwrap();
        let reset = outcomes[0].reset.as_millis();
        assert!(lives > 0 && lives <= reset + 2, "{lives} {reset}");
        // the server took less than a minute between the two
        assert!(lives + 60_000 > reset, "{lives} {reset}");
        server.tell(&["FLUSHALL"]);
    }
}

#[tokio::test]
async fn a_changed_policy_another_name_and_another_prefix_count_anew() {
    let server = Server::start(&[]);
    let redis = client(&server);
    let mut rules = each_way().to_vec();
    rules.push(bucket(11, 3_600));
    rules.push(bucket(10, 3_601));
    let burst = rules[0].quota().burst_of(9).unwrap();
    rules.push(mantlet_limit::Rule::new(burst, mantlet_limit::Algorithm::TokenBucket).unwrap());
    for rule in rules {
        let all = rule.quota().burst();
        let outcomes = redis.take(&[take("a", rule, "x", all)]).await.unwrap();
        assert_eq!(left(&outcomes), [0], "{rule:?}");
        assert!(outcomes[0].is_admitted());
    }
    let full = take("a", bucket(10, 3_600), "x", 10);
    assert!(!redis.take(std::slice::from_ref(&full)).await.unwrap()[0].is_admitted());
    let named = take("b", bucket(10, 3_600), "x", 10);
    assert!(redis.take(&[named]).await.unwrap()[0].is_admitted());
    let apart = Config {
        prefix: "shop".to_owned(),
        ..config(&server.url())
    };
    let apart = Redis::connect(apart).unwrap();
    assert!(apart.take(&[full]).await.unwrap()[0].is_admitted());
}

#[tokio::test]
async fn a_key_twice_in_a_request_counts_twice() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        let all = rule.quota().burst();
        let twice = |cost| [take("a", rule, "x", cost), take("a", rule, "x", cost)];
        assert_eq!(
            left(&redis.take(&twice(2)).await.unwrap()),
            [all - 4, all - 4]
        );
        assert!(!redis.take(&twice(all / 2)).await.unwrap()[0].is_admitted());
    }
}

#[tokio::test]
async fn limits_live_in_the_database_that_was_asked_for() {
    let server = Server::start(&[]);
    let redis = Redis::connect(config(&format!("{}/3", server.url()))).unwrap();
    redis
        .take(&[take("a", bucket(1, 60), "x", 1)])
        .await
        .unwrap();
    assert!(server.info("db3").unwrap().starts_with("keys=1"));
}

#[tokio::test]
async fn over_a_socket_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redis.sock");
    let path = path.to_str().unwrap();
    let _server = Server::start(&["--unixsocket", path]);
    let redis = Redis::connect(config(&format!("unix://{path}"))).unwrap();
    assert_eq!(
        left(
            &redis
                .take(&[take("a", bucket(2, 60), "x", 1)])
                .await
                .unwrap()
        ),
        [1]
    );
}

#[tokio::test]
async fn no_takes_make_no_trip() {
    let redis = Redis::connect(Config::from_url("redis://127.0.0.1:1").unwrap()).unwrap();
    assert_eq!(redis.take(&[]).await, Ok(vec![]));
    assert_eq!(redis.give_back(&[]).await, Ok(vec![]));
    assert_eq!(redis.stats().snapshot().trips, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tasks_never_take_above_the_bound_over_one_connection() {
    let server = Server::start(&[]);
    let redis = client(&server);
    for rule in each_way() {
        let all = rule.quota().burst();
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let redis = redis.clone();
                tokio::spawn(async move {
                    let mut admitted = 0;
                    for _ in 0..20 {
                        let outcomes = redis.take(&[take("a", rule, "x", 1)]).await.unwrap();
                        admitted += u32::from(outcomes[0].is_admitted());
                    }
                    admitted
                })
            })
            .collect();
        let mut admitted = 0;
        for task in tasks {
            admitted += task.await.unwrap();
        }
        assert_eq!(admitted, all, "{rule:?}");
    }
    let snapshot = redis.stats().snapshot();
    assert_eq!((snapshot.trips, snapshot.connections), (4 * 640, 1));
    assert_eq!(snapshot.failures.iter().sum::<u64>(), 0);
    assert_eq!(snapshot.latency.iter().sum::<u64>(), snapshot.trips);
}
