"""Answers scanned in pieces: what is found, what is held back, what never comes out."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.budget import TooMuch
from seekgate.stages.privacy.detect import Span
from seekgate.stages.privacy.mask import mask
from seekgate.stages.privacy.window import CONTEXT, Findings, Scanning, Window
from tests.support import privacy as made

NUMBER = re.compile(
    r"(?<!\d)1[3-9]\d{9}(?!\d)|(?<=key )[a-z0-9]{40,}|-----BEGIN PRIVATE KEY-----.*?-----END PRIVATE KEY-----",
    re.S,
)


def scan(text: str) -> list[Span]:
    """Mobile numbers, long keys behind a word, whole private keys."""
    kinds = {"1": "CN_MOBILE", "-": "PRIVATE_KEY"}
    return [Span(m.start(), m.end(), kinds.get(m[0][0], "API_KEY")) for m in NUMBER.finditer(text)]


MASKS = {"CN_MOBILE": "mask", "API_KEY": "mask", "PRIVATE_KEY": "mask"}
PHONE = "13812345678"
HIDDEN = mask("CN_MOBILE", PHONE)


def window(
    actions: dict[str, str] | None = None, size: int = 24, nested: bool = False
) -> tuple[Window, Findings]:
    findings = Findings()
    scanning = Scanning(scan, MASKS if actions is None else actions, size)
    return Window(scanning, findings, made.vault(), None, nested), findings


def pieces(text: str, size: int = 1, **more: Any) -> tuple[str, Findings]:
    playing, findings = window(**more)
    out = "".join(playing.feed(text[at : at + size]) for at in range(0, len(text), size))
    return out + playing.flush(), findings


@given(
    st.lists(st.sampled_from([PHONE, " ", "call ", "电话", "1", "，", "x" * 30]), max_size=30),
    st.integers(1, 50),
)
def test_a_stream_is_masked_as_the_whole_is(words: list[str], size: int) -> None:
    text = "".join(words)
    expected = text
    for span in reversed(scan(text)):
        expected = (
            expected[: span.start] + mask(span.type, text[span.start : span.end]) + expected[span.end :]
        )
    out, findings = pieces(text, size)
    if not re.search(r"\d{12}", text):
        assert out == expected
        assert findings.counts.get("CN_MOBILE", 0) == len(scan(text))
    assert len(out) == len(text)


@given(st.integers(1, 40), st.integers(0, 200))
def test_what_is_held_back_is_bounded(size: int, length: int) -> None:
    playing, _ = window()
    sent = 0
    for at in range(length):
        sent += len(playing.feed("ab "[at % 3]))
        assert at + 1 - sent < 24 + 16
    assert len(playing.held) < 24 + 16


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_finding_longer_than_the_window_is_left_out_to_its_end(size: int) -> None:
    key = "ab1" * 40
    out, findings = pieces(f"use key {key} now, and call {PHONE}.", size)
    assert out.startswith("use key " + key[:3])
    assert out.endswith(f" now, and call {HIDDEN}.")
    assert key[20:] not in out
    assert findings.counts == {"API_KEY": 1, "CN_MOBILE": 1}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_private_key_is_left_out_up_to_its_last_line(size: int) -> None:
    lines = "\n".join("MIIEvQIBADANBgkq" for _ in range(20))
    text = f"here:\n-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----\nand {PHONE} more"
    out, findings = pieces(text, size)
    assert "MIIEvQ" not in out.removeprefix("here:\n")[40:]
    assert out.startswith("here:\n")
    assert out.endswith(f"\nand {HIDDEN} more")
    assert findings.counts == {"PRIVATE_KEY": 1, "CN_MOBILE": 1}
    cut, _ = pieces(text[:150], size)
    assert "MIIEvQ" not in cut.removeprefix("here:\n")[40:]


def test_after_a_finding_to_be_blocked_nothing_comes() -> None:
    playing, findings = window({"CN_MOBILE": "block"})
    text = f"call {PHONE} or write to us, we are there all day long, every day"
    out = "".join(playing.feed(c) for c in text) + playing.flush()
    assert out == "call "
    assert findings.blocked == "CN_MOBILE"
    assert playing.feed("more of it, much more than a window, and more") + playing.flush() == ""


def test_reports_hold_nothing_back() -> None:
    playing, findings = window({"CN_MOBILE": "report"})
    text = f"call {PHONE}, yes, {PHONE} is the number to be called"
    assert [playing.feed(c) for c in text] == list(text)
    assert playing.flush() == ""
    assert findings.counts == {"CN_MOBILE": 2}


def test_types_without_an_action_are_left_alone() -> None:
    out, findings = pieces(f"call {PHONE}", actions={"EMAIL": "mask"})
    assert out == f"call {PHONE}"
    assert findings.counts == {}


def test_tokens_of_the_exchange_are_no_findings() -> None:
    token = made.tokens(made.vault())[0]

    def everything(text: str) -> list[Span]:
        return [Span(0, len(text), "API_KEY")]

    findings = Findings()
    playing = Window(Scanning(everything, MASKS, 24), findings, made.vault())
    assert playing.feed(token) + playing.flush() == token
    assert findings.counts == {}


def test_json_text_stays_json_text() -> None:
    text = json.dumps({"phone": int(PHONE), "note": f'"{PHONE}", {PHONE}', "list": [int(PHONE), 1]})
    for size in (1, 9, 500):
        out, _ = pieces(text, size, nested=True)
        assert json.loads(out) == {"phone": HIDDEN, "note": f'"{HIDDEN}", {HIDDEN}', "list": [HIDDEN, 1]}


def test_what_stands_before_is_seen_again() -> None:
    # Eleven digits behind a digit that has gone out are no mobile number.
    assert CONTEXT > 20
    text = "x" * 60 + "9" * 40 + PHONE + " " * 50
    assert pieces(text)[0] == text


@pytest.mark.parametrize(("action", "said"), [("mask", ""), ("block", ""), ("report", PHONE * 20)])
def test_what_is_too_much_to_be_examined_goes_out_only_where_nothing_depends_on_it(
    action: str, said: str
) -> None:
    def overwhelmed(text: str) -> list[Span]:
        raise TooMuch

    findings = Findings()
    playing = Window(Scanning(overwhelmed, {"CN_MOBILE": action}, 24), findings, made.vault())
    assert playing.feed(PHONE * 20) + playing.flush() == said
    assert bool(findings.blocked) is (action != "report")
