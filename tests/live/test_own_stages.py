"""A whole node with stages of installed packages: the example, and one that fails in every way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.support.live import KEY, Gateway, settings
from tests.support.own_stage import install, install_example, with_path

BROKEN = """
import sys
from seekgate.pipeline.stage import Stage

class Broken(Stage):
    def on_request(self, x):
        mode = x.request.headers.get(b"x-mode", b"")
        if mode == b"raise":
            raise ZeroDivisionError("of its own")
        if mode == b"exit":
            sys.exit(3)
        if mode == b"wrong":
            return "no"
        if mode == b"answer":
            x.inspected = True

    def on_chunk(self, x, data):
        if x.request.headers.get(b"x-mode") == b"answer":
            raise KeyError("in the answer")
        return data

    def on_end(self, x):
        if x.request.headers.get(b"x-mode") == b"end":
            raise ValueError("at the end")

def build(settings):
    return Broken()
"""


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings()) as running:
        yield running


@pytest.fixture
def node(make_gateway: MakeGateway, emulator: BackgroundEmulator, tmp_path: Path) -> Gateway:
    site = install(install_example(tmp_path), "broken", BROKEN)
    stages = [{"use": "ticket", "settings": {"closed": ["OPS-1"]}}, {"use": "broken"}]
    return make_gateway(settings(emulator.url, stages=stages), environment={"PYTHONPATH": with_path(site)})


def ask(node: Gateway, **headers: str) -> httpx.Response:
    body = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "hello"}]}
    sent = {
        "Authorization": f"Bearer {KEY}",
        "X-Ticket": "OPS-2",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return httpx.post(f"{node.url}/v1/chat/completions", json=body, headers=sent, timeout=30)


def test_own_stages(node: Gateway) -> None:
    workers = [worker.pid for worker in node.workers]
    assert ask(node).status_code == 200
    refused = ask(node, X_Ticket="none")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_value")
    closed = ask(node, X_Ticket="OPS-1")
    assert (closed.status_code, closed.json()["error"]["message"]) == (403, "The ticket OPS-1 is closed.")
    for mode in ("raise", "exit", "wrong", "answer"):
        answer = ask(node, X_Mode=mode)
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error"), mode
        assert answer.json()["error"]["request_id"]
        assert ask(node).status_code == 200, "the next request is served"
    assert ask(node, X_Mode="end").status_code == 200
    assert [worker.pid for worker in node.workers] == workers, "no worker has died"
    said = str(node.lines)
    assert "own stage broken" in said
    assert "ZeroDivisionError" in said


def test_one_that_is_not_installed_is_said_at_the_start(
    make_gateway: MakeGateway, emulator: BackgroundEmulator
) -> None:
    node = make_gateway(settings(emulator.url, stages=[{"use": "tickt"}]), start=False)
    assert node.launch().wait(60) == 1
    node.wait()
    assert "no installed stage is called 'tickt'" in str(node.lines)
