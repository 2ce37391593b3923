"""Word and pattern lists."""

from __future__ import annotations

from seekgate.config.compiled.guard import PatternList
from seekgate.stages.guard.lists import Lists
from seekgate.stages.guard.matcher import word
from tests.support.patterns import make

LISTS = Lists(
    [
        PatternList("names", (word("Project Falcon"), word("猎鹰"))),
        PatternList("numbers", (r"\bAB-\d{4}\b",)),
    ],
    make,
)


def test_which_list() -> None:
    assert LISTS.find("nothing here") == set()
    assert LISTS.find("about project falcon") == {0}
    assert LISTS.find("AB-1234 and 猎鹰计划") == {0, 1}
    assert [one.name for one in LISTS.lists] == ["names", "numbers"]


def test_letters_that_look_like_others_hide_nothing() -> None:
    assert LISTS.find("proj\u200bect fal\u200bcon") == {0}
    assert LISTS.find("ｐｒｏｊｅｃｔ ｆａｌｃｏｎ") == {0}
    assert LISTS.find("pr\u043eject falc\u043en") == {0}
    assert LISTS.find("猎\u200b鹰") == {0}
    assert LISTS.find("\u200b\u200b") == set()
