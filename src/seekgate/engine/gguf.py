"""The header of a GGUF file: what the model says of itself, and whether the file is whole.

Follows the GGUF specification, versions 2 and 3 (little-endian): magic, version, counts, key-value pairs, tensor
descriptions, then the tensors, aligned. Only the header is read, a few milliseconds even with a large vocabulary.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import msgspec

MAGIC = b"GGUF"
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_HEADER_LIMIT = 512 * 1024 * 1024

Scalar = int | float | bool | str


class Header(msgspec.Struct, frozen=True):
    """What a GGUF file declares. ``size`` is the file's, in bytes; arrays are left out of ``metadata``."""

    size: int
    tensors: int
    metadata: dict[str, Scalar]

    @property
    def architecture(self) -> str:
        """The architecture's name (``llama``, ``qwen2``), or "" when the file names none."""
        return str(self.metadata.get("general.architecture", ""))

    def number(self, key: str, default: int = 0) -> int:
        """An integer under the architecture's own prefix (``block_count``), or ``default`` when it has none."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        return value if isinstance(value, int) else default


class NotGguf(msgspec.Struct, frozen=True):
    """The file cannot be a whole GGUF model; ``reason`` says why, for the operator."""

    reason: str


class _Reader:
    """Reads the header's pieces in order; raises EOFError where the file ends, ValueError where it makes no sense."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._buffer = b""
        self._at = 0
        self._end = 0

    @property
    def position(self) -> int:
        """How many bytes of the file have been read so far."""
        return self._end - len(self._buffer) + self._at

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        if count > min(self._size, _HEADER_LIMIT):
            raise ValueError(f"a length of {count} bytes does not fit into the file")
        if self._at + count > len(self._buffer):
            rest = self._buffer[self._at :]
            more = self._file.read(max(count - len(rest), 1 << 20))
            self._end += len(more)
            self._buffer, self._at = rest + more, 0
            if count > len(self._buffer):
                raise EOFError
        piece = self._buffer[self._at : self._at + count]
        self._at += count
        return piece

    def number(self, layout: str) -> int:
        """One integer of the given struct layout."""
        value: int = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return value

    def text(self) -> str:
        """A length-prefixed string; bytes that are not UTF-8 are replaced."""
        return self.take(self.number("<Q")).decode("utf-8", "replace")

    def value(self, kind: int) -> Scalar | None:
        """A value of the given type, or None for an array, which is passed over."""
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            self._pass_over_array()
            return None
        if kind not in _SCALARS:
            raise ValueError(f"unknown value type {kind}")
        layout = _SCALARS[kind]
        scalar: Scalar = struct.unpack(layout, self.take(struct.calcsize(layout)))[0]
        return scalar

    def _pass_over_array(self) -> None:
        kind, count = self.number("<I"), self.number("<Q")
        if kind in _SCALARS:
            self.take(struct.calcsize(_SCALARS[kind]) * count)
            return
        if kind not in (_STRING, _ARRAY):
            raise ValueError(f"unknown array type {kind}")
        if count > self._size:
            raise ValueError(f"an array of {count} elements does not fit into the file")
        step: Callable[[], object] = self._pass_over_array if kind == _ARRAY else self._pass_over_string
        for _ in range(count):
            step()

    def _pass_over_string(self) -> None:
        self.take(self.number("<Q"))


def read_header(path: Path) -> Header | NotGguf:
    """Read the header of the file at ``path``. Raise OSError when the file cannot be opened or read."""
    with path.open("rb") as file:
        size = path.stat().st_size
        try:
            return _header(_Reader(file, size), size)
        except EOFError:
            return NotGguf(f"it ends inside its header, at {size} bytes: a download that was cut?")
        except (ValueError, RecursionError) as error:
            return NotGguf(f"its header makes no sense: {error}")


def _header(reader: _Reader, size: int) -> Header | NotGguf:
    if size < 4 or reader.take(4) != MAGIC:
        return NotGguf("it does not begin with the letters GGUF")
    version = reader.number("<I")
    if version not in (2, 3):
        return NotGguf(f"its GGUF version is {version}; 2 and 3 are supported")
    tensors, pairs = reader.number("<Q"), reader.number("<Q")
    metadata: dict[str, Scalar] = {}
    for _ in range(pairs):
        key, kind = reader.text(), reader.number("<I")
        value = reader.value(kind)
        if value is not None:
            metadata[key] = value
    last = _last_offset(reader, tensors)
    alignment = metadata.get("general.alignment", 32)
    step = alignment if isinstance(alignment, int) and alignment > 0 else 32
    start = -(-reader.position // step) * step
    # A tensor takes at least one byte: the exact size needs each type's block layout, which llama.cpp checks itself.
    if tensors and start + last >= size:
        return NotGguf(f"its last tensor begins at byte {start + last}, but the file has {size}: it was cut")
    return Header(size, tensors, metadata)


def _last_offset(reader: _Reader, tensors: int) -> int:
    last = 0
    for _ in range(tensors):
        reader.text()
        dimensions = reader.number("<I")
        if dimensions > 8:
            raise ValueError(f"a tensor with {dimensions} dimensions")
        reader.take(8 * dimensions + 4)
        last = max(last, reader.number("<Q"))
    return last
