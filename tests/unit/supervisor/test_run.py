"""What `seekgate.supervisor.run` does before and without any child; `tests/live/test_supervisor.py` has the rest."""

from __future__ import annotations

import json
import os
from pathlib import Path

import msgspec
import pytest

from seekgate.supervisor.home import Home
from seekgate.supervisor.run import Options, serve


def test_options_cross_an_exec_as_json() -> None:
    options = Options("/h", config="/c.yaml", workers=2, json=True, engines=False)
    assert msgspec.json.decode(msgspec.json.encode(options), type=Options) == options
    assert msgspec.json.decode(b'{"home":"/h"}', type=Options) == Options("/h")


def test_a_home_in_use_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path)
    home.prepare()
    lock = home.lock()
    try:
        assert serve(Options(str(tmp_path))) == 1
    finally:
        os.close(lock)
    assert "another supervisor" in json.loads(capfd.readouterr().err)["message"]


def test_a_home_that_cannot_be_made_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert serve(Options(str(tmp_path / "file" / "home"))) == 1
    assert "cannot use" in json.loads(capfd.readouterr().err)["message"]
