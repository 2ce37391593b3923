"""How long a revoked key is still accepted anywhere: ``python -m tests.live.revocation [KEYS] [REVOCATIONS]``.

Two workers that know KEYS keys (100,000) serve while keys are revoked one after the other in the database. From each
commit on, connections to both workers ask with the key until none accepts it; printed are the median and the worst of
these times, in milliseconds.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from seekgate.emulate import BackgroundEmulator, Settings
from seekgate.store import key_hash, keys
from seekgate.store.database import Database, open_database
from tests.support.live import Gateway, gateway, settings
from tests.support.until import until

CONNECTIONS = 12


def main() -> int:
    """The command."""
    wanted, revoked = (int(each) for each in [*sys.argv[1:], "100000", "20"][:2])
    with tempfile.TemporaryDirectory() as folder, BackgroundEmulator(Settings()) as emulator:
        node = Path(folder) / "node"
        home = node / "home"
        home.mkdir(parents=True)
        database = open_database("sqlite", home)
        secrets = _fill(database, home, wanted, revoked)
        started = time.monotonic()
        with gateway(node, settings(emulator.url, database={}, workers=2)) as running:
            print(f"ready after {time.monotonic() - started:.2f} s (first start, rows still to come)")
            _measure(running, database, secrets, wanted)
            running.stop()
            started = time.monotonic()
            running.start()
            print(f"ready after {time.monotonic() - started:.2f} s (with {wanted} rows in the log)")
        database.close()
    return 0


def _fill(database: Database, home: Path, wanted: int, revoked: int) -> list[str]:
    """Keys as ``seekgate keys create`` makes them, and many straight into the tables; the secrets of the first."""
    from sqlalchemy import insert, select

    from seekgate.store.tables import key_secrets
    from seekgate.store.tables import keys as table

    secret = key_hash.load(home)
    made = [keys.create_key(database, secret, keys.Order(name=f"revoked-{n}")) for n in range(revoked)]
    with database.changing() as change:
        owner = change.connection.execute(select(table).limit(1)).mappings().one()
        rest = range(wanted - revoked)
        rows = [{**owner, "id": f"key_bulk{n:08d}", "name": f"bulk-{n}"} for n in rest]
        hashes = [
            {
                "key_id": f"key_bulk{n:08d}",
                "ordinal": 1,
                "digest": key_hash.digest(secret, f"sk-sg-bulk-{n}"),
                "prefix": "sk-sg-bulk",
                "created_at": 0.0,
            }
            for n in rest
        ]
        change.connection.execute(insert(table), rows)
        change.connection.execute(insert(key_secrets), hashes)
        change.record("key", "*", "import")
    return [key for _, key in made]


def _measure(node: Gateway, database: Database, secrets: list[str], wanted: int) -> None:
    where = urlsplit(node.url)
    connections = [
        http.client.HTTPConnection(where.hostname or "", where.port, timeout=30) for _ in range(CONNECTIONS)
    ]

    def status(connection: http.client.HTTPConnection, key: str) -> int:
        connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status

    last = f"sk-sg-bulk-{wanted - len(secrets) - 1}" if wanted > len(secrets) else secrets[-1]
    started = time.monotonic()
    until(lambda: all(status(each, last) == 200 for each in connections), "all rows in all workers", 120)
    print(f"{wanted} keys in both workers after {time.monotonic() - started:.2f} s more")
    took = []
    for number, key in enumerate(secrets):
        assert all(status(each, key) == 200 for each in connections)
        keys.revoke_key(database, f"revoked-{number}")
        committed = time.monotonic()
        accepted = committed
        left = list(connections)
        while left:
            for each in list(left):
                if status(each, key) == 200:
                    accepted = time.monotonic()
                else:
                    left.remove(each)
        took.append((accepted - committed) * 1000)
    print(f"{len(took)} keys revoked: still accepted for {median(took):.0f} ms, at worst {max(took):.0f} ms")


if __name__ == "__main__":
    sys.exit(main())
