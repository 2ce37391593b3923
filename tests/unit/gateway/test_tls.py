"""What listeners show to real clients and demand of them, before and after a reload."""

from __future__ import annotations

import asyncio
import ssl
import time
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
from seekgate.gateway.tls import GOOD, REFUSED, RENEW, Door, Doors, Trust, parts, server_context, standing
from seekgate.host.messages import ListenFd
from seekgate.pipeline.peer import of_certificate
from tests.support.certificates import Authority, Pki, replace
from tests.support.scene_config import snapshot


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return Pki(tmp_path / "pki")


def listener(pair: Tls | None, host: str = "127.0.0.1", port: int = 0) -> ListenFd:
    return ListenFd(5, pair, host, port)


def reloaded(doors: Doors, *listeners: Listener) -> None:
    doors.use(doors.read(msgspec.structs.replace(snapshot(), listeners=listeners)))


def served(context: ssl.SSLContext | None, act: Callable[[int], Awaitable[None]]) -> None:
    async def play() -> None:
        assert context is not None
        server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0, ssl=context)
        await act(server.sockets[0].getsockname()[1])
        server.close()

    uvloop.run(play())


def shown(authority: Authority, context: ssl.SSLContext | None) -> str:
    found = []

    async def act(port: int) -> None:
        found.append(await asyncio.to_thread(authority.shown, port))

    served(context, act)
    return found[0]


def test_a_reload_replaces_what_is_shown(authority: Authority) -> None:
    doors = Doors()
    door = doors.open(listener(authority.issue("first")))
    assert shown(authority, door.parts.context) == "first"
    # Another kind of key: in one context it would stand beside the first.
    reloaded(doors, Listener("127.0.0.1", 0, authority.issue("second", trustme.KeyType.RSA), ("a",)))
    assert shown(authority, door.parts.context) == "second"
    assert door.parts.xfcc_from == ("a",)


def test_what_has_not_changed_is_kept(pki: Pki) -> None:
    """So a reload about something else neither reads long lists nor ends the sessions that clients may resume."""
    tls = pki.tls()
    doors = Doors()
    door = doors.open(listener(tls))
    before = door.parts
    reloaded(doors, Listener("127.0.0.1", 0, tls, ("a",)))
    assert (door.parts.context, door.parts.trust) == (before.context, before.trust)
    assert door.parts.xfcc_from == ("a",)
    for change in (lambda: pki.revoke(), lambda: pki.issue("server", server=True)):
        change()
        before = door.parts
        reloaded(doors, Listener("127.0.0.1", 0, tls, ("a",)))
        assert door.parts.context is not before.context
        assert door.parts.trust is not before.trust
    reloaded(doors, Listener("127.0.0.1", 0, msgspec.structs.replace(tls, client_certificates="optional")))
    assert door.parts.context is not before.context


def test_a_pair_that_does_not_fit_changes_nothing(authority: Authority) -> None:
    doors = Doors()
    good, other = authority.issue("good"), authority.issue("other")
    opened = [doors.open(listener(good, port=port)) for port in (1, 2)]
    bad = Tls(other.certificate, good.key)
    with pytest.raises(OSError, match=r"other\.pem with the key .*good\.key: key values mismatch"):
        reloaded(doors, Listener("127.0.0.1", 1, other), Listener("127.0.0.1", 2, bad))
    assert [shown(authority, door.parts.context) for door in opened] == ["good", "good"]


def test_listeners_are_found_by_address_and_then_by_order(authority: Authority) -> None:
    pairs = [authority.issue(name) for name in ("a", "b", "c", "d")]
    doors = Doors()
    plain = doors.open(listener(None))
    first, second = doors.open(listener(pairs[0])), doors.open(listener(pairs[1], "127.0.0.1", 8))
    assert list(doors) == [plain, first, second]
    new = (Listener("::1", 0, pairs[0]), Listener("127.0.0.1", 0), Listener("127.0.0.1", 0, pairs[2]))
    Path(pairs[1].certificate).unlink()  # nobody's any more: it does not matter to the reload
    reloaded(doors, *new)
    assert shown(authority, first.parts.context) == "c"
    assert shown(authority, second.parts.context) == "b"
    assert plain.parts.context is None


def test_a_listener_does_not_begin_or_cease_to_speak_tls(authority: Authority) -> None:
    doors = Doors()
    plain, secure = doors.open(listener(None, port=1)), doors.open(listener(authority.issue("a"), port=2))
    before = secure.parts
    reloaded(doors, Listener("127.0.0.1", 1, authority.issue("b")), Listener("127.0.0.1", 2))
    assert plain.parts.context is None
    assert secure.parts is before


def test_no_tls_no_context() -> None:
    assert Door(ListenFd(5, host="h", port=1)).parts.context is None
    assert Door(ListenFd(5, host="h", port=1)).name == "h:1"


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


def test_the_first_end_of_each_file_is_known(pki: Pki) -> None:
    tls = pki.tls()
    pki.revoke(days=5)
    later = pki.issue("later", server=True, days=3)
    ends = dict(parts(msgspec.structs.replace(tls, certificates=(later,)), ()).expiries)
    days = {name: (end - time.time()) / 86_400 for name, end in ends.items()}
    assert {name: round(left) for name, left in days.items()} == {"certificate": 3, "client_ca": 30, "crl": 5}


def handshake(
    context: ssl.SSLContext,
    client: ssl.SSLContext,
    name: str | None = "127.0.0.1",
    session: ssl.SSLSession | None = None,
) -> ssl.SSLObject | None:
    """The client's end after both have finished; None when the server has refused."""
    pipes = [ssl.MemoryBIO() for _ in range(2)]
    ours = context.wrap_bio(pipes[0], pipes[1], server_side=True)
    theirs = client.wrap_bio(pipes[1], pipes[0], server_hostname=name, session=session)
    done = [False, False]
    for _ in range(10):
        for number, end in enumerate((theirs, ours)):
            try:
                if not done[number]:
                    end.do_handshake()
                    done[number] = True
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError:
                if end is theirs:
                    raise
                return None
    assert done == [True, True]
    return theirs


def test_a_name_chooses_among_several_certificates(pki: Pki) -> None:
    further = (
        pki.issue("a", hosts=["a.example", "other.example"], server=True),
        pki.issue("b", hosts=["*.b.example"], server=True),
    )
    context = server_context(
        msgspec.structs.replace(pki.tls(client_certificates="off"), certificates=further)
    )

    def shown_for(name: str) -> str:
        client = pki.client()
        client.check_hostname = False
        end = handshake(context, client, name)
        assert end is not None
        return of_certificate(end.getpeercert(True) or b"").common_name

    assert [
        shown_for(n) for n in ("a.example", "OTHER.example", "x.b.example", "x.y.b.example", "b.example")
    ] == [
        "a",
        "a",
        "b",
        "server",
        "server",
    ]


@pytest.mark.parametrize(("minimum", "spoken"), [("1.3", False), ("1.2", True)])
def test_tls_1_2_has_to_be_asked_for(pki: Pki, minimum: str, spoken: bool) -> None:
    context = server_context(pki.tls(client_certificates="off", min_version=minimum))
    client = pki.client()
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    if not spoken:
        assert handshake(context, client) is None
        return
    end = handshake(context, client)
    assert end is not None
    assert (end.version(), end.cipher()[0]) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")  # type: ignore[index]
    client.set_ciphers("ECDHE-ECDSA-AES128-SHA256:AES256-GCM-SHA384")  # no AEAD; no forward secrecy
    assert handshake(context, client) is None


def test_who_is_let_in(pki: Pki, tmp_path: Path) -> None:
    good, revoked = pki.issue("good", client=True), pki.issue("revoked", client=True)
    expired = pki.issue("expired", client=True, days=-1)
    server_only = pki.issue("server-only", server=True)
    foreign = Pki(tmp_path / "foreign").issue("foreign", client=True)
    pki.revoke("revoked")

    def let_in(mode: str) -> dict[str, bool]:
        context = server_context(pki.tls(client_certificates=mode))
        pairs = {
            "good": good,
            "none": None,
            "foreign": foreign,
            "expired": expired,
            "revoked": revoked,
            "server only": server_only,
        }
        return {name: handshake(context, pki.client(pair)) is not None for name, pair in pairs.items()}

    bad = {"foreign": False, "expired": False, "revoked": False, "server only": False}
    assert let_in("required") == {"good": True, "none": False, **bad}
    assert let_in("optional") == {"good": True, "none": True, **bad}
    assert all(let_in("off").values())
    pki.revoke(days=-1)
    assert not let_in("required")["good"], "nobody knows what has been revoked since that list"


def test_a_chain_needs_a_list_of_each_authority(pki: Pki) -> None:
    client = pki.client(pki.issue("good", client=True))
    for check in ("leaf", "chain"):
        assert handshake(server_context(pki.tls(crl_check=check)), client) is not None


def test_a_session_is_not_resumed_without_the_certificate(pki: Pki) -> None:
    client = pki.client(pki.issue("good", client=True))
    context = server_context(pki.tls())
    assert context.num_tickets == 0
    end = handshake(context, client)
    assert end is not None
    assert end.session is None or not end.session.has_ticket


def test_a_session_of_before_a_revocation_is_not_resumed_in_tls_1_2(pki: Pki) -> None:
    tls = pki.tls(min_version="1.2")
    client = pki.client(pki.issue("good", client=True))
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    before = server_context(tls)
    first = handshake(before, client)
    assert first is not None
    pki.revoke("good")
    assert handshake(server_context(tls), client, session=first.session) is None
    assert first.session is not None
    assert not first.session.has_ticket, "a ticket could be shown to any worker, and after any reload"


@pytest.mark.parametrize(("name", "what"), [("client_ca", "certificate"), ("crl", "revocation list")])
def test_files_without_what_they_should_hold(pki: Pki, name: str, what: str) -> None:
    wrong = {"client_ca": str(pki.crl), "crl": str(pki.ca)}[name]
    with pytest.raises((OSError, ValueError), match=rf"the file .*{Path(wrong).name}: no {what}"):
        server_context(pki.tls(**{name: wrong}))
    junk = pki.folder / "junk"
    junk.write_text("junk")
    with pytest.raises(OSError, match=r"the file .*junk: "):
        server_context(pki.tls(**{name: str(junk)}))
    with pytest.raises(ValueError, match="without client_ca"):
        server_context(pki.tls(client_ca=None))


def test_what_a_reload_means_for_those_who_are_in(pki: Pki, tmp_path: Path) -> None:
    peer = of_certificate(
        ssl.PEM_cert_to_DER_cert(Path(pki.issue("good", client=True).certificate).read_text())
    )
    tls = pki.tls()
    before = Trust(tls)
    assert standing(before, before, peer) == GOOD
    assert standing(before, Trust(tls), peer) == GOOD, "read again, and nothing has changed"
    assert standing(None, None, None) == GOOD
    assert standing(before, None, peer) == RENEW, "certificates are not asked for any more"
    assert standing(None, before, None) == RENEW, "they are asked for from now on"
    assert standing(None, Trust(msgspec.structs.replace(tls, client_certificates="optional")), None) == GOOD
    pki.revoke("good")
    assert standing(before, Trust(tls), peer) == REFUSED
    pki.revoke()
    other = Pki(tmp_path / "other", "another authority")
    replace(pki.ca, pki.ca.read_bytes() + other.ca.read_bytes())
    assert standing(before, Trust(tls), peer) == RENEW, "its authority is still there, and the bundle another"
    replace(pki.ca, other.ca.read_bytes())
    assert standing(before, Trust(tls), peer) == REFUSED, "its authority is gone"
