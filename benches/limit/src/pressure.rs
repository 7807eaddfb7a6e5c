//! An adaptive limit under real pressure: the CPU, then the memory, then the latency of a service is driven up for a while, and
//! the limit falls and recovers. `pressure FILE.svg` draws it. Fails where it does not fall, or does not recover.
//!
//! The service is one worker that takes two milliseconds a request, 500 a second, asked by 40 clients; it is asked for 150 a
//! second, and for 1500 while its latency is driven up. Memory is driven up only where a quarter of it stays free.

use std::fmt::Write as _;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use mantlet_limit::{
    Algorithm, Key, Level, Local, Moment, Pressure, Quota, Rule, Secret, Thresholds,
};
use mantlet_source::Sensors;

const SECRET: Secret = Secret::new([42; 16]);
const CLIENTS: u64 = 40;
const WORK: Duration = Duration::from_millis(2);
const DRIVE: f64 = 15.0;
/// Seconds until the memory is given up that does not fill.
const FILLING: f64 = 120.0;
const REST: f64 = 25.0;
const QUIET: u64 = 150;
const BUSY: u64 = 1500;

/// What is driven up, one after the other.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Load {
    Cpu,
    Memory,
    Latency,
}

/// One moment of the run.
struct Point {
    at: f64,
    ratio: f64,
    level: Level,
}

struct Clock(Instant);

impl Clock {
    fn now(&self) -> Moment {
        // the beginning is no moment at which anything was read
        Moment::from_nanos(1_000_000_000 + self.0.elapsed().as_nanos() as u64)
    }

    fn seconds(&self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// The part of the memory in use before anything happens.
fn memory_in_use() -> Option<f64> {
    Sensors::new().read().memory
}

/// Asks the service `per_second` times a second until `stop`, and tells how long the answers took.
fn ask(
    clock: &Clock,
    pressure: &Pressure,
    local: &Local,
    per_second: &AtomicU64,
    stop: &AtomicBool,
) {
    let (queue, requests) = mpsc::channel::<(Key, Moment)>();
    thread::scope(|scope| {
        scope.spawn(move || {
            for (key, came) in requests {
                thread::sleep(WORK);
                let now = clock.now();
                pressure.sample(key, now.since(came), now);
            }
        });
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                drop(queue);
                return;
            }
            let key = SECRET.key(&[&(number % CLIENTS).to_le_bytes()]);
            let now = clock.now();
            if local
                .take_within(key, 1, now, pressure.ratio(now))
                .is_admitted()
            {
                // the worker waits until this end is dropped
                let _ = queue.send((key, now));
            }
            thread::sleep(Duration::from_nanos(
                1_000_000_000 / per_second.load(Ordering::Relaxed),
            ));
        }
    });
}

/// Spins on every processor, with others waiting, until `stop`.
fn spin(stop: &AtomicBool) {
    let processors = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..processors * 2 {
            scope.spawn(|| while !stop.load(Ordering::Relaxed) {});
        }
    });
}

/// Takes memory until `full` of it is in use, and holds it until `stop`.
fn fill(full: f64, stop: &AtomicBool) {
    const CHUNK: usize = 64 << 20;
    let mut sensors = Sensors::new();
    let mut held: Vec<Vec<u8>> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        if sensors.read().memory.is_some_and(|used| used < full) {
            held.push(vec![1; CHUNK]);
        } else {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Waits for a host that is not busy with other things, two minutes at the most. Whether it is quiet.
fn wait_for_quiet() -> bool {
    let mut sensors = Sensors::new();
    let mut quiet = 0;
    for _ in 0..240 {
        let busy = sensors.read().cpu.is_none_or(|cpu| cpu > 0.6);
        quiet = if busy { 0 } else { quiet + 1 };
        if quiet == 6 {
            return true;
        }
        thread::sleep(Duration::from_millis(500));
    }
    false
}

fn main() -> ExitCode {
    let memory = memory_in_use().unwrap_or(0.0);
    let soft = (memory + 0.05).min(0.9);
    let full = soft + (1.0 - soft) / 2.0 + 0.02;
    let mut loads = vec![Load::Cpu, Load::Latency];
    if full <= 0.75 {
        loads.insert(1, Load::Memory);
    } else {
        println!("memory: left out, for a quarter of it would not stay free");
    }
    let thresholds = Thresholds::new(0.8, soft, Duration::from_millis(100)).expect("in range");
    let quota = Quota::new(60, Duration::from_secs(1)).expect("a quota");
    let rule = Rule::new(quota, Algorithm::Adaptive { min_requests: 3 }).expect("a rule");
    let (pressure, local) = (Pressure::new(thresholds), Local::new(rule, 100, SECRET));
    if !wait_for_quiet() {
        eprintln!("this host is busy with other things: its pressure is not ours to drive up");
        return ExitCode::FAILURE;
    }

    let clock = Clock(Instant::now());
    let (per_second, stop) = (AtomicU64::new(QUIET), AtomicBool::new(false));
    let mut points = Vec::new();
    let mut spells = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| ask(&clock, &pressure, &local, &per_second, &stop));
        let mut sensors = Sensors::new();
        let mut watch = |seconds: f64| {
            let end = clock.seconds() + seconds;
            while clock.seconds() < end {
                let now = clock.now();
                if pressure.wants_reading(now) {
                    pressure.read(now, sensors.read());
                    points.push(Point {
                        at: clock.seconds(),
                        ratio: pressure.ratio(now).get(),
                        level: pressure.level(),
                    });
                }
                thread::sleep(Duration::from_millis(20));
            }
        };
        watch(8.0);
        for load in &loads {
            let from = clock.seconds();
            let over = AtomicBool::new(false);
            thread::scope(|scope| {
                match load {
                    Load::Cpu => drop(scope.spawn(|| spin(&over))),
                    Load::Memory => drop(scope.spawn(|| fill(full, &over))),
                    Load::Latency => per_second.store(BUSY, Ordering::Relaxed),
                }
                if matches!(load, Load::Memory) {
                    // some hosts hand it out slowly: the spell begins when it is in use
                    let given_up = clock.seconds() + FILLING;
                    let is_full = || memory_in_use().is_some_and(|used| used >= full - 0.01);
                    while !is_full() && clock.seconds() < given_up {
                        watch(1.0);
                    }
                }
                watch(DRIVE);
                over.store(true, Ordering::Relaxed);
                per_second.store(QUIET, Ordering::Relaxed);
            });
            spells.push((*load, from, clock.seconds()));
            watch(REST);
        }
        stop.store(true, Ordering::Relaxed);
    });

    let mut missed = false;
    println!(
        "\n## An adaptive limit under real pressure\n\n| driven up | lowest ratio | ratio after |\n|---|---|---|"
    );
    for (spell, (load, from, to)) in spells.iter().enumerate() {
        let next = spells
            .get(spell + 1)
            .map_or(f64::INFINITY, |(_, from, _)| *from);
        let of = |from: f64, to: f64| points.iter().filter(move |it| it.at >= from && it.at < to);
        let lowest = of(*from, *to + 2.0).map(|it| it.ratio).fold(1.0, f64::min);
        let after = of(*to, next).next_back().map_or(0.0, |it| it.ratio);
        missed |= lowest > 0.7 || after < 0.9;
        println!("| {load:?} | {lowest:.2} | {after:.2} |");
    }
    if let Some(file) = std::env::args().nth(1) {
        std::fs::write(&file, draw(&points, &spells, &thresholds))
            .expect("a file that can be written");
    }
    if missed {
        eprintln!("the limit did not fall below 0.7, or did not recover to 0.9");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The run as a picture: the ratio, and each signal by its threshold.
fn draw(points: &[Point], spells: &[(Load, f64, f64)], thresholds: &Thresholds) -> String {
    let (width, height, left, top) = (900.0, 260.0, 44.0, 34.0);
    let end = points.last().map_or(1.0, |it| it.at);
    let x = |at: f64| left + at / end * width;
    let y = |value: f64| top + (1.0 - value.clamp(0.0, 1.0)) * height;
    let line = |of: &dyn Fn(&Point) -> Option<f64>| {
        let known = points.iter().filter_map(|it| Some((it.at, of(it)?)));
        let mut line = String::new();
        for (at, value) in known {
            let _ = write!(line, "{:.1},{:.1} ", x(at), y(value));
        }
        line
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>An adaptive limit falls under pressure on CPU, memory and latency, and recovers</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        left + width + 16.0,
        top + height + 58.0
    );
    for (load, from, to) in spells {
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{height}\" fill=\"#f3e9d8\"/>\n\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{load:?} driven up</text>\n",
            x(*from),
            x(*to) - x(*from),
            x((from + to) / 2.0),
            top - 10.0
        );
    }
    for tenths in [0, 5, 10] {
        let value = f64::from(tenths) / 10.0;
        let _ = write!(
            svg,
            "<path d=\"M{left} {0:.1}h{width}\" stroke=\"#ccc\"/>\n\
             <text x=\"{1:.1}\" y=\"{2:.1}\" text-anchor=\"end\">{value:.1}</text>\n",
            y(value),
            left - 6.0,
            y(value) + 4.0
        );
    }
    // half the height is the threshold
    let latency = 2.0 * thresholds.latency.as_secs_f64();
    let of_latency = |it: &Point| Some(it.level.latency?.as_secs_f64() / latency);
    let lines: [(&str, &str, String); 4] = [
        ("CPU", "#c0504d", line(&|it| it.level.cpu)),
        ("memory", "#7b5ea7", line(&|it| it.level.memory)),
        ("p90 latency, 1 is 200 ms", "#4f81bd", line(&of_latency)),
        ("ratio of the limit", "#111", line(&|it| Some(it.ratio))),
    ];
    for (place, (name, colour, points)) in lines.iter().enumerate() {
        let stroke = if *colour == "#111" { 2.5 } else { 1.2 };
        let legend = left + place as f64 * 200.0;
        let base = top + height + 40.0;
        let _ = write!(
            svg,
            "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{stroke}\"/>\n\
             <path d=\"M{legend} {base}h24\" stroke=\"{colour}\" stroke-width=\"{stroke}\"/>\n\
             <text x=\"{:.0}\" y=\"{:.0}\">{name}</text>\n",
            legend + 30.0,
            base + 4.0
        );
    }
    let mut second = 0.0;
    while second <= end {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{second:.0} s</text>",
            x(second),
            top + height + 18.0
        );
        second += 20.0;
    }
    svg + "</svg>\n"
}
