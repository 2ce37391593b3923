"""Types of single settings, for pydantic: how they are read, shown again, and described in the JSON Schema."""

from __future__ import annotations

import os
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer, WithJsonSchema

from seekgate.config import secrets, units
from seekgate.config.problems import Invalid

VARIABLE_PATTERN = r"^.*\$\{.*$"


class Section(BaseModel):
    """A mapping of the file: unknown keys are errors, values keep their type, and nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _text(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


def _reference(value: object) -> str:
    """Accept a reference only. Whatever else stands here may be the secret itself, so no message repeats it."""
    expected = "a reference: env:NAME or file:/path"
    hint = (
        "put the secret into an environment variable or a file, and replace it: others may have read it here"
    )
    try:
        scheme, rest = secrets.split(value) if isinstance(value, str) else ("", "")
    except secrets.SecretError:
        scheme, rest = "", ""
    if isinstance(value, str) and scheme and (scheme != "env" or secrets.is_variable(rest)):
        return value
    raise Invalid("a secret must not stand in this file", expected, hint)


def _address(value: str) -> str:
    return units.format_address(*units.parse_address(value))


def _base(value: str) -> str:
    units.parse_base(value)
    return value.rstrip("/")


def _prefix(value: str) -> str:
    expected = "a path such as /api/v1/deepseek"
    if not value.startswith("/"):
        raise Invalid("a path prefix must begin with a slash", expected)
    if value == "/" or value.endswith("/"):
        raise Invalid("a path prefix must not end with a slash", expected)
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")
    if "//" in value or not set(value) <= allowed or {".", ".."} & set(value.split("/")):
        raise Invalid("a path prefix with an empty or odd segment", expected)
    return value


def _name(value: str) -> str:
    if not value or len(value) > 128 or not value.isprintable() or value != value.strip():
        raise Invalid("not a usable name", "1 to 128 printable characters without spaces around them")
    return value


def _path(value: str) -> str:
    if not value or "\0" in value:
        raise Invalid("not a usable path", "the path of a file")
    return os.path.expanduser(value)


def _count(value: object) -> int:
    """0 for ``auto``, so that a written 0 is refused: it would mean something else than it says."""
    if value == "auto":
        return 0
    if isinstance(value, bool) or not isinstance(value, int):
        raise Invalid("not a count", "a whole number, or auto")
    if value < 1:
        raise Invalid("too small", "at least 1, or auto")
    return value


Duration = Annotated[
    float,
    BeforeValidator(units.parse_duration),
    PlainSerializer(units.format_duration, return_type=str),
    _text(
        pattern=r"^([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?([0-9]+ms)?$|\$\{", examples=["500ms", "10s", "2m", "1h"]
    ),
]
"""Seconds, written with a unit."""

Size = Annotated[
    int,
    BeforeValidator(units.parse_size),
    PlainSerializer(units.format_size, return_type=str),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^[0-9]+ ?[KMGkmg]?i?[Bb]?$|\$\{"},
            ],
            "examples": ["32KiB", "8MB", 1024],
        }
    ),
]
"""Bytes, written with or without a unit."""

Automatic = Annotated[
    int,
    BeforeValidator(_count),
    PlainSerializer(lambda count: count or "auto", return_type=int | str),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"const": "auto"}]}),
]
"""A count, or ``auto``, kept as 0."""

AddressText = Annotated[str, AfterValidator(_address), _text(examples=["127.0.0.1:8080", "[::1]:8080"])]
BaseUrl = Annotated[str, AfterValidator(_base), _text(examples=["https://api.example.com/v1"])]
Network = Annotated[str, AfterValidator(units.parse_network), _text(examples=["10.0.0.0/8"])]
Prefix = Annotated[str, AfterValidator(_prefix), _text(pattern="^/.*[^/]$", examples=["/api/v1/deepseek"])]
FilePath = Annotated[str, AfterValidator(_path), _text()]
Name = Annotated[str, AfterValidator(_name), _text(minLength=1, maxLength=128)]
SecretReference = Annotated[
    str,
    BeforeValidator(_reference),
    _text(pattern="^[a-z][a-z0-9+.-]*:.+$", examples=["env:DEEPSEEK_API_KEY", "file:/run/secrets/key"]),
]
"""Where a secret is, never the secret."""
