"""The home of the governed cases, made small."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bench import population, traffic
from seekgate.config.rowlog import RowLogReader, log_path
from seekgate.config.rows import KeyRow
from seekgate.stages.identity.state import KeyHash, KeyTable
from seekgate.store import key_hash


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("population") / "home"
    population.prepare(made, 40)
    return made


def test_the_row_log_has_everything(home: Path) -> None:
    reader = RowLogReader(log_path(home))
    try:
        changes = reader.read().changes
    finally:
        reader.close()
    kinds = [change.kind for change in changes]
    assert kinds.count("key") == 40
    assert kinds.count("binding") == population.ORGANISATIONS
    assert [(change.kind, change.id) for change in changes if change.kind in ("role", "limit")] == [
        ("role", "caller"),
        ("limit", "team:*"),
    ]


def test_its_keys_are_those_of_the_traffic(home: Path) -> None:
    table = KeyTable()
    table.hash = KeyHash(key_hash.load(home))
    reader = RowLogReader(log_path(home))
    try:
        for change in reader.read().changes:
            if change.kind == "key":
                row = msgspec.json.decode(change.row, type=KeyRow)
                table.apply(change.kind, change.id, row)
    finally:
        reader.close()
    found = table.find(traffic.api_key(7).encode())
    assert found is not None
    assert (found.principal.name, found.principal.application) == ("key-000007", "app-0007")
    assert found.principal.organisation == "org-0007"
    assert table.find(traffic.api_key(40).encode()) is None


def test_it_is_made_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (home / "seekgate.db").stat().st_mtime_ns
    population.prepare(home, 40)
    assert (home / "seekgate.db").stat().st_mtime_ns == before
    assert "making" not in capsys.readouterr().err
