"""The shape of requests."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seekgate.config.compiled.guard import Shape
from seekgate.stages.guard.shape import depth, excess, tools


def wrong(tree: dict[str, Any], **bounds: Any) -> str | None:
    return excess(Shape(**bounds), msgspec.json.encode(tree), tree)


def offering(*names: str) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": name}} for name in names]}


@pytest.mark.parametrize(
    ("tree", "bounds", "message"),
    [
        ({"user": "x" * 100}, {"text_bytes": 100}, None),
        ({"user": "x" * 101}, {"text_bytes": 100}, "101 bytes of text; at most 100"),
        ({"user": "好" * 40}, {"text_bytes": 100}, "120 bytes of text"),
        ({"a": 10**120}, {"text_bytes": 100}, None),
        ({"messages": [{}] * 3}, {"messages": 3}, None),
        ({"messages": [{}] * 4}, {"messages": 3}, "4 messages; at most 3"),
        ({"messages": 7}, {"messages": 3}, None),
        ({"a": [[[]]]}, {"depth": 4}, None),
        ({"a": [[[[]]]]}, {"depth": 4}, "nested 5 levels deep"),
        (offering("a", "b"), {"tools": 2}, None),
        (offering("a", "b", "c"), {"tools": 2}, "offers 3 tools"),
        (offering("a"), {"tools": 0}, "offers 1 tools"),
        (offering("get_time"), {"allow_tools": ("get_*",)}, None),
        (offering("get_time", "rm"), {"allow_tools": ("get_*",)}, "The tool 'rm' may not be offered"),
        (offering("get_time"), {"allow_tools": ()}, "The tool 'get_time'"),
        (offering("rm"), {"deny_tools": ("rm",)}, "The tool 'rm'"),
        ({"functions": [{"name": "rm"}]}, {"deny_tools": ("rm",)}, "The tool 'rm'"),
        ({"tools": [{"type": "web_search"}]}, {"allow_tools": ("f",)}, "The tool 'web_search'"),
        ({"tools": [{"function": {}}]}, {"allow_tools": ("f",)}, "The tool ''"),
        ({"tools": ["odd", None]}, {"allow_tools": ("f",)}, None),
        ({}, {"allow_tools": ()}, None),
    ],
)
def test_bounds(tree: dict[str, Any], bounds: dict[str, Any], message: str | None) -> None:
    found = wrong(tree, **bounds)
    assert (found is None) == (message is None)
    assert message is None or message in (found or "")


def test_names_of_tools() -> None:
    tree = {**offering("a"), "functions": [{"name": "b"}, {"name": 5}]}
    assert list(tools(tree)) == ["a", "b", ""]


def test_depth() -> None:
    nested: Any = "x"
    for _ in range(500):
        nested = [nested]
    assert depth({"messages": nested, "tools": [{}]}) == 501
    assert depth({}) == 1


def test_brackets_in_a_text_are_no_levels() -> None:
    assert wrong({"a": "[[[[[{{{{{"}, depth=2) is None
