"""Both engines find the same; compiled patterns are kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.stages.guard import matcher
from seekgate.stages.guard.matcher import LinearMatcher, Maker, PatternError, PlainMatcher, make, word
from seekgate.stages.guard.signs import FOREIGN, HIDDEN, NAMED, PERCENT, builtin
from tests.guard.prompts import attacks, ordinary


def test_hyperscan_and_re_find_the_same_in_every_published_prompt() -> None:
    hiding = [*FOREIGN.values(), *HIDDEN.values(), *NAMED.values(), PERCENT]
    patterns = [*(sign.pattern for sign in builtin()), *hiding]
    linear, plain = LinearMatcher.compiled(patterns), PlainMatcher(patterns)
    for part in ("tuning", "held-out"):
        for prompt in (*attacks(part), *ordinary(part)):
            assert sorted(linear.scan(prompt.text)) == sorted(plain.scan(prompt.text)), prompt.text


@pytest.mark.parametrize("engine", [LinearMatcher.compiled, PlainMatcher])
def test_an_answer_stays_as_it_was(engine: object) -> None:
    made = engine(["a"])  # type: ignore[operator]
    nothing, something = made.scan("x"), made.scan("a")
    made.scan("a")
    assert (nothing, something) == ([], [0])


@pytest.mark.parametrize("engine", [LinearMatcher.compiled, PlainMatcher])
def test_what_is_found(engine: object) -> None:
    made = engine([word("Fire Wall"), word("秘密"), r"\d{4}-\d{4}", r"^end$"])  # type: ignore[operator]
    for text, expected in (
        ("a fire  wall burns", [0]),
        ("firewalls", []),
        ("a FIRE\nWALL", [0]),
        ("afire wall", []),
        ("这是秘密！", [1]),
        ("1234-5678 and 秘密", [1, 2]),
        ("the\nend\n", [3]),
        ("the end", []),
        ("", []),
        ("\ud800 秘密", [1]),
    ):
        assert sorted(made.scan(text)) == expected, text
        assert sorted(made.scan(text)) == expected, "a second time"


@pytest.mark.parametrize("engine", [LinearMatcher.compiled, PlainMatcher])
@pytest.mark.parametrize("pattern", ["(", "a**", "x*"])
def test_a_pattern_that_cannot_be_used(engine: object, pattern: str) -> None:
    with pytest.raises(PatternError) as caught:
        engine(["fine", pattern])  # type: ignore[operator]
    assert caught.value.number == 1


def test_look_around_is_not_hyperscan_s() -> None:
    with pytest.raises(PatternError):
        make([r"(?<=a)b"])


def test_compiled_patterns_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "patterns"
    assert Maker(folder)(["secret"]).scan("a secret") == [0]
    (file,) = folder.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700

    def refuse(patterns: object) -> LinearMatcher:
        raise AssertionError("compiled again")

    with monkeypatch.context() as patch:
        patch.setattr(LinearMatcher, "compiled", refuse)
        assert Maker(folder)(["secret"]).scan("a secret") == [0]
        with pytest.raises(AssertionError):
            Maker(folder)(["other"])
    file.write_bytes(file.read_bytes()[:-20] + b"damaged in its end..")
    assert Maker(folder)(["secret"]).scan("a secret") == [0], "a damaged file is compiled anew"


def test_few_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher, "KEPT", 3)
    for number in range(6):
        Maker(tmp_path)([f"pattern {number}"])
    assert len(list(tmp_path.iterdir())) == 3


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Maker(tmp_path / "file" / "patterns")(["secret"]).scan("secret") == [0]


def test_without_hyperscan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher, "linear", lambda: False)
    assert isinstance(make(["a"]), PlainMatcher)
    assert isinstance(Maker(tmp_path)(["a"]), PlainMatcher)
    assert not list(tmp_path.iterdir())
