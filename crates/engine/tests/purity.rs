//! The pure crates know no runtime and no socket, and nothing of their own layer or above: read off the dependency tree.

#![allow(clippy::expect_used)]

use std::process::Command;

/// What no pure crate stands on.
const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "async-std",
    "smol",
    "chrono",
    "time",
    "rustls",
];

/// The pure crates, and what else of ours each may stand on: the layers of docs/design.md.
const PURE: &[(&str, &[&str])] = &[
    ("mantlet-headers", &[]),
    ("mantlet-limit", &[]),
    ("mantlet-token", &["mantlet-headers"]),
    ("mantlet-session", &["mantlet-headers"]),
    ("mantlet-audit", &["mantlet-headers"]),
    ("mantlet-engine", &["mantlet-headers", "mantlet-limit"]),
    (
        "mantlet-trace",
        &["mantlet-headers", "mantlet-limit", "mantlet-engine"],
    ),
];

/// The names of all that a crate stands on, itself among them.
fn below(package: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let names: Vec<String> = names.map(str::to_owned).collect();
    assert!(
        names.iter().any(|name| name == package),
        "{package}: {tree}"
    );
    names
}

#[test]
fn no_runtime_no_socket_and_no_higher_layer_below_a_pure_crate() {
    for (package, allowed) in PURE {
        for name in below(package) {
            let name = name.as_str();
            assert!(!IMPURE.contains(&name), "{name} is below {package}");
            let ours = name.starts_with("mantlet-") && name != *package;
            assert!(
                !ours || allowed.contains(&name),
                "{name} is below {package}"
            );
        }
    }
}
