"""What a request asks for, whichever dialect it was written in, and what identifies its answer."""

from __future__ import annotations

from typing import Any, Literal, TypeVar

import msgspec

from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.settings import ModelSpec
from seekgate.emulate.text import count_tokens

T = TypeVar("T")

Effort = Literal["low", "high", "max"]

#: Spellings of other APIs that DeepSeek takes for one of its own three efforts.
EFFORTS: dict[str, Effort] = {"low": "low", "medium": "high", "high": "high", "xhigh": "max", "max": "max"}

#: Longest ``user_id``, in bytes.
USER_ID_BYTES = 512


class ToolSpec(msgspec.Struct, frozen=True):
    """A function that the model may call: its name and the JSON schema of its arguments."""

    name: str
    schema: Any


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A request, independent of its dialect.

    ``prompt`` is the rendered prompt, in the order in which the model would read it; ``last_text`` the last message's
    text, for echoes; ``sampling`` the encoded sampling parameters that have an effect. ``call`` is the tool that the
    answer shall call, or None. ``form`` says what the text must be.
    """

    model: ModelSpec
    prompt: bytes
    last_text: str = ""
    thinking: bool = True
    effort: Effort = "high"
    call: ToolSpec | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    form: Literal["text", "object", "schema"] = "text"
    schema: Any = None
    sampling: bytes = b""
    user_id: str = ""
    stream: bool = False

    @property
    def prompt_tokens(self) -> int:
        """The number of tokens of the prompt."""
        return count_tokens(self.prompt)


class Identity(msgspec.Struct, frozen=True):
    """What an answer carries besides its text. ``created`` is Unix time in seconds; ``seed`` makes ids repeatable."""

    id: str
    created: int
    model: str
    fingerprint: str
    seed: int


def decode(body: bytes, kind: type[T]) -> T | Refusal:
    """Decode a JSON body: 400 for what is not JSON, 422 for JSON with missing fields or wrong types."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        return refusal(422, f"The body does not fit this request: {error}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return refusal(400, f"The body is not valid JSON: {error}")


def check_user_id(user_id: str | None, param: str = "user_id") -> Refusal | None:
    """Refuse a ``user_id`` that is not 1 to 512 bytes of ``[A-Za-z0-9_-]``; None is fine."""
    if user_id is None:
        return None
    plain = user_id.replace("-", "").replace("_", "")
    if not user_id or (plain and not (plain.isascii() and plain.isalnum())):
        return refusal(400, f"{param} must consist of the characters [A-Za-z0-9_-].", param)
    if len(user_id) > USER_ID_BYTES:
        return refusal(400, f"{param} must have at most {USER_ID_BYTES} bytes.", param)
    return None


def check_effort(effort: str | None, param: str = "reasoning_effort") -> Refusal | None:
    """Refuse an effort that DeepSeek does not know; None is fine."""
    if effort is None or effort in EFFORTS:
        return None
    return refusal(400, f"{param} must be low, high or max, not {effort!r}.", param)


def check_max_tokens(count: int | None, most: int, param: str = "max_tokens") -> Refusal | None:
    """Refuse an output limit outside of 1 to ``most`` tokens; None is fine."""
    if count is None or 1 <= count <= most:
        return None
    return refusal(400, f"Invalid {param} value, the valid range of {param} is [1, {most}].", param)
