"""A value for a JSON schema: arguments of a tool call, or an answer with ``response_format: json_schema``.

It knows what tools and structured outputs use: ``type``, ``properties``, ``required``, ``items``, ``enum``, ``const``,
``anyOf``, ``oneOf``, ``allOf``, ``$ref`` inside the document, lengths, bounds and common formats. ``pattern`` is not
honoured. Recursive schemas end because optional parts are left out below a depth.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from seekgate.emulate.text import Babble, numbers

_DEEP = 5
_TOO_DEEP = 40

_FORMATS = {
    "date": "2026-05-01",
    "date-time": "2026-05-01T08:00:00Z",
    "time": "08:00:00Z",
    "email": "someone@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "duration": "PT1S",
}


def value_for(schema: object, seed: int) -> object:
    """Return a value that matches the schema, the same for the same seed. An unusable schema gives an empty object."""
    if not isinstance(schema, dict):
        return {}
    return _value(schema, schema, numbers(seed), 0)


def _value(schema: Any, root: dict[str, Any], source: Iterator[int], depth: int) -> object:
    schema = _resolved(schema, root)
    if not schema or depth > _TOO_DEEP:
        return None if depth > _TOO_DEEP else "value"
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][next(source) % len(schema["enum"])]
    for word in ("anyOf", "oneOf"):
        if schema.get(word):
            # The last alternative is the way out of a recursion: `anyOf: [{$ref: node}, {type: null}]`.
            return _value(schema[word][-1 if depth > _DEEP else 0], root, source, depth + 1)
    kind = schema.get("type") or ("object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = "null" if depth > _DEEP and "null" in kind else kind[0]
    if kind == "object":
        return _object(schema, root, source, depth)
    if kind == "array":
        return _array(schema, root, source, depth)
    return _scalar(kind, schema, source)


def _resolved(schema: Any, root: dict[str, Any]) -> dict[str, Any]:
    for _ in range(_TOO_DEEP):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            break
        target: Any = root
        for name in schema["$ref"].lstrip("#").strip("/").split("/"):
            name = name.replace("~1", "/").replace("~0", "~")
            if name:
                target = target.get(name) if isinstance(target, dict) else None
        schema = target
    if not isinstance(schema, dict):
        return {}
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf") or ():
        for key, value in _resolved(part, root).items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, []), *value]
            else:
                merged.setdefault(key, value)
    return merged


def _object(
    schema: dict[str, Any], root: dict[str, Any], source: Iterator[int], depth: int
) -> dict[str, object]:
    required = set(schema.get("required") or ())
    properties = schema.get("properties") or {}
    wanted = {name: part for name, part in properties.items() if depth <= _DEEP or name in required}
    result = {name: _value(part, root, source, depth + 1) for name, part in wanted.items()}
    for name in sorted(required - set(result)):
        result[name] = "value"
    return result


def _array(schema: dict[str, Any], root: dict[str, Any], source: Iterator[int], depth: int) -> list[object]:
    least = int(schema.get("minItems") or 0)
    most = int(schema.get("maxItems", max(least, 2)))
    length = least if depth > _DEEP else min(max(least, 1 + next(source) % 2), most)
    return [_value(schema.get("items") or {}, root, source, depth + 1) for _ in range(length)]


def _scalar(kind: str, schema: dict[str, Any], source: Iterator[int]) -> object:
    if kind == "boolean":
        return next(source) % 2 == 0
    if kind == "null":
        return None
    if kind in {"integer", "number"}:
        return _number(kind, schema, source)
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    text = "".join(Babble(next(source), 1 + next(source) % 3).tokens())
    least = int(schema.get("minLength") or 0)
    text += "x" * (least - len(text))
    return text[: int(schema["maxLength"])] if "maxLength" in schema else text


def _number(kind: str, schema: dict[str, Any], source: Iterator[int]) -> int | float:
    step = schema.get("multipleOf") or 1
    lowest = schema.get("minimum", schema.get("exclusiveMinimum"))
    highest = schema.get("maximum", schema.get("exclusiveMaximum"))
    if lowest is None:
        lowest = 0 if highest is None else highest - 100 * step
    first = math.floor(lowest / step) if "exclusiveMinimum" in schema else math.ceil(lowest / step) - 1
    room = 100
    if highest is not None:
        last = math.ceil(highest / step) - 1 if "exclusiveMaximum" in schema else math.floor(highest / step)
        room = last - first
        if room < 1 and kind == "number":
            return float((lowest + highest) / 2)
    value = (first + 1 + next(source) % max(1, min(room, 100))) * step
    return int(value) if kind == "integer" else float(value)
