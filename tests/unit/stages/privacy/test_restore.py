"""Tokens in a text are found however it is cut; what only resembles one is left alone."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.restore import (
    MAX_HELD,
    MAY_BE_ALIKE,
    MAY_START,
    Restorer,
    alike_count,
    look_alikes,
    match,
)
from tests.support import privacy as made

VAULT = made.vault()
TOKENS = made.tokens(VAULT)
MOBILE, EMAIL, SECRET, NAME = TOKENS


def whole(text: str, nested: bool = False) -> str:
    restorer = Restorer(VAULT, nested)
    return restorer.feed(text) + restorer.flush()


@given(made.said(TOKENS), st.lists(st.integers(0, 300), max_size=20), st.booleans())
def test_pieces_give_what_the_whole_gives(text: str, cuts: list[int], nested: bool) -> None:
    restorer = Restorer(VAULT, nested)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    out = ""
    for start, end in pairwise(edges):
        out += restorer.feed(text[start:end])
        assert len(restorer.held) < MAX_HELD
        assert text[:end].endswith(restorer.held)
    assert out + restorer.flush() == whole(text, nested)
    assert restorer.held == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{MOBILE}{NAME}", "13812345678张三"),
        (f"P{MOBILE}", "P13812345678"),
        (f"pii{MOBILE}s", "pii13812345678s"),
        (f"\\n{MOBILE}", "\\n13812345678"),
        (f"{MOBILE[:-1]}", MOBILE[:-1]),
        (f"{MOBILE[:-1]}!", f"{MOBILE[:-1]}!"),
        ("PII_CN_MOBILE_aaaaaa", "PII_CN_MOBILE_aaaaaa"),
        (f"P I I{MOBILE[3:]}", f"P I I{MOBILE[3:]}"),
        (MOBILE.replace("_", "_" * 8), "13812345678"),
        (MOBILE.replace("_", "_" * 9), MOBILE.replace("_", "_" * 9)),
        (MOBILE.replace("_", ", "), MOBILE.replace("_", ", ")),
    ],
)
def test_what_is_a_token_and_what_is_not(text: str, expected: str) -> None:
    assert whole(text) == expected


def test_json_text_is_understood() -> None:
    escaped = MOBILE.replace("_", "\\u005f")
    line = MOBILE.replace("_", "\\n")
    marked = MOBILE.replace("_", "\\\\_")
    for form in (escaped, line, marked, MOBILE.replace("_", '\\"_')):
        assert json.loads(whole(f'{{"a":"\\n{form}"}}', nested=True)) == {"a": "\n13812345678"}
    apart = f'{{"{MOBILE[:8]}":"{MOBILE[8:]}"}}'
    assert whole(apart, nested=True) == apart
    for broken in (MOBILE.replace("_", "\\u00zz"), MOBILE.replace("_", "\\x"), MOBILE.replace("_", "\\/")):
        assert whole(f'"{broken}"', nested=True) == f'"{broken}"'
    assert json.loads(whole(json.dumps({"a": SECRET}), nested=True)) == {"a": made.VALUES["SECRET"]}


def test_the_longest_form_ends_the_wait() -> None:
    endless = MOBILE[:3] + "".join("_" * 8 + c for c in MOBILE[3:].replace("_", ""))
    assert len(endless) > MAX_HELD
    assert whole(endless) == endless
    restorer = Restorer(VAULT, nested=True)
    for character in MOBILE[:3] + ("_" * 8).join(MOBILE[3:].replace("_", "")) + "\\u00":
        restorer.feed(character)
        assert len(restorer.held) < MAX_HELD


@given(made.said(TOKENS), st.booleans())
def test_the_quick_look_misses_nothing(text: str, ascii_only: bool) -> None:
    raw = json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode()
    restorer = Restorer(VAULT)
    if MAY_START(raw) is None:
        assert restorer.feed(text) == text
        assert restorer.held == ""


@given(made.said(TOKENS), st.booleans())
def test_the_quick_look_at_a_body_misses_no_look_alike(text: str, ascii_only: bool) -> None:
    if look_alikes(VAULT, text, 0, len(text)):
        assert MAY_BE_ALIKE(json.dumps([text], ensure_ascii=ascii_only).encode())
        assert alike_count(text) > 0


def test_look_alikes() -> None:
    text = f"a {MOBILE.lower()} b {NAME[:-1]} c {EMAIL}"
    spans = look_alikes(VAULT, text, 0, len(text))
    assert [text[start:end] for start, end in spans] == [MOBILE.lower(), EMAIL]
    assert look_alikes(VAULT, text, 3, len(text)) == spans[1:]
    assert look_alikes(VAULT, text, 0, len(text) - 1) == spans[:1]


def test_match_says_why_not_and_how_to_go_on() -> None:
    assert match(VAULT, MOBILE, 0, False)[:2] == (len(MOBILE), "13812345678")
    end, value, state = match(VAULT, "a " + MOBILE[:-1], 2, False)
    assert (end, value, state.at) == (-2, "", len(MOBILE) - 1)
    assert match(VAULT, MOBILE, 0, False, state)[:2] == (
        len(MOBILE),
        "13812345678",
    )
    assert match(VAULT, "PIX", 0, False)[0] == -1
