"""The body of ``POST /responses``: its types, its checks, and what it asks for. Nothing is stored between calls."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from seekgate.emulate.ask import EFFORTS, Ask, ToolSpec, check_effort, check_max_tokens, check_user_id
from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.prompt import render, text_of
from seekgate.emulate.settings import ModelSpec


class Reasoning(msgspec.Struct):
    """``reasoning``: the effort."""

    effort: str | None = None


class ResponsesTool(msgspec.Struct):
    """A function's declaration; other kinds of tools are refused."""

    type: Literal["function"]
    name: str
    parameters: dict[str, Any] | None = None
    description: str | None = None


class TextOptions(msgspec.Struct):
    """``text``: the format of the answer."""

    format: dict[str, Any] | None = None


class ResponsesRequest(msgspec.Struct, kw_only=True):
    """The fields that the emulator reads; others are allowed and ignored."""

    model: str
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    stream: bool | None = None
    reasoning: Reasoning | None = None
    max_output_tokens: int | None = None
    tools: list[ResponsesTool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    text: TextOptions | None = None
    user_id: str | None = None
    previous_response_id: str | None = None


def check_responses(request: ResponsesRequest, model: ModelSpec) -> Refusal | None:
    """Return the first reason to refuse the request, or None."""
    if not request.input:
        return refusal(400, "input must not be empty.", "input")
    if request.previous_response_id is not None:
        return refusal(400, "Responses are not stored: send the whole input.", "previous_response_id")
    format_ = (request.text.format if request.text else None) or {}
    if format_.get("type") == "json_schema" and not isinstance(format_.get("schema"), dict):
        return refusal(400, "text.format json_schema needs a schema.", "text.format")
    if format_.get("type") == "json_object" and b"json" not in msgspec.json.encode(request.input).lower():
        return refusal(
            400, "With text.format json_object the input must contain the word 'json'.", "text.format"
        )
    return (
        check_user_id(request.user_id)
        or check_effort(request.reasoning.effort if request.reasoning else None, "reasoning.effort")
        or check_max_tokens(request.max_output_tokens, model.max_output, "max_output_tokens")
    )


def ask_of_responses(request: ResponsesRequest, model: ModelSpec) -> Ask:
    """Return what a checked request asks for."""
    items = [{"role": "user", "content": request.input}] if isinstance(request.input, str) else request.input
    turns: list[dict[str, Any]] = list(items)
    if request.instructions:
        turns.insert(0, {"role": "system", "content": request.instructions})
    format_ = (request.text.format if request.text else None) or {}
    forms: dict[str, Literal["object", "schema"]] = {"json_object": "object", "json_schema": "schema"}
    return Ask(
        model=model,
        prompt=render(msgspec.to_builtins(request.tools or []), turns),
        last_text=next(
            (text_of(item.get("content")) for item in reversed(items) if item.get("role") == "user"), ""
        ),
        effort=EFFORTS[(request.reasoning.effort if request.reasoning else None) or "high"],
        call=_tool_to_call(request) if items[-1].get("role") == "user" else None,
        max_tokens=request.max_output_tokens,
        form=forms.get(str(format_.get("type")), "text"),
        schema=format_.get("schema"),
        user_id=request.user_id or "",
        stream=bool(request.stream),
    )


def _tool_to_call(request: ResponsesRequest) -> ToolSpec | None:
    choice = request.tool_choice
    if choice == "none":
        return None
    for tool in request.tools or ():
        if not isinstance(choice, dict) or choice.get("name") == tool.name:
            return ToolSpec(tool.name, tool.parameters or {"type": "object", "properties": {}})
    return None
