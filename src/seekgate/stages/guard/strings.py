"""The strings of a request by the role of the message that they stand in."""

from __future__ import annotations

from typing import Any

import msgspec

SYSTEM, USER, ASSISTANT, TOOL = range(4)
ROLES = ("system", "user", "assistant", "tool")
_OF = {"system": SYSTEM, "developer": SYSTEM, "assistant": ASSISTANT, "tool": TOOL, "function": TOOL}
_LONG_KEY = 24  # the API's own names are shorter


class Strings(msgspec.Struct, frozen=True, gc=False):
    """What was found: strings by role (positions as in `ROLES`)."""

    by_role: tuple[list[str], list[str], list[str], list[str]]


def collect(tree: dict[str, Any]) -> Strings:
    """Every string of a decoded request but those that are data by their form (base64 in a ``data:`` URL).

    Outside of messages strings count as the user's. Keys are taken too where they are longer than any of the API's.
    """
    by_role: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
    stack: list[tuple[Any, int]] = [(tree, USER)]
    while stack:
        value, role = stack.pop()
        if type(value) is dict:
            said = value.get("role")
            if said is not None:
                role = _OF.get(said, USER) if type(said) is str else USER
            for key, inner in value.items():
                if len(key) > _LONG_KEY:
                    by_role[role].append(key)
                if type(inner) is str:
                    if inner and inner is not said and (inner[:5] != "data:" or not _data(inner)):
                        by_role[role].append(inner)
                elif type(inner) is dict or type(inner) is list:
                    stack.append((inner, role))
        else:
            for inner in value:
                if type(inner) is str:
                    if inner and (inner[:5] != "data:" or not _data(inner)):
                        by_role[role].append(inner)
                elif type(inner) is dict or type(inner) is list:
                    stack.append((inner, role))
    return Strings(by_role)


def _data(text: str) -> bool:
    return ";base64," in text[:128]
