"""Lines for the operator."""

from __future__ import annotations

import io
import json

import pytest

from seekgate.host.complaints import complain


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
