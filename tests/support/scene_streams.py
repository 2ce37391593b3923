"""Answers as upstreams send them."""

from __future__ import annotations

import json
from typing import Any

JSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EVENTS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def unary(body: bytes, status: bytes = b"200 OK", headers: bytes = b"") -> bytes:
    """A whole plain answer."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n"
    return head % (status, headers, len(body)) + body


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def chunks(*pieces: bytes) -> bytes:
    """Some chunks."""
    return b"".join(chunk(piece) for piece in pieces)


def stream(*pieces: bytes) -> bytes:
    """A whole stream, each piece a chunk."""
    return EVENTS_HEAD + CHUNKED + chunks(*pieces) + LAST


def event(content: str = "你", finish: str | None = None, model: str = "flash", **more: Any) -> bytes:
    """One event of a chat stream."""
    choice = {"index": 0, "delta": {"content": content}, "finish_reason": finish}
    return data({"id": "c", "model": model, "choices": [choice], **more})


def data(value: Any) -> bytes:
    """An event whose data is ``value`` in compact JSON."""
    return b"data: " + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def usage(prompt: int = 1000, completion: int = 50, hit: int = 400) -> dict[str, Any]:
    """Usage as DeepSeek reports it."""
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_cache_hit_tokens": hit,
        "prompt_cache_miss_tokens": prompt - hit,
        "completion_tokens_details": {"reasoning_tokens": 7},
    }
