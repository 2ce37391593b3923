"""The signed list of sealed segments.

``manifest`` has one line for each event: a JSON object, a tab, and the Ed25519 signature (RFC 8032) of the object's
bytes in base64. Each line names the SHA-256 of the line before it, so that none can be taken out, and each sealed
segment with its final digest, so that none can be changed or be missing. Segments whose time is over are named as
``retired`` before they are removed. The newest line, exported to another host, shows even a manifest that
was cut or written anew.

The key is made once, under ``secrets/audit-signing``. Whoever can read it can write a manifest of their own; only an
exported head shows that.
"""

from __future__ import annotations

import base64
import contextlib
import os
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from seekgate.store.journal.names import MANIFEST

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY = "audit-signing"
PUBLIC = "audit-signing.pub"
GENESIS = ""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line. ``kind`` ``key`` begins the manifest and names the public key (hex); ``sealed`` names a segment's final
    ``digest`` (hex), its bytes and records, the instants (Unix seconds) of its first and last record, how many torn
    bytes were cut from its end and how many findings there were when it was sealed; ``retired`` names a segment that is
    removed by the retention policy."""

    number: int
    kind: Literal["key", "sealed", "retired"]
    time: float
    before: str
    public_key: str = ""
    segment: str = ""
    digest: str = ""
    size: int = 0
    records: int = 0
    first_time: float = 0.0
    last_time: float = 0.0
    torn: int = 0
    findings: int = 0


class Line(msgspec.Struct, frozen=True):
    """An entry as it stands in the manifest: its own bytes, its signature, and the digest that the next one names."""

    entry: Entry
    signed: bytes
    signature: bytes
    digest: str


class ManifestError(Exception):
    """The manifest cannot be used. ``line`` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"{MANIFEST}, line {line}: {what}")
        self.line = line


def parse(data: bytes) -> list[Line]:
    """The lines of a manifest; an unfinished last one is left out. Raise `ManifestError` for one that is no line."""
    whole = data[: data.rfind(b"\n") + 1]
    return [_line(raw, number) for number, raw in enumerate(whole.splitlines(), 1)]


def _line(raw: bytes, number: int) -> Line:
    signed, _, signature = raw.partition(b"\t")
    try:
        entry = msgspec.json.decode(signed, type=Entry)
        known = base64.b64decode(signature, validate=True)
        if base64.b64encode(known) != signature:
            raise ValueError("bits that mean nothing are set")
        return Line(entry, signed, known, sha256(raw).hexdigest())
    except (msgspec.DecodeError, ValueError):
        raise ManifestError(number, "not a line of a manifest") from None


def unfinished(journal: Path) -> bool:
    """Whether the last line has no end: a keeper was killed there, or it was damaged. Raise `OSError`."""
    try:
        data = (journal / MANIFEST).read_bytes()
    except FileNotFoundError:
        return False
    return bool(data) and not data.endswith(b"\n")


def sound(journal: Path) -> list[Line]:
    """The lines of a damaged manifest that are lines. Raise `OSError`."""
    lines = []
    for number, raw in enumerate((journal / MANIFEST).read_bytes().splitlines(), 1):
        with contextlib.suppress(ManifestError):
            lines.append(_line(raw, number))
    return lines


def read(journal: Path) -> list[Line]:
    """The manifest's lines, none when there is no manifest. Raise `OSError` or `ManifestError`."""
    try:
        return parse((journal / MANIFEST).read_bytes())
    except FileNotFoundError:
        return []


class Signer:
    """Appends signed entries. Only the keeper has one, under its lock."""

    def __init__(self, home: Path, journal: Path) -> None:
        self._path = journal / MANIFEST
        self._key = signing_key(home)
        self.lines = read(journal)
        with contextlib.suppress(FileNotFoundError):
            _cut_unfinished(self._path)
        if not self.lines:
            self.append(Entry(0, "key", 0.0, GENESIS, public_key=_public(self._key)), 0.0)

    def append(self, entry: Entry, now: float) -> Line:
        """Number, link, sign and write an entry; on the disk when this returns. Raise `OSError`."""
        last = self.lines[-1] if self.lines else None
        entry = msgspec.structs.replace(
            entry,
            number=last.entry.number + 1 if last else 0,
            time=now,
            before=last.digest if last else GENESIS,
        )
        signed = msgspec.json.encode(entry)
        signature = self._key.sign(signed)
        raw = signed + b"\t" + base64.b64encode(signature)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, raw + b"\n") != len(raw) + 1:
                    raise OSError(28, os.strerror(28))
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        line = Line(entry, signed, signature, sha256(raw).hexdigest())
        self.lines.append(line)
        return line


def _cut_unfinished(path: Path) -> None:
    """A keeper that was killed may have left half a line."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole != len(data):
        os.truncate(path, whole)


def signing_key(home: Path) -> Ed25519PrivateKey:
    """The home's key, made when there is none. Raise `OSError`, and `ValueError` when its file holds something else."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secrets = home / "secrets"
    path = secrets / KEY
    if not path.exists():
        secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        beside = secrets / f".{KEY}.{os.getpid()}"
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes_raw().hex().encode() + b"\n")
            file.flush()
            os.fsync(descriptor)
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
        beside.unlink()
    try:
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    except ValueError:
        raise ValueError(f"{path} does not hold an Ed25519 key in hex") from None
    (secrets / PUBLIC).write_text(_public(key) + "\n")
    return key


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def public_key(text: str) -> Ed25519PublicKey:
    """A public key from its hex digits. Raise `ValueError`."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))


def check(lines: list[Line], key: Ed25519PublicKey | None = None) -> tuple[list[tuple[int, str]], str]:
    """What is wrong with a manifest, as (line, sentence), and its public key in hex.

    Without ``key`` the one that the first line names is believed.
    """
    from cryptography.exceptions import InvalidSignature

    wrong: list[tuple[int, str]] = []
    if not lines:
        return wrong, ""
    named = lines[0].entry.public_key
    if lines[0].entry.kind != "key" or lines[0].entry.before != GENESIS:
        wrong.append((1, "the manifest does not begin with its key: its beginning is missing"))
    if key is None:
        try:
            key = public_key(named)
        except ValueError:
            return [*wrong, (1, "the public key is damaged: give it with --public-key")], named
    before, number = GENESIS, 0
    for at, line in enumerate(lines, 1):
        if at > 1 and (line.entry.before != before or line.entry.number != number):
            what = f"entry {line.entry.number} follows where entry {number} should: one was removed, moved or changed"
            wrong.append((at, what))
        try:
            key.verify(line.signature, line.signed)
        except InvalidSignature:
            wrong.append((at, "the signature is wrong"))
        before, number = line.digest, line.entry.number + 1
    return wrong, named
