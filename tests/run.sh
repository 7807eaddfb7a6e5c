#!/usr/bin/env bash
# Every test: Rust, the program in front of real applications, the Python package alone and in every framework, and the program
# beside the graders that it agrees with, and with a browser. Installs what they need. Run by `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

packages() {
    local missing=()
    command -v nginx >/dev/null || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
    command -v chromium >/dev/null || missing+=(chromium)
    command -v valgrind >/dev/null || missing+=(valgrind)
    command -v redis-server >/dev/null || missing+=(redis-server)
    command -v openssl >/dev/null || missing+=(openssl)
    python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    [ "${#missing[@]}" -eq 0 ] && return
    local install="apt-get install --yes --no-install-recommends ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        echo "The tests need packages. Run: sudo apt-get update && sudo $install" >&2
        exit 1
    fi
    step "$install"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # with RUNLEVEL=1 a package does not start its service; systemd does not heed it
    RUNLEVEL=1 $install -qq
    if [[ " ${missing[*]} " == *" nginx-light "* ]]; then
        if [ -d /run/systemd/system ]; then
            systemctl disable --now --quiet nginx || true
        elif [ -s /run/nginx.pid ]; then
            service nginx stop || true
        fi
    fi
    if [[ " ${missing[*]} " == *" redis-server "* && -d /run/systemd/system ]]; then
        systemctl disable --now --quiet redis-server || true
    fi
}

# made again when the requirements change; the stamp says what is installed
python_environment() {
    local stamp=.venv/requirements.txt
    cmp -s tests/requirements.txt "$stamp" && return
    step "Python packages"
    rm -rf .venv
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement tests/requirements.txt
    cp tests/requirements.txt "$stamp"
}

node_modules() {
    local stamp=tests/browser/node_modules/.package-lock-of-install.json
    cmp -s tests/browser/package-lock.json "$stamp" && return
    step "Node packages"
    npm ci --prefix tests/browser --silent --no-audit --no-fund
    cp tests/browser/package-lock.json "$stamp"
}

packages
python_environment
node_modules

failed=()
attempt() {
    local name=$1
    shift
    step "$name"
    "$@" || failed+=("$name")
}

if cargo nextest --version >/dev/null 2>&1; then
    attempt "Rust tests" cargo nextest run --workspace --all-features --no-fail-fast
else
    attempt "Rust tests" cargo test --workspace --all-features --all-targets --no-fail-fast
fi
if command -v valkey-server >/dev/null; then
    attempt "Limits on Valkey" env MANTLET_REDIS_SERVER=valkey-server \
        cargo test --package mantlet-store --all-features --test redis
fi
attempt "Python lint" .venv/bin/ruff check --quiet tests benches crates/python
attempt "Python format" .venv/bin/ruff format --quiet --check tests benches crates/python
attempt "Rust documentation tests" cargo test --doc --workspace --all-features --no-fail-fast

step "The program"
# the same features as above, so that nothing is built twice
cargo build --workspace --all-features --bin mantlet
MANTLET="${CARGO_TARGET_DIR:-$PWD/target}/debug/mantlet"
export MANTLET
attempt "End to end" .venv/bin/python -m pytest -p no:cacheprovider -q tests/e2e
attempt "Python package" bash tests/python.sh
attempt "Frameworks" bash tests/frameworks/run.sh "$(ls -t target/wheels/tests/*.whl | head -n 1)"
attempt "Agreement with the Observatory and csp-evaluator" bash tests/audit/run.sh
attempt "Browser" node --test --test-concurrency=1 tests/browser/*.test.js

if [ "${#failed[@]}" -ne 0 ]; then
    printf '\nfailed: %s\n' "${failed[@]}" >&2
    exit 1
fi
