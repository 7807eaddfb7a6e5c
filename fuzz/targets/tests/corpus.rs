//! Every input that is kept, through its target: seeds, and what was once found.

#![allow(clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_corpus_holds() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus");
    let names: BTreeSet<String> = mantlet_fuzz_targets::names().into_iter().collect();
    let mut with_corpus = BTreeSet::new();
    for folder in std::fs::read_dir(corpus).expect("the corpus") {
        let folder = folder.expect("an entry");
        let name = folder.file_name().into_string().expect("ASCII");
        assert!(names.contains(&name), "the corpus {name} has no target");
        let mut inputs = 0;
        for input in std::fs::read_dir(folder.path()).expect("a folder") {
            let data = std::fs::read(input.expect("an entry").path()).expect("readable");
            mantlet_fuzz_targets::run(&name, &data);
            inputs += 1;
        }
        assert!(inputs > 0, "the corpus {name} is empty");
        with_corpus.insert(name);
    }
    let without: Vec<_> = names.difference(&with_corpus).collect();
    assert!(without.is_empty(), "targets without a corpus: {without:?}");
}

#[test]
fn a_broken_promise_is_noticed() {
    let noticed = std::panic::catch_unwind(|| mantlet_fuzz_targets::run("no-such-target", b""));
    assert!(noticed.is_err());
}
