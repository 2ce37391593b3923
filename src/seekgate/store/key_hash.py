"""API keys: how they are made, and the keyed hash that is all that is kept of them.

A key is ``sk-sg-`` and 40 characters of the alphabet 0-9A-Za-z, 238 bits of the system's randomness. What is stored is
HMAC-SHA-256 (RFC 2104) of the whole key under a secret of the installation, so that a stolen table of rows alone does
not even let keys be recognised. Nodes that share a database share the secret (``identity.hash_secret``).
"""

from __future__ import annotations

import hmac
import os
import secrets
import string
from pathlib import Path

from seekgate.config.secrets import SecretError, resolve

PREFIX = "sk-sg-"
LENGTH = 40
SHOWN = 12
"""How many characters are kept for people to recognise a key by."""
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase


def make_key() -> str:
    """A new key."""
    return PREFIX + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))


def digest(hash_secret: bytes, key: str) -> str:
    """The hex digest that stands for a key."""
    return hmac.digest(hash_secret, key.encode(), "sha256").hex()


def path(home: Path) -> Path:
    """Where an installation keeps its own secret."""
    return home / "secrets" / "key-hash"


def ensure(home: Path) -> Path:
    """Make the installation's own secret unless it is there, once, for this user alone; return its path.

    Of several processes that come at once each finds the same one. Raise `OSError`.
    """
    target = path(home)
    if target.exists():
        return target
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = target.with_name(f".key-hash.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{secrets.token_hex(32)}\n".encode())
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, target)
    except FileExistsError:
        pass
    finally:
        beside.unlink(missing_ok=True)
    return target


def load(home: Path, reference: str | None = None) -> bytes:
    """The secret that keys are hashed under: what ``reference`` refers to, or the installation's own.

    Raise `SecretError`, also when it is too short to be one.
    """
    if reference is None:
        try:
            reference = f"file:{ensure(home)}"
        except OSError as error:
            raise SecretError(f"cannot make {path(home)}: {error.strerror}") from None
    found = resolve(reference).encode()
    if len(found) < 32:
        raise SecretError(f"{reference} is too short: it takes at least 32 characters")
    return found
