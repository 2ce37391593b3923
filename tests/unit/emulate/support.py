"""Helpers of the emulator's tests: ask the `Api` without a socket, and read what it says."""

from __future__ import annotations

import json
from typing import Any

from seekgate.emulate.api import Api, Handled, Received
from seekgate.emulate.settings import Settings

NOW = 1_760_000_000
HELLO = [{"role": "user", "content": "Say hello"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
            },
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    },
}


def make_api(**settings: Any) -> Api:
    return Api(Settings(**settings))


def chat(**fields: Any) -> dict[str, Any]:
    return {"model": "deepseek-flash", "messages": HELLO, **fields}


def send(
    api: Api,
    body: object = None,
    path: str = "/chat/completions",
    key: str | None = "sk-test",
    method: str = "POST",
    emulate: str = "",
    number: int = 1,
) -> Handled:
    headers = {"x-emulate": emulate}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return api.handle(Received(number, method, path, headers, raw), NOW)


def reply(api: Api, body: object, path: str = "/chat/completions", **options: Any) -> Any:
    """The decoded body of an answer with status 200."""
    handled = send(api, body, path, **options)
    assert handled.answer.status == 200, handled.answer.body
    return json.loads(handled.answer.body)


def error(handled: Handled, status: int) -> Any:
    """The `error` object of an answer with this status."""
    assert handled.answer.status == status, handled.answer.body
    return json.loads(handled.answer.body)["error"]


def events(api: Api, body: object, path: str = "/chat/completions", **options: Any) -> list[bytes]:
    handled = send(api, body, path, **options)
    assert handled.answer.status == 200, handled.answer.body
    assert handled.answer.events is not None
    return list(handled.answer.events)


def chunks(raw: list[bytes]) -> list[Any]:
    """Decoded `data:` of events; asserts that the last is [DONE]."""
    assert raw[-1] == b"data: [DONE]\n\n"
    return [json.loads(event.removeprefix(b"data: ")) for event in raw[:-1]]


def named(raw: list[bytes]) -> list[Any]:
    """Decoded data of named events; asserts that the event's name is the data's type."""
    decoded = []
    for event in raw:
        first, second, *rest = event.split(b"\n")
        assert rest == [b"", b""]
        data = json.loads(second.removeprefix(b"data: "))
        assert first == b"event: " + data["type"].encode()
        decoded.append(data)
    return decoded
