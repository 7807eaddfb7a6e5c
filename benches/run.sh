#!/usr/bin/env bash
# Mantlet beside its peers: the layer and the verdict (callgrind, a Python peer), rate limits (governor, and real pressure),
# tokens and sessions, CPU time of the proxy (nginx, wrk), the auditor (the Observatory, csp-evaluator), the Python package, a trip
# to Redis. Run by `make bench`.
set -euo pipefail
cd "$(dirname "$0")/.."
for program in valgrind wrk nginx redis-server; do
    PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || {
        echo "The benches need packages: apt-get install nginx-light redis-server valgrind wrk" >&2
        exit 1
    }
done

# makes the environment NAME, again when REQUIREMENTS change; its path is then in `home`
python_home() {
    home=benches/target/$1
    cmp -s "benches/$2" "$home/requirements.txt" && return
    rm -rf "$home"
    python3 -m venv "$home"
    "$home/bin/pip" install --quiet --disable-pip-version-check --requirement "benches/$2"
    cp "benches/$2" "$home/requirements.txt"
}

failed=0
cargo build --release --manifest-path benches/Cargo.toml
python3 benches/headers.py || failed=1
stamp=benches/target/python/requirements.txt
cmp -s benches/requirements.txt "$stamp" || {
    rm -rf benches/target/python
    python3 -m pip install --quiet --disable-pip-version-check --target benches/target/python \
        --requirement benches/requirements.txt
    cp benches/requirements.txt "$stamp"
}
python3 benches/verdict.py || failed=1
cargo build --release --manifest-path benches/limit/Cargo.toml --target-dir benches/target
benches/target/release/limit || failed=1
benches/target/release/pressure benches/target/adaptive.svg || failed=1
benches/target/release/token || failed=1
benches/target/release/session
cargo build --release --package mantlet-cli
python3 benches/proxy.py || failed=1
MANTLET="${CARGO_TARGET_DIR:-target}/release/mantlet" bash tests/audit/run.sh >/dev/null || failed=1
python3 benches/audit.py || failed=1
python3 benches/scan_bulk.py || failed=1

# the Python package as it is installed, beside what it stands in for
python_home python-package requirements-python.txt
for kind in abi3 cpython; do
    wheel=$(MANTLET="${CARGO_TARGET_DIR:-target}/release/mantlet" bash crates/python/wheel.sh release "target/wheels/bench/$kind" "$kind")
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
    echo "${wheel##*/}"
    "$home/bin/python" benches/python.py || failed=1
    "$home/bin/python" benches/python_cross_origin.py || failed=1
done

# limits that several processes share, beside PING and Python's limits
python_home python-redis requirements-redis.txt
"$home/bin/python" benches/redis_trip.py || failed=1
# and the limits, beside those that count requests in Python
python_home python-limits requirements-limits.txt
for kind in abi3 cpython; do
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall target/wheels/bench/"$kind"/*.whl
    "$home/bin/python" benches/python_limits.py || failed=1
done
exit "$failed"
