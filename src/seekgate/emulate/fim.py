"""Fill in the middle: ``POST /beta/completions`` with ``prompt`` and ``suffix``, at most 4K output tokens."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from seekgate.emulate.answer import sse
from seekgate.emulate.ask import Ask, Identity, check_max_tokens, check_user_id
from seekgate.emulate.chat import DONE, Wanted
from seekgate.emulate.chat_request import StreamOptions, Thinking
from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.plan import Plan
from seekgate.emulate.prompt import render
from seekgate.emulate.settings import ModelSpec
from seekgate.emulate.text import logprob_of

#: The most tokens that fill-in-the-middle gives.
MAX_OUTPUT = 4_096

_encode = msgspec.json.Encoder().encode


class FimRequest(msgspec.Struct, kw_only=True):
    """The fields that the emulator reads; others are allowed and ignored."""

    model: str
    prompt: str
    suffix: str | None = None
    echo: bool | None = None
    max_tokens: int | None = None
    stop: str | list[str] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    thinking: Thinking | None = None
    logprobs: int | None = None
    user_id: str | None = None


def check_fim(request: FimRequest, model: ModelSpec, beta: bool) -> Refusal | None:
    """Return the first reason to refuse the request, or None."""
    if not beta:
        return refusal(400, "The completions API needs the base path /beta.")
    if request.thinking is not None and request.thinking.type == "enabled":
        return refusal(400, "Completions are not available while thinking.", "thinking")
    if request.logprobs is not None and not 0 <= request.logprobs <= 20:
        return refusal(400, "logprobs must be from 0 to 20.", "logprobs")
    return check_user_id(request.user_id) or check_max_tokens(
        request.max_tokens, min(MAX_OUTPUT, model.max_output)
    )


def ask_of_fim(request: FimRequest, model: ModelSpec) -> Ask:
    """Return what a checked request asks for."""
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    return Ask(
        model=model,
        prompt=render([], [{"prompt": request.prompt, "suffix": request.suffix or ""}]),
        last_text=request.prompt,
        thinking=False,
        stop=tuple(stop),
        max_tokens=MAX_OUTPUT if request.max_tokens is None else request.max_tokens,
        user_id=request.user_id or "",
        stream=bool(request.stream),
    )


def fim_body(plan: Plan, identity: Identity, wanted: Wanted, prompt: str) -> bytes:
    """Return the ``text_completion`` object; ``prompt`` is put before the text (empty unless ``echo`` is set)."""
    text = prompt + "".join(plan.content.tokens())
    tokens = list(plan.content.tokens())
    choice = {"index": 0, "text": text, "logprobs": _logprobs(tokens, 0, len(prompt), identity, wanted)}
    return _encode(
        {
            "id": identity.id,
            "object": "text_completion",
            "created": identity.created,
            "model": identity.model,
            "choices": [{**choice, "finish_reason": plan.finish}],
            "usage": plan.usage.chat(),
            "system_fingerprint": identity.fingerprint,
        }
    )


def fim_events(plan: Plan, identity: Identity, wanted: Wanted, prompt: str) -> Iterator[bytes]:
    """Yield the events of the stream, ``[DONE]`` included."""
    fields: dict[str, object] = {
        "id": identity.id,
        "object": "text_completion",
        "created": identity.created,
        "model": identity.model,
        "system_fingerprint": identity.fingerprint,
    }

    def chunk(text: str, finish: str | None, logprobs: object, **more: object) -> bytes:
        choice = {"index": 0, "text": text, "logprobs": logprobs, "finish_reason": finish}
        return sse(_encode({**fields, "choices": [choice], **more}))

    usage: dict[str, object] = {"usage": None} if wanted.include_usage else {}
    if prompt:
        yield chunk(prompt, None, None, **usage)
    offset = len(prompt)
    for position, token in enumerate(plan.content.tokens()):
        yield chunk(token, None, _logprobs([token], position, offset, identity, wanted), **usage)
        offset += len(token)
    if wanted.finish_usage and not wanted.include_usage:
        usage = {"usage": plan.usage.chat()}
    yield chunk("", plan.finish, None, **usage)
    if wanted.include_usage:
        yield sse(_encode({**fields, "choices": [], "usage": plan.usage.chat()}))
    yield DONE


def _logprobs(
    tokens: list[str], position: int, offset: int, identity: Identity, wanted: Wanted
) -> dict[str, object] | None:
    if wanted.logprobs is None:
        return None
    entries = [
        logprob_of(identity.seed, position + n, token, wanted.logprobs) for n, token in enumerate(tokens)
    ]
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token)
    return {
        "tokens": tokens,
        "token_logprobs": [entry["logprob"] for entry in entries],
        "top_logprobs": [
            {str(other["token"]): other["logprob"] for other in entry["top_logprobs"]}  # type: ignore[attr-defined]
            for entry in entries
        ],
        "text_offset": offsets,
    }
