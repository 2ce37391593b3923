"""The streams of the benchmark: what the upstream sends for a stream, which is what a client must receive.

Both ends of the benchmark compute the bytes from the stream's name and the event's position alone, so that the
client can check every byte without having seen them, and an event that reached the wrong stream is noticed.
"""

from __future__ import annotations

import json
import re

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
_EVENT_SAYING = _HEAD + '"%b 词%05d%b"'.encode() + b'},"logprobs":null,"finish_reason":null}]}\n\n'
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


MOBILE = "13812345678"
"""The personal value in the prompts of the case `sse_restore`."""
DEFAULT_TOKEN = b"PII_CN_MOBILE_k7f3q9"
"""What the upstream repeats for a hop that sent it no token of its own."""
_TOKEN = re.compile(rb"PII_[A-Z0-9_]+_[0-9a-z]+")
WHOLE, FIRST_HALF, SECOND_HALF = 3, 6, 7
"""Which of ten events repeat the token, whole or by halves."""


def personal_body(model: str) -> bytes:
    """The request of `request_body` as a stream, with a mobile number in what the user says."""
    body = request_body(model, stream=True)
    return body.replace(b"sign for it?", f"sign for it? My number is {MOBILE}.".encode())


def token_in(body: bytes) -> bytes:
    """The token that stands in a request for the number, or `DEFAULT_TOKEN`."""
    found = _TOKEN.search(body)
    return found[0] if found else DEFAULT_TOKEN


def echo_event(name: bytes, position: int, events: int, token: bytes) -> bytes:
    """`event`, with the token said in three of ten events, in one of them whole."""
    if position == events - 1:
        return event(name, position, events)
    half = len(token) // 2
    before, behind = {
        WHOLE: (b"", b" " + token + b" "),
        FIRST_HALF: (b"", b" " + token[:half]),
        SECOND_HALF: (token[half:] + b" ", b""),
    }.get(position % 10, (b"", b""))
    return _EVENT_SAYING % (name, before, position, behind)


def said(stream: bytes) -> str:
    """The content of all events of a stream, joined."""
    text = []
    for line in stream.splitlines():
        if line.startswith(b"data: {"):
            choices = json.loads(line[6:])["choices"]
            text += [choice["delta"].get("content") or "" for choice in choices]
    return "".join(text)
