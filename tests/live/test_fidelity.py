"""What need not change passes byte for byte, both ways: the bytes on the two sides of the gateway are compared."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from tests.support.live import KEY, Gateway, gateway, settings
from tests.support.live_emulators import by_user
from tests.support.live_wire import Tap, exchange, parse_answer, parse_request, post, tap

CHAT = "/v1/chat/completions"

# Order, spacing, number formats, escapes, unknown fields and raw UTF-8: none of it may be normalised.
ODD = (
    '{ "messages" : [{"role":"user", "content":"长江有多长？ \\u957f\\/\\ud83d\\ude00 😀 é\\u0301"}],\n'
    '\t"x_unknown": {"b": 1.0, "a": [1e2, -0, 12345678901234567890, 0.1000], "空": null},\r\n'
    '"temperature":1.50, "model":"deepseek-flash" , "user_id":"%s"%s }  '
).replace("%s", "{user}", 1)
FAULTS = {"echo": "echo", "waits": "keepalive=3", "ids": "event-ids", "tiny": "chunk-bytes=1,tokens=6"}


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings(rules=by_user(FAULTS))) as running:
        yield running


@pytest.fixture(scope="module")
def line(emulator: BackgroundEmulator) -> Iterator[Tap]:
    with tap(emulator.url) as made:
        yield made


@pytest.fixture(scope="module")
def node(line: Tap, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = settings(line.url)
    config["models"]["own-name"] = {"deployments": [{"provider": "deepseek", "model": "deepseek-flash"}]}
    config["providers"]["asking"] = {**config["providers"]["deepseek"], "asks_usage": True}
    config["models"]["asked"] = {"deployments": [{"provider": "asking", "model": "deepseek-flash"}]}
    with gateway(tmp_path_factory.mktemp("fidelity"), config) as running:
        yield running


def odd(user: str, more: str = "") -> bytes:
    return ODD.replace("{user}", user).replace("%s", more).encode()


@pytest.mark.parametrize("user", ["plain", "echo", "waits"])
def test_a_plain_request_and_its_answer(
    node: Gateway, line: Tap, emulator: BackgroundEmulator, user: str
) -> None:
    line.forget()
    body = odd(user)
    answer = exchange(node.url, post(CHAT, body))
    assert answer.status == 200
    _, _, sent = parse_request(line.request)
    assert sent == body
    assert emulator.emulator.requests[-1].body == body
    assert answer.body == parse_answer(line.response).body
    if user == "echo":
        assert answer.json()["choices"][0]["message"]["content"].startswith("长江有多长？ 长/😀 😀 é")


@pytest.mark.parametrize("user", ["plain", "echo", "waits", "ids", "tiny"])
def test_a_stream(node: Gateway, line: Tap, user: str) -> None:
    line.forget()
    body = odd(user, ', "stream" : true')
    answer = exchange(node.url, post(CHAT, body))
    assert answer.headers["content-type"].startswith("text/event-stream")
    _, _, sent = parse_request(line.request)
    assert sent == body
    assert answer.body == parse_answer(line.response).body
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert (b": keep-alive\n\n" in answer.body) == (user == "waits")


def test_the_model_s_name_is_replaced_and_nothing_else(node: Gateway, line: Tap) -> None:
    line.forget()
    body = odd("plain").replace(b'"deepseek-flash"', b'"own-name"')
    answer = exchange(node.url, post(CHAT, body))
    _, _, sent = parse_request(line.request)
    assert sent == odd("plain")
    assert answer.body == parse_answer(line.response).body


def test_usage_is_asked_for_and_taken_out_again(node: Gateway, line: Tap) -> None:
    line.forget()
    body = odd("plain", ', "stream": true').replace(b'"deepseek-flash"', b'"asked"')
    answer = exchange(node.url, post(CHAT, body))
    _, _, sent = parse_request(line.request)
    assert json.loads(sent)["stream_options"] == {"include_usage": True}
    came = parse_answer(line.response).body
    assert b'"usage":null' in came
    assert b'"usage"' not in answer.body
    events = came.replace(b',"usage":null', b"").split(b"\n\n")
    assert answer.body == b"\n\n".join(event for event in events if b'"choices":[]' not in event)


@pytest.mark.parametrize(
    "flags", [["-sN"], ["-sN", "-H", "Expect: 100-continue"], ["-sN", "-H", "Transfer-Encoding: chunked"]]
)
def test_curl_sends_and_gets_the_same(node: Gateway, line: Tap, tmp_path: Path, flags: list[str]) -> None:
    line.forget()
    body = odd("echo", ', "stream": true') + b" " * 2048
    (tmp_path / "body").write_bytes(body)
    command = ["curl", *flags, "--data-binary", f"@{tmp_path / 'body'}", "-H", f"Authorization: Bearer {KEY}"]
    done = subprocess.run([*command, f"{node.url}{CHAT}"], capture_output=True, timeout=60, check=True)
    _, headers, sent = parse_request(line.request)
    assert sent == body
    assert headers["content-length"] == str(len(body))
    assert done.stdout == parse_answer(line.response).body


def test_errors_of_the_upstream_keep_their_body(node: Gateway, line: Tap) -> None:
    line.forget()
    answer = exchange(node.url, post(CHAT, {"model": "deepseek-flash", "messages": [], "中": "文"}))
    assert answer.status == 400
    assert answer.body == parse_answer(line.response).body


def test_ids_are_passed_on_and_returned(node: Gateway, line: Tap) -> None:
    line.forget()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    request = post(CHAT, odd("plain"), x_request_id="my-id-1", traceparent=trace, cookie="secret=1")
    answer = exchange(node.url, request)
    _, headers, _ = parse_request(line.request)
    assert headers["x-request-id"] == answer.headers["x-request-id"] == "my-id-1"
    assert headers["traceparent"] == trace
    assert "cookie" not in headers
    assert headers["accept-encoding"] == "identity"
    assert KEY.encode() not in line.request
