"""The body of ``POST /chat/completions``: its types, its checks, and what it asks for.

Types are checked by decoding (422); everything else here gives 400. The checks run in the order of `_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from seekgate.emulate.ask import EFFORTS, Ask, ToolSpec, check_effort, check_max_tokens, check_user_id
from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.prompt import image_urls, render, text_of
from seekgate.emulate.settings import ModelSpec


class Message(msgspec.Struct):
    """One turn of the conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]] | None = None
    reasoning_content: str | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    prefix: bool | None = None


class Function(msgspec.Struct):
    """A function's declaration in ``tools``."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(msgspec.Struct):
    """An entry of ``tools``; functions are the only kind."""

    type: Literal["function"]
    function: Function


class Thinking(msgspec.Struct):
    """The ``thinking`` switch."""

    type: Literal["enabled", "disabled"] = "enabled"


class StreamOptions(msgspec.Struct):
    """The ``stream_options`` object."""

    include_usage: bool | None = None


class ChatRequest(msgspec.Struct, kw_only=True):
    """The fields that the emulator reads; others are allowed and ignored, ``n`` among them."""

    model: str
    messages: list[Message]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    thinking: Thinking | None = None
    reasoning_effort: str | None = None
    tools: list[Tool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    stop: str | list[str] | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    user_id: str | None = None

    @property
    def thinks(self) -> bool:
        """Thinking is on unless it is switched off."""
        return self.thinking is None or self.thinking.type == "enabled"


def check_chat(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    """Return the first reason to refuse the request, or None."""
    for check in _CHECKS:
        refused = check(request, model, beta)
        if refused is not None:
            return refused
    return None


def ask_of_chat(request: ChatRequest, model: ModelSpec) -> Ask:
    """Return what a checked request asks for."""
    last = request.messages[-1]
    form, schema = _form(request.response_format or {})
    sampling = (request.temperature, request.top_p, request.presence_penalty, request.frequency_penalty)
    limit = request.max_tokens if request.max_tokens is not None else request.max_completion_tokens
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    return Ask(
        model=model,
        prompt=render(
            msgspec.to_builtins(request.tools or []), [_turn(message) for message in request.messages]
        ),
        last_text=next((text_of(m.content) for m in reversed(request.messages) if m.role == "user"), ""),
        thinking=request.thinks,
        effort=EFFORTS[request.reasoning_effort or "high"],
        call=_tool_to_call(request) if last.role == "user" else None,
        stop=tuple(stop),
        max_tokens=limit,
        form=form,
        schema=schema,
        # While the model thinks, sampling parameters are accepted and have no effect.
        sampling=b"" if request.thinks or sampling == (None,) * 4 else msgspec.json.encode(sampling),
        user_id=request.user_id or "",
        stream=bool(request.stream),
    )


def _turn(message: Message) -> dict[str, Any]:
    return {
        name: value
        for name in ("role", "name", "content", "reasoning_content", "tool_calls", "tool_call_id")
        if (value := getattr(message, name)) is not None
    }


def _form(response_format: dict[str, Any]) -> tuple[Literal["text", "object", "schema"], Any]:
    kind = response_format.get("type", "text")
    if kind == "json_object":
        return "object", None
    if kind == "json_schema":
        return "schema", response_format["json_schema"]["schema"]
    return "text", None


def _tool_to_call(request: ChatRequest) -> ToolSpec | None:
    if not request.tools or request.tool_choice == "none":
        return None
    named = _named_tool(request.tool_choice)
    for tool in request.tools:
        if named in (None, tool.function.name):
            return ToolSpec(
                tool.function.name, tool.function.parameters or {"type": "object", "properties": {}}
            )
    return None


def _named_tool(choice: str | dict[str, Any] | None) -> str | None:
    if isinstance(choice, dict):
        function = choice.get("function")
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            return str(function["name"])
    return None


def _check_limits(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    if not request.messages:
        return refusal(400, "messages must not be empty.", "messages")
    return (
        check_user_id(request.user_id)
        or check_effort(request.reasoning_effort)
        or check_max_tokens(request.max_tokens, model.max_output)
        or check_max_tokens(request.max_completion_tokens, model.max_output, "max_completion_tokens")
    )


def _check_sampling(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    if request.thinks:
        return None
    ranges = {
        "temperature": (0, 2),
        "top_p": (0, 1),
        "presence_penalty": (-2, 2),
        "frequency_penalty": (-2, 2),
    }
    for name, (lowest, highest) in ranges.items():
        value = getattr(request, name)
        if value is not None and not lowest <= value <= highest:
            return refusal(
                400, f"Invalid {name} value, the valid range of {name} is [{lowest}, {highest}].", name
            )
    return None


def _check_logprobs(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    if request.top_logprobs is None:
        return None
    if not request.logprobs:
        return refusal(400, "top_logprobs needs logprobs to be true.", "top_logprobs")
    if not 0 <= request.top_logprobs <= 20:
        return refusal(400, "top_logprobs must be from 0 to 20.", "top_logprobs")
    return None


def _check_stop(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    if isinstance(request.stop, list) and len(request.stop) > 16:
        return refusal(400, "stop takes at most 16 sequences.", "stop")
    return None


def _check_roles(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    known: set[str] = set()
    for position, message in enumerate(request.messages):
        if message.role == "assistant":
            known.update(str(call.get("id")) for call in message.tool_calls or ())
        if message.role == "tool" and message.tool_call_id not in known:
            text = "A message with role 'tool' must answer a call in an earlier message's 'tool_calls'."
            return refusal(400, text, f"messages[{position}]")
    return None


def _check_reasoning(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    if not request.tools or not request.thinks:
        return None
    for position, message in enumerate(request.messages):
        if message.role == "assistant" and not message.prefix and not message.reasoning_content:
            text = "With tools, the reasoning_content of every earlier assistant message must be passed back."
            return refusal(400, text, f"messages[{position}].reasoning_content")
    return None


def _check_prefix(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    for position, message in enumerate(request.messages):
        if not message.prefix:
            continue
        if not beta:
            return refusal(400, "prefix needs the base path /beta.", f"messages[{position}].prefix")
        if message.role != "assistant" or position != len(request.messages) - 1:
            text = "prefix may be true in the last message only, with role 'assistant'."
            return refusal(400, text, f"messages[{position}].prefix")
    return None


def _check_images(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    for position, message in enumerate(request.messages):
        if not model.vision and image_urls(message.content):
            return refusal(400, f"{model.name} does not take images.", f"messages[{position}].content")
    return None


def _check_format(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    if request.response_format is None:
        return None
    kind = request.response_format.get("type", "text")
    if kind == "json_object":
        said = "\n".join(text_of(message.content) for message in request.messages)
        if "json" not in said.lower():
            text = "With response_format json_object the prompt must contain the word 'json'."
            return refusal(400, text, "response_format")
        return None
    if kind == "json_schema":
        declared = request.response_format.get("json_schema")
        if not isinstance(declared, dict) or not isinstance(declared.get("schema"), dict):
            return refusal(400, "response_format json_schema needs json_schema.schema.", "response_format")
        return None
    return (
        None if kind == "text" else refusal(400, f"There is no response_format {kind!r}.", "response_format")
    )


def _check_tools(request: ChatRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    names = [tool.function.name for tool in request.tools or ()]
    if len(names) > 128:
        return refusal(400, "tools takes at most 128 functions.", "tools")
    choice = request.tool_choice
    if isinstance(choice, str) and choice not in {"none", "auto", "required"}:
        return refusal(400, f"There is no tool_choice {choice!r}.", "tool_choice")
    if isinstance(choice, dict) and _named_tool(choice) not in names:
        return refusal(400, "tool_choice names no function of tools.", "tool_choice")
    for position, tool in enumerate(request.tools or ()):
        if tool.function.strict:
            where = f"tools[{position}].function"
            if not beta:
                return refusal(400, "strict needs the base path /beta.", f"{where}.strict")
            if not _is_strict(tool.function.parameters or {}):
                text = (
                    "A strict schema lists every property in required and sets additionalProperties to false."
                )
                return refusal(400, text, f"{where}.parameters")
    return None


def _is_strict(schema: Any) -> bool:
    if isinstance(schema, list):
        return all(_is_strict(part) for part in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object":
        properties = schema.get("properties") or {}
        if schema.get("additionalProperties") is not False or set(schema.get("required") or ()) != set(
            properties
        ):
            return False
        if not all(_is_strict(part) for part in properties.values()):
            return False
    nested = [schema.get(word) for word in ("items", "anyOf", "oneOf", "allOf")]
    nested += list((schema.get("$defs") or {}).values())
    return all(_is_strict(part) for part in nested)


_CHECKS: tuple[Callable[[ChatRequest, ModelSpec, bool], Refusal | None], ...] = (
    _check_limits,
    _check_sampling,
    _check_logprobs,
    _check_stop,
    _check_prefix,
    _check_tools,
    _check_reasoning,
    _check_roles,
    _check_images,
    _check_format,
)
