//! Hosts that block, and the Python package, get no runtime with the store: read off the dependency tree.

#![allow(clippy::expect_used)]

use std::process::Command;

/// The names of everything that is linked, with `features`.
fn linked(features: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", "mantlet-store", "--features", features])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout);
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn only_the_feature_tokio_brings_a_runtime() {
    let runtime = |features| {
        let names = linked(features);
        assert!(
            names.iter().any(|name| name == "redis"),
            "the tree was read: {names:?}"
        );
        ["tokio", "mio", "smol", "async-std"]
            .into_iter()
            .any(|banned| names.iter().any(|name| name == banned))
    };
    assert!(!runtime(""));
    assert!(!runtime("blocking"));
    assert!(runtime("tokio"));
}
