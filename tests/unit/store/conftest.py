"""The rows' tests run against both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seekgate.store.database import Database, open_database
from tests.support.postgres import TEMPLATE, Postgres
from tests.support.postgres import postgres as running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with running() as server:
        server.run(f"CREATE DATABASE {TEMPLATE}")
        open_database(server.url(TEMPLATE), Path("/nonexistent")).close()
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with tables and nothing else in them."""
    if request.param == "sqlite":
        yield "sqlite"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.create(TEMPLATE)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def noted() -> list[dict[str, Any]]:
    """What the journal was told."""
    return []


@pytest.fixture
def database(url: str, tmp_path: Path, noted: list[dict[str, Any]]) -> Iterator[Database]:
    opened = open_database(url, tmp_path, actor="cli:ada", note=lambda event: noted.append(dict(event)))
    yield opened
    opened.close()
