"""Settings of own stages."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.compiler import compile_settings
from seekgate.config.compiled.own_stages import OwnStage
from seekgate.config.problems import ConfigError
from seekgate.settings import load_text
from tests.support.own_stage import install

TEXT = "keys: [{name: me, secret: 'env:KEY'}]\nstages: [{use: mine, settings: {depth: {a: [1, x]}}}]\n"


def load(text: str = TEXT) -> tuple[OwnStage, ...]:
    return compile_settings(load_text(text, environ={"KEY": "x"}, folder=Path("."), outside=True), 1).stages


def test_an_installed_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, "mine", "def build(settings): raise AssertionError"))
    assert load() == (OwnStage("mine", {"depth": {"a": [1, "x"]}}),), "it is not loaded here"


def test_one_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, "mine-too", "def build(settings): raise AssertionError"))
    with pytest.raises(
        ConfigError, match=r"stages\[0\]\.use: no installed stage is called 'mine'.*did you mean 'mine-too'"
    ):
        load()
    load_text(TEXT, environ={}, folder=Path("."), outside=False)


def test_two_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        site = install(tmp_path / place, "mine", "def build(settings): pass")
        if place == "two":
            (site / "own_mine-1.0.dist-info").rename(site / "other-1.0.dist-info")
            (site / "other-1.0.dist-info/METADATA").write_text(
                "Metadata-Version: 2.1\nName: other\nVersion: 1.0\n"
            )
        monkeypatch.syspath_prepend(site)
    with pytest.raises(ConfigError, match="2 packages have a stage of this name"):
        load()
