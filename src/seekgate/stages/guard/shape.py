"""The shape of a request: how much, how deep, which tools. What is within its bounds costs a few comparisons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seekgate.config.compiled.guard import Shape
from seekgate.stages.guard.strings import collect
from seekgate.wire import shown


def excess(shape: Shape, body: bytes, tree: dict[str, Any]) -> str | None:
    """What is wrong, to be told to the caller; None when everything is within bounds.

    The tree is walked only where the body is longer than its text may be, or has more brackets than levels.
    """
    if shape.text_bytes is not None and len(body) > shape.text_bytes:
        strings = collect(tree)
        size = sum(len(text.encode("utf-8", "replace")) for texts in strings.by_role for text in texts)
        if size > shape.text_bytes:
            return f"The request has {size} bytes of text; at most {shape.text_bytes} are allowed."
    if shape.depth is not None and _brackets(body) > shape.depth:
        levels = depth(tree)
        if levels > shape.depth:
            return f"The request is nested {levels} levels deep; at most {shape.depth} are allowed."
    if shape.messages is not None:
        messages = tree.get("messages")
        if type(messages) is list and len(messages) > shape.messages:
            return f"The request has {len(messages)} messages; at most {shape.messages} are allowed."
    return _tools(shape, tree)


def _brackets(body: bytes) -> int:
    """How many ``{`` and ``[`` there are. (``count`` of one byte takes three times as long.)"""
    return 2 * len(body) - len(body.replace(b"{", b"")) - len(body.replace(b"[", b""))


def depth(tree: dict[str, Any]) -> int:
    """How many objects and lists there are within each other, the request itself among them."""
    levels = 0
    level: list[Any] = [tree]
    while level:
        levels += 1
        level = [
            value
            for one in level
            for value in (one.values() if type(one) is dict else one)
            if type(value) is dict or type(value) is list
        ]
    return levels


def _tools(shape: Shape, tree: dict[str, Any]) -> str | None:
    if "tools" not in tree and "functions" not in tree:
        return None
    names = list(tools(tree))
    if shape.tools is not None and len(names) > shape.tools:
        return f"The request offers {len(names)} tools; at most {shape.tools} are allowed."
    for name in names:
        if _meant(name, shape.deny_tools) or (
            shape.allow_tools is not None and not _meant(name, shape.allow_tools)
        ):
            return f"The tool '{shown.name(name)}' may not be offered here."
    return None


def tools(tree: dict[str, Any]) -> Iterator[str]:
    """The names of the tools that a request offers; of a kind without a name its type."""
    for key in ("tools", "functions"):
        entries = tree.get(key)
        for entry in entries if type(entries) is list else ():
            if type(entry) is not dict:
                continue
            function = entry.get("function")
            held = function if type(function) is dict else entry
            name = held.get("name") or entry.get("type")
            yield name if type(name) is str else ""


def _meant(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name.startswith(one[:-1]) if one.endswith("*") else name == one for one in patterns)
