"""The keeper's process: ``python -m seekgate.store.journal.keeper HOME POLICY``.

A worker starts one when it begins and whenever it has finished a segment; nothing of it runs in the worker, which has
neither the key nor the time. ``POLICY`` is the compiled audit settings as JSON. It writes one JSON object a line to
standard output, an orphan (`seekgate.store.journal.keeping.Orphan`) each, and ends with 1 when it could not do its
work.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from seekgate.config.compiled.audit import Audit
from seekgate.host.complaints import complain

NICE = 10


def start(home: Path, policy: Audit) -> subprocess.Popen[bytes]:
    """Start a keeper. Its standard error is ours. Raise `OSError`."""
    command = [sys.executable, "-P", "-m", __name__, str(home), msgspec.json.encode(policy).decode()]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)


def follow(process: subprocess.Popen[bytes], orphan: Callable[[bytes], object]) -> int:
    """Hand each orphan's line to ``orphan``; wait for the end; the exit status."""
    assert process.stdout is not None
    with process.stdout:
        for line in process.stdout:
            orphan(line)
    return process.wait()


def main(arguments: Sequence[str] | None = None) -> int:
    """One run; the exit status."""
    from seekgate.host.clock import SystemClock
    from seekgate.store.journal import heads, names
    from seekgate.store.journal.keeping import keep
    from seekgate.store.journal.manifest import ManifestError, read

    home, policy = sys.argv[1:] if arguments is None else arguments
    audit = msgspec.json.decode(policy, type=Audit)
    os.nice(NICE)
    try:
        done = keep(Path(home), audit, SystemClock())
        for orphan in done.orphans:
            sys.stdout.write(msgspec.json.encode(orphan).decode() + "\n")
        sys.stdout.flush()
        journal = names.folder(Path(home))
        if done.sealed or done.retired:
            heads.export(audit.heads, names.node_id(journal), read(journal)[-1])
    except (OSError, ValueError, ManifestError) as error:
        complain("the audit journal cannot be sealed", process="keeper", error=str(error))
        return 1
    for entry in done.sealed:
        if entry.findings:
            complain(
                "a sealed segment of the audit journal is damaged", process="keeper", segment=entry.segment
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
