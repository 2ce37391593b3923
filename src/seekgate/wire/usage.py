"""Token usage as the OpenAI dialects report it: OpenAI, DeepSeek, llama.cpp, vLLM.

DeepSeek splits the prompt into ``prompt_cache_hit_tokens`` and ``prompt_cache_miss_tokens``; OpenAI reports hits as
``prompt_tokens_details.cached_tokens``. Here ``hit + miss == prompt`` always holds. Counts that are negative, absurd
or contradictory are not repaired: the usage is then unknown (None), and whoever bills must say so.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import msgspec

from seekgate.wire.jsonspan import value_end

MAX_TOKENS = 1_000_000_000
"""No answer of any model has more tokens than this; a larger count is a fault of the upstream."""


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens of one answer. ``hit`` and ``miss`` split ``prompt``; ``reasoning`` is what thinking took."""

    prompt: int
    completion: int
    total: int
    hit: int
    miss: int
    reasoning: int


Answer: TypeAlias = tuple[Usage | None, str | None, str | None, str | None]
"""Usage, the model that answered, its system fingerprint, the first choice's finish reason."""

NOTHING: Answer = (None, None, None, None)


class _PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct, gc=False):
    prompt_tokens: int
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_cache_hit_tokens: int | None = None
    prompt_cache_miss_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Choice(msgspec.Struct, gc=False):
    finish_reason: str | None = None


class _Answer(msgspec.Struct, gc=False):
    usage: _Usage | None = None
    model: str | None = None
    system_fingerprint: str | None = None
    choices: list[_Choice] | None = None


class _Loose(msgspec.Struct, gc=False):
    """The same answer when a field has an unexpected type: each field is then judged alone."""

    usage: Any = None
    model: Any = None
    system_fingerprint: Any = None
    choices: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_loose = msgspec.json.Decoder(_Loose).decode
_decode_usage = msgspec.json.Decoder(_Usage).decode
_USAGE_KEY = re.compile(rb'"usage"[ \t\r\n]*:[ \t\r\n]*(?=\{)')


def from_body(body: bytes) -> Answer:
    """Read a whole unary answer. An answer that is not a JSON object gives four Nones; nothing is raised."""
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        return _from_loose(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NOTHING
    usage = answer.usage
    choices = answer.choices
    return (
        None if usage is None else _settle(usage),
        answer.model,
        answer.system_fingerprint,
        choices[0].finish_reason if choices else None,
    )


from_event = from_body
"""Read the data of one event of a stream: a chunk has the same members as a whole answer."""


def from_tail(tail: bytes) -> Usage | None:
    """The last ``"usage"`` object in the end of an answer whose beginning was not kept; None if there is none.

    A quote inside a JSON string is escaped, so ``"usage"`` before a colon and a brace is a key wherever the tail
    begins. The last one that is a complete object with token counts wins.
    """
    end = len(tail)
    while (at := tail.rfind(b'"usage"', 0, end)) >= 0:
        end = at
        match = _USAGE_KEY.match(tail, at)
        if match is None:
            continue
        stop = value_end(tail, match.end())
        if stop is None:
            continue
        try:
            return _settle(_decode_usage(tail[match.end() : stop]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return None


def _settle(raw: _Usage) -> Usage | None:
    prompt = raw.prompt_tokens
    completion = raw.completion_tokens or 0
    total = raw.total_tokens
    if total is None or total < prompt + completion:
        total = prompt + completion
    hit = raw.prompt_cache_hit_tokens
    if hit is None:
        if raw.prompt_cache_miss_tokens is not None:
            hit = prompt - raw.prompt_cache_miss_tokens
        elif raw.prompt_tokens_details is not None:
            hit = raw.prompt_tokens_details.cached_tokens or 0
        else:
            hit = 0
    details = raw.completion_tokens_details
    reasoning = 0 if details is None else details.reasoning_tokens or 0
    if not (0 <= hit <= prompt and completion >= 0 and reasoning >= 0 and total <= MAX_TOKENS):
        return None
    if reasoning > MAX_TOKENS or (raw.total_tokens or 0) < 0:
        return None
    return Usage(prompt, completion, total, hit, prompt - hit, reasoning)


def _from_loose(body: bytes) -> Answer:
    try:
        answer = _decode_loose(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return NOTHING
    usage: Usage | None = None
    if isinstance(answer.usage, dict):
        try:
            usage = _settle(msgspec.convert(answer.usage, _Usage))
        except msgspec.ValidationError:
            usage = None
    reason: Any = None
    if isinstance(answer.choices, list) and answer.choices and isinstance(answer.choices[0], dict):
        reason = answer.choices[0].get("finish_reason")
    return usage, _text(answer.model), _text(answer.system_fingerprint), _text(reason)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
