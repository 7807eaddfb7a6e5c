//! Round trips to a Redis that runs: `redis blocking|async <port> <rounds>` prints each subject, the microseconds of its median
//! trip, and those of its 99th of a hundred.
//!
//! `ping` is the library's own PING over one connection: the floor. The others are requests that pass, with one limit of each way
//! to count and with three limits. Every round makes one trip of each subject, so that what else the machine does falls on all
//! alike.

use std::error::Error;
use std::time::{Duration, Instant};

use mantlet_limit::{Algorithm, Mode, Outcome, Quota, RemoteKey, Rule, Take};
use mantlet_store::redis::{BlockingRedis, Config, Redis};

/// Never reached here.
const REQUESTS: u32 = 100_000_000;
const KEYS: u32 = 64;
const SUBJECTS: [&str; 5] = ["ping", "bucket", "strict", "interpolated", "three"];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [kind, port, rounds] = &arguments[..] else {
        return Err("redis blocking|async <port> <rounds>".into());
    };
    let rounds = rounds.parse()?;
    let url = format!("redis://127.0.0.1:{port}");
    let config = Config {
        timeout: Duration::from_secs(10),
        ..Config::from_url(&url)?
    };
    let client = redis::Client::open(url)?;
    let times = match kind.as_str() {
        "blocking" => blocking(config, &client, rounds)?,
        "async" => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(asynchronous(config, &client, rounds))?
        }
        _ => return Err(format!("no kind {kind:?}").into()),
    };
    for (subject, mut times) in SUBJECTS.into_iter().zip(times) {
        times.sort_unstable();
        let at = |part: usize| times[times.len() * part / 100].as_secs_f64() * 1e6;
        println!("{subject} {:.2} {:.2}", at(50), at(99));
    }
    Ok(())
}

fn blocking(
    config: Config,
    client: &redis::Client,
    rounds: u32,
) -> Result<[Vec<Duration>; 5], Box<dyn Error>> {
    let mut connection = client.get_connection()?;
    let redis = BlockingRedis::connect(config).map_err(|faults| faults[0].clone())?;
    let (ping, asked) = (redis::cmd("PING"), asked()?);
    let mut times: [Vec<Duration>; 5] = Default::default();
    for round in 0..rounds {
        let began = Instant::now();
        ping.exec(&mut connection)?;
        times[0].push(began.elapsed());
        for (subject, keys) in asked.iter().enumerate() {
            let takes = &keys[(round % KEYS) as usize];
            let began = Instant::now();
            let outcomes = redis.take(takes)?;
            times[subject + 1].push(began.elapsed());
            assert!(outcomes.iter().all(Outcome::is_admitted));
        }
    }
    Ok(times)
}

async fn asynchronous(
    config: Config,
    client: &redis::Client,
    rounds: u32,
) -> Result<[Vec<Duration>; 5], Box<dyn Error>> {
    let mut connection = client.get_multiplexed_async_connection().await?;
    let redis = Redis::connect(config).map_err(|faults| faults[0].clone())?;
    let (ping, asked) = (redis::cmd("PING"), asked()?);
    let mut times: [Vec<Duration>; 5] = Default::default();
    for round in 0..rounds {
        let began = Instant::now();
        ping.exec_async(&mut connection).await?;
        times[0].push(began.elapsed());
        for (subject, keys) in asked.iter().enumerate() {
            let takes = &keys[(round % KEYS) as usize];
            let began = Instant::now();
            let outcomes = redis.take(takes).await?;
            times[subject + 1].push(began.elapsed());
            assert!(outcomes.iter().all(Outcome::is_admitted));
        }
    }
    Ok(times)
}

/// The takes of each subject but the first, for each key.
fn asked() -> Result<Vec<Vec<Vec<Take>>>, Box<dyn Error>> {
    let rule = |seconds, algorithm| {
        Rule::new(
            Quota::new(REQUESTS, Duration::from_secs(seconds))?,
            algorithm,
        )
    };
    let bucket = |seconds| rule(seconds, Algorithm::TokenBucket);
    let subjects = [
        vec![bucket(60)?],
        vec![rule(60, Algorithm::SlidingWindow(Mode::Strict))?],
        vec![rule(60, Algorithm::SlidingWindow(Mode::Interpolated))?],
        vec![bucket(1)?, bucket(60)?, bucket(3_600)?],
    ];
    let takes = |rules: &[Rule], key: u32| {
        let take = |(number, rule): (usize, &Rule)| Take {
            limit: format!("limit-{number}").into(),
            rule: *rule,
            key: RemoteKey::new(&[&key.to_le_bytes()]),
            cost: 1,
        };
        rules.iter().enumerate().map(take).collect()
    };
    Ok(subjects
        .iter()
        .map(|rules| (0..KEYS).map(|key| takes(rules, key)).collect())
        .collect())
}
