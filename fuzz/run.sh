#!/usr/bin/env bash
# make fuzz: every parser for FUZZ_SECONDS (60) seconds; make fuzz TARGETS="csp-directive route" for some.
# Installs cargo-fuzz if it is missing; takes the nightly toolchain if there is one, and else tells the other to take
# sanitizer flags all the same. What is found lands in fuzz/artifacts; put it into the
# corpus with its fix.
set -euo pipefail
cd "$(dirname "$0")"
command -v cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
if rustup toolchain list 2>/dev/null | grep -q '^nightly'; then
    cargo +nightly fuzz build --fuzz-dir libfuzzer target
else
    RUSTC_BOOTSTRAP=1 cargo fuzz build --fuzz-dir libfuzzer target
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# one build for all: the tree may change while they run
cp "$(ls -t libfuzzer/target/*/release/target | head -n 1)" "$work/target"
for name in ${TARGETS:-$(ls corpus)}; do
    echo "== $name"
    mkdir -p "artifacts/$name" "$work/found"
    MANTLET_FUZZ_TARGET=$name "$work/target" "$work/found" "corpus/$name" \
        -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -verbosity=0 -artifact_prefix="artifacts/$name/"
    rm -rf "$work/found"
done
echo "no parser broke a promise"
