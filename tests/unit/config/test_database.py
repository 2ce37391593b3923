"""Tests of seekgate.config.database: where the rows are."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.compiler import compile_settings
from seekgate.config.compiled.database import Database
from seekgate.config.problems import ConfigError
from seekgate.settings import load_text

REST = """\
listen: 127.0.0.1:0
providers: {up: {type: openai, base_url: 'http://127.0.0.1:9/v1'}}
models: {m: {deployments: [{provider: up}]}}
"""


def compiled(text: str, folder: Path, **environ: str) -> Database | None:
    loaded = load_text(REST + text, environ=environ, folder=folder, outside=True)
    return compile_settings(loaded, 1).database


def problem(text: str, folder: Path, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        compiled(text, folder, **environ)
    (found,) = [each for each in caught.value.problems if not each.warning]
    return str(found)


def test_without_the_section_there_are_no_rows(tmp_path: Path) -> None:
    assert compiled("", tmp_path) is None


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("{}", "sqlite"),
        ("{url: sqlite}", "sqlite"),
        ("{url: 'sqlite:////var/lib/rows.db'}", "sqlite:////var/lib/rows.db"),
        ("{url: 'postgresql://ada@db.example/rows?sslmode=verify-full'}", None),
        ("{url: 'env:ROWS_URL'}", "env:ROWS_URL"),
    ],
)
def test_urls_that_can_be_used(url: str, known: str | None, tmp_path: Path) -> None:
    found = compiled(f"database: {url}", tmp_path, ROWS_URL="postgresql://u:secret@h/d")
    assert found == Database(known or "postgresql://ada@db.example/rows?sslmode=verify-full")


def test_relative_paths_start_at_the_configuration_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:secret@h/d\n")
    (tmp_path / "url").chmod(0o600)
    assert compiled("database: {url: 'sqlite:///rows.db'}", tmp_path) == Database(
        f"sqlite:///{tmp_path}/rows.db"
    )
    assert compiled("database: {url: 'file:url'}", tmp_path) == Database(f"file:{tmp_path}/url")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://host/rows", "this names no database"),
        ("nothing", "this names no database"),
        ("'env:A B'", "this names no database"),
        ("5", "this names no database"),
        ("postgresql://host", "the name of the database is missing"),
        ("postgresql://host:x/rows", "this is no URL"),
        ("sqlite://", "this names no file"),
        ("'sqlite:///:memory:'", "this names no file"),
        ("sqlite:////nowhere/at/all/rows.db", "there is no folder /nowhere/at/all"),
        ("env:NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE is not set"),
        ("env:WRONG", "not a database's URL"),
    ],
)
def test_urls_that_cannot(url: str, reason: str, tmp_path: Path) -> None:
    said = problem(f"database:\n  url: {url}", tmp_path, WRONG="hush")
    assert said.startswith("<text>:5: database.url: ")
    assert reason in said
    assert "hush" not in said


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ada:hush-hush@host/rows",
        "postgresql://ada:hush-hush@host/rows",
        "postgresql://host/rows?user=ada&password=hush-hush",
    ],
)
def test_a_password_in_the_file_is_refused_and_not_repeated(url: str, tmp_path: Path) -> None:
    said = problem(f"database: {{url: '{url}'}}", tmp_path)
    assert "this names no database" in said or "a password inside a URL" in said
    assert "hush-hush" not in said
