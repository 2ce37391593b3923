"""Settings of the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.config.problems import ConfigError
from seekgate.settings import Loaded, load_text
from seekgate.stages.audit.config import Audit


def loaded(text: str, folder: Path, **environ: str) -> Loaded:
    return load_text(f"access_log: off\n{text}", environ=environ, folder=folder, outside=True)


def problems(text: str, folder: Path, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(text, folder, **environ)
    return [str(problem) for problem in caught.value.problems if not problem.warning]


def test_nothing_is_recorded_unless_it_is_asked_for(tmp_path: Path) -> None:
    assert loaded("", tmp_path).settings.audit is None
    assert loaded("audit: {}\n", tmp_path).settings.audit == Audit()


def test_everything(tmp_path: Path) -> None:
    text = """\
audit:
  fsync: always
  on_failure: continue
  segment_size: 1MiB
  segment_age: 10m
  retention: 180d
  answers: true
  content: {key: "env:K", id: k1}
  export_heads: {file: heads, command: [logger, -t, seekgate]}
"""
    audit = loaded(text, tmp_path, K="00" * 32).settings.audit
    assert audit is not None
    assert (audit.segment_size, audit.segment_age, audit.retention) == (1 << 20, 600.0, 180 * 86_400.0)
    assert audit.model_dump()["retention"] == "180d"


@pytest.mark.parametrize("value", ["180", "180h", "0d", "d", "-1d", "1.5d"])
def test_days(tmp_path: Path, value: str) -> None:
    (problem,) = problems(f"audit: {{retention: {value!r}}}\n", tmp_path)
    assert "not a number of days" in problem
    assert "180d" in problem


def test_a_key_that_is_none(tmp_path: Path) -> None:
    text = 'audit: {content: {key: "env:K", id: k1}}\n'
    (problem,) = problems(text, tmp_path, K="secret-but-short")
    assert "this is not a key of 32 bytes" in problem
    assert "secret-but-short" not in problem
    (problem,) = problems(text, tmp_path)
    assert "K is not set" in problem
    (problem,) = problems("audit: {content: {key: 0123456789abcdef, id: k1}}\n", tmp_path)
    assert "0123456789abcdef" not in problem


def test_heads_in_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = problems("audit: {export_heads: {file: nowhere/heads}}\n", tmp_path)
    assert f"{tmp_path}/nowhere does not exist" in problem


def test_without_the_outside_nothing_is_looked_at(tmp_path: Path) -> None:
    text = 'audit: {content: {key: "env:K", id: k1}, export_heads: {file: nowhere/heads}}\n'
    assert load_text(text, environ={}, folder=tmp_path).settings.audit is not None
