#!/bin/sh
# Make .venv hold what requirements/LEVEL.txt names, and this project, editable. LEVEL is "run" or "dev".
#
# Needs Python 3.11 or newer with venv and ensurepip, and nothing else. Every download is checked against the hash in
# a lock file. Caches stay in .cache. When nothing changed it returns at once: a stamp in .venv remembers what was done.
#
# PYTHON chooses the interpreter. pip's own settings choose the package index (a mirror, say): uv is told of them.
set -eu
cd "$(dirname "$0")/.."

level=${1:-run}
lock=requirements/$level.txt
[ -f "$lock" ] || { echo "bootstrap: there is no $lock; the level is run or dev" >&2; exit 2; }

export PIP_CACHE_DIR="$PWD/.cache/pip" PIP_DISABLE_PIP_VERSION_CHECK=1
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH

fingerprint() { # of all that decides what .venv should hold for a level, and where it stands (scripts hold its path)
    echo "$PWD"
    cksum requirements/bootstrap.txt "requirements/$1.txt" pyproject.toml tools/bootstrap.sh
}

done_for() {
    [ -x .venv/bin/seekgate ] && [ -f ".venv/.stamp-$1" ] && [ "$(cat ".venv/.stamp-$1")" = "$(fingerprint "$1")" ] &&
        .venv/bin/python -c '' 2>/dev/null
}

if done_for "$level" || { [ "$level" = run ] && done_for dev; }; then
    exit 0
fi

find_python() { # print the interpreter to use; PYTHON if set, else the newest that is fit, the system's own first
    # Distributions build theirs with profile-guided optimisation; one that a version manager compiled often lacks it,
    # and then a request costs a tenth more.
    unfit=
    names="python3.14 python3.13 python3.12 python3.11"
    for candidate in ${PYTHON:-$(printf '/usr/bin/%s ' $names) $names python3 python}; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        if "$candidate" -c 'import ensurepip, venv' 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
        unfit=$candidate
    done
    if [ -n "$unfit" ]; then
        version=$("$unfit" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        echo "bootstrap: $unfit cannot make virtual environments: its modules venv and ensurepip are missing." >&2
        echo "bootstrap: on Debian and Ubuntu, install the package python$version-venv." >&2
    elif [ -n "${PYTHON:-}" ]; then
        echo "bootstrap: PYTHON=$PYTHON is not a Python 3.11 or newer." >&2
    else
        echo "bootstrap: found no Python 3.11 or newer; install one, or name it: make PYTHON=/path/to/python3" >&2
    fi
    return 1
}

here=$(head -n 1 .venv/.stamp-dev .venv/.stamp-run 2>/dev/null | grep '^/' | head -n 1 || true)
if ! .venv/bin/python -c '' 2>/dev/null || { [ -n "$here" ] && [ "$here" != "$PWD" ]; }; then
    python=$(find_python)
    echo "bootstrap: making .venv with $python" >&2
    "$python" -m venv --clear .venv
fi
rm -f ".venv/.stamp-$level"

wanted=$(sed -n 's/^uv==\([^ ;]*\).*/\1/p' requirements/bootstrap.txt)
if [ "$(.venv/bin/uv --version 2>/dev/null | cut -d ' ' -f 2)" != "$wanted" ]; then
    echo "bootstrap: installing uv $wanted" >&2
    .venv/bin/python -m pip install --quiet --require-hashes --no-deps -r requirements/bootstrap.txt
fi

. tools/uv.sh
echo "bootstrap: installing $lock" >&2
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --no-deps -r "$lock"
.venv/bin/uv pip install --quiet --python .venv/bin/python --offline --no-deps --no-build-isolation -e .
fingerprint "$level" >".venv/.stamp-$level"
