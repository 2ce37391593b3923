"""Small GGUF files, whole or damaged, written by the specification."""

from __future__ import annotations

import struct
from collections.abc import Mapping

Value = int | float | bool | str | list[str] | list[int]


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Value) -> bytes:
    if isinstance(value, bool):
        return struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return struct.pack("<II", 4, value)
    if isinstance(value, float):
        return struct.pack("<If", 6, value)
    if isinstance(value, str):
        return struct.pack("<I", 8) + _text(value)
    if value and isinstance(value[0], str):
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(_text(str(item)) for item in value)
    return struct.pack("<IIQ", 9, 4, len(value)) + b"".join(struct.pack("<I", int(item)) for item in value)


LLAMA: dict[str, Value] = {
    "general.architecture": "llama",
    "llama.block_count": 30,
    "llama.context_length": 8192,
    "llama.embedding_length": 576,
    "llama.attention.head_count": 9,
    "llama.attention.head_count_kv": 3,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
    "tokenizer.ggml.token_type": [1, 1, 3],
}


def gguf(metadata: Mapping[str, Value] | None = None, size: int = 4096, version: int = 3) -> bytes:
    """A file with one F32 tensor of about ``size`` bytes; its bytes differ from place to place."""
    pairs = LLAMA if metadata is None else metadata
    count = max(1, size // 4)
    head = b"GGUF" + struct.pack("<IQQ", version, 1, len(pairs))
    head += b"".join(_text(key) + _value(value) for key, value in pairs.items())
    head += _text("output.weight") + struct.pack("<IQIQ", 1, count, 0, 0)
    head += bytes(-len(head) % 32)
    return head + b"".join(struct.pack("<I", number) for number in range(count))
