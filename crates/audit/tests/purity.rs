//! The auditor and what is below it know no runtime and no socket: read off the dependency tree.

#![allow(clippy::expect_used)]

use std::process::Command;

#[test]
fn no_runtime_and_no_socket_below_the_hosts() {
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--package",
            "mantlet-audit",
        ])
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
        "tokio",
        "mio",
        "socket2",
        "hyper",
        "async-std",
        "smol",
        "chrono",
        "time",
        "rustls",
    ] {
        assert!(!names.contains(&banned), "{banned} is below the auditor");
    }
}
