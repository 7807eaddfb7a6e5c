//! Judgements per second of CPU: `audit KIND FILE SECONDS`, where KIND is observatory, mantlet or evaluator and FILE a JSON list of
//! captures or of policies. Run beside its peers by `audit.py`.

use std::hint::black_box;
use std::time::{Duration, Instant};

use mantlet_audit::observatory::{Algorithm, scan};
use mantlet_audit::{PreloadList, audit, capture, evaluator};

/// Nanoseconds that this process has had a CPU.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").expect("Linux");
    let first = text.split(' ').next().expect("a number");
    first.parse().expect("a number")
}

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, kind, file, seconds] = words.as_slice() else {
        panic!("audit KIND FILE SECONDS");
    };
    let text = std::fs::read(file).expect("a file");
    let wanted = Duration::from_secs(seconds.parse().expect("seconds"));
    let preload = PreloadList::default();
    let mut once: Box<dyn FnMut() -> usize> = match kind.as_str() {
        "evaluator" => {
            let policies: Vec<String> = serde_json::from_slice(&text).expect("texts");
            Box::new(move || {
                for policy in &policies {
                    black_box(evaluator::evaluate(black_box(policy)));
                }
                policies.len()
            })
        }
        kind => {
            let seen = capture::json(&text).expect("captures");
            let own = kind == "mantlet";
            Box::new(move || {
                for one in &seen {
                    match own {
                        true => drop(black_box(audit(black_box(one)))),
                        false => drop(black_box(scan(black_box(one), Algorithm::Four, &preload))),
                    }
                }
                seen.len()
            })
        }
    };
    once();
    let (start, begun, mut count) = (cpu(), Instant::now(), 0);
    while begun.elapsed() < wanted {
        count += once();
    }
    println!("{{\"count\": {count}, \"cpu\": {}}}", (cpu() - start) as f64 / 1e9);
}
