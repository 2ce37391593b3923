"""Embeddings, which DeepSeek does not have: the emulator serves them so that a gateway has an upstream to test with.

A vector depends on the seed and the text (or its token numbers) only, has length 1, and comes as numbers or as base64
of little-endian 32-bit floats, as in OpenAI's API.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Literal

import msgspec

from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.text import count_tokens, numbers, seed_of

DIMENSIONS = 256


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    """The body of ``POST /embeddings``."""

    model: str
    input: str | list[str | int | list[int]]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None


def embeddings_body(request: EmbeddingsRequest, model: str, seed: int) -> bytes | Refusal:
    """Return the list of embeddings, or why there is none."""
    inputs = _inputs(request.input)
    if not inputs or any(not text for text in inputs):
        return refusal(400, "input must not be empty.", "input")
    dimensions = DIMENSIONS if request.dimensions is None else request.dimensions
    if not 1 <= dimensions <= 4_096:
        return refusal(400, "dimensions must be from 1 to 4096.", "dimensions")
    data: list[dict[str, object]] = []
    for index, text in enumerate(inputs):
        values = vector(text, dimensions, seed)
        packed = struct.pack(f"<{dimensions}f", *values)
        if request.encoding_format == "base64":
            data.append(
                {"object": "embedding", "index": index, "embedding": base64.b64encode(packed).decode()}
            )
        else:
            # Through 32 bits, so that both encodings tell the same numbers.
            floats = struct.unpack(f"<{dimensions}f", packed)
            data.append({"object": "embedding", "index": index, "embedding": floats})
    tokens = sum(len(text) if isinstance(text, list) else count_tokens(text.encode()) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return msgspec.json.encode({"object": "list", "data": data, "model": model, "usage": usage})


def vector(text: str | list[int], dimensions: int, seed: int) -> list[float]:
    """Return a vector of length 1 for a text or a list of token numbers."""
    source = numbers(seed_of(seed, "embedding", msgspec.json.encode(text)))
    values = [next(source) / 2**30 - 1 for _ in range(dimensions)]
    length = math.sqrt(sum(value * value for value in values)) or 1.0
    return [value / length for value in values]


def _inputs(given: str | list[str | int | list[int]]) -> list[str | list[int]]:
    if isinstance(given, str):
        return [given]
    numbers_only = [item for item in given if isinstance(item, int)]
    if numbers_only:
        return [numbers_only]
    return [item for item in given if not isinstance(item, int)]
