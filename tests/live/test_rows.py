"""Commands about rows as real processes: several at once, on SQLite and on PostgreSQL, and two homes that share one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from seekgate.store.database import open_database
from seekgate.store.key_hash import digest
from seekgate.store.rows import all_rows, last_number
from tests.support.live import COMMANDS, SEEKGATE
from tests.support.postgres import Postgres, postgres

CONFIG = """\
listen: 127.0.0.1:0
providers: {up: {type: openai, base_url: 'http://127.0.0.1:9/v1'}}
models: {m: {deployments: [{provider: up}]}}
database: {url: 'env:ROWS_URL'}
identity: {hash_secret: 'env:SHARED_HASH'}
"""
SHARED = {"SHARED_HASH": "shared-by-both-nodes-0123456789abcdef"}


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


def start(home: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    environment = {"PATH": f"{COMMANDS}:{os.environ['PATH']}", "HOME": str(home), "LANG": "C.UTF-8"}
    return subprocess.Popen(
        [SEEKGATE, *arguments],
        env={**environment, "SEEKGATE_HOME": str(home), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.rstrip("\n")


def created(home: Path, names: list[str], *more: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Keys made by as many processes at once: name → secret."""
    running = {name: start(home, "keys", "create", name, *more, **variables) for name in names}
    return {name: end(process) for name, process in running.items()}


def test_processes_that_come_at_once_to_a_new_home_each_make_their_key(tmp_path: Path) -> None:
    secrets = created(tmp_path / "home", ["a", "b", "c", "d"], variables={})
    assert len(set(secrets.values())) == 4
    database = open_database("sqlite", tmp_path / "home")
    rows = {row.name: row for batch in all_rows(database) for _, _, _, row in batch}  # type: ignore[union-attr]
    hash_secret = (tmp_path / "home" / "secrets" / "key-hash").read_text().strip().encode()
    assert {name: row.digest for name, row in rows.items()} == {  # type: ignore[union-attr]
        name: digest(hash_secret, secret) for name, secret in secrets.items()
    }
    assert last_number(database) == 4
    database.close()


def test_two_homes_share_rows_and_secret_by_postgresql(server: Postgres, tmp_path: Path) -> None:
    """The first two commands meet an empty database and one of them makes its tables."""
    name = server.create()
    variables = {"ROWS_URL": server.url(name), **SHARED}
    file = tmp_path / "seekgate.yaml"
    file.write_text(CONFIG)
    running = {
        node: start(tmp_path / node, "keys", "create", node, "--config", str(file), **variables)
        for node in ("one", "two")
    }
    secrets = {node: end(process) for node, process in running.items()}
    listed = json.loads(
        end(start(tmp_path / "three", "keys", "list", "--json", "--config", str(file), **variables))
    )
    assert [key["name"] for key in listed] == ["one", "two"]
    digests = server.run("SELECT digest FROM key_secrets", name)
    shared = SHARED["SHARED_HASH"].encode()
    assert {row[0] for row in digests} == {digest(shared, secret) for secret in secrets.values()}
    assert not list(tmp_path.rglob("seekgate.db"))
    assert not list(tmp_path.rglob("key-hash"))
