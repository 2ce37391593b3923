"""The strings of a request by the role of the message that they stand in."""

from __future__ import annotations

from typing import Any

import msgspec

from seekgate.wire.texts import NAMES, is_data

SYSTEM, USER, ASSISTANT, TOOL = range(4)
ROLES = ("system", "user", "assistant", "tool")
_OF = {"system": SYSTEM, "developer": SYSTEM, "assistant": ASSISTANT, "tool": TOOL, "function": TOOL}


class Strings(msgspec.Struct, frozen=True, gc=False):
    """What was found: strings by role (positions as in `ROLES`)."""

    by_role: tuple[list[str], list[str], list[str], list[str]]


def collect(tree: dict[str, Any]) -> Strings:
    """Every string of a decoded request but those that are data by their form (a ``data:`` URL in base64).

    Only a message has a role, the one that it names itself; what else names one is the user's, like everything outside
    of messages. Keys are taken too where they are none of the API's own.
    """
    by_role: tuple[list[str], list[str], list[str], list[str]] = ([], [], [], [])
    messages = tree.get("messages")
    if type(messages) is not list:
        messages = []
    rest = {key: value for key, value in tree.items() if key != "messages"} if messages else tree
    stack: list[tuple[Any, int, Any]] = [(rest, USER, None)]
    stack += [(message, *_role(message)) for message in messages]
    while stack:
        value, role, said = stack.pop()
        if type(value) is str:
            if value and value is not said and not (value[:5].lower() == "data:" and is_data(value)):
                by_role[role].append(value)
        elif type(value) is dict:
            for key, inner in value.items():
                if key not in NAMES:
                    by_role[role].append(key)
                stack.append((inner, role, said if key == "role" else None))
        elif type(value) is list:
            stack += [(inner, role, None) for inner in value]
    return Strings(by_role)


def _role(message: Any) -> tuple[int, Any]:
    """A message's role, and the text that names it."""
    said = message.get("role") if type(message) is dict else None
    return (_OF.get(said, USER), said) if type(said) is str else (USER, None)
