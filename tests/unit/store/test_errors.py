"""Tests of seekgate.store.errors."""

from __future__ import annotations

import pytest

from seekgate.store.errors import unknown


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("salse", ["sales", "legal"], "no team is called 'salse'; did you mean 'sales'?"),
        ("xyz", ["sales", "legal"], "no team is called 'xyz'; there is legal, sales"),
        ("xyz", ["sales"], "no team is called 'xyz'; there is sales"),
        ("xyz", [], "no team is called 'xyz'; there is no team yet"),
    ],
)
def test_an_unknown_name_brings_the_nearest(name: str, known: list[str], text: str) -> None:
    assert str(unknown("team", name, known)) == text
