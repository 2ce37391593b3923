"""The home of the governed cases: a database with a hundred thousand keys, their roles, limits and budgets.

It is made once and kept in the work folder; only the journal is new for each run. The keys go into the database by bulk
insert, in one change; everything else is made by the store's own functions. The row log is written from the database as
the control process does it, so that the first start finds what every later one finds.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from bench import traffic
from bench.load import BenchError, note
from seekgate.config.rowlog import RowLogWriter, log_path
from seekgate.config.rows import Budget, Grant
from seekgate.control.follower import Follower
from seekgate.control.run import StoredRows
from seekgate.store import key_hash
from seekgate.store.bindings import bind
from seekgate.store.database import Database, open_database
from seekgate.store.key_hash import SHOWN
from seekgate.store.limits import set_budget, set_limits
from seekgate.store.roles import create_role
from seekgate.store.tables import applications, key_secrets, keys, organisations, teams

ORGANISATIONS, TEAMS, APPLICATIONS = 10, 200, 2000
FORMAT = 1
_MARK = "made"
_DAYS = 86_400.0


def identity() -> str:
    """What a home was made from: another identity means that it has to be made again."""
    made_from = (FORMAT, traffic.KEYS, traffic.api_key(0), ORGANISATIONS, TEAMS, APPLICATIONS)
    return hashlib.sha256(repr(made_from).encode()).hexdigest()


def prepare(home: Path, count: int = traffic.KEYS) -> None:
    """Make the home unless it is there as it should be. Raise `BenchError`."""
    mark = home / _MARK
    wanted = f"{identity()} {count}"
    if mark.exists() and mark.read_text() == wanted:
        return
    note(f"making a database of {count:,} keys, once")
    if home.exists():
        shutil.rmtree(home)
    home.mkdir(mode=0o700, parents=True)
    began = time.monotonic()
    database = open_database("sqlite", home, actor="bench")
    try:
        _owners(database)
        _keys(database, key_hash.load(home), count)
        _rights(database)
    finally:
        database.close()
    _write_row_log(home)
    mark.write_text(wanted)
    note(f"made in {time.monotonic() - began:.1f} s")


def _id(kind: str, number: int) -> str:
    return f"{kind}_{number:012d}"


def _owners(database: Database) -> None:
    """Teams spread over organisations, applications over teams."""
    tables: tuple[tuple[Any, str, int, Callable[[int], dict[str, Any]]], ...] = (
        (organisations, "org", ORGANISATIONS, lambda _: {}),
        (teams, "team", TEAMS, lambda n: {"organisation_id": _id("org", n % ORGANISATIONS)}),
        (
            applications,
            "app",
            APPLICATIONS,
            lambda n: {"team_id": _id("team", n % TEAMS), "tier": "core" if n % 4 == 0 else "non-core"},
        ),
    )
    with database.changing() as change:
        for table, kind, count, more in tables:
            rows = [
                {"id": _id(kind, n), "name": f"{kind}-{n:04d}", "created_at": change.now, **more(n)}
                for n in range(count)
            ]
            change.connection.execute(insert(table), rows)
        change.record("organisation", "*", "import")


def _keys(database: Database, hash_secret: bytes, count: int) -> None:
    with database.changing() as change:
        connection, now = change.connection, change.now
        rows = [
            {
                "id": _id("key", n),
                "name": f"key-{n:06d}",
                "application_id": _id("app", n % APPLICATIONS),
                "cidr": "[]",
                "created_at": now,
                # Every third key expires, some day: expiry is compared for each request.
                "expires_at": now + 365 * _DAYS if n % 3 == 0 else None,
            }
            for n in range(count)
        ]
        connection.execute(insert(keys), rows)
        connection.execute(insert(key_secrets), list(_secrets(hash_secret, count, now)))
        change.record("key", "*", "import", keys=count)


def _secrets(hash_secret: bytes, count: int, now: float) -> Iterator[dict[str, Any]]:
    for number in range(count):
        secret = traffic.api_key(number)
        yield {
            "key_id": _id("key", number),
            "ordinal": 1,
            "digest": key_hash.digest(hash_secret, secret),
            "prefix": secret[:SHOWN],
            "created_at": now,
        }


def _rights(database: Database) -> None:
    """A role with an allowing and a denying rule for everybody; limits and a budget for each team by itself."""
    grants = (
        Grant("allow", actions=("chat", "models.list"), models=("deepseek-*",)),
        Grant("deny", actions=("chat",), tiers=("public",), data_classes=("secret",)),
    )
    create_role(database, "caller", grants, "Chats with DeepSeek, and sends no secrets there.")
    for number in range(ORGANISATIONS):
        bind(database, f"organisation:org-{number:04d}", ["caller"])
    # High enough never to refuse: what is measured is counting, and not refusals.
    set_limits(
        database,
        "team:*",
        {"requests": {1: 1_000_000, 3600: 1_000_000_000}, "tokens": {60: 10_000_000_000}},
    )
    budget = Budget("month", "CNY", hard=10**15, soft=9 * 10**14, timezone="Asia/Shanghai")
    set_budget(database, "team:*", budget)


def _write_row_log(home: Path) -> None:
    troubles: list[str] = []
    log = RowLogWriter(log_path(home))
    follower = Follower(
        lambda: StoredRows("sqlite", home),
        log,
        lambda level, text, reason: troubles.append(f"{level}: {text} {reason}"),
    )
    try:
        follower.step()
    finally:
        follower.close()
        log.close()
    if troubles:
        raise BenchError(f"the row log could not be written: {'; '.join(troubles)}")
