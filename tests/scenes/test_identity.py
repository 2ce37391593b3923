"""A caller whose token waits for its issuer's keys, over the whole data plane."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable

import pytest

from seekgate.stages.identity.jwks import KeySet, succeed
from seekgate.stages.identity.stage import Identity
from seekgate.stages.identity.state import FileKeys
from seekgate.stages.identity.tokens import Tokens
from tests.scenes.conftest import MakeScene
from tests.support import tokens as made
from tests.support.scene import Scene
from tests.support.scene_answers import only
from tests.support.scene_config import SECRETS, chat, post, snapshot
from tests.support.scene_streams import unary
from tests.support.tokens import issuer, jwk, token

TOKEN = token(iat=0, exp=4_000_000_000).decode()


class Issuer:
    """Its keys come when the test says so, if they come."""

    def __init__(self) -> None:
        self.value: KeySet | None = None
        self.trouble = "no answer within 5 s"
        self.waiting: list[asyncio.Future[None]] = []

    def fresh(self, now: float) -> bool:
        return True

    def again(self) -> Awaitable[None]:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return self.waiting[-1]

    def answers(self, scene: Scene, *, well: bool) -> None:
        """The attempt to fetch its keys has ended."""
        if well:
            self.value, self.trouble = succeed(None, made.document(jwk("RS256"))), ""
        waiting, self.waiting = self.waiting, []
        scene.play(*(lambda each=each: each.done() or each.set_result(None) for each in waiting))


class Play:
    """A scene whose identity knows the issuer too."""

    def __init__(self, scenes: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
        self.issuer = Issuer()

        def identity(file: FileKeys) -> Identity:
            return Identity(file, tokens=Tokens([(issuer(), self.issuer)]))

        monkeypatch.setattr("tests.support.scene.Identity", identity)
        self.scene = scenes(snapshot())


@pytest.fixture
def play(scenes: MakeScene, monkeypatch: pytest.MonkeyPatch) -> Play:
    return Play(scenes, monkeypatch)


def ask(times: int = 1) -> bytes:
    return post(chat(), key=TOKEN) * times


def test_it_is_answered_once_the_keys_are_here(play: Play) -> None:
    client = play.scene.client()
    client.sends(ask(2))
    assert client.received() == b""
    play.issuer.answers(play.scene, well=True)
    upstream = play.scene.upstream()
    for _ in range(2):  # the second one is known by then
        upstream.sends(unary(b'{"ok":1}'))
        assert only(client.received()).status == 200
    assert [record.key for record in play.scene.records] == ["ann", "ann"]


def test_it_is_not_the_callers_fault_if_they_do_not_come(play: Play) -> None:
    client = play.scene.client()
    client.sends(ask())
    play.issuer.answers(play.scene, well=False)
    answer = only(client.received())
    assert answer.status == 503
    assert answer.header("retry-after")
    assert json.loads(answer.body)["error"]["code"] == "identity_unavailable"
    client.sends(post(chat(), key=SECRETS["env:APP"]))
    play.scene.upstream().sends(unary(b"{}"))
    assert only(client.received()).status == 200


def test_a_client_that_leaves_while_it_waits_leaves_nothing(play: Play) -> None:
    client, other = play.scene.client(), play.scene.client()
    client.sends(ask())
    other.sends(ask())
    client.resets()
    play.issuer.answers(play.scene, well=False)
    assert only(other.received()).status == 503


def test_a_forged_token_is_refused_once_the_keys_are_here(play: Play) -> None:
    client = play.scene.client()
    client.sends(post(chat(), key=TOKEN[:-8] + "AAAAAAAA"))
    play.issuer.answers(play.scene, well=True)
    assert only(client.received()).status == 401
