"""What can go wrong with rows, in words for people. No text of these holds a secret or a password."""

from __future__ import annotations

from collections.abc import Iterable

from seekgate.config.problems import did_you_mean, one_of


class StoreError(Exception):
    """A change or a question cannot be done; the text says why and, where possible, what to do."""


class Unavailable(StoreError):
    """The database does not answer, or not in time. Trying again may help."""


class Newer(StoreError):
    """The database was made by a newer version: this one must not touch it."""


class NotFound(StoreError):
    """No row has this name or id."""


class Conflict(StoreError):
    """What was asked for contradicts other rows: a name is taken, something is still in use."""


class Refused(StoreError):
    """What was asked for is not allowed or makes no sense."""


def unknown(what: str, name: str, known: Iterable[str]) -> NotFound:
    """``no team is called 'salse'; did you mean 'sales'?``, or the names that there are."""
    names = list(known)
    hint = did_you_mean(name, names)
    if not hint:
        known_ones = one_of(sorted(names)).removeprefix("one of ")
        hint = f"there is {known_ones}" if names else f"there is no {what} yet"
    return NotFound(f"no {what} is called {name!r}; {hint}")
