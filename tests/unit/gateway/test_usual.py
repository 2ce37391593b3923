"""The short ways must not be told from the long one: the same bytes, the same record."""

from __future__ import annotations

import pytest

from seekgate.gateway import relay
from seekgate.gateway.head import Head
from seekgate.gateway.upstream import Upstream
from tests.scenes.conftest import MakeScene, scenes  # noqa: F401 - a fixture
from tests.support.scene import Scene
from tests.support.scene_config import chat, post
from tests.support.scene_streams import CHUNKED, DONE, EVENTS_HEAD, LAST, chunk, data, event, unary, usage


def played(scene: Scene, stream: bool, answers: list[bytes]) -> tuple[bytes, dict[str, object]]:
    client = scene.client()
    client.sends(post(chat("priced", stream=stream)))
    upstream = scene.upstream()
    for part in answers:
        upstream.sends(part)
    record = scene.record
    fields = {name: getattr(record, name) for name in record.__struct_fields__}
    return client.received(), fields


STREAM = [
    EVENTS_HEAD + CHUNKED,
    chunk(b": keep-alive\n\n"),
    chunk(event("你好")),
    chunk(event("a") + event("b")),
    chunk(event("c")[:20]),
    chunk(event("c")[20:]),
    chunk(data({"choices": [], "usage": usage()}) + DONE) + LAST,
]
CASES = {
    "plain": (False, [unary(b'{"model":"m","usage":{"prompt_tokens":3,"completion_tokens":4}}')]),
    "traced": (False, [unary(b"{}", b"200 OK", b"x-ds-trace-id: 7f\r\n")]),
    "stream": (True, STREAM),
}


@pytest.mark.parametrize("case", CASES)
def test_short_and_long_ways_agree(case: str, scenes: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    stream, answers = CASES[case]
    short = played(scenes(), stream, answers)
    monkeypatch.setattr(relay, "take_whole", lambda *_: False)

    def long_way(relay_: relay.Relay, up: Upstream, head: Head, events: object, now: float) -> None:
        """What `Relay.upstream_read` does with a stream's first and last events."""
        data = b"".join(up.parts)
        up.parts = []
        passed = relay_._watch(up, head, data, now)
        if passed:
            relay_.x.bytes_out += len(passed)
            relay_.down.write(head.frame(passed))

    monkeypatch.setattr(relay, "pass_events", long_way)
    long = played(scenes(), stream, answers)
    assert short[0] == long[0]
    for name in ("duration_us", "ttft_us", "id"):
        assert name in short[1]
    assert short[1] == long[1]
