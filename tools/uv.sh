# Sourced by the scripts beside it, once .venv is there: how uv behaves in this project.

export UV_CACHE_DIR="${UV_CACHE_DIR:-$PWD/.cache/uv}" UV_PYTHON_DOWNLOADS=never

# The system's certificates, which an organisation's proxy may have added to; uv brings its own where there are none.
for store in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
    [ ! -e "$store" ] || export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
done

# uv does not read pip's settings; where somebody pointed pip at a mirror, the downloads should come from there too.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    mirror=$(.venv/bin/python -m pip config list 2>/dev/null | sed -n "s/^[^=]*[.]index-url='\(.*\)'\$/\1/p" | tail -n 1)
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
fi
