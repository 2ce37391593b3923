#!/bin/sh
# Write the lock files in requirements/ from pyproject.toml: exact versions and hashes for every platform, and no host.
#
# The versions already locked are kept while they satisfy pyproject.toml; UPGRADE=1 takes the newest instead.
# dev.txt is solved under run.txt, so that what is tested is what runs.
set -eu
cd "$(dirname "$0")/.."
. tools/uv.sh
export UV_CUSTOM_COMPILE_COMMAND="make lock"

compile() { # compile OUTPUT INPUT [OPTION]...
    output=requirements/$1.txt
    input=$2
    shift 2
    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-annotate ${UPGRADE:+--upgrade} --output-file "$output" "$@" "$input"
}

compile bootstrap requirements/bootstrap.in
compile tls-scan requirements/tls-scan.in
compile run pyproject.toml --extra engine --extra privacy --group build
compile dev pyproject.toml --all-extras --group build --group dev --group docs --group bench -c requirements/run.txt
