#!/usr/bin/env bash
# The matrix of frameworks: an environment for those that agree on what they need, one for each that does not, and the tests in
# each, against a wheel. `run.sh [WHEEL]`; without one it is built. An environment is made again when its requirements change.
set -euo pipefail
cd "$(dirname "$0")/../.."
home=.cache/frameworks
matrix=tests/frameworks

uv=$home/tools/bin/uv
[ -x "$uv" ] || {
    python3 -m venv "$home/tools"
    "$home/tools/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
}
# the certificates that pip is told to use
if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE=${SSL_CERT_FILE:-$PIP_CERT}; fi

wheel=${1:-$(bash crates/python/wheel.sh dev target/wheels/frameworks)}

failed=()
for requirements in "$matrix"/environments/*.txt; do
    name=$(basename "$requirements" .txt)
    python=$home/$name/bin/python
    if ! cmp -s "$requirements" "$home/$name/requirements.txt"; then
        "$uv" venv --quiet --clear --python "$(command -v python3)" "$home/$name"
        "$uv" pip install --quiet --python "$python" --requirement "$requirements"
        cp "$requirements" "$home/$name/requirements.txt"
    fi
    "$uv" pip install --quiet --python "$python" --no-deps --reinstall-package mantlet "$wheel"
    # the warnings are those of the frameworks
    MANTLET_FRAMEWORKS=$name "$python" -m pytest -p no:cacheprovider -p no:warnings -q "$matrix" || failed+=("$name")
done

if [ "${#failed[@]}" -ne 0 ]; then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
