"""Privacy as workers see it: what is looked for, and what is done with it."""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["mask", "token", "block", "private", "report"]
AnswerAction = Literal["mask", "block", "report"]


class Own(msgspec.Struct, frozen=True, omit_defaults=True):
    """A detector of the installation's own: hyperscan expressions and words. ``data_class`` labels what it finds."""

    type: str
    data_class: str = "personal"
    action: Action = "mask"
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    cased: bool = False


class Rule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Actions for some requests: those that fit every part that is not empty. ``classes`` fits a request in which
    something of one of these data classes was found. Keys of ``actions`` are types, data classes, or ``*``."""

    actions: dict[str, Action]
    roles: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class Answers(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is looked for in answers; other types are left alone. ``window`` counts characters of a stream's text that
    are held back."""

    actions: dict[str, AnswerAction]
    window: int = 64


class Privacy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Every request is scanned for ``types`` and ``own``. The first rule that fits and names a type decides what is
    done; then ``actions``, then the type's own default.

    ``key`` is the secret reference that tokens are hashed under (None: the installation's own, made once).
    """

    types: tuple[str, ...]
    own: tuple[Own, ...] = ()
    actions: dict[str, Action] = {}
    rules: tuple[Rule, ...] = ()
    key: str | None = None
    numbering: Literal["hash", "conversation"] = "hash"
    answers: Answers | None = None
