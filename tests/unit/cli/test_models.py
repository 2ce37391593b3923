"""``seekgate models``: what it prints and how it ends."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seekgate.cli.main import app
from seekgate.engine.catalogue import load
from tests.support.gguf_file import gguf

MODEL = gguf()


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEEKGATE_CACHE", str(tmp_path / "cache"))


def test_pull_a_path_prints_where_it_is_and_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(MODEL)
    done = CliRunner().invoke(app, ["models", "pull", str(tmp_path / "own.gguf")])
    assert done.exit_code == 0
    assert "own: pulled" in done.stdout
    assert str(tmp_path / "cache/models/own.gguf") in done.stdout
    assert hashlib.sha256(MODEL).hexdigest() in done.stdout


def test_a_pull_that_cannot_be_ends_with_1_and_says_why() -> None:
    done = CliRunner().invoke(app, ["models", "pull", "no-such-model"])
    assert done.exit_code == 1
    assert done.stderr.startswith("error: no-such-model is neither")


def test_list_shows_the_catalogue_and_own_files(tmp_path: Path) -> None:
    (tmp_path / "own.gguf").write_bytes(MODEL)
    CliRunner().invoke(app, ["models", "pull", str(tmp_path / "own.gguf")])
    rows = {
        row["name"]: row for row in json.loads(CliRunner().invoke(app, ["models", "list", "--json"]).stdout)
    }
    assert set(load()) < set(rows)
    assert rows["smollm2-135m"]["path"] is None
    assert rows["own"]["path"] == str(tmp_path / "cache/models/own.gguf")
    assert rows["own"]["size"] == len(MODEL)
    table = CliRunner().invoke(app, ["models", "list"]).stdout
    for name in rows:
        assert name in table
