"""Rendering: the bytes of a prompt in the order in which a model reads it, so that prefixes can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha512
from typing import Any

import msgspec

#: Bytes that stand for one image: 256 tokens, whatever its size.
IMAGE_BYTES = 1024

_FIELD = b"\x1f"
_TURN = b"\x1e"


def text_of(content: object) -> str:
    """Return the text of a message's content, a string or an array of parts; other parts count as nothing."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def image_urls(content: object) -> list[str]:
    """Return the addresses of the images in a content array."""
    if not isinstance(content, list):
        return []
    images = (part.get("image_url") for part in content if isinstance(part, dict))
    return [
        str(image.get("url") if isinstance(image, dict) else image) for image in images if image is not None
    ]


def render(tools: Sequence[object], turns: Sequence[dict[str, Any]]) -> bytes:
    """Return the prompt: tools first, then every turn with its fields in the order given."""
    parts = [_TURN + msgspec.json.encode(tool) for tool in tools]
    for turn in turns:
        parts.append(_TURN)
        for name, value in turn.items():
            parts.append(_FIELD + name.encode() + _FIELD)
            parts.append(_rendered(value))
    return b"".join(parts)


def _rendered(value: object) -> bytes:
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, list) and (urls := image_urls(value)):
        images = b"".join(sha512(url.encode()).digest() * (IMAGE_BYTES // 64) for url in urls)
        return images + text_of(value).encode()
    if isinstance(value, list) and (text := text_of(value)):
        return text.encode()
    return msgspec.json.encode(value)
