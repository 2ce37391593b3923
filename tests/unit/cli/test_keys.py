"""Tests of seekgate.cli.keys."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import pytest

from seekgate.store.key_hash import digest, load
from tests.support.commands import Commands


def stored(home: Path) -> bytes:
    """Every byte of the home, for looking whether a secret is in it."""
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_the_secret_is_alone_on_standard_output_and_nowhere_else(commands: Commands) -> None:
    done = commands.run("keys create shop")
    secret = done.stdout.rstrip("\n")
    assert re.fullmatch(r"sk-sg-[0-9A-Za-z]{40}", secret)
    assert done.stderr.startswith("key shop is made (key_")
    assert secret not in done.stderr
    assert secret[12:].encode() not in stored(commands.home)
    assert digest(load(commands.home), secret).encode() in stored(commands.home)
    assert secret[12:] not in commands.out("keys show shop") + json.dumps(commands.json("keys list"))


def test_json_has_key_and_secret(commands: Commands) -> None:
    made = commands.json(
        "keys create shop --expires 1d --role user --actions chat --models flash,pro --cidr 10.0.0.0/8"
    )
    key = made["key"]
    assert made["secret"].startswith(key["secrets"][0]["prefix"])
    assert key["expires_at"] - key["created_at"] == pytest.approx(86_400, abs=60)
    assert (key["roles"], key["actions"], key["models"]) == (["user"], ["chat"], ["flash", "pro"])
    assert key["cidr"] == ["10.0.0.0/8"]


def test_keys_belong_to_something(commands: Commands) -> None:
    commands.out("teams create sales")
    commands.out("apps create shop --team sales --tier core")
    commands.out("users create ada")
    commands.out("keys create one --app shop")
    commands.out("keys create two --team sales --user ada")
    commands.out("keys create three")
    listed = commands.out("keys list")
    for text in ("app shop", "team sales, user ada", "organisation default", "active", "never"):
        assert text in listed
    assert [key["name"] for key in commands.json("keys list --team sales")] == ["one", "two"]
    assert [key["name"] for key in commands.json("keys list --user ada")] == ["two"]
    assert "shop (core)" in commands.out("keys show one")
    assert "not to several" in commands.error("keys create x --team sales --app shop")


def test_a_key_is_changed(commands: Commands) -> None:
    commands.out("keys create shop --models flash --actions chat")
    key = commands.json("keys change shop --rename store --models any --expires 2100-01-01 --cidr ::1")
    assert (key["name"], key["models"], key["actions"], key["cidr"]) == ("store", None, ["chat"], ["::1/128"])
    assert key["expires_at"] > 4e9
    key = commands.json("keys change store --expires never --cidr any --actions embed,chat")
    assert (key["expires_at"], key["cidr"], key["actions"]) == (None, [], ["embed", "chat"])
    assert commands.out("keys change store") == "key store (organisation default) is active\n"


def test_rotation_overlaps_for_as_long_as_is_said(commands: Commands) -> None:
    first = commands.out("keys create shop")
    done = commands.run("keys rotate shop --overlap 2d")
    assert done.stdout != first
    assert "the old one is valid until" in done.stderr
    old, new = commands.json("keys show shop")["secrets"]
    assert old["expires_at"] - new["created_at"] == pytest.approx(172_800, abs=5)
    assert "the old one has ended" in commands.run("keys rotate shop --overlap 0").stderr
    assert len(commands.json("keys show shop")["secrets"]) == 1


def test_keys_are_stopped(commands: Commands) -> None:
    commands.out("keys create shop")
    assert commands.out("keys disable shop") == "key shop is disabled\n"
    assert commands.out("keys enable shop") == "key shop is active\n"
    assert "is revoked" in commands.out("keys revoke shop")
    assert commands.json("keys list") == []
    (key,) = commands.json("keys list --revoked")
    assert key["state"] == "revoked"
    assert "is removed" in commands.out(f"keys remove {key['id']}")
    assert commands.json("keys list --revoked") == []


def test_mistakes_are_told_and_change_nothing(commands: Commands) -> None:
    secret = commands.out("keys create shop").rstrip("\n")
    assert commands.error("keys show shpo") == "no key is called 'shpo'; did you mean 'shop'?"
    assert "that is a key itself" in commands.error(f"keys revoke {secret}")
    assert "expected a span" in commands.error("keys create x --expires soon", code=2)
    assert "--overlap" in commands.error("keys rotate shop --overlap 1y", code=2)
    assert "did you mean 'chat'" in commands.error("keys create x --actions chta")
    assert [key["name"] for key in commands.json("keys list")] == ["shop"]


def test_every_change_is_in_the_journal_without_secrets(commands: Commands) -> None:
    commands.out("keys create shop")
    commands.out("keys rotate shop")
    commands.out("keys revoke shop")
    (segment,) = (commands.home / "journal").glob("*notes*.journal")
    written = segment.read_bytes()
    for action in (b"create", b"rotate", b"revoke"):
        assert b'"action":"' + action + b'"' in written
    assert b'"actor":"cli:' in written


def test_a_database_of_a_newer_version_is_refused(commands: Commands) -> None:
    commands.out("keys create shop")
    with sqlite3.connect(commands.home / "seekgate.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    connection.close()
    assert "made by a newer SeekGate" in commands.error("keys create other")


def test_a_journal_that_cannot_be_written_stops_the_change(commands: Commands) -> None:
    commands.home.mkdir()
    (commands.home / "journal").touch()
    assert "cannot be journalled, so it is not made" in commands.error("keys create shop")
    assert commands.json("keys list") == []
