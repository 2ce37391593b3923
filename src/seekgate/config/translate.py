"""From pydantic's findings to ours: the position in the file, the key path, what was expected, a likely fix."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from seekgate.config import units
from seekgate.config.problems import Invalid, Problem, did_you_mean, one_of
from seekgate.config.tree import Path, Tree

_HIDDEN = frozenset({"key", "secret", "hash_secret", "password", "proxy", "base_url", "url", "jwks"})
"""Settings whose wrong values are not repeated: people write secrets there."""

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
        return tree.problem(path, _with_value(tree, path, invalid.what), invalid.expected, invalid.hint)
    if kind == "literal_error":
        options = re.findall("'([^']*)'", context.get("expected", ""))  # pydantic says 'a', 'b' or 'c'
        value = tree.at(path)
        hint = did_you_mean(value, options) if isinstance(value, str) else ""
        return tree.problem(path, f"{tree.show(path, value)} is not known here", one_of(options), hint)
    if kind in ("greater_than_equal", "less_than_equal"):
        return _beyond(tree, path, kind == "greater_than_equal", context)
    if kind in ("too_short", "string_too_short"):
        return tree.problem(path, "too few entries" if kind == "too_short" else "too short", "at least one")
    if kind == "string_too_long":
        return tree.problem(path, "too long", f"at most {context['max_length']} characters")
    what, expected = _KINDS.get(kind, (detail["msg"], ""))
    return tree.problem(path, _with_value(tree, path, what), expected)


def _beyond(tree: Tree, path: Path, least: bool, context: Mapping[str, Any]) -> Problem:
    written = tree.at(path)
    limit = context["ge" if least else "le"]
    if isinstance(written, str):
        limit = units.format_duration(limit) if written[-1:] in "smh" else units.format_size(int(limit))
    what = f"{tree.show(path, written)} is too {'small' if least else 'large'}"
    return tree.problem(path, what, f"at {'least' if least else 'most'} {limit}")


def _with_value(tree: Tree, path: Path, what: str) -> str:
    """Show the value where that helps and nothing secret can be in it."""
    value = tree.at(path)
    if value is None:
        return "nothing is written here"
    if not what.startswith(("not ", "too ", "neither ")) or (bool(path) and path[-1] in _HIDDEN):
        return what
    if isinstance(value, str) and what in ("not a mapping", "not a list"):
        return f"text is {what}"  # whatever belongs into the section, a key too, may stand here
    return f"{tree.show(path, value)} is {what}"


def _standing(tree: Tree, location: Path) -> Path:
    """The longest part of pydantic's location that stands in the file."""
    for length in range(len(location), 0, -1):
        if location[:length] in tree.marks:
            return location[:length]
    return ()


def _fields(model: type[BaseModel], location: Path) -> list[str]:
    """The keys that the section at ``location`` knows."""
    here: Any = model
    for step in location:
        here = _inner(here, step)
    return list(here.model_fields) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _inner(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(str(step))
        return inner_type(field.annotation) if field else None
    arguments = typing.get_args(annotation)
    return inner_type(arguments[-1]) if arguments else None


def inner_type(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return inner_type(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return inner_type(next(part for part in typing.get_args(annotation) if part is not types.NoneType))
    return annotation
