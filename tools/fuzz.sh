#!/usr/bin/env bash
# Attack the parsers for MINUTES (10): hypothesis over tests/fuzz with new examples each round, and beside it atheris, with
# coverage guidance, on each tests/fuzz/target_*.py in turn.
#
# A crash, a hang (an input that takes over five seconds) or growth (over 1 GiB) fails, and leaves what caused it in .cache/fuzz.
set -euo pipefail
cd "$(dirname "$0")/.."
export HYPOTHESIS_STORAGE_DIRECTORY=.cache/hypothesis PYTHONPATH="$PWD"
seconds=$((${1:-10} * 60))
end=$(($(date +%s) + seconds))
mkdir -p .cache/fuzz

hypothesis_rounds() {
    local round=0
    while [ "$(date +%s)" -lt "$end" ]; do
        round=$((round + 1))
        timeout "$((end - $(date +%s) + 1))" .venv/bin/python -m pytest tests/fuzz --hypothesis-profile=deep \
            --hypothesis-seed="$((RANDOM * 32768 + RANDOM))" >.cache/fuzz/hypothesis.log 2>&1 || {
            status=$?
            [ "$status" = 124 ] && break # the time is over
            cat .cache/fuzz/hypothesis.log
            return 1
        }
        echo "fuzz: hypothesis: round $round: $(tail -n 1 .cache/fuzz/hypothesis.log)"
    done
    echo "fuzz: hypothesis: nothing found"
}

atheris_targets() {
    local targets=(tests/fuzz/target_*.py) target name
    if ! .venv/bin/python -c 'import atheris' 2>/dev/null; then
        echo "fuzz: atheris has no wheel for this machine; hypothesis runs alone"
        return 0
    fi
    for target in "${targets[@]}"; do
        name=$(basename "$target" .py)
        mkdir -p ".cache/fuzz/$name"
        .venv/bin/python "$target" ".cache/fuzz/$name" -max_total_time=$((seconds / ${#targets[@]})) -timeout=5 \
            -rss_limit_mb=1024 -artifact_prefix=".cache/fuzz/$name-" >".cache/fuzz/$name.log" 2>&1 || {
            tail -n 60 ".cache/fuzz/$name.log"
            echo "fuzz: $name: FAILED; the input is beside .cache/fuzz/$name.log"
            return 1
        }
        echo "fuzz: $name: nothing found: $(grep -a '^Done' ".cache/fuzz/$name.log" | tail -n 1)"
    done
}

hypothesis_rounds &
hypothesis=$!
atheris_targets && found=0 || found=1
wait "$hypothesis" || found=1
exit "$found"
