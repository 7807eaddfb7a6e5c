//! Every policy in the documents is one that the program takes.

#![allow(clippy::expect_used, clippy::panic)]

use std::path::Path;

use mantlet_config::{Config, Source};

#[test]
fn the_policies_in_the_documents_are_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut seen = 0;
    for document in [
        "README.md",
        "docs/policy.md",
        "docs/guide.md",
        "docs/checks.md",
        "docs/coming-from.md",
        "docs/presets.md",
        "docs/limits.md",
        "docs/proxy.md",
    ] {
        let text = std::fs::read_to_string(root.join(document)).expect("a document");
        for (number, block) in text.split("```toml\n").skip(1).enumerate() {
            let policy = block.split("```").next().expect("an end");
            let name = format!("{document}, block {}", number + 1);
            let read = Config::read(&Source::new(name, policy));
            let built = read.and_then(|(config, _)| config.build().map(drop));
            if let Err(report) = built {
                panic!("{report}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 6, "{seen} blocks");
}
