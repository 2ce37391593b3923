"""JSON text in a string stays JSON text."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.nested import Quotes, inside, outside

WORDS = st.text(st.sampled_from(list('a"\\/\n张😀{}:,1')), max_size=8)


@given(WORDS)
def test_inside_and_outside(text: str) -> None:
    assert json.loads(f'"{inside(text)}"') == text
    assert outside(inside(text)) == text


def test_a_piece_within_an_escape_is_left_as_it_is() -> None:
    assert outside("a\\") == "a\\"
    assert outside("\\u12") == "\\u12"
    assert outside('\\"') == '"'


@given(
    st.dictionaries(WORDS, st.one_of(WORDS, st.integers(), st.lists(WORDS, max_size=2)), max_size=3),
    st.data(),
)
def test_quotes_know_whether_a_place_is_in_a_string(value: dict[str, object], data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=data.draw(st.booleans()))
    depth = []
    escaped = within = False
    for character in text:
        depth.append(within)
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            within = not within
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    quotes, at = Quotes(), 0
    for cut in cuts:
        quotes.read(text, at, cut)
        at = cut
        if cut < len(text):
            assert quotes.inside == depth[cut]


def test_bare_numbers() -> None:
    quotes = Quotes()
    assert quotes.bare("13812345678")
    assert quotes.bare("-1.5e3")
    assert not quotes.bare("138x")
    quotes.read('{"a', 0, 3)
    assert not quotes.bare("13812345678")
