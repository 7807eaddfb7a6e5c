#!/usr/bin/env bash
# The tests of the Python package: builds a wheel with the program of the last build in it, installs it into an environment of
# its own, and runs tests/python against that; then what needs no other package against the wheel for one CPython, and on the other
# CPythons of the machine. Arguments go to pytest, and leave it at the first. Packages come from one cache of wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
home=.cache/python
wheels=.cache/wheels
requirements=(tests/python/requirements*.txt)

# made again when a requirement changes; the stamp says what is installed
mkdir -p .cache
cat "${requirements[@]}" >"$wheels.txt"
if ! cmp -s "$wheels.txt" "$home/requirements.txt"; then
    rm -rf "$home"
    python3 -m venv "$home"
    asked=()
    for file in "${requirements[@]}"; do asked+=(--requirement "$file"); done
    "$home/bin/pip" wheel --quiet --disable-pip-version-check --wheel-dir "$wheels" --find-links "$wheels" "${asked[@]}"
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-index --find-links "$wheels" "${asked[@]}"
    mv "$wheels.txt" "$home/requirements.txt"
fi

# the other type checker
[ -d tests/python/node_modules ] || npm ci --prefix tests/python --silent --no-audit --no-fund

wheel=$(FEATURES=conformance PATH="$PWD/$home/bin:$PATH" bash crates/python/wheel.sh "${WHEEL_PROFILE:-dev}" target/wheels/tests)
"$home/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"

# from another folder, so that nothing is imported but what is installed
"$home/bin/python" -m pytest -p no:cacheprovider -q tests/python "$@"
[ $# -eq 0 ] || exit 0

# what needs pytest alone: ASGI, WSGI, the names of other packages, the collector, the cases
smoke() {
    local python=$1 wheel=$2 home=$3
    local pytest
    pytest=$(grep '^pytest==' tests/python/requirements.txt)
    cmp -s <(echo "$pytest") "$home/requirements.txt" || {
        rm -rf "$home"
        "$python" -m venv "$home"
        "$home/bin/pip" install --quiet --disable-pip-version-check --find-links "$wheels" "$pytest"
        echo "$pytest" >"$home/requirements.txt"
    }
    "$home/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"
    echo "$("$home/bin/python" --version), ${wheel##*/}"
    "$home/bin/python" -m pytest -p no:cacheprovider -q --no-header \
        tests/python/test_{asgi,wsgi,policy,audit,follow,memory,secure_api,cross_origin,isolation,conformance}.py
}

own=$(FEATURES=conformance PATH="$PWD/$home/bin:$PATH" bash crates/python/wheel.sh "${WHEEL_PROFILE:-dev}" target/wheels/tests/cpython cpython)
smoke python3 "$own" .cache/python-own
for version in 3.10 3.12 3.13; do
    for python in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}/versions/$version".*/bin/python3; do
        # a name may be there without an interpreter behind it
        if "$python" -c '' 2>/dev/null; then
            smoke "$python" "$wheel" ".cache/python-$version"
            continue 2
        fi
    done
    echo "no CPython $version here"
done
