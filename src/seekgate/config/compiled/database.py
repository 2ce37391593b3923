"""Where the rows that people manage are, as the snapshot says it."""

from __future__ import annotations

import msgspec


class Database(msgspec.Struct, frozen=True, omit_defaults=True):
    """``url`` is ``sqlite`` (a file in SEEKGATE_HOME), a URL without a password, or a secret reference to a URL."""

    url: str = "sqlite"
