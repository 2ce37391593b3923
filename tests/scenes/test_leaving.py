"""Clients that leave, stages that wait or fail: each request is settled once, whatever becomes of it.

That the number of live exchanges returns to zero is checked when each scene closes (`Scene.close`).
"""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.wire import errors
from tests.scenes.conftest import MakeScene
from tests.support.scene import Peer, Scene
from tests.support.scene_answers import only, read_answers
from tests.support.scene_config import CLOUD, chat, get, post
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, chunk, event, stream, unary


def finishes(client: Peer) -> None:
    client.finishes()


def resets(client: Peer) -> None:
    client.resets()


@pytest.fixture(params=[finishes, resets])
def leaves(request: pytest.FixtureRequest) -> object:
    return request.param


def leave(how: object, client: Peer) -> None:
    assert callable(how)
    how(client)


def test_while_the_request_is_read(leaves: object, every: Scene) -> None:
    for size in (10, 100, len(post(chat())) - 1):
        client = every.client()
        client.sends(post(chat())[:size])
        leave(leaves, client)
        assert client.received() == b""
    assert not every.admitted


def test_before_the_connection_is_there(leaves: object, every: Scene) -> None:
    every.network.silent.add(CLOUD)
    client = every.client()
    client.sends(post(chat()))
    leave(leaves, client)
    assert every.network.tried == [CLOUD], "nobody else is tried for a client that has left"
    assert (every.record.outcome, every.record.status) == ("client_left", 499)


def test_before_the_head(leaves: object, every: Scene) -> None:
    client = every.client()
    client.sends(post(chat()))
    upstream = every.upstream()
    leave(leaves, client)
    assert upstream.state == "aborted"
    assert (every.record.outcome, every.record.status) == ("client_left", 499)
    assert client.received() == b""


def test_in_the_middle_of_a_stream(leaves: object, every: Scene) -> None:
    client = every.client()
    client.sends(post(chat(stream=True)))
    upstream = every.upstream()
    upstream.sends(EVENTS_HEAD + CHUNKED + chunk(event("a")))
    leave(leaves, client)
    assert upstream.state == "aborted"
    record = every.record
    assert (record.outcome, record.status, record.events) == ("client_left", 200, 1)


def test_in_the_middle_of_a_plain_answer(leaves: object, every: Scene) -> None:
    client = every.client()
    client.sends(post(chat()))
    upstream = every.upstream()
    upstream.sends(unary(b"{}" * 50)[:-20])
    leave(leaves, client)
    assert upstream.state == "aborted"
    assert every.record.outcome == "client_left"


def test_with_more_requests_behind(leaves: object, every: Scene) -> None:
    client = every.client()
    client.sends(post(chat()) + get() + post(chat()))
    upstream = every.upstream()
    leave(leaves, client)
    assert upstream.state == "aborted"
    assert len(every.admitted) == 1


def test_after_the_answer(leaves: object, every: Scene) -> None:
    client = every.client()
    client.sends(post(chat()))
    upstream = every.upstream()
    upstream.sends(unary(b"{}"))
    leave(leaves, client)
    assert upstream.state == "open"
    assert every.record.outcome == "answered"


def test_an_answer_for_a_client_that_left_in_the_same_turn(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat()))
    upstream = scene.upstream()

    def both() -> None:
        upstream.transport.peer_sends(unary(b"{}"))
        client.transport.peer_finishes()

    scene.play(both)
    assert scene.record.outcome in ("answered", "client_left")


def test_a_request_and_its_end_in_the_same_turn(scene: Scene) -> None:
    client = scene.client()

    def both() -> None:
        client.transport.peer_sends(post(chat()) + get())
        client.transport.peer_finishes()

    scene.play(both)
    assert scene.record.outcome == "client_left"


def test_an_upstream_that_answers_and_closes_in_the_same_turn(scene: Scene) -> None:
    client = scene.client()
    client.sends(post(chat(stream=True)))
    upstream = scene.upstream()

    def both() -> None:
        upstream.transport.peer_sends(EVENTS_HEAD + b"\r\n" + event() + DONE)
        upstream.transport.peer_finishes()

    scene.play(both)
    assert only(client.received()).body == event() + DONE


# -- stages that wait ---------------------------------------------------------------------------------------------


class Parking(Stage):
    """Waits for ``gate``, which the test opens."""

    def __init__(self) -> None:
        self.gates: list[asyncio.Future[Reply | None]] = []
        self.ended: list[str] = []

    def on_request(self, x: Exchange) -> Verdict:
        return Wait(self._wait())

    async def _wait(self) -> Reply | None:
        gate: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self.gates.append(gate)
        return await gate

    def on_end(self, x: Exchange) -> None:
        self.ended.append(x.id)


class Following(Stage):
    """Says which requests came by."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_request(self, x: Exchange) -> Verdict:
        self.seen.append(x.id)
        return None


class Stubborn(Parking):
    """Does not let itself be cancelled."""

    async def _wait(self) -> Reply | None:
        with contextlib.suppress(asyncio.CancelledError):
            return await super()._wait()
        return None


def test_a_parked_request_goes_on_with_the_next_stage(scenes: MakeScene) -> None:
    parking, following = Parking(), Following()
    scene = scenes(extra=[parking, following])
    client = scene.client()
    client.sends(post(chat()) + get())
    assert not following.seen
    assert client.received() == b"", "what is behind a parked request waits as well"
    scene.play(lambda: parking.gates[0].set_result(None))
    assert following.seen == ["req_1"]
    scene.upstream().sends(unary(b"{}"))
    scene.play(lambda: parking.gates[1].set_result(None))
    assert [answer.status for answer in read_answers(client.received())] == [200, 200]
    assert parking.ended == following.seen == ["req_1", "req_2"]


def test_a_parked_request_is_refused(scenes: MakeScene) -> None:
    parking, following = Parking(), Following()
    scene = scenes(extra=[parking, following])
    client = scene.client()
    client.sends(post(chat()))
    scene.play(lambda: parking.gates[0].set_result(Reply(error=errors.RATE_LIMITED)))
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (429, "rate_limit_exceeded")
    assert parking.ended == ["req_1"]
    assert not following.seen


def test_what_a_parked_request_waits_for_fails(scenes: MakeScene) -> None:
    parking = Parking()
    scene = scenes(extra=[parking])
    client = scene.client()
    client.sends(post(chat()))
    scene.play(lambda: parking.gates[0].set_exception(RuntimeError("boom")))
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (500, "internal_error")
    assert [error for _, error in scene.failures] == ["RuntimeError('boom')"]
    assert parking.ended == ["req_1"]
    parking.gates.clear()  # the future keeps the exception, and that its traceback


@pytest.mark.parametrize("stage", [Parking, Stubborn])
def test_leaving_while_parked(stage: type[Parking], leaves: object, scenes: MakeScene) -> None:
    parking, following = stage(), Following()
    scene = scenes(extra=[parking, following])
    client = scene.client()
    client.sends(post(chat()))
    leave(leaves, client)
    assert parking.gates[0].cancelled()
    assert parking.ended == ["req_1"]
    assert not following.seen
    assert not scene.network.tried
    assert (scene.record.outcome, scene.record.status) == ("client_left", 499)
    parking.gates.clear()


def test_a_reload_while_parked(scenes: MakeScene) -> None:
    from tests.support.scene_config import snapshot

    parking, following = Parking(), Following()
    scene = scenes(extra=[parking, following])
    client = scene.client()
    client.sends(post(chat("priced")))
    scene.reload(snapshot(number=2, models={}))
    scene.play(lambda: parking.gates[0].set_result(None))
    scene.upstream().sends(unary(b"{}"))
    assert only(client.received()).status == 200


# -- stages that fail ---------------------------------------------------------------------------------------------


class Failing(Stage):
    """Raises in one hook."""

    def __init__(self, hook: str) -> None:
        self.hook = hook

    def _fail(self, hook: str) -> None:
        if self.hook == hook:
            raise RuntimeError(f"boom in {hook}")

    def on_request(self, x: Exchange) -> Verdict:
        x.inspected = True
        self._fail("on_request")
        return None

    def on_head(self, x: Exchange) -> None:
        self._fail("on_head")

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        self._fail("on_chunk")
        return data

    def on_end(self, x: Exchange) -> None:
        self._fail("on_end")


def test_a_stage_that_fails_costs_its_request_only(every: Scene) -> None:
    every.extra = [Failing("on_request")]
    every.front.use(every.build(every.front.world.snapshot))
    client = every.client()
    client.sends(post(chat(), headers="X-Request-Id: r-1\r\n"))
    answer = only(client.received())
    assert answer.status == 500
    assert answer.error == {
        "message": "The gateway failed to handle this request. It is not your fault.",
        "type": "server_error",
        "param": None,
        "code": "internal_error",
        "request_id": "r-1",
    }
    assert "boom" not in str(answer.body)
    assert every.failures == [("Failing", "RuntimeError('boom in on_request')")]
    assert (every.record.outcome, every.record.error_source) == ("failed", "gateway")
    client.sends(get("/nothing"))
    assert only(client.received()).status == 404


def test_a_stage_that_fails_at_the_end(scenes: MakeScene) -> None:
    scene = scenes(extra=[Failing("on_end"), Following()])
    client = scene.client()
    client.sends(post(chat()))
    scene.upstream().sends(unary(b"{}"))
    assert only(client.received()).status == 200
    assert scene.failures == [("Failing", "RuntimeError('boom in on_end')")]


@pytest.mark.parametrize("hook", ["on_head", "on_chunk"])
@pytest.mark.parametrize("streamed", [True, False])
def test_a_stage_that_fails_while_answering(hook: str, streamed: bool, scenes: MakeScene) -> None:
    scene = scenes(extra=[Failing(hook)])
    client = scene.client()
    client.sends(post(chat(stream=streamed)))
    upstream = scene.upstream()
    upstream.sends(stream(event(), DONE) if streamed else unary(b"{}"))
    data = client.received()
    assert DONE not in data
    if data:
        assert only(data).status == 500
    else:
        assert client.state == "aborted"
    assert scene.failures
    other = scene.client()
    other.sends(get("/nothing"))
    assert only(other.received()).status == 404


class Shouting(Stage):
    """Rewrites what goes out."""

    def on_request(self, x: Exchange) -> Verdict:
        x.inspected = True
        return None

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        return data.upper()


def test_a_stage_that_rewrites_answers(scenes: MakeScene) -> None:
    scene = scenes(extra=[Shouting()])
    client = scene.client()
    client.sends(post(chat()))
    scene.upstream().sends(unary(b'{"a":"b"}'))
    answer = only(client.received())
    assert answer.body == b'{"A":"B"}'
    assert client.state == "open"
