"""Chat completions: a plan rendered as one body or as ``chat.completion.chunk`` events.

Field order and nulls are DeepSeek's. Usage comes in the chunk that carries the finish reason; with
``stream_options.include_usage`` every chunk has ``usage`` (null) and one more chunk, without choices, tells it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seekgate.emulate.answer import sse
from seekgate.emulate.ask import Identity
from seekgate.emulate.plan import Call, Plan
from seekgate.emulate.text import Speech, logprob_of

_encode = msgspec.json.Encoder().encode

DONE = b"data: [DONE]\n\n"


class Wanted(msgspec.Struct, frozen=True):
    """Options that only change how a plan is rendered. ``logprobs`` is the number of alternatives, None for none."""

    include_usage: bool = False
    finish_usage: bool = True
    logprobs: int | None = None


def chat_body(plan: Plan, identity: Identity, wanted: Wanted) -> bytes:
    """Return the ``chat.completion`` object."""
    message: dict[str, object] = {"role": "assistant", "content": "".join(plan.content.tokens())}
    if plan.thinking:
        message["reasoning_content"] = "".join(plan.reasoning.tokens())
    if plan.calls:
        message["tool_calls"] = [_whole_call(call, number) for number, call in enumerate(plan.calls)]
    choice = {"index": 0, "message": message, "logprobs": _logprobs(plan, identity, wanted)}
    return _encode(
        {
            "id": identity.id,
            "object": "chat.completion",
            "created": identity.created,
            "model": identity.model,
            "choices": [{**choice, "finish_reason": plan.finish}],
            "usage": plan.usage.chat(),
            "system_fingerprint": identity.fingerprint,
        }
    )


def chat_events(plan: Plan, identity: Identity, wanted: Wanted) -> Iterator[bytes]:
    """Yield the events of the stream, ``[DONE]`` included, one token an event."""
    chunks = _Chunks(identity, wanted)
    yield chunks.of(
        b'{"role":"assistant","content":null,"reasoning_content":""}' if plan.thinking else _FIRST
    )
    before, after = (b'{"content":null,"reasoning_content":', b"}")
    yield from chunks.speech(plan.reasoning, before, after, "reasoning_content")
    before, after = (b'{"content":', b',"reasoning_content":null}' if plan.thinking else b"}")
    yield from chunks.speech(plan.content, before, after, "content")
    for number, call in enumerate(plan.calls):
        whole = _whole_call(call, number)
        whole["function"] = {"name": call.name, "arguments": ""}
        yield chunks.of(_encode({"tool_calls": [whole]}))
        start = b'{"tool_calls":[{"index":%d,"function":{"arguments":' % number
        for piece in call.arguments.tokens():
            yield chunks.of(start + _encode(piece) + b"}}]}")
    yield chunks.last(plan)
    if wanted.include_usage:
        yield sse(chunks.start + b'"choices":[],"usage":' + _encode(plan.usage.chat()) + b"}")
    yield DONE


_FIRST = b'{"role":"assistant","content":""}'


class _Chunks:
    """Writes chunks around deltas. The parts that do not change are encoded once: a stream may have a million."""

    def __init__(self, identity: Identity, wanted: Wanted) -> None:
        self._wanted = wanted
        self._seed = identity.seed
        fields = {
            "id": identity.id,
            "object": "chat.completion.chunk",
            "created": identity.created,
            "model": identity.model,
            "system_fingerprint": identity.fingerprint,
        }
        self.start = _encode(fields)[:-1] + b","
        self._before = b"data: " + self.start + b'"choices":[{"index":0,"delta":'
        usage = b',"usage":null' if wanted.include_usage else b""
        self._after = b',"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"

    def of(self, delta: bytes) -> bytes:
        return self._before + delta + self._after

    def speech(self, speech: Speech, before: bytes, after: bytes, field: str) -> Iterator[bytes]:
        if self._wanted.logprobs is None:
            start, end = self._before + before, after + self._after
            for token in speech.tokens():
                yield start + _encode(token) + end
            return
        for position, token in enumerate(speech.tokens()):
            logprobs = {"content": None, "reasoning_content": None}
            logprobs[field] = [logprob_of(self._seed, position, token, self._wanted.logprobs)]  # type: ignore[assignment]
            written = b',"logprobs":' + _encode(logprobs)
            yield (
                self._before
                + before
                + _encode(token)
                + after
                + self._after.replace(b',"logprobs":null', written, 1)
            )

    def last(self, plan: Plan) -> bytes:
        delta = b'{"content":"","reasoning_content":null}' if plan.thinking else b'{"content":""}'
        if self._wanted.include_usage:
            usage = b',"usage":null'
        elif self._wanted.finish_usage:
            usage = b',"usage":' + _encode(plan.usage.chat())
        else:
            usage = b""
        finish = b',"logprobs":null,"finish_reason":' + _encode(plan.finish) + b"}]" + usage + b"}\n\n"
        return self._before + delta + finish


def _whole_call(call: Call, number: int) -> dict[str, object]:
    arguments = "".join(call.arguments.tokens())
    return {
        "index": number,
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _logprobs(plan: Plan, identity: Identity, wanted: Wanted) -> dict[str, object] | None:
    if wanted.logprobs is None:
        return None
    result: dict[str, object] = {}
    speeches = {"content": plan.content, "reasoning_content": plan.reasoning}
    for field, speech in speeches.items():
        entries = [
            logprob_of(identity.seed, n, token, wanted.logprobs) for n, token in enumerate(speech.tokens())
        ]
        result[field] = entries or None
    return result
