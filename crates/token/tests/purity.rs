//! The crate knows no runtime, no socket, no engine and no sibling: read off the dependency tree.

#![allow(clippy::expect_used)]

use std::process::Command;

#[test]
fn nothing_of_a_higher_layer_is_below() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none"])
        .args(["--package", "mantlet-token"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout);
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        names.contains(&"mantlet-headers"),
        "the tree was read: {tree}"
    );
    for banned in [
        "mantlet-engine",
        "mantlet-session",
        "tokio",
        "mio",
        "socket2",
        "hyper",
        "chrono",
        "time",
        "rustls",
    ] {
        assert!(!names.contains(&banned), "{banned} is below token");
    }
}
