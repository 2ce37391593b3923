"""Coverage-guided fuzzing of text edits: ``python tests/fuzz/atheris_jsonspan.py -max_total_time=60``.

On JSON an edit of the text must mean the same edit of the object; on other bytes nothing but ValueError may come.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

with atheris.instrument_imports(include=["seekgate.wire"]):
    from seekgate.wire.envelope import read
    from seekgate.wire.errors import Refusal
    from seekgate.wire.jsonspan import remove_member, set_member, top_level_span, value_end

from tests.support.fuzzing import fuzz

SEEDS = [
    b'{"model":"m","k":[{"model":1}],"a":{"b":"}"}}',
    b' { "a" : "\\"" , "k":\t[[],{}],"":null ,"model" : "\\u006d" }\n',
    b'"x":[[1]],"a":1.5e3,"o":"model"',
    b'{"mod\\u0065l":1,"s":"x ,\\"model","k":true}',
]

KEYS = ("model", "k", "", "a")


def check(data: bytes) -> None:
    """Edit one body, and the same inside an object, at each key."""
    for body in (data, b'{"k":' + data + b',"model":"m"}', b'{"model":"m",' + data + b"}"):
        value_end(body, 0)
        found = read(body)
        for key in KEYS:
            if isinstance(found, Refusal):
                top_level_span(body, key, True)
                remove_member(body, key)
                with suppress(ValueError):
                    set_member(body, key, b"1")
                continue
            tree = json.loads(body)
            span = top_level_span(body, key, key in tree)
            assert span == top_level_span(body, key)
            assert (span is None) is (key not in tree)
            if span is not None:
                assert json.loads(body[slice(*span)]) == tree[key]
            assert json.loads(set_member(body, key, b'"new"')) == {**tree, key: "new"}
            assert json.loads(remove_member(body, key)) == {name: tree[name] for name in tree if name != key}


if __name__ == "__main__":
    fuzz(check, SEEDS)
