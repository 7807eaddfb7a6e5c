#!/usr/bin/env bash
# make fuzz: every parser for FUZZ_SECONDS (60) seconds; make fuzz TARGETS="csp-directive route" for some.
# Needs a nightly toolchain; installs cargo-fuzz if it is missing. What is found lands in fuzz/artifacts; put it into the
# corpus with its fix.
set -euo pipefail
cd "$(dirname "$0")"
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
cargo +nightly fuzz build --fuzz-dir libfuzzer target
names=${TARGETS:-$(ls corpus)}
for name in $names; do
    echo "== $name"
    found=$(mktemp -d)
    mkdir -p "artifacts/$name"
    MANTLET_FUZZ_TARGET=$name cargo +nightly fuzz run --fuzz-dir libfuzzer target "$found" "corpus/$name" -- \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -verbosity=0 -artifact_prefix="artifacts/$name/"
    rm -rf "$found"
done
echo "no parser broke a promise"
