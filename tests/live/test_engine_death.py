"""An engine that is killed under load costs its own requests a clear error, and nobody else anything."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from seekgate.emulate import BackgroundEmulator
from tests.support.live import Gateway, gateway, settings
from tests.support.live_wire import Answer, answer, connect, exchange, post, read_until
from tests.support.until import until

CHAT = "/v1/chat/completions"
ASK = [{"role": "user", "content": "Tell me about the sea."}]


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator() as running:
        yield running


@pytest.fixture(scope="module")
def node(emulator: BackgroundEmulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with gateway(tmp_path_factory.mktemp("death"), settings(emulator.url, engine=True)) as running:
        yield running


def _ask(model: str, **more: Any) -> bytes:
    return post(CHAT, {"model": model, "messages": ASK, **more})


def _endless(**more: Any) -> bytes:
    return _ask("small", max_tokens=900, ignore_eos=True, **more)


def _kill(node: Gateway) -> None:
    (engine,) = node.engines
    engine.send_signal(signal.SIGKILL)


def _serves(node: Gateway) -> bool:
    return exchange(node.url, _ask("small", max_tokens=2)).status == 200


def _others(node: Gateway, done: threading.Event, found: list[Answer]) -> None:
    with connect(node.url) as connection:
        while not done.is_set():
            connection.sendall(_ask("deepseek-flash", max_tokens=2))
            found.append(answer(connection))


def test_streams_end_with_an_error_event_and_everything_else_goes_on(node: Gateway) -> None:
    done, found = threading.Event(), list[Answer]()
    beside = threading.Thread(target=_others, args=(node, done, found))
    beside.start()
    try:
        with connect(node.url) as one, connect(node.url) as two:
            for connection in (one, two):
                connection.sendall(_endless(stream=True))
            # The first is far in its answer, the second has begun: both slots are busy.
            begun = {each: read_until(each, b'"content"') for each in (one, two)}
            _kill(node)
            for connection, head in begun.items():
                text = (head + read_until(connection, b"\r\n0\r\n\r\n")).decode()
                assert "[DONE]" not in text
                event = text[text.rindex("data: ") :].split("\n", 1)[0]
                error = json.loads(event.removeprefix("data: "))["error"]
                assert error["type"] == "api_error"
                assert error["code"] == "upstream_cut"
                assert error["request_id"]
        node.hears("engine died")
        until(lambda: _serves(node), "the engine to be back by itself")
    finally:
        done.set()
        beside.join(30)
    assert {each.status for each in found} == {200}
    assert len(found) > 3


def test_requests_that_wait_get_a_clear_error(node: Gateway) -> None:
    until(lambda: _serves(node), "the engine to serve")
    deaths = len(node.said("engine died"))
    with connect(node.url) as plain, connect(node.url) as queued, connect(node.url) as third:
        connections = (plain, queued, third)
        for connection in connections:
            connection.sendall(_endless())
        until(lambda: node.gauge("seekgate_requests_in_flight") == 3, "three requests in flight")
        _kill(node)
        # 502 when it had been sent to the engine that died, 503 when there was no engine to send it to.
        for connection in connections:
            said = answer(connection)
            assert said.status in (502, 503)
            assert said.json()["error"]["request_id"] == said.headers["x-request-id"]
    node.hears("engine died", deaths + 1)
    said = exchange(node.url, _ask("small"))
    while said.status != 200:
        assert said.status == 503
        assert said.json()["error"]["code"] == "engine_restarting"
        assert said.headers["retry-after"] == "1"
        assert exchange(node.url, _ask("deepseek-flash", max_tokens=2)).status == 200
        said = exchange(node.url, _ask("small", max_tokens=2))
    assert said.json()["choices"][0]["message"]["content"]
