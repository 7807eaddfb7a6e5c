#!/usr/bin/env bash
# The tests of the Python package: builds a wheel with the program of the last build in it, installs it into an environment of
# its own, and runs tests/python against that. Arguments go to pytest. Packages come from one cache of wheels.
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
