#!/usr/bin/env bash
# The agreement with the HTTP Observatory and csp-evaluator, side by side without a network. MANTLET names the program.
set -euo pipefail
cd "$(dirname "$0")"
stamp=node_modules/.package-lock-of-install.json
cmp -s package-lock.json "$stamp" || {
    npm ci --silent --no-audit --no-fund
    cp package-lock.json "$stamp"
}
exec node --test agreement.test.js
