"""The secret that tokens are hashed under: the installation's own, made once, or one that nodes share by reference."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

MIN_CHARACTERS = 16


def own_key(home: Path) -> bytes:
    """The key in ``SEEKGATE_HOME/secrets/privacy-tokens``; it is made, for this user alone, unless it is there.

    Of several workers that come at once each finds the same one. Raise `OSError`, or `ValueError` for a file that holds
    no key.
    """
    target = home / "secrets" / "privacy-tokens"
    if not target.exists():
        _make(target)
    return _checked(target.read_text("ascii").strip(), str(target))


def shared_key(reference: str, resolve: Callable[[str], str]) -> bytes:
    """The key that a secret reference names. Raise `ValueError` if it is too short; what ``resolve`` raises passes."""
    return _checked(resolve(reference), reference)


def _make(target: Path) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, does not replace what another worker has made meanwhile.
        os.link(draft, target)
    except FileExistsError:
        return
    finally:
        draft.unlink(missing_ok=True)


def _checked(text: str, where: str) -> bytes:
    if len(text) < MIN_CHARACTERS:
        raise ValueError(f"{where} is too short for a key: it takes at least {MIN_CHARACTERS} characters")
    return text.encode()
