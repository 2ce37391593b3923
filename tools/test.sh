#!/usr/bin/env bash
# All checks of the project: lint and the strict documentation build beside each other, then the tests on two processes.
#
# Every part runs even when an earlier one failed, so that one run says everything; the tests' closing line comes last
# but for the verdict. With arguments, only those tests run.
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=.cache/hypothesis NO_MKDOCS_2_WARNING=1
export SEEKGATE_CACHE="$PWD/.cache/seekgate" # the model that live tests run
bin=.venv/bin

if [ $# -gt 0 ]; then
    exec $bin/python -m pytest "$@"
fi

failed=()
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tools/lint.sh >"$work/lint" 2>&1 &
lint=$!
$bin/mkdocs build --quiet --strict >"$work/docs" 2>&1 &
docs=$!
wait $lint || failed+=(lint)
wait $docs || failed+=(docs)
cat "$work/lint"
grep -v '^$' "$work/docs" || true
[[ " ${failed[*]-} " == *" docs "* ]] && echo "docs: FAILED" || echo "docs: ok"

$bin/python -m pytest -n "${PYTEST_WORKERS:-2}" --dist loadfile --durations=10 tests || failed+=(tests)

if [ ${#failed[@]} -gt 0 ]; then
    echo "make test: failed: ${failed[*]}"
    exit 1
fi
