"""From pydantic's findings to ours: the position in the file, the key path, what was expected, a likely fix."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from seekgate.config import units
from seekgate.config.problems import Invalid, Problem, did_you_mean, one_of
from seekgate.config.tree import Path, Tree

_KINDS = {
    "string_type": ("not text", "text (put quotes around it)"),
    "string_sub_type": ("not text", "text"),
    "int_type": ("not a whole number", "a whole number"),
    "int_from_float": ("not a whole number", "a whole number"),
    "int_parsing_size": ("too large a number", "a smaller number"),
    "float_type": ("not a number", "a number"),
    "finite_number": ("not a finite number", "a number"),
    "bool_type": ("neither true nor false", "true or false"),
    "list_type": ("not a list", "a list"),
    "dict_type": ("not a mapping", "a mapping of names"),
    "model_type": ("not a mapping", "a mapping"),
    "model_attributes_type": ("not a mapping", "a mapping"),
}


def translate(tree: Tree, error: ValidationError, model: type[BaseModel]) -> Iterator[Problem]:
    """Every finding of a validation of ``tree`` against ``model``."""
    for detail in error.errors(include_url=False, include_input=True):
        yield _problem(tree, detail, model)


def _problem(tree: Tree, detail: ErrorDetails, model: type[BaseModel]) -> Problem:
    location: Path = tuple(detail["loc"])
    path = _standing(tree, location)
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return tree.problem(path, f"{location[-1]!r} is missing", key=True)
    if kind == "extra_forbidden":
        known = _fields(model, location[:-1])
        hint = did_you_mean(str(location[-1]), known)
        return tree.problem(path, "unknown key", one_of(known, most=30), hint, key=True)
    if kind == "value_error" and isinstance(context.get("error"), Invalid):
        invalid: Invalid = context["error"]
        return tree.problem(path, _with_value(tree, path, invalid), invalid.expected, invalid.hint)
    value = detail["input"]
    if kind == "literal_error" and isinstance(value, str):
        options = _options(context.get("expected", ""))
        shown = tree.show(path, value)
        return tree.problem(path, f"{shown} is not known here", one_of(options), did_you_mean(value, options))
    if kind == "literal_error":
        return tree.problem(path, "not text", one_of(_options(context.get("expected", ""))))
    if kind in ("greater_than_equal", "less_than_equal"):
        least = kind == "greater_than_equal"
        limit = _limit(tree.at(path), context["ge" if least else "le"])
        shown = tree.show(path, tree.at(path))
        return tree.problem(
            path,
            f"{shown} is too {'small' if least else 'large'}",
            f"at {'least' if least else 'most'} {limit}",
        )
    if kind in ("too_short", "string_too_short"):
        return tree.problem(path, "too few entries" if kind == "too_short" else "too short", "at least one")
    if kind == "string_too_long":
        return tree.problem(path, "too long", f"at most {context['max_length']} characters")
    what, expected = _KINDS.get(kind, (detail["msg"], ""))
    return tree.problem(path, "nothing is written here" if tree.at(path) is None else what, expected)


def _with_value(tree: Tree, path: Path, invalid: Invalid) -> str:
    """Show the value where that helps and nothing secret can be in it."""
    value = tree.at(path)
    secret = bool(path) and path[-1] in ("key", "secret", "proxy", "base_url")
    if secret or not isinstance(value, str) or not invalid.what.startswith("not a"):
        return invalid.what
    return f"{tree.show(path, value)} is {invalid.what}"


def _standing(tree: Tree, location: Path) -> Path:
    """The longest part of pydantic's location that stands in the file."""
    for length in range(len(location), 0, -1):
        if location[:length] in tree.marks:
            return location[:length]
    return ()


def _limit(written: object, limit: float) -> str:
    if isinstance(written, str) and written[-1:] in "smh":
        return units.format_duration(limit)
    return units.format_size(int(limit)) if isinstance(written, str) else str(limit)


def _options(expected: str) -> list[str]:
    """pydantic says ``'a', 'b' or 'c'``; literals here never contain a quote."""
    return expected.split("'")[1::2]


def _fields(model: type[BaseModel], location: Path) -> list[str]:
    """The keys that the section at ``location`` knows."""
    here: Any = model
    for step in location:
        here = _inner(here, step)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _inner(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(step))
        return _unwrapped(field.annotation) if field else None
    arguments = typing.get_args(annotation)
    return _unwrapped(arguments[-1]) if arguments else None


def _unwrapped(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _unwrapped(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return _unwrapped(next(part for part in typing.get_args(annotation) if part is not types.NoneType))
    return annotation
