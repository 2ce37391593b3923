"""Lines for the operator."""

from __future__ import annotations

import io
import json
from typing import NoReturn

import pytest

from seekgate.host.complaints import SafeError, complain, described


def test_a_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    complain("it broke", error="two\nlines")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line) == {
        "level": "error",
        "process": "gateway",
        "message": "it broke",
        "error": "two\nlines",
    }


def test_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr("sys.stderr", closed)
    complain("unheard")


def fail(text: str) -> NoReturn:
    raise ValueError(text)


def caught(text: str) -> Exception:
    try:
        try:
            fail(text)
        except ValueError as error:
            raise OSError(28, text, text) from error
    except OSError as error:
        return error


def test_an_error_is_described_without_its_text() -> None:
    said = described(caught("the prompt"))
    outer, inner = said.split("; after ")
    assert outer.startswith("OSError: No space left on device at test_complaints.py:")
    assert inner.startswith("ValueError at test_complaints.py:")
    assert " fail < test_complaints.py:" in inner
    assert "prompt" not in said


def test_texts_of_our_own_are_told() -> None:
    assert described(SafeError("it returned a list")) == "SafeError: it returned a list"


def test_what_is_hidden_stays_hidden() -> None:
    def hide() -> None:
        try:
            fail("x")
        except ValueError:
            raise KeyError("x") from None

    with pytest.raises(KeyError) as raised:
        hide()
    assert "ValueError" not in described(raised.value)


def test_a_deep_or_endless_error_is_cut_short() -> None:
    def deep(left: int) -> None:
        if left:
            deep(left - 1)
        raise KeyError

    with pytest.raises(KeyError) as deepest:
        deep(40)
    assert described(deepest.value).count("deep") == 12
    first, second = KeyError(), ValueError()
    first.__cause__, second.__cause__ = second, first
    assert described(first) == "KeyError; after ValueError; after KeyError; after ValueError"
