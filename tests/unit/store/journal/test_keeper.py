"""The keeper as a process."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from seekgate.config.compiled.audit import Audit, Heads
from seekgate.store.journal import keeper, manifest, names
from seekgate.store.journal.heads import parse
from seekgate.store.journal.keeping import Orphan
from tests.support.journals import die, journal, paths, write


def test_it_seals_and_tells_of_orphans(tmp_path: Path) -> None:
    made = journal(tmp_path)
    write(made, range(3), open_only=True)
    die(made)
    told: list[bytes] = []
    policy = Audit(heads=Heads(str(tmp_path / "heads")))
    assert keeper.follow(keeper.start(tmp_path, policy), told.append) == 0
    assert [msgspec.json.decode(line, type=Orphan).number for line in told] == [0, 1, 2]
    assert paths(tmp_path)[-1].stat().st_mode & 0o777 == 0o400
    journal_folder = names.folder(tmp_path)
    head = manifest.read(journal_folder)[-1]
    exported = parse((tmp_path / "heads").read_text())
    assert exported == {names.node_id(journal_folder): {head.entry.number: head.digest}}
    assert keeper.follow(keeper.start(tmp_path, policy), told.append) == 0
    assert len(told) == 3


def test_what_it_cannot_do_it_says(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "nice", lambda by: 0)
    (tmp_path / "journal").write_text("in the way")
    assert keeper.main([str(tmp_path), "{}"]) == 1
    said = json.loads(capfd.readouterr().err)
    assert (said["process"], said["message"]) == ("keeper", "the audit journal cannot be sealed")


def test_damage_is_said(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "nice", lambda by: 0)
    made = journal(tmp_path)
    write(made, range(3))
    made.close()
    (path,) = paths(tmp_path)
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert keeper.main([str(tmp_path), "{}"]) == 0
    assert json.loads(capfd.readouterr().err)["segment"] == path.name
