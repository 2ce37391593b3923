"""Content in the ledger: AES-256-GCM (NIST SP 800-38D), a fresh nonce for each text, bound to the request's id.

A sealed text is ``KEY-ID:`` and the base64 of nonce (12 bytes), ciphertext and tag. Random nonces are safe for 2³²
texts under one key; replace the key before.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable

_HEX = re.compile(r"[0-9A-Fa-f]{64}\Z")
NONCE = 12


class SealError(Exception):
    """A key is none, or a text cannot be opened. Its text contains neither."""


def content_key(text: str) -> bytes:
    """The 32 bytes that a secret stands for. Raise `SealError`."""
    if _HEX.match(text):
        return bytes.fromhex(text)
    try:
        key = base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise SealError("this is not a key of 32 bytes")
    return key


def sealer(key: bytes, key_id: str) -> Callable[[bytes, bytes], str]:
    """What encrypts content bound to a context."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    encrypt = AESGCM(key).encrypt

    def seal(content: bytes, context: bytes) -> str:
        nonce = os.urandom(NONCE)
        return f"{key_id}:{base64.b64encode(nonce + encrypt(nonce, content, context)).decode()}"

    return seal


def opened(sealed: str, context: bytes, keys: dict[str, bytes]) -> bytes:
    """The content of a sealed text, with whichever of ``keys`` it names. Raise `SealError`."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    key_id, _, text = sealed.rpartition(":")
    if key_id not in keys:
        raise SealError(f"no key is called {key_id}")
    raw = base64.b64decode(text)
    try:
        return AESGCM(keys[key_id]).decrypt(raw[:NONCE], raw[NONCE:], context)
    except InvalidTag:
        raise SealError("the content was changed, or this is not its key") from None
