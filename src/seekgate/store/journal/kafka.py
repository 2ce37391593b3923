"""Exported records to a Kafka topic, with the package ``aiokafka`` (the extra ``kafka``)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol
from urllib.parse import SplitResult, parse_qsl

import msgspec

BATCH = 500
PORT = 9092


class Producer(Protocol):
    """What is used of ``aiokafka.AIOKafkaProducer``."""

    async def start(self) -> None:
        """Connect."""
        ...

    async def stop(self) -> None:
        """Send what is left and hang up."""
        ...

    async def send(self, topic: str, value: bytes, key: bytes) -> Any:
        """Take a message; the future that it returns is done when the brokers have it."""
        ...


class Kafka:
    """``kafka://host:port,host:port/topic?security_protocol=SSL``: each row as JSON, keyed by its request's id, so that
    the records of a request stay in order. A message counts as sent when all in-sync replicas have it.

    Raise `OSError` when there is no broker, `ValueError` without a topic or without the package.
    """

    def __init__(self, target: SplitResult, make: Callable[..., Producer] | None = None) -> None:
        self._topic = target.path.strip("/")
        if not self._topic:
            raise ValueError("no topic: kafka://host:port/topic")
        hosts = [host if ":" in host else f"{host}:{PORT}" for host in target.netloc.split(",")]
        self._rows: list[tuple[bytes, bytes]] = []
        self._runner = asyncio.Runner()
        try:
            self._producer = self._runner.run(
                self._start(make or _producer, hosts, dict(parse_qsl(target.query)))
            )
        except BaseException:
            self._runner.close()
            raise

    @staticmethod
    async def _start(make: Callable[..., Producer], hosts: list[str], options: dict[str, str]) -> Producer:
        producer = make(bootstrap_servers=hosts, acks="all", enable_idempotence=True, **options)
        try:
            await producer.start()
        except Exception as error:  # noqa: BLE001 - whatever the package raises, nothing was sent
            await producer.stop()
            raise OSError(f"Kafka: {type(error).__name__}: {error}") from None
        return producer

    def write(self, row: Mapping[str, Any]) -> None:
        """Take one; they are sent some at a time."""
        self._rows.append((msgspec.json.encode(row), str(row.get("request", "")).encode()))
        if len(self._rows) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Send, and wait until the brokers have everything. Raise `OSError`."""
        rows, self._rows = self._rows, []
        self._runner.run(self._send(rows))

    async def _send(self, rows: list[tuple[bytes, bytes]]) -> None:
        try:
            waiting = [await self._producer.send(self._topic, value, key=key) for value, key in rows]
            await asyncio.gather(*waiting)
        except Exception as error:  # noqa: BLE001 - as above
            raise OSError(f"Kafka: {type(error).__name__}: {error}") from None

    def close(self) -> None:
        """`flush`, and hang up."""
        try:
            self.flush()
        finally:
            self._runner.run(self._producer.stop())
            self._runner.close()


def _producer(**options: Any) -> Producer:
    try:
        made: Producer = import_module("aiokafka").AIOKafkaProducer(**options)
    except ImportError:
        raise ValueError("exporting to Kafka needs the package aiokafka: install seekgate[kafka]") from None
    return made
