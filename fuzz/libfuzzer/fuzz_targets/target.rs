//! The one libFuzzer program: `MANTLET_FUZZ_TARGET` names the parser, so that forty targets are linked once.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static NAME: LazyLock<String> =
    LazyLock::new(|| std::env::var("MANTLET_FUZZ_TARGET").expect("MANTLET_FUZZ_TARGET names a target"));

fuzz_target!(|data: &[u8]| mantlet_fuzz_targets::run(&NAME, data));
