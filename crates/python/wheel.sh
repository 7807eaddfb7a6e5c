#!/usr/bin/env bash
# Builds a wheel: the extension module, and the program among its scripts. `wheel.sh [release|dev] [OUT] [abi3|cpython]`; the
# default is a release in target/wheels for every CPython from 3.10 on. `cpython` is one for the python3 of the PATH, which
# is faster there; pip prefers it. Says the path of the wheel. The program is $MANTLET where that is set, as in the tests,
# which have built it already; $FEATURES are those of the crate besides. Run by `make wheel` and by tests/python.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${1:-release}
out=${2:-target/wheels}
target=${CARGO_TARGET_DIR:-target}
flags=(${FEATURES:+--features "$FEATURES"})
[ "${3:-abi3}" = cpython ] && flags+=(--no-default-features --interpreter python3)

maturin=$(command -v maturin || true)
if [ -z "$maturin" ]; then
    [ -x .cache/maturin/bin/maturin ] || {
        python3 -m venv .cache/maturin
        .cache/maturin/bin/pip install --quiet --disable-pip-version-check 'maturin>=1.16,<2'
    }
    maturin=.cache/maturin/bin/maturin
fi

program=${MANTLET:-}
if [ -z "$program" ]; then
    cargo build --profile "$profile" --package mantlet-cli
    folder=$profile
    [ "$profile" = dev ] && folder=debug
    program=$target/$folder/mantlet
fi
# maturin puts what lies in MODULE.data/scripts among the scripts of the wheel; `maturin develop` does without it
data=crates/python/mantlet._mantlet.data
trap 'rm -rf "$data"' EXIT
mkdir -p "$data/scripts"
cp "$program" "$data/scripts/mantlet"
rm -f "$out"/mantlet-*.whl
"$maturin" build --quiet --profile "$profile" --compatibility linux --manifest-path crates/python/Cargo.toml --out "$out" "${flags[@]}"
ls "$out"/mantlet-*.whl
