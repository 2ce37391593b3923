"""The admin listener: liveness, readiness, metrics."""

from __future__ import annotations

import asyncio

import pytest

from seekgate.config.snapshot import Limits
from seekgate.gateway.admin import AdminFront
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.turn import Turn
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from tests.fakes.clock import FakeClock
from tests.fakes.transport import FakeTransport
from tests.support.scene_answers import Answer, error, only


def asked(*requests: bytes, reason: str = "") -> list[Answer]:
    """The answers to some requests, one after the other on one connection."""

    async def play() -> list[Answer]:
        loop = asyncio.get_running_loop()
        clock = FakeClock()
        metrics = Metrics(Registry())
        metrics.connections.value = 7

        def fail(problem: Exception) -> None:
            raise problem

        turn = Turn(loop.call_soon, fail)
        front = AdminFront(
            Limits(),
            clock,
            Sweep(fail),
            turn,
            lambda: [metrics.registry.dump(clock.wall())],
            lambda: reason,
        )
        transport = FakeTransport(loop, "127.0.0.1")
        transport.attach(Downstream(front))
        answers = []
        for request in requests:
            transport.peer_sends(request)
            for _ in range(1000):
                if transport.sent:
                    break
                await asyncio.sleep(0)
                await loop.run_in_executor(None, lambda: None)
            answers.append(only(bytes(transport.sent), request.partition(b" ")[0].decode()))
            transport.sent.clear()
        transport.abort()
        await asyncio.sleep(0)
        assert not front.connections
        return answers

    return asyncio.run(play())


def get(path: str, method: str = "GET", headers: str = "") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: admin\r\n{headers}\r\n".encode()


def test_alive_and_ready() -> None:
    alive, ready, head = asked(get("/livez"), get("/readyz?verbose"), get("/livez", "HEAD"))
    assert (alive.status, alive.body, alive.header("content-type")) == (200, b"alive\n", "text/plain")
    assert (ready.status, ready.body) == (200, b"ready\n")
    assert (head.status, head.body, head.header("content-length")) == (200, b"", "6")


def test_not_ready_says_why() -> None:
    alive, ready = asked(get("/livez"), get("/readyz"), reason="draining")
    assert alive.status == 200
    assert (ready.status, ready.body) == (503, b"not ready: draining\n")


def test_metrics() -> None:
    first, second = asked(
        get("/metrics"), get("/metrics", headers="Accept: application/openmetrics-text\r\n")
    )
    for answer in (first, second):
        assert answer.status == 200
        assert b"\nseekgate_connections 7" in answer.body
    assert str(second.header("content-type")).startswith("application/openmetrics-text")
    assert second.body.endswith(b"# EOF\n")


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/", "GET", 404), ("/v1/models", "GET", 404), ("/livez", "POST", 405)]
)
def test_nothing_else(path: str, method: str, status: int) -> None:
    (answer,) = asked(get(path, method))
    assert answer.status == status
    code = "unknown_url" if status == 404 else "method_not_allowed"
    message = str(answer.error["message"])
    assert answer.body == error(message, "invalid_request_error", code)


def test_metrics_that_cannot_be_rendered(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no library")

    monkeypatch.setattr("seekgate.gateway.admin.scrape", broken)
    (answer,) = asked(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert "no library" in capsys.readouterr().err
