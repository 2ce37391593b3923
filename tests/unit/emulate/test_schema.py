from __future__ import annotations

import json
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from seekgate.emulate.schema import value_for


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(BaseModel):
    x: float = Field(ge=-1, le=1)
    y: int = Field(gt=3, lt=5)


class Node(BaseModel):
    name: str = Field(min_length=30, max_length=32)
    next: Node | None
    children: list[Node]


class Everything(BaseModel):
    text: str
    flag: bool
    colour: Colour
    kind: Literal["only"]
    points: Annotated[list[Point], Field(min_length=3, max_length=3)]
    nothing: None
    maybe: int | None
    nested: dict[str, Any]


@pytest.mark.parametrize("kind", [Point, Node, Everything])
@pytest.mark.parametrize("seed", range(20))
def test_values_fit_the_schemas_that_pydantic_writes(kind: type[BaseModel], seed: int) -> None:
    value = value_for(kind.model_json_schema(), seed)
    kind.model_validate_json(json.dumps(value))


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": 5}, 5),
        ({"enum": ["x"]}, "x"),
        ({"type": "null"}, None),
        ({"type": ["integer", "null"], "minimum": 2, "maximum": 2}, 2),
        ({"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 3}, 2),
        ({"type": "integer", "multipleOf": 7, "minimum": 8, "maximum": 14}, 14),
        ({"type": "integer", "maximum": 0, "minimum": 0}, 0),
        ({"type": "number", "minimum": 0.2, "maximum": 0.4}, pytest.approx(0.3)),
        ({"type": "string", "format": "date"}, "2026-05-01"),
        ({"type": "array", "maxItems": 0}, []),
        ({"type": "object"}, {}),
        ({"type": "object", "required": ["a"]}, {"a": "value"}),
        ({"oneOf": [{"const": 1}, {"const": 2}]}, 1),
        (
            {"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}]},
            {"a": 1, "b": 2},
        ),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 3}}}, 3),
        ("no schema", {}),
    ],
)
def test_a_small_schema_has_an_exact_value(schema: object, value: object) -> None:
    assert value_for(schema, 1) == value


def test_values_repeat_for_a_seed() -> None:
    schema = Everything.model_json_schema()
    assert value_for(schema, 9) == value_for(schema, 9)
    assert len({json.dumps(value_for(schema, seed)) for seed in range(9)}) > 1


@pytest.mark.parametrize(
    "schema", [{"$ref": "#"}, {"$ref": "#/nowhere"}, {"type": "array", "items": {"$ref": "#"}}]
)
def test_a_schema_without_end_ends(schema: dict[str, Any]) -> None:
    json.dumps(value_for(schema, 1))


def test_a_recursion_that_requires_itself_ends() -> None:
    schema = {"type": "object", "properties": {"next": {"$ref": "#"}}, "required": ["next"]}
    json.dumps(value_for(schema, 1))
