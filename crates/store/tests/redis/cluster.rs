//! A cluster of three nodes.

use std::time::{Duration, Instant};

use mantlet_limit::{Mode, Outcome, Take};
use mantlet_store::State;
use mantlet_store::redis::{BlockingRedis, Redis, slot};

use crate::server::{LONG, Server, bucket, config, spare_port, take, window};

struct Cluster {
    nodes: Vec<Server>,
}

/// The slots of each node.
const SLOTS: [(u16, u16); 3] = [(0, 5_460), (5_461, 10_922), (10_923, 16_383)];

impl Cluster {
    fn start() -> Self {
        let nodes: Vec<_> = (0..3)
            .map(|_| {
                let bus = spare_port().to_string();
                Server::start(&[
                    "--cluster-enabled",
                    "yes",
                    "--cluster-port",
                    &bus,
                    "--cluster-node-timeout",
                    "2000",
                ])
            })
            .collect();
        for (node, (first, last)) in nodes.iter().zip(SLOTS) {
            let (first, last) = (first.to_string(), last.to_string());
            let told = node.tell(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]);
            assert!(told.unwrap().starts_with("+OK"));
        }
        let cluster = Self { nodes };
        let bus_of = |node: &Server| {
            let told = node.tell(&["CLUSTER", "NODES"]).unwrap();
            let bus = told
                .split('@')
                .nth(1)
                .unwrap()
                .split([' ', ','])
                .next()
                .unwrap();
            bus.to_owned()
        };
        for node in &cluster.nodes[1..] {
            let port = node.port.to_string();
            cluster.nodes[0].tell(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_of(node)]);
        }
        let until = Instant::now() + 3 * LONG;
        let ready = |node: &Server| {
            let told = node.tell(&["CLUSTER", "INFO"]).unwrap_or_default();
            told.contains("cluster_state:ok") && told.contains("cluster_known_nodes:3")
        };
        while !cluster.nodes.iter().all(ready) {
            assert!(Instant::now() < until, "the nodes do not find each other");
            std::thread::sleep(Duration::from_millis(50));
        }
        cluster
    }

    fn url(&self) -> String {
        let nodes: Vec<_> = self
            .nodes
            .iter()
            .map(|node| format!("127.0.0.1:{}", node.port))
            .collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    fn node_of(&self, take: &Take) -> usize {
        SLOTS
            .iter()
            .position(|(first, last)| (*first..=*last).contains(&slot(take)))
            .unwrap()
    }

    fn id(&self, node: usize) -> String {
        let told = self.nodes[node].tell(&["CLUSTER", "MYID"]).unwrap();
        told.lines().nth(1).unwrap().to_owned()
    }
}

fn left(outcomes: &[Outcome]) -> Vec<u32> {
    outcomes.iter().map(|outcome| outcome.remaining).collect()
}

/// Takes of three clients, one on each node.
fn one_on_each(cluster: &Cluster, cost: u32) -> Vec<Take> {
    (0..3)
        .map(|node| {
            (0..1_000)
                .map(|number| take("a", bucket(10, 3_600), &format!("client {number}"), cost))
                .find(|take| cluster.node_of(take) == node)
                .unwrap()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_one_key_are_one_script_on_its_node() {
    let cluster = Cluster::start();
    let redis = Redis::connect(config(&cluster.url())).unwrap();
    let blocking = BlockingRedis::connect(config(&cluster.url())).unwrap();
    for key in 0..30 {
        let key = format!("client {key}");
        let takes = [
            take("bucket", bucket(10, 3_600), &key, 1),
            take("log", window(10, 3_600, Mode::Strict), &key, 1),
            take("steps", window(100, 3_600, Mode::Strict), &key, 1),
        ];
        assert_eq!(left(&redis.take(&takes).await.unwrap()), [9, 9, 99]);
        assert_eq!(left(&blocking.take(&takes).unwrap()), [8, 8, 98]);
        assert_eq!(left(&redis.give_back(&takes).await.unwrap()), [9, 9, 99]);
    }
    assert_eq!(redis.stats().snapshot().trips, 60);
    for node in &cluster.nodes {
        assert!(node.info("db0").is_some(), "a node without a key");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_several_keys_are_all_or_nothing_over_the_nodes() {
    let cluster = Cluster::start();
    let redis = Redis::connect(config(&cluster.url())).unwrap();
    let blocking = BlockingRedis::connect(config(&cluster.url())).unwrap();
    assert_eq!(
        left(&redis.take(&one_on_each(&cluster, 2)).await.unwrap()),
        [8, 8, 8]
    );
    assert_eq!(
        left(&blocking.take(&one_on_each(&cluster, 2)).unwrap()),
        [6, 6, 6]
    );
    let mut uneven = one_on_each(&cluster, 3);
    uneven[1].cost = 7;
    let asked = one_on_each(&cluster, 0);
    let outcomes = redis.take(&uneven).await.unwrap();
    let admitted: Vec<_> = outcomes.iter().map(Outcome::is_admitted).collect();
    assert_eq!(admitted, [true, false, true]);
    assert_eq!(left(&outcomes), [6, 6, 6]);
    let until = Instant::now() + LONG;
    while left(&redis.take(&asked).await.unwrap()) != [6, 6, 6] {
        assert!(Instant::now() < until, "nothing is given back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let outcomes = blocking.take(&uneven).unwrap();
    assert!(!outcomes[1].is_admitted());
    assert_eq!(left(&outcomes), [6, 6, 6]);
    assert_eq!(left(&blocking.take(&asked).unwrap()), [6, 6, 6]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slot_that_moves_is_followed() {
    let cluster = Cluster::start();
    let redis = Redis::connect(config(&cluster.url())).unwrap();
    let blocking = BlockingRedis::connect(config(&cluster.url())).unwrap();
    let takes = [one_on_each(&cluster, 1).remove(0)];
    assert_eq!(left(&redis.take(&takes).await.unwrap()), [9]);
    assert_eq!(left(&blocking.take(&takes).unwrap()), [8]);
    let moving = slot(&takes[0]).to_string();
    let (from, to) = (cluster.id(0), cluster.id(1));
    let [node_from, node_to, _] = &cluster.nodes[..] else {
        unreachable!()
    };
    node_to.tell(&["CLUSTER", "SETSLOT", &moving, "IMPORTING", &from]);
    node_from.tell(&["CLUSTER", "SETSLOT", &moving, "MIGRATING", &to]);
    // the key has not moved: the old node still serves it. Once it has, the old one says ASK
    assert_eq!(left(&redis.take(&takes).await.unwrap()), [7]);
    let key = mantlet_store::redis::Trip::take("mantlet", &takes).unwrap();
    let key = key.keys().next().unwrap().to_owned();
    let port = node_to.port.to_string();
    let told = node_from.tell(&["MIGRATE", "127.0.0.1", &port, &key, "0", "5000"]);
    assert!(told.unwrap().starts_with("+OK"));
    assert_eq!(left(&redis.take(&takes).await.unwrap()), [6]);
    assert_eq!(left(&blocking.take(&takes).unwrap()), [5]);
    for node in [node_to, node_from] {
        node.tell(&["CLUSTER", "SETSLOT", &moving, "NODE", &to]);
    }
    // and then MOVED
    assert_eq!(left(&redis.take(&takes).await.unwrap()), [4]);
    assert_eq!(left(&blocking.take(&takes).unwrap()), [3]);
    assert_eq!(redis.stats().snapshot().failures.iter().sum::<u64>(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_fails_its_keys() {
    let mut cluster = Cluster::start();
    let redis = Redis::connect(config(&cluster.url())).unwrap();
    let takes = one_on_each(&cluster, 1);
    redis.take(&takes).await.unwrap();
    cluster.nodes[2].kill();
    let error = redis.take(&takes[2..]).await.unwrap_err();
    assert!(
        ["unreachable", "cluster_down"].contains(&error.word()),
        "{error}"
    );
    assert_eq!(redis.stats().snapshot().breaker, State::Closed);
}

#[tokio::test]
async fn a_node_that_is_taken_for_a_single_server_says_what_to_write() {
    let cluster = Cluster::start();
    let redis = Redis::connect(config(&cluster.nodes[0].url())).unwrap();
    let elsewhere = one_on_each(&cluster, 1).remove(2);
    let error = redis.take(&[elsewhere]).await.unwrap_err();
    assert!(error.to_string().contains("redis+cluster://"), "{error}");
}
