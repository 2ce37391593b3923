"""The body of ``POST /anthropic/v1/messages``: its types, its checks, and what it asks for."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from seekgate.emulate.ask import EFFORTS, Ask, ToolSpec, check_effort, check_max_tokens, check_user_id
from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.prompt import render, text_of
from seekgate.emulate.settings import ModelSpec


class Turn(msgspec.Struct):
    """One turn of the conversation."""

    role: Literal["user", "assistant"]
    content: str | list[dict[str, Any]]


class AnthropicTool(msgspec.Struct):
    """A tool's declaration."""

    name: str
    input_schema: dict[str, Any] = {}
    description: str | None = None


class AnthropicThinking(msgspec.Struct):
    """The ``thinking`` switch; a budget is accepted and ignored."""

    type: Literal["enabled", "disabled", "adaptive"] = "enabled"


class OutputConfig(msgspec.Struct):
    """``output_config``: the effort."""

    effort: str | None = None


class Metadata(msgspec.Struct):
    """``metadata``: the user that isolates the cache."""

    user_id: str | None = None


class MessagesRequest(msgspec.Struct, kw_only=True):
    """The fields that the emulator reads; others are allowed and ignored."""

    model: str
    messages: list[Turn]
    max_tokens: int
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    thinking: AnthropicThinking | None = None
    output_config: OutputConfig | None = None
    metadata: Metadata | None = None
    tools: list[AnthropicTool] | None = None
    tool_choice: dict[str, Any] | None = None

    @property
    def thinks(self) -> bool:
        """Thinking is on unless it is switched off."""
        return self.thinking is None or self.thinking.type != "disabled"


def check_messages(request: MessagesRequest, model: ModelSpec) -> Refusal | None:
    """Return the first reason to refuse the request, or None."""
    if not request.messages:
        return refusal(400, "messages must not be empty.", "messages")
    has_image = any(_has_image(turn.content) for turn in request.messages)
    if has_image and not model.vision:
        return refusal(400, f"{model.name} does not take images.", "messages")
    if request.tools and request.thinks:
        for position, turn in enumerate(request.messages):
            if turn.role == "assistant" and not _has_thinking(turn.content):
                text = (
                    "With tools, the thinking block of every earlier assistant message must be passed back."
                )
                return refusal(400, text, f"messages[{position}].content")
    effort = request.output_config.effort if request.output_config else None
    user_id = request.metadata.user_id if request.metadata else None
    return (
        check_user_id(user_id, "metadata.user_id")
        or check_effort(effort, "output_config.effort")
        or check_max_tokens(request.max_tokens, model.max_output)
    )


def ask_of_messages(request: MessagesRequest, model: ModelSpec) -> Ask:
    """Return what a checked request asks for."""
    turns = [{"role": "system", "content": text_of(request.system)}] if request.system else []
    turns += [{"role": turn.role, "content": turn.content} for turn in request.messages]  # type: ignore[dict-item]
    last = request.messages[-1]
    effort = (request.output_config.effort if request.output_config else None) or "high"
    return Ask(
        model=model,
        prompt=render(msgspec.to_builtins(request.tools or []), turns),
        last_text=next(
            (text_of(turn.content) for turn in reversed(request.messages) if turn.role == "user"), ""
        ),
        thinking=request.thinks,
        effort=EFFORTS[effort],
        call=_tool_to_call(request) if last.role == "user" and not _has_result(last.content) else None,
        stop=tuple(request.stop_sequences or ()),
        max_tokens=request.max_tokens,
        user_id=(request.metadata.user_id if request.metadata else None) or "",
        stream=bool(request.stream),
    )


def _blocks(content: str | list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [] if isinstance(content, str) else [block for block in content if block.get("type") == kind]


def _has_thinking(content: str | list[dict[str, Any]]) -> bool:
    return any(block.get("thinking") for block in _blocks(content, "thinking"))


def _has_result(content: str | list[dict[str, Any]]) -> bool:
    return bool(_blocks(content, "tool_result"))


def _has_image(content: str | list[dict[str, Any]]) -> bool:
    return bool(_blocks(content, "image"))


def _tool_to_call(request: MessagesRequest) -> ToolSpec | None:
    choice = request.tool_choice or {}
    if choice.get("type") == "none":
        return None
    for tool in request.tools or ():
        if choice.get("type") != "tool" or choice.get("name") == tool.name:
            return ToolSpec(tool.name, tool.input_schema)
    return None
