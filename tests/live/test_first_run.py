"""The first minutes of a newcomer: nothing is there, `seekgate serve` is typed, and what it prints is pasted."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from itertools import islice

import pytest

from tests.live.conftest import MakeGateway
from tests.support.live import KEY, Gateway
from tests.support.live_wire import exchange

BUILTIN = files("seekgate").joinpath("data/builtin.yaml").read_text()
OUTSIDE = "203.0.113.7"


def _fresh() -> dict[str, str]:
    """This machine's environment, because its package index is asked, without any key or setting of ours."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SEEKGATE_", "DEEPSEEK_"))
    }
    ours = {"SEEKGATE_LISTEN": "127.0.0.1:0", "SEEKGATE_ADMIN": "127.0.0.1:0", "SEEKGATE_ACCESS_LOG": "off"}
    return kept | ours


def _paste(node: Gateway) -> str:
    """What the printed line says in a shell of somebody who has nothing else set: the first forty lines of it.

    A small machine needs a while for the rest, which would prove nothing more.
    """
    command = ["bash", "-c", str(node.ready["curl"])]
    with subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        said = b"".join(islice(shell.stdout, 40))
        if len(said.splitlines()) < 40:
            assert said.rstrip().endswith(b"data: [DONE]"), said
        shell.terminate()
    return said.decode()


def _words(answer: str) -> str:
    return "".join(re.findall(r'"content":"((?:[^"\\]|\\.)*)"', answer))


def test_nothing_is_there_and_the_printed_line_streams_an_answer(make_gateway: MakeGateway) -> None:
    node = make_gateway(None, environment=_fresh(), start=False)
    cache = node.folder / "cache"
    node.set("SEEKGATE_CACHE", str(cache))
    assert not node.home.exists()
    for _ in range(2):
        node.start(patience=600)
        answer = _paste(node)
        assert len(_words(answer)) > 20, answer
        assert node.stop() == 0
        node.end()
    assert [path.name for path in (cache / "models").glob("*.gguf")]
    key = node.home / "demo.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(node.home.stat().st_mode) == 0o700
    assert key.read_text().strip() not in "".join(node.printed), "the key itself is shown"


@pytest.fixture(scope="module", params=["[]", "[127.0.0.0/8]"])
def node(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The built-in configuration without its engine, with a line about trusted proxies."""
    made = Gateway(tmp_path_factory.mktemp("cidr"), None, environment=_fresh(), arguments=["--no-engine"])
    made.home.mkdir(mode=0o700)
    (made.home / "demo.key").write_text(f"{KEY}\n")
    try:
        yield made.serve(f"{BUILTIN}\ntrusted_proxies: {request.param}\n").start()
    finally:
        made.end()


def _models(node: Gateway, key: str, forwarded: str) -> int:
    fields = f"Host: x\r\nAuthorization: Bearer {key}\r\nX-Forwarded-For: {forwarded}\r\n\r\n"
    return exchange(node.url, f"GET /v1/models HTTP/1.1\r\n{fields}".encode()).status


def test_the_demo_key_is_for_this_machine_alone(node: Gateway) -> None:
    trusting = "[127.0.0.0/8]" in node.file.read_text().splitlines()[-1]
    # Nobody's word is taken for an address unless he is trusted, and then only for what he added to the list.
    outside = 403 if trusting else 200
    assert _models(node, KEY, OUTSIDE) == outside
    assert _models(node, KEY, f"127.0.0.1, {OUTSIDE}") == outside
    assert _models(node, KEY, f"{OUTSIDE}, 127.0.0.1") == outside
    assert _models(node, KEY, "127.0.0.1") == 200
    assert _models(node, "sk-wrong", "127.0.0.1") == 401
