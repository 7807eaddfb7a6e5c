//! The controller of adaptive limits on simulated hosts, in simulated time: what it settles at, how soon, and how calmly.
#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::Duration;

use mantlet_limit::{
    Admission, Algorithm, Level, Local, Moment, Pressure, Quota, Ratio, Reading, Rule, Secret,
    Thresholds,
};

const TICK: f64 = 0.01;
const CLIENTS: u64 = 50;

/// A host that a fluid of requests flows through, three times what it can bear.
struct Host {
    pressure: Pressure,
    sensor: Sensor,
    now: f64,
    /// Requests a second that it bears, and that would come.
    capacity: f64,
    offered: f64,
    /// Requests that wait.
    queue: f64,
    /// The part by which a reading may be wrong.
    noise: f64,
    random: u64,
    ticks: u64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Sensor {
    Cpu,
    Memory,
    Latency,
    Dead,
}

/// A stretch of time, second by second.
#[derive(Default)]
struct Run {
    /// The ratio at the end of each second.
    ratios: Vec<f64>,
    served: f64,
    /// What it could have served at the soft threshold.
    servable: f64,
}

impl Run {
    fn mean(&self) -> f64 {
        self.ratios.iter().sum::<f64>() / self.ratios.len() as f64
    }

    /// The standard deviation in means.
    fn cv(&self) -> f64 {
        let mean = self.mean();
        let squares: f64 = self.ratios.iter().map(|it| (it - mean).powi(2)).sum();
        (squares / self.ratios.len() as f64).sqrt() / mean
    }

    fn goodput(&self) -> f64 {
        self.served / self.servable
    }
}

impl Host {
    fn new(sensor: Sensor) -> Self {
        Self {
            pressure: Pressure::new(Thresholds::default()),
            sensor,
            now: 100.0,
            capacity: 1000.0,
            offered: 3000.0,
            queue: 0.0,
            noise: 0.0,
            random: 7,
            ticks: 0,
        }
    }

    /// From -1 to 1.
    fn random(&mut self) -> f64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn moment(&self) -> Moment {
        Moment::from_nanos((self.now * 1e9) as u64)
    }

    fn ratio(&self) -> f64 {
        self.pressure.ratio(self.moment()).get()
    }

    fn tick(&mut self, run: &mut Run) {
        self.now += TICK;
        self.ticks += 1;
        let now = self.moment();
        let admitted = self.offered * self.ratio();
        let served = (self.queue / TICK + admitted).min(self.capacity);
        self.queue = (self.queue + (admitted - served) * TICK).max(0.0);
        let load = admitted / self.capacity;
        let wrong = 1.0 + self.noise * self.random();
        run.served += served * TICK;
        run.servable += (0.8 * self.capacity).min(self.offered) * TICK;
        // 20 ms alone, 100 ms at four fifths of the capacity, and then the queue
        let latency = 0.02 / (1.0 - load.min(0.95)) + self.queue / self.capacity;
        if self.sensor == Sensor::Latency {
            let client = Secret::new([2; 16]).key(&[&(self.ticks % CLIENTS).to_le_bytes()]);
            self.pressure
                .sample(client, Duration::from_secs_f64(latency * wrong), now);
        }
        if self.pressure.wants_reading(now) {
            let used = Some((load.min(1.0) * wrong).min(1.0));
            let reading = match self.sensor {
                Sensor::Cpu => Reading {
                    cpu: used,
                    memory: None,
                },
                // a memory that follows the load, nine tenths at what the CPU has four fifths
                Sensor::Memory => Reading {
                    cpu: None,
                    memory: used.map(|it| (it + 0.1).min(1.0)),
                },
                Sensor::Latency | Sensor::Dead => Reading::default(),
            };
            self.pressure.read(now, reading);
        }
    }

    fn run(&mut self, seconds: u64) -> Run {
        let mut run = Run::default();
        for _ in 0..seconds {
            for _ in 0..100 {
                self.tick(&mut run);
            }
            run.ratios.push(self.ratio());
        }
        run
    }
}

/// Start at three times what it bears; half of that; twice that again: settled after ten seconds each.
#[test]
fn it_settles_on_what_the_host_bears() {
    for sensor in [Sensor::Cpu, Sensor::Memory, Sensor::Latency] {
        for noise in [0.0, 0.05] {
            let mut host = Host::new(sensor);
            host.noise = noise;
            for (step, capacity) in [("start", 1000.0), ("half", 500.0), ("twice", 1000.0)] {
                host.capacity = capacity;
                host.run(10);
                if step == "start" && sensor == Sensor::Latency {
                    // it hears of the load by the queue, which has to be worked off
                    host.run(10);
                }
                let calm = host.run(60);
                let seen = format!(
                    "{sensor:?} {noise} {step}: cv {:.3}, goodput {:.3}, queue {:.0}",
                    calm.cv(),
                    calm.goodput(),
                    host.queue
                );
                assert!(calm.cv() < 0.1, "{seen}");
                assert!(calm.goodput() >= 0.95, "{seen}");
                assert!(host.queue < capacity * 0.1, "{seen}");
            }
        }
    }
}

#[test]
fn it_follows_a_sawtooth() {
    for sensor in [Sensor::Cpu, Sensor::Latency] {
        let mut host = Host::new(sensor);
        host.noise = 0.05;
        host.run(20);
        let (mut served, mut servable, mut queue) = (0.0, 0.0, 0.0_f64);
        for second in 0..240 {
            // from 700 up to 1300 in half a minute, and down at once
            host.capacity = 700.0 + f64::from(second % 30) * 20.0;
            let run = host.run(1);
            served += run.served;
            servable += run.servable;
            queue = queue.max(host.queue / host.capacity);
        }
        assert!(
            served / servable >= 0.95,
            "{sensor:?}: {}",
            served / servable
        );
        assert!(queue < 2.0, "{sensor:?}: {queue} seconds of queue");
    }
}

#[test]
fn a_dead_sensor_is_no_pressure() {
    let mut host = Host::new(Sensor::Dead);
    assert!(host.run(60).ratios.iter().all(|ratio| *ratio == 1.0));
    assert_eq!(host.pressure.level(), Level::default());
    for sensor in [Sensor::Cpu, Sensor::Memory] {
        let mut host = Host::new(sensor);
        host.run(20);
        assert!(host.ratio() < 0.4);
        host.sensor = Sensor::Dead;
        host.run(20);
        assert_eq!(host.ratio(), 1.0, "{sensor:?}");
    }
    let pressure = Pressure::new(Thresholds::default());
    for second in 0..60 {
        let reading = Reading {
            cpu: Some(f64::NAN),
            memory: Some(f64::INFINITY),
        };
        pressure.read(at(second as f64), reading);
    }
    assert_eq!(pressure.ratio(at(60.0)), Ratio::FULL);
}

fn at(seconds: f64) -> Moment {
    Moment::from_nanos((seconds * 1e9) as u64)
}

/// The ratio after a minute of the same reading and latency.
fn ratio_after(thresholds: Thresholds, reading: Reading, latency: Option<Duration>) -> f64 {
    let pressure = Pressure::new(thresholds);
    for step in 0..240 {
        let now = at(100.0 + f64::from(step) * 0.25);
        for client in 0..20_u8 {
            if let Some(latency) = latency {
                pressure.sample(Secret::new([2; 16]).key(&[&[client]]), latency, now);
            }
        }
        pressure.read(now, reading);
    }
    pressure.ratio(at(160.0)).get()
}

#[test]
fn each_threshold_acts_by_itself() {
    let thresholds =
        |cpu, memory, millis| Thresholds::new(cpu, memory, Duration::from_millis(millis)).unwrap();
    let reading = Reading {
        cpu: Some(0.7),
        memory: Some(0.7),
    };
    let latency = Some(Duration::from_millis(70));
    let ratio = |thresholds| ratio_after(thresholds, reading, latency);
    assert_eq!(ratio(thresholds(0.8, 0.8, 80)), 1.0);
    // hard at 0.65, and at 60 ms
    assert!(ratio(thresholds(0.3, 0.8, 80)) < 0.1);
    assert!(ratio(thresholds(0.8, 0.3, 80)) < 0.1);
    assert!(ratio(thresholds(0.8, 0.8, 30)) < 0.1);
    // one that stands at its end is off
    let full = Reading {
        cpu: Some(1.0),
        memory: Some(1.0),
    };
    assert_eq!(ratio_after(thresholds(1.0, 1.0, 80), full, None), 1.0);
}

#[test]
fn between_soft_and_hard_it_holds() {
    let pressure = Pressure::new(Thresholds::default());
    let mut now = 100.0;
    let mut read = |cpu: f64, seconds: f64| {
        let end = now + seconds;
        while now < end {
            now += 0.25;
            pressure.read(
                at(now),
                Reading {
                    cpu: Some(cpu),
                    memory: None,
                },
            );
        }
        pressure.ratio(at(now)).get()
    };
    let fallen = read(1.0, 5.0);
    assert!(fallen < 0.5);
    // the smoothing follows, and the last fall is over
    let held = read(0.85, 5.0);
    assert_eq!(read(0.85, 60.0), held);
    assert!(read(0.95, 5.0) < held);
}

#[test]
fn it_falls_at_most_once_in_half_a_second() {
    let pressure = Pressure::new(Thresholds::default());
    let reading = Reading {
        cpu: Some(1.0),
        memory: None,
    };
    for step in 0..500 {
        pressure.read(at(100.0 + f64::from(step) * 0.001), reading);
    }
    assert!((pressure.ratio(at(100.5)).get() - 0.9).abs() < 1e-5);
    pressure.read(at(100.501), reading);
    assert!((pressure.ratio(at(100.5)).get() - 0.81).abs() < 1e-5);
}

#[test]
fn one_client_shrinks_nothing_for_the_others() {
    let run = |slow: u64| {
        let pressure = Pressure::new(Thresholds::default());
        let key = |client: u64| Secret::new([2; 16]).key(&[&client.to_le_bytes()]);
        for step in 0..1200_u64 {
            let now = at(100.0 + step as f64 * 0.05);
            for client in 0..slow {
                // in turn, each as often as all others together
                for _ in 0..30 {
                    pressure.sample(
                        key(1000 + (client + step) % slow),
                        Duration::from_secs(5),
                        now,
                    );
                }
            }
            for client in 0..3 {
                pressure.sample(key((step * 3 + client) % 40), Duration::from_millis(5), now);
            }
            if pressure.wants_reading(now) {
                pressure.read(now, Reading::default());
            }
        }
        pressure.ratio(at(160.0)).get()
    };
    assert_eq!(run(1), 1.0);
    // it is not deaf to many
    assert!(run(20) < 0.1);
}

#[test]
fn a_limit_under_pressure_leaves_min_requests() {
    let quota = Quota::new(1000, Duration::from_secs(60)).unwrap();
    let secret = Secret::new([2; 16]);
    let key = secret.key(&[b"client"]);
    let full = Reading {
        cpu: Some(1.0),
        memory: None,
    };
    let pressure = Pressure::new(Thresholds::default());
    for step in 0..240 {
        pressure.read(at(100.0 + f64::from(step) * 0.25), full);
    }
    let now = at(160.0);
    assert!(pressure.ratio(now).get() < 0.02);
    for min_requests in [20, 500] {
        let rule = Rule::new(quota, Algorithm::Adaptive { min_requests }).unwrap();
        let local = Local::new(rule, 10, secret);
        let mut admissions = (0..1500).map(|_| {
            local
                .take_within(key, 1, now, pressure.ratio(now))
                .admission
        });
        let min = min_requests as usize;
        assert!(
            admissions
                .by_ref()
                .take(min)
                .all(|it| it == Admission::Admitted)
        );
        assert!(
            admissions
                .by_ref()
                .take(1000 - min)
                .all(|it| it == Admission::Shed)
        );
        assert!(admissions.all(|it| it == Admission::Exceeded));
    }
}

#[test]
fn one_caller_reads_each_quarter_of_a_second() {
    let pressure = Pressure::new(Thresholds::default());
    for quarter in 0..20 {
        let now = at(100.0 + f64::from(quarter) * 0.25);
        let wins: usize = thread::scope(|scope| {
            let ask = || usize::from(pressure.wants_reading(now));
            let others = [scope.spawn(ask), scope.spawn(ask)];
            others.map(|it| it.join().unwrap()).iter().sum()
        });
        assert_eq!(wins, 1);
        assert!(!pressure.wants_reading(at(100.2 + f64::from(quarter) * 0.25)));
    }
}

#[test]
fn pressure_that_nobody_reads_is_over() {
    let pressure = Pressure::new(Thresholds::default());
    let full = Reading {
        cpu: Some(1.0),
        memory: None,
    };
    for step in 0..40 {
        pressure.read(at(100.0 + f64::from(step) * 0.25), full);
    }
    assert!(pressure.ratio(at(119.7)).get() < 0.2);
    assert_eq!(pressure.ratio(at(119.8)), Ratio::FULL);
    // and the next reading begins anew
    pressure.read(
        at(200.0),
        Reading {
            cpu: Some(0.1),
            memory: None,
        },
    );
    assert_eq!(pressure.ratio(at(200.0)), Ratio::FULL);
    assert_eq!(pressure.level().cpu, Some(0.1));
}
