"""The Messages API under ``/anthropic``: a plan rendered as one message or as its named events."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seekgate.emulate.answer import named_sse
from seekgate.emulate.ask import Identity
from seekgate.emulate.plan import Plan
from seekgate.emulate.text import Speech

_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def message_body(plan: Plan, identity: Identity) -> bytes:
    """Return the ``message`` object."""
    content: list[dict[str, object]] = []
    if plan.thinking:
        thinking = "".join(plan.reasoning.tokens())
        content.append({"type": "thinking", "thinking": thinking, "signature": identity.id})
    if plan.content.count or not plan.calls:
        content.append({"type": "text", "text": "".join(plan.content.tokens())})
    for call in plan.calls:
        arguments = "".join(call.arguments.tokens())
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": _decoded(arguments)})
    message = _message(plan, identity)
    message.update(content=content, stop_reason=_stop_reason(plan), usage=_usage(plan, plan.usage.completion))
    return msgspec.json.encode(message)


def message_events(plan: Plan, identity: Identity) -> Iterator[bytes]:
    """Yield the events of the stream, from ``message_start`` to ``message_stop``."""
    yield named_sse("message_start", {"type": "message_start", "message": _message(plan, identity)})
    yield named_sse("ping", {"type": "ping"})
    index = 0
    if plan.thinking:
        block: dict[str, object] = {"type": "thinking", "thinking": "", "signature": ""}
        signature: dict[str, object] = {"type": "signature_delta", "signature": identity.id}
        yield from _block(index, block, "thinking_delta", "thinking", plan.reasoning, signature)
        index += 1
    if plan.content.count or not plan.calls:
        yield from _block(index, {"type": "text", "text": ""}, "text_delta", "text", plan.content)
        index += 1
    for call in plan.calls:
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield from _block(index, block, "input_json_delta", "partial_json", call.arguments)
        index += 1
    delta = {"stop_reason": _stop_reason(plan), "stop_sequence": None}
    usage = _usage(plan, plan.usage.completion)
    yield named_sse("message_delta", {"type": "message_delta", "delta": delta, "usage": usage})
    yield named_sse("message_stop", {"type": "message_stop"})


def _block(
    index: int,
    block: dict[str, object],
    kind: str,
    field: str,
    speech: Speech,
    closing: dict[str, object] | None = None,
) -> Iterator[bytes]:
    yield named_sse(
        "content_block_start", {"type": "content_block_start", "index": index, "content_block": block}
    )
    for token in speech.tokens():
        delta: dict[str, object] = {"type": kind, field: token}
        yield named_sse(
            "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}
        )
    if closing is not None:
        yield named_sse(
            "content_block_delta", {"type": "content_block_delta", "index": index, "delta": closing}
        )
    yield named_sse("content_block_stop", {"type": "content_block_stop", "index": index})


def _message(plan: Plan, identity: Identity) -> dict[str, object]:
    return {
        "id": identity.id,
        "type": "message",
        "role": "assistant",
        "model": identity.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": _usage(plan, 0),
    }


def _usage(plan: Plan, output: int) -> dict[str, object]:
    # In Messages, input_tokens leaves out what came from the cache.
    return {
        "input_tokens": plan.usage.miss,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": plan.usage.hit,
        "output_tokens": output,
    }


def _stop_reason(plan: Plan) -> str:
    return _STOP_REASONS.get(plan.finish, plan.finish)


def _decoded(arguments: str) -> object:
    try:
        return msgspec.json.decode(arguments)
    except msgspec.DecodeError:  # cut by max_tokens
        return {}
