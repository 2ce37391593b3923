"""JSON texts as clients and upstreams write them: every spelling, repeated keys, and damaged ones."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

KEYS = st.sampled_from(["model", "usage", "k", "\\", "", "prompt_tokens", "total_tokens", "choices", "é:"])
WORDS = st.sampled_from(
    ["model", '"model":', ',"model":1}', "{[", "]}", "\\", "\\u003a", ":", "a:b", "🐋", "\x7f", "o"]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    WORDS,
    st.text(max_size=5),
)
# An object is ("object", pairs), so that a key may repeat.
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(st.just("object"), st.lists(st.tuples(KEYS, inner), max_size=5)),
    ),
    max_leaves=16,
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """The text of an object (now and then of another value) in a drawn spelling."""
    tree = draw(TREES)
    if not isinstance(tree, tuple) and draw(st.integers(0, 5)):
        tree = ("object", [("model", "m"), ("k", tree)])
    space = draw(st.sampled_from(["", "", " ", "\r\n\t"]))
    ascii_only = draw(st.booleans())
    escape = draw(st.sampled_from(["", "", ":", "o", "e"]))

    def spell(text: str) -> str:
        written = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        if not escape:
            return f'"{written}"'
        # In a text that has escapes already the letter may be part of one: it is left as it is.
        return (
            '"' + written.replace(escape, f"\\u{ord(escape):04X}") + '"'
            if "\\" not in written
            else f'"{written}"'
        )

    def write(value: Any) -> str:
        if isinstance(value, tuple):
            return (
                "{"
                + ",".join(f"{space}{spell(k)}{space}:{space}{write(v)}{space}" for k, v in value[1])
                + "}"
            )
        if isinstance(value, list):
            return "[" + f"{space},".join(write(item) for item in value) + space + "]"
        return spell(value) if isinstance(value, str) else json.dumps(value)

    return (space + write(tree) + space).encode("utf-8", "replace")


@st.composite
def mutated(draw: st.DrawFn, sources: st.SearchStrategy[bytes]) -> bytes:
    """A text with a few bytes removed, doubled or replaced."""
    text = bytearray(draw(sources))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 3))] = draw(
            st.one_of(
                st.sampled_from([b'"', b"\\", b"{", b"}", b":", b",", b"\xff", b"\\ud800"]),
                st.binary(max_size=2),
            )
        )
    return bytes(text)
