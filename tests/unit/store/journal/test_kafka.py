"""What is asked of a Kafka producer."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any
from urllib.parse import urlsplit

import pytest

from seekgate.store.journal.kafka import BATCH, Kafka


class Broker:
    """A producer whose brokers take everything, until they are ``down``."""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.taken: list[tuple[str, dict[str, Any], bytes]] = []
        self.down = False
        self.stopped = 0

    def make(self, **options: Any) -> Broker:
        self.options = options
        return self

    async def start(self) -> None:
        if self.down:
            raise ConnectionError("nobody there")

    async def stop(self) -> None:
        self.stopped += 1

    async def send(self, topic: str, value: bytes, key: bytes) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self.down:
            future.set_exception(ConnectionError("gone"))
        else:
            self.taken.append((topic, json.loads(value), key))
            future.set_result(None)
        return future


def test_rows_are_sent_and_waited_for() -> None:
    broker = Broker()
    made = Kafka(urlsplit("kafka://one:9093,two/audit?security_protocol=SSL"), broker.make)
    assert broker.options == {
        "bootstrap_servers": ["one:9093", "two:9092"],
        "acks": "all",
        "enable_idempotence": True,
        "security_protocol": "SSL",
    }
    made.write({"request": "req_1", "record": "open"})
    assert not broker.taken
    made.flush()
    assert broker.taken == [("audit", {"request": "req_1", "record": "open"}, b"req_1")]
    for _ in range(BATCH):
        made.write({"record": "note"})
    assert len(broker.taken) == 1 + BATCH
    made.close()
    assert broker.stopped == 1


def test_what_fails_is_an_oserror() -> None:
    broker = Broker()
    made = Kafka(urlsplit("kafka://one/audit"), broker.make)
    made.write({"record": "note"})
    broker.down = True
    with pytest.raises(OSError, match="Kafka: ConnectionError: gone"):
        made.flush()
    made.close()
    with pytest.raises(OSError, match="nobody there"):
        Kafka(urlsplit("kafka://one/audit"), broker.make)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiokafka", None)
    with pytest.raises(ValueError, match="install seekgate"):
        Kafka(urlsplit("kafka://one/audit"))
