"""Answers for the privacy stage's tests: what a model says, cut into streams, put together again, and a model that
alters the tokens that it repeats."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from seekgate.stages.privacy.answer import Answer
from seekgate.stages.privacy.tokens import Mint, Vault

VALUES = {
    "CN_MOBILE": "13812345678",
    "EMAIL": "li@example.org",
    "SECRET": 'pass"wo\\rd\n张',
    "NAME": "张三",
}
"""Values that JSON must escape are among them."""

Key = tuple[int, str, int]

ALTERATIONS: dict[str, Callable[[str], str]] = {
    "as it is": lambda token: token,
    "upper case": str.upper,
    "lower case": str.lower,
    "capitalised": lambda token: "_".join(part.capitalize() for part in token.split("_")),
    "spaces": lambda token: token.replace("_", " "),
    "spaces around underscores": lambda token: token.replace("_", " _ "),
    "hyphens": lambda token: token.replace("_", "-"),
    "no separators": lambda token: token.replace("_", ""),
    "Markdown escapes": lambda token: token.replace("_", "\\_"),
    "Markdown emphasis": lambda token: f"**{token}**",
    "emphasis inside": lambda token: token.replace("PII_", "PII_**") + "**",
    "code": lambda token: f"`{token}`",
    "double quotes": lambda token: f'"{token}"',
    "curly quotes": lambda token: f"“{token}”",
    "a quote inside": lambda token: token.replace("PII_", "'PII'_"),
    "a line break": lambda token: token[: len(token) // 2] + "\n" + token[len(token) // 2 :],
    "a hyphenated line break": lambda token: token[:-4] + "-\n" + token[-4:],
    "no-break spaces": lambda token: token.replace("_", "\u00a0"),
    "zero-width spaces": lambda token: token.replace("_", "\u200b_\u200b"),
    "full width": lambda token: "".join(
        chr(ord(c) + 0xFEE0) if c.isascii() and (c.isalnum() or c == "_") else c for c in token
    ),
    "dashes": lambda token: token.replace("_", "–"),
}
"""What models do to a token that they repeat, by name."""


def vault(values: dict[str, str] | None = None) -> Vault:
    """A vault in which each of the values has a token."""
    made = Mint(b"a key of the tests").vault("acme")
    for kind, value in (VALUES if values is None else values).items():
        made.issue(kind, value)
    return made


def tokens(of: Vault) -> list[str]:
    """The tokens that a vault has issued."""
    return list(of._issued.values())


@dataclass(frozen=True)
class Spoken:
    """A run of text that a choice says in one of its texts."""

    key: Key
    text: str


def compact(value: Any) -> bytes:
    """JSON as providers send it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def delta(key: Key, text: str) -> dict[str, Any]:
    """The choice of an event that says ``text``."""
    choice, field, call = key
    if field == "arguments":
        said: dict[str, Any] = {"tool_calls": [{"index": call, "function": {"arguments": text}}]}
    else:
        said = {field: text}
    return {"index": choice, "delta": said, "finish_reason": None}


def event(choices: Sequence[dict[str, Any]], **more: Any) -> bytes:
    """One event of a stream."""
    frame = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}
    return b"data: " + compact({**frame, **more}) + b"\n\n"


def texts_of(stream: bytes) -> dict[Key, str]:
    """What a client puts together from a stream: each text as a whole."""
    whole: dict[Key, str] = {}
    for block in stream.split(b"\n\n"):
        if not block.startswith(b"data: {"):
            continue
        for choice in json.loads(block[6:]).get("choices", []):
            said = choice.get("delta") or {}
            index = choice["index"]
            pieces = [((index, field, -1), said.get(field)) for field in ("content", "reasoning_content")]
            pieces += [
                ((index, "arguments", call["index"]), call["function"].get("arguments"))
                for call in said.get("tool_calls") or []
            ]
            for key, text in pieces:
                if text:
                    whole[key] = whole.get(key, "") + text
    return whole


def unary(runs: Iterable[Spoken]) -> bytes:
    """The plain answer that says the same."""
    messages: dict[int, dict[str, Any]] = {}
    for run in runs:
        choice, field, call = run.key
        message = messages.setdefault(choice, {"role": "assistant"})
        if field == "arguments":
            calls = message.setdefault("tool_calls", [])
            found = next((one for one in calls if one["index"] == call), None)
            if found is None:
                found = {"index": call, "function": {"name": "f", "arguments": ""}}
                calls.append(found)
            found["function"]["arguments"] += run.text
        else:
            message[field] = message.get(field, "") + run.text
    return compact(
        {
            "id": "c-1",
            "choices": [
                {"index": i, "message": m, "finish_reason": "stop"} for i, m in sorted(messages.items())
            ],
        }
    )


def texts_of_body(body: bytes) -> dict[Key, str]:
    """The texts of a plain answer."""
    whole: dict[Key, str] = {}
    for choice in json.loads(body)["choices"]:
        message = choice["message"]
        for field in ("content", "reasoning_content"):
            if message.get(field):
                whole[choice["index"], field, -1] = message[field]
        for place, call in enumerate(message.get("tool_calls", [])):
            if call["function"]["arguments"]:
                whole[choice["index"], "arguments", call.get("index", place)] = call["function"]["arguments"]
    return whole


def play(answer: Answer, chunks: Iterable[bytes]) -> bytes:
    """What a client gets of a stream in these chunks."""
    return b"".join([*(answer.events(chunk) for chunk in chunks), answer.last()])


PROSE = st.text(st.sampled_from(list('pPiI_ \\"`{}:,\nx1张😀')), max_size=12)


@st.composite
def said(draw: st.DrawFn, issued: Sequence[str]) -> str:
    """Some text with tokens in it, altered or not, and beginnings of tokens."""
    pieces = []
    for _ in range(draw(st.integers(0, 4))):
        pieces.append(draw(PROSE))
        token = draw(st.sampled_from(list(issued)))
        alter = ALTERATIONS[draw(st.sampled_from(sorted(ALTERATIONS)))]
        pieces.append(alter(token))
        if draw(st.booleans()):
            pieces.append(token[: draw(st.integers(1, len(token)))])
    pieces.append(draw(PROSE))
    return "".join(pieces)


@st.composite
def conversations(draw: st.DrawFn, issued: Sequence[str]) -> list[Spoken]:
    """What one or two choices say: thoughts, content, calls, one after another, the choices mixed."""
    lanes: list[list[Spoken]] = []
    for choice in range(draw(st.integers(1, 2))):
        lane = [
            Spoken((choice, "reasoning_content", -1), draw(said(issued))),
            Spoken((choice, "content", -1), draw(said(issued))),
        ]
        for call in range(draw(st.integers(0, 2))):
            value = {"a": draw(said(issued)), "b": [1, draw(said(issued))]}
            text = json.dumps(value, ensure_ascii=draw(st.booleans()))
            lane.append(Spoken((choice, "arguments", call), text))
        lanes.append([run for run in lane if run.text])
    return [run for lane in lanes for run in lane]


@st.composite
def streams(draw: st.DrawFn, runs: Sequence[Spoken]) -> list[bytes]:
    """The events of a stream that says the runs, cut anywhere between two characters; choices take turns."""
    lanes: dict[int, list[tuple[Key, str]]] = {}
    for run in runs:
        cuts = sorted(draw(st.lists(st.integers(0, len(run.text)), max_size=12)))
        if draw(st.integers(0, 5)) == 0:
            cuts = list(range(len(run.text)))
        edges = [0, *cuts, len(run.text)]
        pieces = [run.text[a:b] for a, b in pairwise(edges)]
        lanes.setdefault(run.key[0], []).extend((run.key, piece) for piece in pieces)
    finishes = draw(st.sampled_from(["apart", "with the last piece", "never"]))
    events: list[bytes] = []
    while lanes:
        choice = draw(st.sampled_from(sorted(lanes)))
        key, piece = lanes[choice].pop(0)
        said_here = delta(key, piece)
        over = not lanes[choice]
        if over and finishes == "with the last piece":
            said_here["finish_reason"] = "stop"
        events.append(event([said_here]))
        if over:
            del lanes[choice]
            if finishes == "apart":
                events.append(event([{"index": choice, "delta": {}, "finish_reason": "stop"}]))
    if finishes != "never":
        events += [event([], usage={"prompt_tokens": 1}), b"data: [DONE]\n\n"]
    return events


@st.composite
def chunked(draw: st.DrawFn, events: Sequence[bytes]) -> list[bytes]:
    """Events as they are handed over: one or several at once, comments between them."""
    chunks: list[bytes] = []
    pending = b""
    for one in events:
        if draw(st.integers(0, 7)) == 0:
            pending += b": keep-alive\n\n"
        pending += one
        if draw(st.booleans()):
            chunks.append(pending)
            pending = b""
    return [*chunks, pending] if pending else chunks
