"""What listeners show to real clients, before and after a reload."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
import trustme
import uvloop
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from seekgate.config.snapshot import Listener, Tls
from seekgate.gateway.tls import Certificates, server_context
from seekgate.host.messages import ListenFd
from tests.support.certificates import Authority
from tests.support.scene_config import snapshot


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def listener(pair: Tls | None, host: str = "127.0.0.1", port: int = 0) -> ListenFd:
    certificate, key = (pair.certificate, pair.key) if pair else (None, None)
    return ListenFd(5, certificate, key, host, port)


def reloaded(certificates: Certificates, *listeners: Listener) -> None:
    certificates.use(certificates.read(msgspec.structs.replace(snapshot(), listeners=listeners)))


def served(context: ssl.SSLContext | None, act: Callable[[int], Awaitable[None]], loop: object) -> None:
    async def play() -> None:
        assert context is not None
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
        await act(server.sockets[0].getsockname()[1])
        server.close()

    (uvloop.run if loop is uvloop else asyncio.run)(play())


@pytest.mark.parametrize("loop", [asyncio, uvloop], ids=["asyncio", "uvloop"])
def test_a_reload_replaces_what_is_shown(authority: Authority, loop: object) -> None:
    certificates = Certificates()
    context = certificates.listen(listener(authority.issue("first")))

    async def act(port: int) -> None:
        assert await asyncio.to_thread(authority.shown, port) == "first"
        # Another kind of key: in one context it would stand beside the first.
        other = authority.issue("second", trustme.KeyType.RSA)
        reloaded(certificates, Listener("127.0.0.1", 0, other))
        assert await asyncio.to_thread(authority.shown, port) == "second"

    served(context, act, loop)


def test_a_pair_that_does_not_fit_changes_nothing(authority: Authority) -> None:
    certificates = Certificates()
    good, other = authority.issue("good"), authority.issue("other")
    contexts = [certificates.listen(listener(good, port=port)) for port in (1, 2)]
    bad = Tls(other.certificate, good.key)

    async def act(port: int) -> None:
        with pytest.raises(OSError, match=r"other\.pem with the key .*good\.key: key values mismatch"):
            reloaded(certificates, Listener("127.0.0.1", 1, other), Listener("127.0.0.1", 2, bad))
        assert await asyncio.to_thread(authority.shown, port) == "good"

    for context in contexts:
        served(context, act, uvloop)


def test_listeners_are_found_by_address_and_then_by_order(authority: Authority) -> None:
    pairs = [authority.issue(name) for name in ("a", "b", "c", "d")]
    certificates = Certificates()
    certificates.listen(listener(None))
    contexts = [
        certificates.listen(listener(pairs[0])),
        certificates.listen(listener(pairs[1], "127.0.0.1", 8)),
    ]
    new = (Listener("::1", 0, pairs[0]), Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, pairs[2]))

    def shows(name: str) -> Callable[[int], Awaitable[None]]:
        async def act(port: int) -> None:
            assert await asyncio.to_thread(authority.shown, port) == name

        return act

    Path(pairs[1].certificate).unlink()  # nobody's any more: it does not matter to the reload
    reloaded(certificates, *new)
    served(contexts[0], shows("c"), uvloop)
    served(contexts[1], shows("b"), uvloop)


def test_no_tls_no_context() -> None:
    assert Certificates().listen(ListenFd(5)) is None


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"none\.pem .*No such file"):
        server_context(Tls(str(tmp_path / "none.pem"), str(tmp_path / "none.key")))


def test_an_encrypted_key_is_refused_and_nobody_is_asked(authority: Authority) -> None:
    pair = authority.issue("a")
    key = load_pem_private_key(Path(pair.key).read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    Path(pair.key).write_bytes(locked)
    with pytest.raises(ValueError, match="must not be encrypted"):
        server_context(pair)
