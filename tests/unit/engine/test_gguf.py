"""The GGUF header: read whole, refused when cut at any byte or nonsensical."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from seekgate.engine.gguf import Header, NotGguf, read_header
from tests.support.gguf_file import LLAMA, gguf


def _read(folder: Path, data: bytes) -> Header | NotGguf:
    path = folder / "m.gguf"
    path.write_bytes(data)
    return read_header(path)


@pytest.mark.parametrize("version", [2, 3])
def test_reads_what_the_model_says(tmp_path: Path, version: int) -> None:
    header = _read(tmp_path, gguf(version=version))
    assert isinstance(header, Header)
    assert header.architecture == "llama"
    assert header.number("block_count") == 30
    assert header.number("absent", 7) == 7
    assert header.tensors == 1
    assert "tokenizer.ggml.tokens" not in header.metadata


def test_scalar_types(tmp_path: Path) -> None:
    data = gguf({"a": 1, "b": 2.5, "c": True, "d": "水"})
    header = _read(tmp_path, data)
    assert isinstance(header, Header)
    assert header.metadata == {"a": 1, "b": 2.5, "c": True, "d": "水"}


def test_a_file_cut_anywhere_in_its_header_is_refused(tmp_path: Path) -> None:
    data = gguf(size=64)
    header_end = len(data) - 64
    for length in range(header_end + 1):
        assert isinstance(_read(tmp_path, data[:length]), NotGguf), length


def test_a_file_without_its_last_tensor_is_refused(tmp_path: Path) -> None:
    data = gguf(size=64)
    second = gguf(size=64)[:-64]
    found = _read(tmp_path, second)
    assert isinstance(found, NotGguf)
    assert "cut" in found.reason
    assert isinstance(_read(tmp_path, data), Header)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "letters GGUF"),
        (b"<html>login</html>", "letters GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version is 1"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "does not fit"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 99), "unknown value type"),
        (
            b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 8, 1 << 60),
            "does not fit",
        ),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<IIQ", 9, 77, 1), "unknown array"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 1, 0, 1) + b"t" + struct.pack("<I", 4096), "dimensions"),
    ],
)
def test_nonsense_is_refused_with_its_reason(tmp_path: Path, data: bytes, says: str) -> None:
    found = _read(tmp_path, data)
    assert isinstance(found, NotGguf)
    assert says in found.reason


def test_arrays_nested_without_end_are_refused(tmp_path: Path) -> None:
    nested = struct.pack("<IQ", 9, 1) * 20_000
    data = b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1) + b"k" + struct.pack("<I", 9) + nested
    assert isinstance(_read(tmp_path, data), NotGguf)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_header(tmp_path / "absent.gguf")


def test_the_fixture_says_what_a_real_model_says() -> None:
    assert LLAMA["general.architecture"] == "llama"
