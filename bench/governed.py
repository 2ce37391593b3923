"""The cases in which everything of SeekGate is on: keys, roles, limits, privacy, guard, audit, metrics, access log.

A figure counts only if the work was done: after each run of SeekGate the audit ledger is verified, every answered
request must be in it, and personal data must have been replaced in as many as had some.
"""

from __future__ import annotations

import dataclasses
import http.client
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.cases import Effort, full_speed, sse
from bench.load import BenchError, Load, note
from bench.rows import Row
from bench.running import events_written, front, started, upstream
from bench.stream import DEFAULT_TOKEN, MOBILE, echo_event, personal_body, said
from bench.systems import HOME, MODELS, PATH, WORK, System
from bench.traffic import PERSONAL, Mix, write
from seekgate.store.journal import names, reading
from seekgate.store.journal.records import CLOSE, OPEN

CHECKED = 20_000
"""Records of a run whose content is looked at; `audit verify` looks at all of them."""
TOLERANCE = 0.01
"""How far the share of requests with personal data may be from what the prompts have: it is drawn."""


@dataclasses.dataclass(frozen=True)
class Ledger:
    """What the audit ledger says of a run: records of requests begun and settled, and, of those that were looked at,
    the share in which something was replaced by a token."""

    opened: int
    closed: int
    replaced: float


def governed(target: System, case: str, effort: Effort) -> Row:
    """As `unary`, with many prompts under many keys. The warm-up draws other keys than the run that is measured."""
    return _mixed(target, case, effort, keys=True)


def mtls(target: System, case: str, effort: Effort) -> Row:
    """The same prompts over TLS 1.3, without keys: who calls is known by the client's certificate. wrk has none, so an
    nginx in between shows it."""
    with front():
        return _mixed(target, case, effort, keys=False)


def _mixed(target: System, case: str, effort: Effort, *, keys: bool) -> Row:
    write(WORK)
    first = Mix(target.url(case), WORK, 1, keys)
    report = _judge if target.name == "seekgate" else _unjudged
    return full_speed(target, case, effort, first, dataclasses.replace(first, seed=2), report)


def sse_restore(target: System, case: str, effort: Effort) -> Row:
    """As `sse`, with personal data in the prompts, which the upstream repeats."""
    if target.name == "seekgate":
        _must_restore(target, case)
    return sse(target, case, effort)


def _unjudged(_warmed: Load, _load: Load) -> None:
    return None


def _judge(warmed: Load, load: Load) -> None:
    """Raise `BenchError` when the ledger does not show what was sent."""
    verify(HOME)
    ledger = summary(_all_records(HOME))
    answered = warmed.requests + load.requests
    if ledger.closed < answered or ledger.opened < answered:
        raise BenchError(
            f"{answered} requests were answered, {ledger.opened} and {ledger.closed} are in the ledger"
        )
    if abs(ledger.replaced - 1 / PERSONAL) > TOLERANCE:
        raise BenchError(
            f"personal data was replaced in {ledger.replaced:.2%} of the requests, not in 1 of {PERSONAL}"
        )
    note(f"the ledger holds: {ledger.closed:,} requests, {ledger.replaced:.1%} with tokens")


def verify(home: Path) -> None:
    """Run ``seekgate audit verify``; raise `BenchError` with what it says unless all is well."""
    program = str(Path(sys.executable).with_name("seekgate"))
    done = subprocess.run(
        [program, "audit", "verify", "--home", str(home)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BenchError(f"the audit ledger is not sound:\n{(done.stdout + done.stderr)[-2000:]}")


def _all_records(home: Path) -> Iterable[bytes]:
    for path in sorted(names.folder(home).rglob(f"*{names.SUFFIX}")):
        for _, _, record in reading.read(reading.load(path)):
            yield record


def summary(records: Iterable[bytes]) -> Ledger:
    """Count the records; look into the first `CHECKED` that open a request."""
    opened = closed = replaced = looked = 0
    for record in records:
        if record.startswith(b"[%d," % OPEN):
            opened += 1
            if looked < CHECKED:
                looked += 1
                replaced += b'"privacy:token:' in record
        elif record.startswith(b"[%d," % CLOSE):
            closed += 1
    return Ledger(opened, closed, replaced / max(1, looked))


def _must_restore(target: System, case: str) -> None:
    """One stream, read whole: the number stands where the upstream said the token, and no token is left."""
    events = 20
    with upstream(case, events, 0.002), started(target, case):
        connection = http.client.HTTPConnection("127.0.0.1", target.ports[case], timeout=10)
        try:
            connection.request("POST", PATH, personal_body(MODELS[case]), target.request_headers(case))
            text = said(connection.getresponse().read())
        finally:
            connection.close()
        if events_written() < events:
            raise BenchError("the upstream was not asked")
    sent = b"".join(echo_event(b"x", position, events, DEFAULT_TOKEN) for position in range(events))
    expected = said(sent).replace(DEFAULT_TOKEN.decode(), MOBILE)
    if text != expected:
        raise BenchError(f"what was restored is {text!r}, not {expected!r}")
