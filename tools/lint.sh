#!/bin/sh
# Style, types, layers, and whether the environment is what the lock file says. Runs all of them, then says what failed.
cd "$(dirname "$0")/.." || exit 1
bin=.venv/bin
export MYPY_CACHE_DIR="${MYPY_CACHE_DIR:-.cache/mypy}" RUFF_CACHE_DIR="${RUFF_CACHE_DIR:-.cache/ruff}"

failed=
check() { # check NAME COMMAND...: print the command's output only when it fails
    name=$1
    shift
    if output=$("$@" 2>&1); then
        echo "lint: $name: ok"
    else
        failed="$failed $name"
        printf '%s\nlint: %s: FAILED\n' "$output" "$name"
    fi
}

check style $bin/ruff check --quiet .
check format $bin/ruff format --check .
check types $bin/mypy
check layers $bin/lint-imports --cache-dir .cache/import-linter
check lock $bin/uv pip check --quiet --python $bin/python

[ -z "$failed" ] || { echo "lint: failed:$failed"; exit 1; }
