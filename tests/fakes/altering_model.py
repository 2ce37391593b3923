"""A model that repeats tokens as models do: in other cases, spaced, quoted, escaped, broken over lines, now and then
wrong. It answers chat completions over HTTP, whole or streamed in pieces of a few characters, in all three fields.

What it says is drawn from a seed and the request's number, and kept (`AlteringModel.said`), so that a test knows which
alteration became of which token.
"""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.privacy import ALTERATIONS

TOKEN = re.compile(
    r"PII_[A-Z][A-Z0-9_]*_(?:[bcdfghjkmnpqrstvwxyz][0-9bcdfghjkmnpqrstvwxyz]{5,}|[A-Z]\d\d)(?![0-9a-z])"
)

WRONG: dict[str, Callable[[str], str]] = {
    "cut short": lambda token: token[:-2],
    "another hash": lambda token: token[:-6] + "zzzzzz",
    "another type": lambda token: token.replace("PII_", "PII_X"),
    "words in between": lambda token: token.replace("_", " and ", 1),
}
"""What must not be restored: it is no longer the token, or could be another one."""

OUT_OF_REACH: dict[str, Callable[[str], str]] = {
    "first word left out": lambda token: token.removeprefix("PII_"),
    "first word spaced": lambda token: "P.I.I." + token[3:],
    "type translated": lambda token: "PII_" + "_".join(["手机号", token.rpartition("_")[2]]),
    "HTML entities": lambda token: token.replace("_", "&#95;"),
    "percent escapes": lambda token: token.replace("_", "%5F"),
}
"""What people still read as the token, and what is not restored: it could only be guessed."""

TWO = "two of them at once"

BETWEEN = "\n@@\n"
"""What stands between two lines of a text."""

SENTENCES = (
    "You can reach them at {}, as stated.",
    "我已记下 {}，请确认。",
    "- **Contact**: {}",
    "| name | {} | ok |",
    "> {}",
    "1. Write to {} first; 2. wait.",
    "The value {} appears twice in the file.",
    "```\nvalue = {}\n```",
)


@dataclass(frozen=True)
class Line:
    """One line of an answer: where it stands, its text around the token, which token (by number) and what was done."""

    field: str
    before: str
    after: str
    token: str
    alteration: str
    altered: str

    def restored(self, value: str) -> str:
        """The line as the client must get it, where ``value`` is what the token stands for."""
        altered = self.altered
        if self.alteration not in WRONG and self.alteration not in OUT_OF_REACH:
            start = next(at for at, c in enumerate(altered) if c in "pP\uff30\uff50")
            end = max(at for at, c in enumerate(altered) if c.isalnum()) + 1
            altered = altered[:start] + value + altered[end:]
        return f"{self.before}{altered}{self.after}"


@dataclass
class AlteringModel:
    """The server. ``said`` has what was said in answer to each request, by the ``seed`` of its body."""

    seed: int = 1
    said: dict[int, list[Line]] = field(default_factory=dict)
    url: str = ""

    def lines(self, request: dict[str, Any]) -> list[Line]:
        """What is said: a line for each token that the request has, in each field, in one of the ways there are."""
        number = int(request.get("seed", 0))
        source = random.Random(f"{self.seed}/{number}")
        text = json.dumps(request["messages"], ensure_ascii=False)
        tokens = list(dict.fromkeys(TOKEN.findall(text)))
        lines = []
        for place in ("reasoning_content", "content", "arguments"):
            for token in tokens:
                name, altered = _altered(token, source)
                before, _, after = SENTENCES[source.randrange(len(SENTENCES))].partition("{}")
                lines.append(Line(place, before, after, token, name, altered))
        self.said[number] = lines
        return lines

    def message(self, lines: list[Line]) -> dict[str, Any]:
        """The message that says the lines."""
        said: dict[str, list[str]] = {"reasoning_content": [], "content": [], "arguments": []}
        for line in lines:
            said[line.field].append(f"{line.before}{line.altered}{line.after}")
        arguments = json.dumps({"lines": said.pop("arguments"), "n": 1}, ensure_ascii=False)
        call = {"id": "call_1", "type": "function", "function": {"name": "note", "arguments": arguments}}
        joined = {place: BETWEEN.join(texts) for place, texts in said.items()}
        return {"role": "assistant", **joined, "tool_calls": [call]}

    def body(self, request: dict[str, Any]) -> bytes:
        """A plain answer."""
        message = self.message(self.lines(request))
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        return _json(
            {"id": "c-1", "object": "chat.completion", "model": request["model"], "choices": [choice]}
        )

    def events(self, request: dict[str, Any]) -> Iterator[bytes]:
        """A stream that says the same, in pieces of one to five characters."""
        source = random.Random(f"{self.seed}/{request.get('seed', 0)}/pieces")
        message = self.message(self.lines(request))
        frame = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": request["model"]}

        def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            return b"data: " + _json({**frame, "choices": [choice]}) + b"\n\n"

        yield event({"role": "assistant", "content": ""})
        for place in ("reasoning_content", "content"):
            for piece in _pieces(message[place], source):
                yield event({place: piece})
        (call,) = message["tool_calls"]
        arguments = call["function"].pop("arguments")
        yield event({"tool_calls": [{"index": 0, **call, "function": {**call["function"], "arguments": ""}}]})
        for piece in _pieces(arguments, source):
            yield event({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
        yield event({}, "tool_calls")
        yield b"data: [DONE]\n\n"


def _altered(token: str, source: random.Random) -> tuple[str, str]:
    """One of all the ways, by name, and the token altered in it."""
    ways = {**ALTERATIONS, **WRONG, **OUT_OF_REACH}
    name = source.choice([*sorted(ways), TWO, TWO, TWO])
    if name != TWO:
        return name, ways[name](token)
    first, second = source.sample(sorted(ALTERATIONS), 2)
    return name, ALTERATIONS[second](ALTERATIONS[first](token))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _pieces(text: str, source: random.Random) -> Iterator[str]:
    at = 0
    while at < len(text):
        size = source.randint(1, 5)
        yield text[at : at + size]
        at += size


@contextmanager
def altering_model(seed: int = 1) -> Iterator[AlteringModel]:
    """The model, answering on a port of its own."""
    model = AlteringModel(seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            if request.get("stream"):
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                for event in model.events(request):
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
                self.wfile.write(b"0\r\n\r\n")
            else:
                body = model.body(request)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """The test's output is no place for an access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield model
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
