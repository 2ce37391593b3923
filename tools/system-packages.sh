#!/bin/sh
# See that the programs named are there; where they are not, install Debian's packages of the same names, or say how to.
set -eu

missing=
for program in "$@"; do
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing with apt-get:$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # one word for each package
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
    exit 0
fi
echo "These programs are missing:$missing" >&2
echo "Debian and Ubuntu: sudo apt-get install$missing" >&2
echo "macOS: brew install$missing" >&2
exit 1
