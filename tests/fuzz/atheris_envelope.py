"""Coverage-guided fuzzing of request bodies: ``python tests/fuzz/atheris_envelope.py -max_total_time=60``.

A body is accepted only if the standard library reads the same tree and sees no key twice in one object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["seekgate.wire"]):
    from seekgate.wire.envelope import read
    from seekgate.wire.errors import DUPLICATE_KEY, INVALID_JSON, Refusal

from tests.support.fuzzing import fuzz

SEEDS = [
    b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"a:b"}]}',
    b'{"model":"m", "x":"\\u003a\\\\u003A", "x":[{"y":-1.5e3},null,false]}',
    b'{"a":1,"\\u0061":":"}',
    '{"model":"模","é":"\\ud83d\\ude00"}'.encode(),
]


def check(data: bytes) -> None:
    """Compare one body, and the same inside a request, with the standard library's parser."""
    for body in (data, b'{"model":"m","k":' + data + b"}"):
        found = read(body)
        if not isinstance(found, Refusal):
            tree, twice = _parse(body)
            assert tree == found[0]
            assert not twice
        elif found.kind is not INVALID_JSON:
            assert _parse(body)[1] is (found.kind is DUPLICATE_KEY)


def _parse(body: bytes) -> tuple[Any, bool]:
    twice = False

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        tree = dict(pairs)
        twice = twice or len(tree) < len(pairs)
        return tree

    return json.loads(body, object_pairs_hook=look), twice


if __name__ == "__main__":
    fuzz(check, SEEDS)
