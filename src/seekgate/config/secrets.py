"""Secrets by reference: ``scheme:rest``, resolved where they are used and never written down.

``env:NAME`` reads an environment variable and ``file:/path`` a file (one trailing newline is dropped). Another secret
manager is a `SecretSource`: either handed to `SecretResolver`, or installed by a package as an entry point of the
group ``seekgate.secret_sources`` whose name is the scheme.

No message of this module contains a secret, nor text that could be one: a reference is only repeated when its scheme
is known, and what a plug-in says about its failure is not repeated at all. Workers import this module, so it imports
nothing heavy.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

ENTRY_POINTS = "seekgate.secret_sources"
MAX_BYTES = 65_536

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class SecretError(Exception):
    """A reference cannot be resolved. Its text tells the operator why and never contains a secret."""


class SecretSource(Protocol):
    """Where secrets of one scheme come from."""

    def __call__(self, rest: str, /) -> str:
        """Return the secret that ``rest``, the reference without its scheme, names; raise `SecretError` if it can't."""
        ...


def split(reference: str) -> tuple[str, str]:
    """``("env", "NAME")`` of ``env:NAME``. Raise `SecretError` without a scheme: then it may be a secret itself."""
    scheme, colon, rest = reference.partition(":")
    if not colon or not rest or not _SCHEME.match(scheme):
        raise SecretError("not a secret reference")
    return scheme, rest


def is_variable(name: str) -> bool:
    """Whether ``name`` can be the name of an environment variable."""
    return _VARIABLE.match(name) is not None


class SecretResolver:
    """Resolves references through the built-in sources, the given ones, and installed plug-ins, in this order."""

    def __init__(
        self, sources: Mapping[str, SecretSource] | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._sources: dict[str, SecretSource] = {**(sources or {}), "env": self._from_env, "file": from_file}

    def knows(self, scheme: str) -> bool:
        """Whether some source answers for this scheme."""
        return scheme in self._sources or self._plugin(scheme) is not None

    def schemes(self) -> list[str]:
        """The schemes at hand without looking for plug-ins, for messages."""
        return sorted(self._sources)

    def resolve(self, reference: str) -> str:
        """Return the secret, which an HTTP header can carry: ASCII, no control characters, not empty.

        Raise `SecretError` otherwise.
        """
        scheme, rest = split(reference)
        source = self._sources.get(scheme) or self._plugin(scheme)
        if source is None:
            raise SecretError(
                f"no secret source is called {scheme!r}" if len(scheme) <= 12 else "unknown secret source"
            )
        try:
            secret = source(rest)
        except SecretError:
            raise
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything, and its text may hold the secret
            raise SecretError(f"the secret source {scheme!r} failed: {type(error).__name__}") from None
        if not secret:
            raise SecretError(f"{reference} is empty")
        if _CONTROL.search(secret):
            raise SecretError(f"{reference} contains a line break or another control character")
        if not secret.isascii():
            raise SecretError(
                f"{reference} contains a character outside ASCII, which an HTTP header cannot carry"
            )
        return secret

    def _from_env(self, name: str) -> str:
        if not is_variable(name):
            raise SecretError("env: is not followed by the name of an environment variable")
        if name not in self._environ:
            raise SecretError(f"the environment variable {name} is not set")
        return self._environ[name]

    def _plugin(self, scheme: str) -> SecretSource | None:
        from importlib.metadata import entry_points  # slow to import, and needed for foreign schemes only

        for point in entry_points(group=ENTRY_POINTS, name=scheme):
            source: SecretSource = point.load()
            self._sources[scheme] = source
            return source
        return None


def from_file(rest: str) -> str:
    """Read a secret file: UTF-8, at most 64 KiB, one trailing newline dropped."""
    path = Path(rest)
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise SecretError(
            f"cannot read {rest}: {getattr(error, 'strerror', None) or 'not a usable path'}"
        ) from None
    if len(raw) > MAX_BYTES:
        raise SecretError(f"{rest} is larger than {MAX_BYTES} bytes")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise SecretError(f"{rest} is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")


def exposure(reference: str) -> str | None:
    """What is unsafe about where a secret is kept: a file that others may read. None when nothing is, or unknown."""
    scheme, rest = split(reference)
    if scheme != "file":
        return None
    try:
        mode = os.stat(rest).st_mode
    except (OSError, ValueError):
        return None
    if mode & stat.S_IROTH:
        return f"{rest} can be read by every user of this machine (mode {stat.S_IMODE(mode):04o})"
    return None


def resolve(reference: str) -> str:
    """`SecretResolver.resolve` with the built-in sources, this process's environment and installed plug-ins."""
    return SecretResolver().resolve(reference)
