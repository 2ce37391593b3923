"""Heads told off the host."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seekgate.config.compiled.audit import Heads
from seekgate.store.journal import heads
from seekgate.store.journal.manifest import Entry, Line

LINE = Line(Entry(7, "sealed", 1.0, "b", segment="s"), b'{"number":7}', b"sig", "abcd")


def test_to_a_file_and_a_command(tmp_path: Path) -> None:
    told = tmp_path / "told"
    copy = f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"
    to = Heads(str(tmp_path / "heads"), (sys.executable, "-c", copy))
    heads.export(to, "node1", LINE)
    heads.export(to, "node1", LINE)
    text = (tmp_path / "heads").read_text()
    assert text == 'node1 7 abcd {"number":7}\n' * 2
    assert told.read_text() == 'node1 7 abcd {"number":7}\n'
    assert heads.parse(text) == {"node1": {7: "abcd"}}
    heads.export(Heads(), "node1", LINE)


def test_what_fails_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="ended with 3"):
        heads.export(Heads(None, (sys.executable, "-c", "raise SystemExit(3)")), "n", LINE)
    with pytest.raises(OSError, match="No such file"):
        heads.export(Heads(str(tmp_path / "nowhere" / "heads")), "n", LINE)
    with pytest.raises(OSError, match="No such file"):
        heads.export(Heads(None, (str(tmp_path / "nothing"),)), "n", LINE)
    monkeypatch.setattr(heads, "COMMAND_SECONDS", 0.05)
    with pytest.raises(OSError, match="took longer"):
        heads.export(Heads(None, (sys.executable, "-c", "input(); import time; time.sleep(60)")), "n", LINE)


def test_what_is_no_file_of_heads() -> None:
    with pytest.raises(ValueError, match=r"not enough values|invalid literal"):
        heads.parse("nonsense\n")
