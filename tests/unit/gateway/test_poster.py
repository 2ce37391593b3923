"""Posting to a service: kept connections, everything that can go wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trustme

from seekgate.config.snapshot import UpstreamTls
from seekgate.gateway import poster
from seekgate.gateway.connect import client_context
from seekgate.gateway.poster import Poster, PostError
from tests.support.moderation_service import FINE, ModerationService


def play(act: Callable[[ModerationService, Poster], Awaitable[None]]) -> None:
    """With a service and a poster to it."""

    async def run() -> None:
        async with ModerationService() as service:
            made = Poster("127.0.0.1", service.port, "/v1/moderations", None, "token", None)
            await act(service, made)
            made.close()

    asyncio.run(run())


def test_a_connection_is_kept() -> None:
    async def act(service: ModerationService, made: Poster) -> None:
        for _ in range(3):
            assert await made.post(b'{"a": 1}', 5.0) == FINE
        assert service.connections == 1
        assert service.asked == [{"a": 1}] * 3
        head = service.heads[0].decode()
        assert head.startswith(f"POST /v1/moderations HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\n")
        assert "\r\nAuthorization: Bearer token\r\n" in head
        service.keep = False
        assert await made.post(b"{}", 5.0) == FINE
        assert await made.post(b"{}", 5.0) == FINE
        assert service.connections == 2

    play(act)


def test_a_connection_that_was_closed_meanwhile_is_replaced() -> None:
    async def act(service: ModerationService, made: Poster) -> None:
        assert await made.post(b"{}", 5.0) == FINE
        service.drop()
        assert await made.post(b"{}", 5.0) == FINE
        assert service.connections == 2

    play(act)


def test_calls_at_once_have_connections_of_their_own() -> None:
    async def act(service: ModerationService, made: Poster) -> None:
        service.delay = 0.05
        answers = await asyncio.gather(*(made.post(b"{}", 5.0) for _ in range(5)))
        assert answers == [FINE] * 5
        assert service.connections == 5
        assert await made.post(b"{}", 5.0) == FINE
        assert service.connections == 5

    play(act)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": 500}, "status 500"),
        ({"status": 302}, "status 302"),
        ({"delay": 60.0}, "no answer within 0.2 s"),
        ({"raw": b"SSH-2.0\r\n\r\n"}, "not HTTP/1.1"),
        (
            {"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"},
            "closed before the answer was whole",
        ),
        ({"raw": b""}, "closed before the answer was whole"),
    ],
)
def test_what_goes_wrong(changes: dict[str, object], reason: str) -> None:
    async def act(service: ModerationService, made: Poster) -> None:
        for name, value in changes.items():
            setattr(service, name, value)
        with pytest.raises(PostError, match=reason):
            await made.post(b"{}", 0.2)
        fresh = ModerationService()
        service.status, service.delay, service.raw = fresh.status, fresh.delay, fresh.raw
        assert await made.post(b"{}", 5.0) == FINE, "the next call is not told the last one's late answer"

    play(act)


def test_an_answer_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poster, "MAX_BYTES", 10)

    async def act(service: ModerationService, made: Poster) -> None:
        with pytest.raises(PostError, match="larger than 10 bytes"):
            await made.post(b"{}", 5.0)

    play(act)


def test_nobody_is_there() -> None:
    async def run() -> None:
        async with ModerationService() as service:
            port = service.port
        with pytest.raises(PostError):
            await Poster("127.0.0.1", port, "/", None, None, None).post(b"{}", 5.0)

    asyncio.run(run())


def test_idle_connections_are_let_go() -> None:
    async def act(service: ModerationService, made: Poster) -> None:
        assert await made.post(b"{}", 5.0) == FINE
        made.close()
        assert await made.post(b"{}", 5.0) == FINE, "an exchange of an older snapshot may still come"
        assert await made.post(b"{}", 5.0) == FINE
        assert service.connections == 3

    play(act)


def test_tls(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    other.cert_pem.write_to_path(str(tmp_path / "other.pem"))

    async def run() -> None:
        async with ModerationService(context) as service:
            for file, fine in (("ca.pem", True), ("other.pem", False)):
                trusted = client_context(UpstreamTls(ca=str(tmp_path / file)))
                made = Poster("127.0.0.1", service.port, "/", trusted, None, None)
                if fine:
                    assert await made.post(b"{}", 5.0) == FINE
                else:
                    with pytest.raises(PostError, match="certificate is not valid"):
                        await made.post(b"{}", 5.0)
                made.close()

    asyncio.run(run())
