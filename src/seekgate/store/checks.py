"""What names and lists of a row may look like. Each raises `Refused` and returns what is to be stored."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable

from seekgate.config.builtin_roles import ACTIONS, matching
from seekgate.config.problems import Invalid, did_you_mean, one_of
from seekgate.config.units import parse_network
from seekgate.store.errors import Refused
from seekgate.store.key_hash import ALPHABET
from seekgate.store.tables import NAME_LENGTH

_ID = re.compile(r"(org|team|app|user|key)_[0-9A-Za-z]{12}\Z")


def new_id(prefix: str) -> str:
    """``team_`` and 12 characters: 71 bits, so that ids of different databases do not meet either."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(12))}"


def name(text: str) -> str:
    """A name of a row: 1 to 128 printable characters, nothing that could be taken for an id, a list or a default."""
    if not text or len(text) > NAME_LENGTH or not text.isprintable() or text != text.strip():
        raise Refused(
            f"{text[:40]!r} is not a usable name; expected 1 to {NAME_LENGTH} printable characters without spaces "
            "around them"
        )
    if "*" in text or "," in text or ":" in text:
        raise Refused(f"{text!r} is not a usable name; '*', ',' and ':' have a meaning of their own")
    if _ID.match(text):
        raise Refused(f"{text!r} is not a usable name: it looks like an id")
    return text


def actions(patterns: Iterable[str]) -> list[str]:
    """Actions, or beginnings of them with ``*`` behind."""
    found = list(dict.fromkeys(patterns))
    for pattern in found:
        if not matching(pattern):
            hint = did_you_mean(pattern, ACTIONS) or f"expected {one_of(ACTIONS, 20)}, or such as 'audit.*'"
            raise Refused(f"no action is called {pattern!r}; {hint}")
    return found


def patterns(texts: Iterable[str], what: str) -> list[str]:
    """Names of the configuration (models, providers …), or beginnings of them with ``*`` behind."""
    found = list(dict.fromkeys(texts))
    for text in found:
        if not text or len(text) > NAME_LENGTH or "*" in text[:-1] or not text.isprintable():
            raise Refused(f"{text[:40]!r} is neither the name of a {what} nor a beginning such as 'flash*'")
    return found


def networks(texts: Iterable[str]) -> list[str]:
    """Networks in CIDR notation, or addresses, in their usual form."""
    try:
        return list(dict.fromkeys(parse_network(text) for text in texts))
    except Invalid as error:
        raise Refused(
            "; ".join(filter(None, (error.what, f"expected {error.expected}", error.hint)))
        ) from None


def validity(starts_at: float | None, expires_at: float | None) -> None:
    """Refuse a time of validity that ends before it begins."""
    if starts_at is not None and expires_at is not None and starts_at >= expires_at:
        raise Refused("the key would expire before it becomes valid")


def as_json(items: Iterable[str] | None) -> str | None:
    """A list as it is stored."""
    return None if items is None else json.dumps(list(items), ensure_ascii=False)
