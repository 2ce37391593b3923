"""Who calls; the scenes (`tests/scenes/test_surface.py`) show the refusals' bytes."""

from __future__ import annotations

import pytest

from seekgate.pipeline.stage import Reply
from seekgate.stages.identity.stage import Identity
from seekgate.stages.identity.state import KeyTable
from tests.support.scene_exchange import exchange

TABLE = KeyTable([("app", "sg-1", ()), ("office", "sg-2", ("203.0.113.0/24",))])


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer sg-1"},
        {b"authorization": b"bearer  sg-1 "},
        {b"x-api-key": b"sg-1"},
        {b"authorization": b"Bearer sg-1", b"x-api-key": b"wrong"},
    ],
)
def test_known(headers: dict[bytes, bytes]) -> None:
    for _ in range(2):  # the second time from memory
        x = exchange(headers=headers)
        assert Identity(TABLE).on_request(x) is None
        assert x.principal.name == "app"


@pytest.mark.parametrize(
    "headers",
    [{}, {b"authorization": b""}, {b"authorization": b"Bearer "}, {b"authorization": b"sg-1"}, {b"x-api-key": b""},
     {b"authorization": b"Bearer sg-9"}, {b"authorization": b"Bearer sg-9", b"x-api-key": b"sg-1"}],
)  # fmt: skip
def test_unknown(headers: dict[bytes, bytes]) -> None:
    x = exchange(headers=headers)
    verdict = Identity(TABLE).on_request(x)
    assert isinstance(verdict, Reply)
    assert verdict.error is not None
    assert (verdict.error.status, x.principal.name) == (401, "")
    assert verdict.headers[0][0] == b"WWW-Authenticate"


def test_networks_are_checked_each_time() -> None:
    stage = Identity(TABLE)
    headers = {b"authorization": b"Bearer sg-2"}
    assert stage.on_request(exchange(headers=headers, client="203.0.113.5")) is None
    verdict = stage.on_request(exchange(headers=headers, client="192.0.2.1"))
    assert isinstance(verdict, Reply)
    assert verdict.error is not None
    assert verdict.error.status == 403
