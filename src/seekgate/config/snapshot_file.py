"""The snapshot on disk: written whole or not at all, readable by its owner only, and checked when read."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from seekgate.config.snapshot import Snapshot

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Snapshot)


class SnapshotError(Exception):
    """A snapshot file cannot be used; the text says why."""


def digest_of(snapshot: Snapshot) -> str:
    """SHA-256 (hexadecimal) of the encoded snapshot with an empty digest."""
    return hashlib.sha256(_encoder.encode(msgspec.structs.replace(snapshot, digest=""))).hexdigest()


def sealed(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with its digest filled in, as it is when it has been read back.

    Only then does a reader encode it to the same bytes: a default is left out where it is the default's very object,
    which a value that was computed is not and one that was read may be.
    """
    snapshot = _decoder.decode(_encoder.encode(snapshot))
    return msgspec.structs.replace(snapshot, digest=digest_of(snapshot))


def write_snapshot(path: str | os.PathLike[str], snapshot: Snapshot) -> None:
    """Write atomically with mode 0600; raise `OSError`. A reader sees the old file or the new one, never a part.

    The content and the rename are both synced: after a power cut the last good snapshot is there.
    """
    target = Path(path)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    scratch.unlink(missing_ok=True)
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_encoder.encode(snapshot) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(scratch, target)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_snapshot(path: str | os.PathLike[str]) -> Snapshot:
    """Read and verify; raise `SnapshotError` when it is missing, damaged, of another version or altered."""
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        raise SnapshotError(f"cannot read the snapshot {os.fspath(path)}: {error.strerror}") from error
    try:
        snapshot = _decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise SnapshotError(
            f"the snapshot {os.fspath(path)} is damaged or of another version: {error}"
        ) from error
    if digest_of(snapshot) != snapshot.digest:
        raise SnapshotError(f"the snapshot {os.fspath(path)} does not match its digest")
    return snapshot
