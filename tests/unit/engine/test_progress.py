"""Progress for people: few plain lines, or a bar on a terminal."""

from __future__ import annotations

import io

from seekgate.engine.download import Step
from seekgate.engine.progress import Lines, display


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_plain_lines_are_few() -> None:
    out = io.StringIO()
    show = Lines(out)
    for done in range(0, 10_000_001, 10_000):
        show(Step("download", done, 10_000_000))
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert lines[-1] == "downloading: 10.0 MB of 10.0 MB"


def test_notes_are_always_said() -> None:
    out = io.StringIO()
    with display(out) as show:
        show(Step("wait", note="another pull is running"))
        show(Step("retry", note="the connection ended"))
    assert out.getvalue().splitlines() == ["another pull is running", "the connection ended"]


def test_an_unknown_total_counts_in_hundreds_of_megabytes() -> None:
    out = io.StringIO()
    show = Lines(out)
    for done in range(1, 300_000_000, 10_000_000):
        show(Step("download", done))
    assert len(out.getvalue().splitlines()) == 3


def test_a_terminal_gets_a_bar_and_the_notes() -> None:
    out = Terminal()
    with display(out) as show:
        show(Step("locate", note="looking [for] it"))
        show(Step("download", 50, 100))
        show(Step("download", 100, 100))
        show(Step("verify", 100, 100))
    text = out.getvalue()
    assert "looking [for] it" in text
    assert "downloading" in text
    assert "verifying" in text
