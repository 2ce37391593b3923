#!/bin/sh
# Make .cache/tls-scan hold the TLS scanner of requirements/tls-scan.txt, then run it with the arguments given.
#
# It has an environment of its own because it needs an older cryptography than the gateway. Needs .venv (bootstrap.sh);
# every download is checked against the lock file. When nothing changed, nothing is installed: a stamp remembers.
set -eu
cd "$(dirname "$0")/.."

place=.cache/tls-scan
fingerprint=$(pwd; cksum requirements/tls-scan.txt tools/tls-scan.sh)

if ! { [ -f "$place/.stamp" ] && [ "$(cat "$place/.stamp")" = "$fingerprint" ]; }; then
    . tools/uv.sh
    mkdir -p .cache
    rm -rf "$place"
    .venv/bin/uv venv --quiet --python .venv/bin/python "$place"
    .venv/bin/uv pip install --quiet --python "$place/bin/python" --require-hashes --no-deps -r requirements/tls-scan.txt
    echo "$fingerprint" >"$place/.stamp"
fi
exec "$place/bin/python" -m sslyze "$@"
