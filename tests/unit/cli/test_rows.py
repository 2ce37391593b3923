"""Tests of seekgate.cli.rows: which database, who did it, how it is told."""

from __future__ import annotations

import os
import pwd
import sqlite3
from pathlib import Path

import pytest
import typer

from seekgate.cli import rows
from seekgate.compiler import compile_file
from seekgate.config.problems import Invalid
from seekgate.config.snapshot_file import write_snapshot
from seekgate.store.key_hash import digest
from seekgate.store.key_hash import path as hash_path
from tests.support.commands import Commands

CONFIG = """\
listen: 127.0.0.1:0
providers: {{up: {{type: openai, base_url: 'http://127.0.0.1:9/v1'}}}}
models: {{m: {{deployments: [{{provider: up}}]}}}}
{more}
"""


def config(folder: Path, more: str) -> Path:
    file = folder / "seekgate.yaml"
    file.write_text(CONFIG.format(more=more))
    return file


def test_rows_are_in_the_home_when_nothing_else_is_said(commands: Commands) -> None:
    commands.out("teams create sales")
    assert (commands.home / "seekgate.db").exists()
    assert not hash_path(commands.home).exists()


def test_the_configuration_names_the_database(commands: Commands, tmp_path: Path) -> None:
    file = config(tmp_path, "database: {url: 'sqlite:///rows.db'}")
    commands.out(f"teams create sales --config {file}")
    assert (tmp_path / "rows.db").exists()
    assert not (commands.home / "seekgate.db").exists()


def test_without_one_it_is_what_the_node_runs_on(commands: Commands, tmp_path: Path) -> None:
    file = config(tmp_path, "database: {url: 'sqlite:///rows.db'}")
    (commands.home / "run").mkdir(parents=True)
    write_snapshot(commands.home / "run" / "snapshot.json", compile_file(file, 1, home=commands.home))
    commands.out("teams create sales")
    assert (tmp_path / "rows.db").exists()


def test_a_configuration_without_one_means_the_homes(commands: Commands, tmp_path: Path) -> None:
    commands.out(f"teams create sales --config {config(tmp_path, '')}")
    assert (commands.home / "seekgate.db").exists()


def test_keys_are_hashed_under_the_configurations_secret(
    commands: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_HASH", "s" * 40)
    file = config(tmp_path, "identity: {hash_secret: 'env:SHARED_HASH'}")
    secret = commands.out(f"keys create shop --config {file}").rstrip("\n")
    assert not hash_path(commands.home).exists()
    with sqlite3.connect(commands.home / "seekgate.db") as connection:
        assert connection.execute("SELECT digest FROM key_secrets").fetchall() == [
            (digest(b"s" * 40, secret),)
        ]
    connection.close()
    monkeypatch.delenv("SHARED_HASH")
    assert "SHARED_HASH is not set" in commands.error(f"keys create other --config {file}")


def test_a_wrong_configuration_is_told(commands: Commands, tmp_path: Path) -> None:
    file = config(tmp_path, "database: {url: 'mysql://x/y'}")
    assert "database.url: this names no database" in commands.error(f"teams list --config {file}")


def test_a_database_that_does_not_answer_is_told(commands: Commands, tmp_path: Path) -> None:
    file = config(tmp_path, "database: {url: 'postgresql://ada@127.0.0.1:1/rows'}")
    assert "the database cannot be used: connection failed" in commands.error(f"keys list --config {file}")


def test_who_runs_it_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    assert rows.actor() == f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    monkeypatch.setenv("SUDO_USER", "ada")
    assert rows.actor() == "cli:ada"
    monkeypatch.setenv("SUDO_USER", "a\nb")
    assert "\n" not in rows.actor()


def test_tables_are_aligned_for_wide_characters(capsys: pytest.CaptureFixture[str]) -> None:
    rows.print_table(("NAME", "ID"), [["销售", "1"], ["x", "2"]], "nothing")
    assert capsys.readouterr().out == "NAME  ID\n销售  1\nx     2\n"
    rows.print_table(("NAME",), [], "nothing")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "nothing\n")


def test_fields_leave_out_what_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    rows.print_fields({"name": "x", "longer": "y", "none": ""})
    assert capsys.readouterr().out == "name    x\nlonger  y\n"


def test_options_that_take_lists() -> None:
    assert rows.items(None) is None
    assert rows.items(["a, b", "c,"]) == ["a", "b", "c"]


def test_a_mistake_in_an_option_names_it(capsys: pytest.CaptureFixture[str]) -> None:
    def parse(text: str) -> object:
        raise Invalid("not a thing", "a thing", "try x")

    with pytest.raises(typer.Exit) as caught:
        rows.parsed(parse, "?", "--thing")
    assert caught.value.exit_code == 2
    assert capsys.readouterr().err == "error: --thing: not a thing; expected a thing; try x\n"


def test_instants_are_local_times(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rows.instant(None, "never") == "never"
    assert rows.instant(0.0).endswith(("+0000", "0"))
