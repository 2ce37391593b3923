"""Start libFuzzer with seeds: without a first example of the format it spends its time on noise."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import atheris


def fuzz(check: Callable[[bytes], None], seeds: Sequence[bytes]) -> None:
    """Run ``check`` on inputs until libFuzzer's options (the command line's) end it.

    The seeds are run once first; when the command line names a corpus folder, they are put there to be mutated.
    """
    for seed in seeds:
        check(seed)
    for folder in [Path(word) for word in sys.argv[1:] if not word.startswith("-")][:1]:
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(seeds):
            (folder / f"seed-{number}").write_bytes(seed)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
