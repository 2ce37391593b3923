"""Who calls, on whole nodes: keys that come and go in every worker, and issuers whose keys change under load."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.support import tokens as made
from tests.support.file_server import FileServer, Served, file_server
from tests.support.live import SEEKGATE, Gateway, settings
from tests.support.tokens import AUDIENCE, jwk, sign, token
from tests.support.until import until


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings()) as running:
        yield running


def command(node: Gateway, *arguments: str) -> str:
    """Run a command of the installation."""
    done = subprocess.run(
        [SEEKGATE, *arguments], env=node.environment, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


class Caller:
    """One kept-alive connection: it stays with one worker."""

    def __init__(self, node: Gateway) -> None:
        where = urlsplit(node.url)
        self._connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)

    def status(self, secret: str | bytes) -> int:
        """The status of a request with this key or token."""
        presented = secret.decode() if isinstance(secret, bytes) else secret
        self._connection.request("GET", "/v1/models", headers={"Authorization": f"Bearer {presented}"})
        answer = self._connection.getresponse()
        self.body = answer.read()
        return answer.status

    def close(self) -> None:
        self._connection.close()


def callers(node: Gateway, count: int = 16) -> list[Caller]:
    """Connections to every worker: with as many as this, none is left out but once in 30,000 runs (of two)."""
    return [Caller(node) for _ in range(count)]


def test_keys_come_and_go_in_all_workers(make_gateway: MakeGateway, emulator: BackgroundEmulator) -> None:
    node = make_gateway(settings(emulator.url, database={}, workers=2))
    everywhere = callers(node)
    try:
        key = command(node, "keys", "create", "live-test").splitlines()[-1]
        assert key.startswith("sk-sg-")
        until(lambda: all(each.status(key) == 200 for each in everywhere), "the key in all workers", 20)
        command(node, "keys", "revoke", "live-test")
        until(lambda: all(each.status(key) == 401 for each in everywhere), "the key to stop", 20)
        assert all(json.loads(each.body)["error"]["code"] == "invalid_api_key" for each in everywhere)
    finally:
        for each in everywhere:
            each.close()


def test_the_last_state_is_served_without_control_and_database(
    make_gateway: MakeGateway, emulator: BackgroundEmulator
) -> None:
    node = make_gateway(settings(emulator.url, database={}))
    key = command(node, "keys", "create", "live-test").splitlines()[-1]
    caller = Caller(node)
    until(lambda: caller.status(key) == 200, "the key", 20)
    (control,) = [int(pid) for pid in command_lines("seekgate.control.run", node)]
    os.kill(control, signal.SIGKILL)
    node.hears("a process died")
    until(
        lambda: [int(pid) for pid in command_lines("seekgate.control.run", node)] not in ([], [control]),
        "another",
    )
    second = command(node, "keys", "create", "second").splitlines()[-1]
    until(lambda: caller.status(second) == 200, "a key made after the control process died", 20)
    caller.close()
    assert node.stop() == 0
    # The database is gone: the next start serves what the row log says.
    for file in node.home.glob("seekgate.db*"):
        file.unlink()
    (node.home / "seekgate.db").mkdir()
    node.start()
    node.hears("changes of rows cannot be followed")
    caller = Caller(node)
    assert (caller.status(key), caller.status(second), caller.status("sk-sg-other")) == (200, 200, 401)
    caller.close()


def command_lines(module: str, node: Gateway) -> list[str]:
    """The pids of the node's processes that run this module."""
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(node.pid)], capture_output=True, text=True, check=True
    )
    return [line.split()[0] for line in found.stdout.splitlines() if module in line]


@pytest.fixture
def publisher() -> Iterator[FileServer]:
    with file_server() as server:
        server.files["/keys"] = Served(made.document(jwk("RS256")))
        server.files["/evil"] = Served(made.document(jwk("RS256", number=7)))
        yield server


def issuer(publisher: FileServer, **more: Any) -> dict[str, Any]:
    entry = {"issuer": made.NAME, "audience": [AUDIENCE], "jwks": publisher.url("/keys"), **more}
    return {"jwt": [entry]}


def now() -> dict[str, Any]:
    """Claims that are right on the real clock."""
    return {"iat": time.time(), "exp": time.time() + 600}


class Load(threading.Thread):
    """Asks with tokens of ``kids`` in turn, a fresh one for each request, until it is stopped."""

    def __init__(self, node: Gateway) -> None:
        super().__init__()
        self.kids: tuple[tuple[str, str], ...] = (("RS256", "one"),)
        self.answers: list[int] = []
        self.stopped = threading.Event()
        self._caller = Caller(node)

    def run(self) -> None:
        number = 0
        while not self.stopped.is_set():
            kind, kid = self.kids[number % len(self.kids)]
            number += 1
            self.answers.append(self._caller.status(token(kind, kid, jti=f"{self.name}-{number}", **now())))
        self._caller.close()


def test_the_rotation_of_an_issuers_keys_under_load_fails_no_valid_request(
    make_gateway: MakeGateway, emulator: BackgroundEmulator, publisher: FileServer
) -> None:
    node = make_gateway(settings(emulator.url, workers=2, identity=issuer(publisher)))
    loads = [Load(node) for _ in range(4)]
    for each in loads:
        each.start()
    try:
        until(lambda: all(len(each.answers) > 20 for each in loads), "the load to run")
        publisher.files["/keys"] = Served(made.document(jwk("RS256"), jwk("ES256", "two")))
        for each in loads:
            each.kids = (("RS256", "one"), ("ES256", "two"))
        marks = [len(each.answers) for each in loads]
        until(
            lambda: all(len(load.answers) > at + 40 for load, at in zip(loads, marks, strict=True)),
            "requests with both keys",
        )
        for each in loads:
            each.kids = (("ES256", "two"),)
        marks = [len(each.answers) + 1 for each in loads]
        until(
            lambda: all(len(load.answers) > at for load, at in zip(loads, marks, strict=True)),
            "the old to go",
        )
        publisher.files["/keys"] = Served(made.document(jwk("ES256", "two"), jwk("EdDSA", "three")))
        for each in loads:
            each.kids = (("ES256", "two"), ("EdDSA", "three"))
        marks = [len(each.answers) for each in loads]
        until(
            lambda: all(len(load.answers) > at + 40 for load, at in zip(loads, marks, strict=True)),
            "requests with the third key",
        )
        # An outage of the issuer: what is known goes on, and nobody is told that it is their fault.
        publisher.files["/keys"].status = 503
        marks = [len(each.answers) for each in loads]
        until(
            lambda: all(len(load.answers) > at + 40 for load, at in zip(loads, marks, strict=True)),
            "requests during the outage",
        )
    finally:
        for each in loads:
            each.stopped.set()
        for each in loads:
            each.join(60)
    assert {status for each in loads for status in each.answers} == {200}
    caller = Caller(node)
    assert caller.status(token("RS256", "unheard-of", **now())) == 503
    assert json.loads(caller.body)["error"]["code"] == "identity_unavailable"
    publisher.files["/keys"].status = 200
    until(lambda: caller.status(token("RS256", "unheard-of", **now())) == 401, "the outage to be over")
    assert caller.status(token("RS256", "one", **now())) == 401, "a key that was withdrawn"
    caller.close()


def test_a_forged_token_never_makes_the_gateway_ask_anybody(
    make_gateway: MakeGateway, emulator: BackgroundEmulator, publisher: FileServer
) -> None:
    node = make_gateway(settings(emulator.url, identity=issuer(publisher)))
    caller = Caller(node)
    claims = {**made.claims(), **now()}
    for field in ("jku", "x5u"):
        header = {"alg": "RS256", "kid": "one", field: publisher.url("/evil")}
        assert caller.status(sign(header, claims, "RS256", 7)) == 401
    header = {"alg": "RS256", "kid": publisher.url("/evil")}
    assert caller.status(sign(header, claims, "RS256", 7)) == 401
    assert caller.status(token(**now())) == 200
    caller.close()
    assert {path for path, _ in publisher.seen} == {"/keys"}


def test_an_issuer_that_never_answered_is_not_the_callers_fault_and_a_restart_needs_none(
    make_gateway: MakeGateway, emulator: BackgroundEmulator, publisher: FileServer
) -> None:
    publisher.files["/keys"].status = 503
    node = make_gateway(settings(emulator.url, identity=issuer(publisher)))
    caller = Caller(node)
    assert caller.status(token(**now())) == 503
    assert caller.status("sk-unknown") == 401
    publisher.files["/keys"].status = 200
    until(lambda: caller.status(token(**now())) == 200, "the issuer to answer")
    caller.close()
    until(lambda: any((node.home / "documents").glob("[0-9a-f]*")), "the keys to be kept")
    node.stop()
    publisher.files["/keys"].status = 503
    node.start()
    caller = Caller(node)
    assert caller.status(token(**now())) == 200
    caller.close()
