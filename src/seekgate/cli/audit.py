"""``seekgate audit``: verify, read, search and export the ledger of what was asked and answered."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from seekgate.store.journal.searching import Hit, Span

WRONG, MISTAKE = 1, 2

Home = Annotated[
    Path | None,
    typer.Option(
        help="SEEKGATE_HOME; the environment's, or the usual place, without it.", show_default=False
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="From this time on, as ISO 8601.", show_default=False)
]
Until = Annotated[
    str | None, typer.Option(metavar="TIME", help="Up to this time, as ISO 8601.", show_default=False)
]
ContentKeys = Annotated[
    list[str] | None,
    typer.Option(
        "--content-key",
        metavar="ID=REFERENCE",
        help="Show kept prompts and answers with this key (env:NAME or file:/path); may be repeated.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    audit = typer.Typer(no_args_is_help=True, help="The audit ledger.", pretty_exceptions_enable=False)
    audit.command("verify")(verify_command)
    audit.command("tail")(tail_command)
    audit.command("search")(search_command)
    audit.command("export")(export_command)
    audit.command("seal")(seal_command)
    app.add_typer(audit, name="audit")


def verify_command(
    home: Home = None,
    public_key: Annotated[
        Path | None,
        typer.Option(help="A file with the public key to believe, in hex; the manifest's own without it."),
    ] = None,
    heads: Annotated[
        Path | None, typer.Option(help="A file of exported heads, which the manifest must agree with.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check every record, segment and signature, and that nothing is missing.

    Each fault is told with its segment, byte and record. Exits with 0 when there is none, with 1 when there is one,
    with 2 when the ledger cannot be read.
    """
    import msgspec

    from seekgate.store.journal import heads as exported
    from seekgate.store.journal import manifest, names
    from seekgate.store.journal.verifying import verify

    with _mistakes():
        journal = _journal(home)
        key = None if public_key is None else manifest.public_key(public_key.read_text())
        known = {} if heads is None else exported.parse(heads.read_text()).get(names.node_id(journal), {})
        report = verify(journal, key, known)
    if as_json:
        typer.echo(msgspec.json.encode(report).decode())
    else:
        for finding in report.findings:
            typer.echo(str(finding))
        typer.echo(
            f"{report.records} records in {report.sealed} sealed and {report.unsealed} open segments"
            f" ({report.bytes} bytes), {report.retired} removed by retention:"
            f" {len(report.findings) or 'no'} fault{'' if len(report.findings) == 1 else 's'}"
        )
    if report.findings:
        raise typer.Exit(WRONG)


def tail_command(
    home: Home = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the newest records.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the newest records, and with `-f` those that come."""
    from collections import deque

    from seekgate.store.journal.following import Position, news
    from seekgate.store.journal.following import follow as watch

    with _mistakes():
        journal = _journal(home)
        position = Position({})
        newest = deque(news(journal, position), maxlen=lines)
        for hit in sorted(newest, key=lambda each: each.time):
            _show(hit, as_json)
        try:
            for found in watch(journal, position) if follow else ():
                if found is None:
                    sys.stdout.flush()
                else:
                    _show(found, as_json)
        except KeyboardInterrupt:
            raise typer.Exit(0) from None


def search_command(
    request: Annotated[str, typer.Option(help="A request's id.", show_default=False)] = "",
    key: Annotated[
        str, typer.Option(help="A caller: the id of a key, a token's subject …", show_default=False)
    ] = "",
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many records, the newest ones.")] = 100,
    content_key: ContentKeys = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Find the records of a request or of a caller. Exits with 1 when there is none."""
    from itertools import islice

    from seekgate.store.journal.searching import Ledger

    if bool(request) == bool(key):
        typer.echo("error: give --request or --key", err=True)
        raise typer.Exit(MISTAKE)
    with _mistakes():
        keys = _content_keys(content_key or [])
        found = Ledger(_journal(home)).find(request=request, caller=key, span=_span(since, until))
        hits = list(islice(found, limit))
        for hit in sorted(hits, key=lambda each: (each.time, each.number)):
            _show(hit, as_json, keys)
    if not hits:
        hint = "; --key wants an id, which `seekgate keys show NAME` tells" if key else ""
        typer.echo(f"no such record{hint}", err=True)
        raise typer.Exit(WRONG)


def export_command(
    to: Annotated[
        str,
        typer.Option(
            metavar="FILE|URL",
            help="A file, - for standard output, syslog://host:514 (UDP), syslog+tcp://host:601,"
            " syslog+unix:///dev/log, or kafka://host:9092/topic.",
        ),
    ] = "-",
    form: Annotated[
        Literal["jsonl", "csv"], typer.Option("--format", help="How files are written.")
    ] = "jsonl",
    since: Since = None,
    until: Until = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes.")] = False,
    position: Annotated[
        Path | None,
        typer.Option(help="Go on where the last run with this file stopped.", show_default=False),
    ] = None,
    content_key: ContentKeys = None,
    home: Home = None,
) -> None:
    """Copy records to a file, or stream them to syslog or Kafka.

    With `--position` nothing is left out from one run to the next; after a failure some records may come twice.
    """
    from seekgate.stages.audit.records import COLUMNS
    from seekgate.store.journal.following import Position, news
    from seekgate.store.journal.following import follow as watch
    from seekgate.store.journal.sinks import sink

    with _mistakes():
        journal, keys, span = _journal(home), _content_keys(content_key or []), _span(since, until)
        state = Position({}) if position is None else Position.load(position)
        target = sink(to, form, COLUMNS, _open)
        found: Iterable[Hit | None] = watch(journal, state) if follow else news(journal, state)
        try:
            for hit in found:
                if hit is None:
                    target.flush()
                    if position is not None:
                        state.save(position)
                elif span.since <= hit.time <= span.until:
                    target.write(_row(hit, keys))
        except KeyboardInterrupt:
            pass
        target.close()
        if position is not None:
            state.save(position)


def seal_command(home: Home = None, as_json: AsJson = False) -> None:
    """Seal what no worker writes any more, now. Workers do this by themselves; it is for a node that has stopped."""
    import msgspec

    from seekgate.config.compiled.audit import Audit
    from seekgate.host.clock import SystemClock
    from seekgate.store.journal.keeping import keep
    from seekgate.store.journal.manifest import ManifestError

    with _mistakes():
        try:
            done = keep(_journal(home).parent, Audit(), SystemClock())
        except ManifestError as error:
            raise ValueError(str(error)) from None
    if as_json:
        typer.echo(msgspec.json.encode(done).decode())
        return
    for entry in done.sealed:
        typer.echo(f"sealed {entry.segment}: {entry.records} records, {entry.size} bytes")
    typer.echo(
        f"{len(done.sealed)} sealed, {len(done.orphans)} requests closed as abandoned; head {done.head}"
    )


# Parts of the above.


@contextmanager
def _mistakes() -> Iterator[None]:
    """What cannot be done ends with a sentence and 2."""
    try:
        yield
    except BrokenPipeError:
        # Who read the output has seen enough; at its end Python would try to flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError) as error:
        said = (
            f"{error.strerror}: {error.filename}" if isinstance(error, OSError) and error.filename else error
        )
        typer.echo(f"error: {said}", err=True)
        raise typer.Exit(MISTAKE) from None


def _journal(home: Path | None) -> Path:
    from seekgate.config.home import home as usual
    from seekgate.store.journal import names

    journal = names.folder(home or usual())
    if not journal.is_dir():
        raise ValueError(f"there is no journal in {journal}; `audit: {{}}` in the configuration begins one")
    return journal


def _span(since: str | None, until: str | None) -> Span:
    from seekgate.store.journal.searching import Span

    return Span(0.0 if since is None else _instant(since), float("inf") if until is None else _instant(until))


def _instant(text: str) -> float:
    """Unix seconds; a time without a zone is this machine's."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ValueError(f"{text} is no time such as 2026-11-24T08:00:00+08:00") from None


def _content_keys(wanted: list[str]) -> dict[str, bytes]:
    from seekgate.config.secrets import SecretError, resolve
    from seekgate.stages.audit.sealing import SealError, content_key

    keys = {}
    for each in wanted:
        name, _, reference = each.partition("=")
        try:
            keys[name] = content_key(resolve(reference))
        except (SecretError, SealError) as error:
            raise ValueError(f"--content-key {name}: {error}") from None
    return keys


def _row(hit: Hit, keys: dict[str, bytes]) -> dict[str, Any]:
    """A record by names; kept content is shown where its key was given, and left out otherwise."""
    from seekgate.stages.audit.records import named
    from seekgate.stages.audit.sealing import SealError, opened

    row = named(hit.record)
    for name in ("prompt", "answer"):
        sealed = row.pop(name, None)
        if sealed is not None and keys:
            try:
                row[name] = opened(sealed, str(row["request"]).encode(), keys).decode("utf-8", "replace")
            except SealError as error:
                row[name] = f"({error})"
    row.setdefault("writer", hit.segment.writer)
    return row


def _show(hit: Hit, as_json: bool, keys: dict[str, bytes] | None = None) -> None:
    row = _row(hit, keys or {})
    if as_json:
        typer.echo(json.dumps(row, ensure_ascii=False))
        return
    when = datetime.fromtimestamp(hit.time).isoformat(timespec="milliseconds") if hit.time else "-"
    first = [when, row.pop("record")]
    for name in ("time", "number", "writer"):
        row.pop(name, None)
    shown = {name: value for name, value in row.items() if type(value) is not int or value}  # 0: none of it
    typer.echo("  ".join([*first, *(f"{name}={_word(value)}" for name, value in shown.items())]))


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _open(target: str) -> Any:
    return sys.stdout if target == "-" else Path(target).open("w", encoding="utf-8", newline="")
