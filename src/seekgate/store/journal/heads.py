"""The manifest's newest line told off the host: whoever writes the whole journal anew cannot change what is there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from seekgate.config.compiled.audit import Heads
from seekgate.store.journal.manifest import Line

COMMAND_SECONDS = 30.0


def export(heads: Heads, node: str, line: Line) -> None:
    """Append ``NODE NUMBER DIGEST ENTRY`` to the file, and give it to the command's standard input.

    Raise `OSError` when one of them fails; the command has 30 seconds.
    """
    text = f"{node} {line.entry.number} {line.digest} ".encode() + line.signed + b"\n"
    if heads.file is not None:
        descriptor = os.open(Path(heads.file), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
    if heads.command:
        try:
            done = subprocess.run(
                heads.command, input=text, capture_output=True, timeout=COMMAND_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise OSError(f"{heads.command[0]} took longer than {COMMAND_SECONDS:g} s") from None
        if done.returncode:
            raise OSError(f"{heads.command[0]} ended with {done.returncode}")


def parse(text: str) -> dict[str, dict[int, str]]:
    """What a file of exported heads says: for each node, digests by number. Raise `ValueError`."""
    found: dict[str, dict[int, str]] = {}
    for row in text.splitlines():
        node, number, digest, _ = row.split(" ", 3)
        found.setdefault(node, {})[int(number)] = digest
    return found
