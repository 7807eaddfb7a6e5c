#!/usr/bin/env bash
# Builds the wheel: the extension module, and the program among its scripts. `wheel.sh [release|dev] [OUT]`; the default is a
# release in target/wheels. Run by `make wheel` and by the tests.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${1:-release}
out=${2:-target/wheels}
target=${CARGO_TARGET_DIR:-target}

maturin=$(command -v maturin || true)
if [ -z "$maturin" ]; then
    [ -x .cache/maturin/bin/maturin ] || {
        python3 -m venv .cache/maturin
        .cache/maturin/bin/pip install --quiet --disable-pip-version-check 'maturin>=1.16,<2'
    }
    maturin=.cache/maturin/bin/maturin
fi

cargo build --profile "$profile" --package mantlet-cli
folder=$profile
[ "$profile" = dev ] && folder=debug
# maturin puts what lies in MODULE.data/scripts among the scripts of the wheel; `maturin develop` does without it
data=crates/python/mantlet._mantlet.data
trap 'rm -rf "$data"' EXIT
mkdir -p "$data/scripts"
cp "$target/$folder/mantlet" "$data/scripts/mantlet"
rm -f "$out"/mantlet-*.whl
"$maturin" build --quiet --profile "$profile" --compatibility linux --manifest-path crates/python/Cargo.toml --out "$out"
ls "$out"/mantlet-*.whl
