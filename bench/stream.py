"""The streams of the benchmark: what the upstream sends for a stream, which is what a client must receive.

Both ends of the benchmark compute the bytes from the stream's name and the event's position alone, so that the
client can check every byte without having seen them, and an event that reached the wrong stream is noticed.
"""

from __future__ import annotations

import json

KEY = "sk-bench-0123456789abcdef0123456789abcdef"
"""The API key of the benchmark. It opens nothing outside a benchmark's run on loopback."""

_PROMPT = [
    {
        "role": "system",
        "content": "You help the customers of a mail-order house. Be brief, be exact, promise nothing.",
    },
    {
        "role": "user",
        "content": "My order 48210973 was to come on Tuesday and has not come. Can you look up where the parcel is, "
        "and tell me whether I need to be at home to sign for it?",
    },
]

_HEAD = (
    b'data: {"id":"%s","object":"chat.completion.chunk","created":1767225600,"model":"deepseek-reasoner",'
    b'"system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{"content":'
)
_EVENT = _HEAD + '" 词%05d"'.encode() + b'},"logprobs":null,"finish_reason":null}]}\n\n'
_LAST = (
    _HEAD
    + b'""},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":61,"completion_tokens":%d,'
    b'"total_tokens":%d,"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":61}}\n\ndata: [DONE]\n\n'
)


def request_body(model: str, *, stream: bool = False, user: str | None = None) -> bytes:
    """The JSON of a realistic chat request (about 380 bytes); ``user`` names the stream for the upstream."""
    fields: dict[str, object] = {"model": model, "messages": _PROMPT, "temperature": 0.7, "max_tokens": 256}
    if stream:
        fields["stream"] = True
    if user is not None:
        fields["user"] = user
    return json.dumps(fields, separators=(",", ":")).encode()


def stream_name(body: bytes) -> bytes:
    """The name that `request_body` gave a stream, or ``anonymous`` when it gave none."""
    at = body.find(b'"user":"')
    if at < 0:
        return b"anonymous"
    at += 8
    return body[at : body.index(b'"', at)]


def event(name: bytes, position: int, events: int) -> bytes:
    """Event ``position`` (from 0) of a stream of ``events``; the last one carries the usage and ends the stream."""
    if position == events - 1:
        return _LAST % (name, events, 61 + events)
    return _EVENT % (name, position)
