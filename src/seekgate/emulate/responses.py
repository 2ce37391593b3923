"""The Responses API: a plan rendered as one ``response`` object or as its numbered, named events."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seekgate.emulate.answer import named_sse
from seekgate.emulate.ask import Identity
from seekgate.emulate.plan import Call, Plan
from seekgate.emulate.text import Speech

_Item = dict[str, object]


def response_body(plan: Plan, identity: Identity) -> bytes:
    """Return the ``response`` object."""
    return msgspec.json.encode(_response(plan, identity, _items(plan, identity), _status(plan)))


def response_events(plan: Plan, identity: Identity) -> Iterator[bytes]:
    """Yield the events of the stream, from ``response.created`` to ``response.completed`` (or ``incomplete``)."""
    events = _Events()
    started = _response(plan, identity, [], "in_progress")
    yield events.make("response.created", response=started)
    yield events.make("response.in_progress", response=started)
    items = _items(plan, identity)
    for index, item in enumerate(items):
        yield events.make("response.output_item.added", output_index=index, item=_opened(item))
        if item["type"] == "function_call":
            yield from _arguments(events, item, index, _call_of(plan, item))
        else:
            yield from _part(
                events, item, index, plan.reasoning if item["type"] == "reasoning" else plan.content
            )
        yield events.make("response.output_item.done", output_index=index, item=item)
    status = _status(plan)
    yield events.make(f"response.{status}", response=_response(plan, identity, items, status))


class _Events:
    def __init__(self) -> None:
        self._number = -1

    def make(self, name: str, /, **fields: object) -> bytes:
        self._number += 1
        return named_sse(name, {"type": name, "sequence_number": self._number, **fields})


def _part(events: _Events, item: _Item, index: int, speech: Speech) -> Iterator[bytes]:
    name = "response.reasoning_text" if item["type"] == "reasoning" else "response.output_text"
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    more: _Item = {} if item["type"] == "reasoning" else {"logprobs": []}
    whole: _Item = item["content"][0]  # type: ignore[index]
    yield events.make("response.content_part.added", **where, part={**whole, "text": ""})
    for token in speech.tokens():
        yield events.make(f"{name}.delta", **where, delta=token, **more)
    yield events.make(f"{name}.done", **where, text=whole["text"], **more)
    yield events.make("response.content_part.done", **where, part=whole)


def _arguments(events: _Events, item: _Item, index: int, call: Call) -> Iterator[bytes]:
    where = {"item_id": item["id"], "output_index": index}
    for piece in call.arguments.tokens():
        yield events.make("response.function_call_arguments.delta", **where, delta=piece)
    yield events.make(
        "response.function_call_arguments.done", **where, name=call.name, arguments=item["arguments"]
    )


def _items(plan: Plan, identity: Identity) -> list[_Item]:
    items: list[_Item] = []
    if plan.thinking:
        part: _Item = {"type": "reasoning_text", "text": "".join(plan.reasoning.tokens())}
        items.append({"type": "reasoning", "id": f"rs_{identity.id}", "summary": [], "content": [part]})
    if plan.content.count or not plan.calls:
        part = {
            "type": "output_text",
            "text": "".join(plan.content.tokens()),
            "annotations": [],
            "logprobs": [],
        }
        message: _Item = {
            "type": "message",
            "id": f"msg_{identity.id}",
            "role": "assistant",
            "status": "completed",
        }
        items.append({**message, "content": [part]})
    for call in plan.calls:
        arguments = "".join(call.arguments.tokens())
        ids: _Item = {"type": "function_call", "id": f"fc_{call.id}", "call_id": call.id}
        items.append({**ids, "name": call.name, "arguments": arguments, "status": "completed"})
    return items


def _opened(item: _Item) -> _Item:
    if item["type"] == "function_call":
        return {**item, "arguments": "", "status": "in_progress"}
    opened: _Item = {**item, "content": []}
    if "status" in opened:
        opened["status"] = "in_progress"
    return opened


def _call_of(plan: Plan, item: _Item) -> Call:
    return next(call for call in plan.calls if call.id == item["call_id"])


def _status(plan: Plan) -> str:
    return (
        "incomplete"
        if plan.finish in {"length", "content_filter", "insufficient_system_resource"}
        else "completed"
    )


def _response(plan: Plan, identity: Identity, items: list[_Item], status: str) -> _Item:
    usage = plan.usage
    reasons = {"length": "max_output_tokens"}
    return {
        "id": f"resp_{identity.id}",
        "object": "response",
        "created_at": identity.created,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reasons.get(plan.finish, plan.finish)}
        if status == "incomplete"
        else None,
        "instructions": None,
        "metadata": {},
        "model": identity.model,
        "output": items,
        "parallel_tool_calls": True,
        "temperature": None,
        "tool_choice": "auto",
        "tools": [],
        "top_p": None,
        "usage": None
        if status == "in_progress"
        else {
            "input_tokens": usage.prompt,
            "input_tokens_details": {"cached_tokens": usage.hit},
            "output_tokens": usage.completion,
            "output_tokens_details": {"reasoning_tokens": usage.reasoning},
            "total_tokens": usage.prompt + usage.completion,
        },
    }
