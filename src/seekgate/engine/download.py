"""Fetch one large file over HTTP so that nothing is lost and nothing wrong is kept.

Bytes go to a ``.part`` file, and beside it a small JSON file says what they belong to. A later attempt, after a cut
connection or a killed process, goes on where the part ends: it asks for the rest with ``Range``, bound by ``If-Range``
to the same version of the file (RFC 9110, sections 13.1.5 and 14). A server that sends the whole file again is
followed. The checksum is compared before the caller may use the file; wrong bytes are removed.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, Literal
from urllib.error import HTTPError
from urllib.request import Request

import msgspec

from seekgate.engine.network import PullError, Transient, explain, opener, require_space

BLOCK = 1 << 18
ATTEMPTS = 5
"""Failures in a row, without a single new byte, after which a download is given up."""


class Step(msgspec.Struct, frozen=True):
    """Progress: in bytes, ``total`` None while it is not known; ``note`` is a sentence for the operator."""

    phase: Literal["locate", "wait", "download", "retry", "verify", "extract", "copy"]
    done: int = 0
    total: int | None = None
    note: str = ""


Progress = Callable[[Step], None]


class Wanted(msgspec.Struct, frozen=True):
    """What is to be fetched. ``sha256`` and ``size`` (bytes) are None when nobody knows them beforehand."""

    url: str
    sha256: str | None = None
    size: int | None = None


class _Belongs(msgspec.Struct, frozen=True):
    """What a part file is the beginning of."""

    url: str
    sha256: str | None
    etag: str = ""
    modified: str = ""


def state_file(part: Path) -> Path:
    """Where it is written down what ``part`` belongs to."""
    return part.with_name(part.name + ".json")


def fetch(wanted: Wanted, part: Path, progress: Progress, pause: Callable[[float], None] = time.sleep) -> str:
    """Bring ``part`` to completeness and return its SHA-256 in hex; the file is synced to disk.

    Raise `PullError` when it cannot be had or is not what was wanted. What was received stays for the next attempt,
    unless it is wrong.
    """
    failures = 0
    begun = False
    while True:
        before = _size(part)
        try:
            return _verify(wanted, part, _attempt(wanted, part, progress), progress)
        except Transient as error:
            gained = _size(part) > before
            begun = begun or gained
            failures = 0 if gained else failures + 1
            if failures >= (ATTEMPTS if begun or error.server else 1):
                raise PullError(error.what, error.advice) from error
            progress(Step("retry", _size(part), wanted.size, error.what))
            pause(min(30.0, 2.0**failures))


def discard(part: Path) -> None:
    """Remove a part and what is written down about it."""
    part.unlink(missing_ok=True)
    state_file(part).unlink(missing_ok=True)


def _attempt(wanted: Wanted, part: Path, progress: Progress) -> str:
    """One request; return the SHA-256 of the whole part, or raise `Transient` or `PullError`."""
    known = _belongs(wanted, part)
    offset = _size(part) if known else 0
    if offset and wanted.sha256 and offset == wanted.size:
        return _digest(part, offset).hexdigest()
    request = Request(wanted.url, headers=_headers(known, offset, wanted.url))
    try:
        response = opener().open(request, timeout=30.0)
    except HTTPError as error:
        with error:
            if error.code == 416:
                discard(part)
                raise Transient(
                    "the server no longer has what was begun; starting over", server=True
                ) from error
            raise explain(wanted.url, error) from error
    except (OSError, HTTPException) as error:
        raise explain(wanted.url, error) from error
    with response:
        return _receive(wanted, part, offset, known, response, progress)


def _headers(known: _Belongs | None, offset: int, url: str) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "seekgate"}
    if known and offset:
        headers["Range"] = f"bytes={offset}-"
        # A weak validator must not be used here (RFC 9110, 13.1.5), and one of another site means nothing.
        strong = known.etag if not known.etag.startswith("W/") else ""
        if known.url == url and (strong or known.modified):
            headers["If-Range"] = strong or known.modified
    return headers


def _receive(
    wanted: Wanted,
    part: Path,
    offset: int,
    known: _Belongs | None,
    response: HTTPResponse,
    progress: Progress,
) -> str:
    head = response.headers
    total = _length(head.get("Content-Length"))
    if response.status == 206:
        start, total = _range(head.get("Content-Range", ""))
        moved = (
            known and known.url == wanted.url and known.etag and head.get("ETag", known.etag) != known.etag
        )
        if start != offset or moved:
            discard(part)
            raise Transient("the file changed at its source; starting over", server=True)
    elif response.status == 200:
        offset = 0
    else:
        raise PullError(f"{wanted.url} answered {response.status} instead of a file", "Check the address.")
    if wanted.size is not None and total is not None and total != wanted.size:
        raise PullError(
            f"{wanted.url} offers {total} bytes, but the model has {wanted.size}",
            "Something on the way answers with another file (a login page, a stale mirror): open it in a browser.",
        )
    total = total if total is not None else wanted.size
    if total is not None:
        require_space(part.parent, total - offset)
    return _store(wanted, part, offset, total, response, progress)


def _store(
    wanted: Wanted, part: Path, offset: int, total: int | None, response: HTTPResponse, progress: Progress
) -> str:
    head = response.headers
    belongs = _Belongs(wanted.url, wanted.sha256, head.get("ETag", ""), head.get("Last-Modified", ""))
    digest = _digest(part, offset)
    with part.open("r+b" if offset else "wb") as file:
        # Only once the old bytes are gone: until then the old words are the true ones.
        state_file(part).write_bytes(msgspec.json.encode(belongs))
        file.truncate(offset)
        file.seek(offset)
        done = offset
        while block := _read(wanted.url, response):
            file.write(block)
            # Through to the system, so that a killed process leaves what it received.
            file.flush()
            digest.update(block)
            done += len(block)
            progress(Step("download", done, total))
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise Transient(f"the connection ended after {done} of {total} bytes", server=True)
    return str(digest.hexdigest())


def _read(url: str, response: HTTPResponse) -> bytes:
    try:
        return response.read1(BLOCK)
    except (OSError, HTTPException) as error:
        raise explain(url, error) from error


def _verify(wanted: Wanted, part: Path, digest: str, progress: Progress) -> str:
    progress(Step("verify", _size(part), wanted.size))
    if wanted.sha256 is not None and digest != wanted.sha256:
        discard(part)
        raise PullError(
            f"what {wanted.url} sent has the SHA-256 {digest}, but {wanted.sha256} was expected; it was removed",
            "Pull again; if it stays so, the file was changed at its source or on the way: do not use it.",
        )
    return digest


def _belongs(wanted: Wanted, part: Path) -> _Belongs | None:
    """What the part is known to be the beginning of, if that is what is wanted and can be continued safely."""
    try:
        known = msgspec.json.decode(state_file(part).read_bytes(), type=_Belongs)
    except (OSError, msgspec.DecodeError):
        return None
    pinned = wanted.sha256 is not None and known.sha256 == wanted.sha256
    validated = known.url == wanted.url and bool(known.modified or (known.etag and known.etag[:2] != "W/"))
    # A pinned checksum finds a part that was mixed from two versions; without it the server must vouch for one.
    return known if pinned or (validated and wanted.sha256 == known.sha256) else None


def _range(value: str) -> tuple[int, int | None]:
    """Start and total of a Content-Range; start -1 when it cannot be read."""
    span, _, total = value.removeprefix("bytes ").partition("/")
    start = span.partition("-")[0]
    return (int(start) if start.isdigit() else -1), _length(total)


def _length(value: str | None) -> int | None:
    return int(value) if value is not None and value.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _digest(path: Path, count: int) -> hashlib._Hash:
    """The hash of the first ``count`` bytes, to be continued."""
    digest = hashlib.sha256()
    if count:
        with path.open("rb") as file:
            _feed(digest, file, count)
    return digest


def _feed(digest: hashlib._Hash, file: BinaryIO, count: int) -> None:
    while count and (block := file.read(min(count, 1 << 20))):
        digest.update(block)
        count -= len(block)
