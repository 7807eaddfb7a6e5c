#!/usr/bin/env bash
# The long runs behind the small ones of `make test`: models of every interleaving, ten million checks, floods of keys. Run by
# `make stress`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

failed=()
attempt() {
    local name=$1
    shift
    step "$name"
    "$@" || failed+=("$name")
}

target="${CARGO_TARGET_DIR:-target}"
attempt "Rate limits: every interleaving" env RUSTFLAGS="--cfg loom" \
    cargo test --release --package mantlet-limit --test loom --target-dir "$target/loom"
attempt "Rate limits: ten million checks, ten million keys" \
    cargo test --release --package mantlet-limit --test threads --test flood -- --ignored --nocapture
attempt "Rate limits: exact models, twenty thousand cases" env PROPTEST_CASES=20000 \
    cargo test --release --package mantlet-limit --test exact
attempt "Redis: a million takes under outages" \
    cargo test --release --package mantlet-store --all-features --test redis -- --ignored
attempt "Redis: exact models, twenty thousand cases" env PROPTEST_CASES=20000 \
    cargo test --release --package mantlet-store --all-features --test redis exact

if [ "${#failed[@]}" -ne 0 ]; then
    printf '\nfailed: %s\n' "${failed[@]}" >&2
    exit 1
fi
