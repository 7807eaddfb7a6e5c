#!/usr/bin/env bash
# The matrix of frameworks: an environment for those that agree, one for each that does not, and the tests in each.
# The wheel is the first argument; without one it is built. Environments are made again when their requirements change.
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
environments=${MANTLET_ENVIRONMENTS:-$root/.venv-frameworks}
tools=$environments/tools

if [ ! -x "$tools/bin/uv" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9 "maturin>=1.16,<2"
fi
# a system's own certificates, where pip is told to use them
if [ -n "${PIP_CERT:-}" ]; then export SSL_CERT_FILE=${SSL_CERT_FILE:-$PIP_CERT}; fi

wheel=${1:-}
if [ -z "$wheel" ]; then
    rm -rf "$environments/wheel"
    (cd "$root/crates/python" && "$tools/bin/maturin" build --quiet --out "$environments/wheel")
    wheel=$(ls "$environments"/wheel/*.whl)
fi

failed=()
for requirements in environments/*.txt; do
    name=$(basename "$requirements" .txt)
    environment=$environments/$name
    if ! cmp -s "$requirements" "$environment/requirements.txt"; then
        printf 'Frameworks: %s\n' "$name"
        "$tools/bin/uv" venv --quiet --clear --python "$(command -v python3)" "$environment"
        "$tools/bin/uv" pip install --quiet --python "$environment/bin/python" --requirement "$requirements"
        cp "$requirements" "$environment/requirements.txt"
    fi
    "$tools/bin/uv" pip install --quiet --python "$environment/bin/python" --reinstall-package mantlet --no-deps "$wheel"
    MANTLET_FRAMEWORKS=$name "$environment/bin/python" -m pytest -p no:cacheprovider -q . || failed+=("$name")
done

if [ "${#failed[@]}" -ne 0 ]; then
    printf 'failed: %s\n' "${failed[@]}" >&2
    exit 1
fi
