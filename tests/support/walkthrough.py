"""A page whose ``console`` blocks are one session: its commands are run in order, and what they print is compared.

Identifiers, times, digests and durations differ from run to run: they are compared by their form.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_END = "-- the end of a command --"
_FORMS = (
    (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?", "TIME"),
    (r"\b(org|team|app|key|role|bind|lim)_[A-Za-z0-9]{12}", r"\1_ID"),
    (r"sk-sg-[A-Za-z0-9]{6,40}", "sk-sg-KEY"),
    (r"\breq_[0-9a-f]+", "req_ID"),
    (r"\b[0-9a-f]{64}\b", "DIGEST"),
    (r"\b(?:\d+h)?(?:\d+m)?\d+s\b", "DURATION"),
    (r"PII_([A-Z_]+)_[0-9a-z]{6,}", r"PII_\1_TOKEN"),
    (r"\d+ records in \d+ sealed and \d+ open segments \(\d+ bytes\)", "RECORDS"),
)


@dataclass
class Step:
    """A command, and what the page says that it prints."""

    command: str
    printed: str


def steps(page: Path) -> list[Step]:
    """The commands of a page, in order."""
    found: list[Step] = []
    for block in _BLOCK.findall(page.read_text()):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines(keepends=True)
            length = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\\n"))
            found.append(Step("".join(lines[:length]).rstrip("\n"), "".join(lines[length:])))
    return found


def form(text: str) -> str:
    """``text`` with what differs from run to run replaced by its kind."""
    for pattern, kind in _FORMS:
        text = re.sub(pattern, kind, text)
    return text.strip()


class Shell:
    """A shell that keeps its variables from one command to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "--norc"],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, command: str) -> str:
        """What a command prints, on standard output and error."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{command}\necho; echo '{_END}'\n")
        process.stdin.flush()
        printed = ""
        for line in process.stdout:
            if line.rstrip("\n") == _END:
                return printed.removesuffix("\n")
            printed += line
        raise AssertionError(f"the shell has ended: {printed}")

    def close(self) -> None:
        """End the shell."""
        self._process.communicate(timeout=30)
