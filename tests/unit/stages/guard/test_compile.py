"""Guard settings into the snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.compiler import compile_file
from seekgate.config.compiled.guard import Guard, Injection, Moderation, Shape
from seekgate.config.problems import ConfigError
from seekgate.stages.guard import config
from seekgate.stages.guard.compile import warm
from seekgate.stages.guard.matcher import LinearMatcher

BASE = "keys: [{name: me, secret: 'env:KEY'}]\n"


def compiled(folder: Path, text: str) -> Guard:
    (folder / "f.yaml").write_text(BASE + text)
    return compile_file(
        folder / "f.yaml", 1, home=folder, environ={"KEY": "x", "https_proxy": "http://proxy:3128"}
    ).guard


def test_nothing(tmp_path: Path) -> None:
    assert compiled(tmp_path, "") == Guard()
    warm(Guard(), tmp_path / "patterns")
    assert not (tmp_path / "patterns").exists()


def test_words_and_files(tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("# names\nRed Baron  # a pilot\n\n猎鹰\n")
    (one,) = compiled(
        tmp_path,
        "guard: {lists: [{name: n, words: [falcon, falcon], patterns: ['A\\d'], file: words.txt, where: [answer]}]}",
    ).lists
    assert one.patterns == (r"\bfalcon\b", r"\bRed\s+Baron\b", "猎鹰", r"A\d")
    assert (one.request, one.answer, one.action) == (False, True, "block")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\nb\nc\n"])
def test_a_file_that_cannot_be_used(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "MAX_WORDS", 2)
    (tmp_path / "words.txt").write_bytes(content)
    with pytest.raises(ConfigError, match=r"f\.yaml:2: guard\.lists\[0\]\.file: "):
        compiled(tmp_path, "guard: {lists: [{name: n, file: words.txt}]}")


def test_everything_else(tmp_path: Path) -> None:
    made = compiled(tmp_path, """
guard:
  injection: {action: block}
  limits: {depth: 9}
  tools: {allow: []}
  moderation: {url: "https://moderation.example/v1/", key: "file:key", answers: true, categories: [hate]}
  window: 64
""".replace("file:key", "env:KEY"))  # fmt: skip
    assert made.injection == Injection("block", 0.7)
    assert made.shape == Shape(depth=9, allow_tools=())
    assert made.window == 64
    assert made.moderation == Moderation(
        "openai", "https", "moderation.example", 443, "/v1/moderations", "env:KEY", categories=("hate",),
        answer_window=1000, proxy="http://proxy:3128",
    )  # fmt: skip


def test_a_webhook_s_path_is_its_own(tmp_path: Path) -> None:
    made = compiled(
        tmp_path, 'guard: {moderation: {type: webhook, url: "http://127.0.0.1:9/check", proxy: none}}'
    )
    assert made.moderation is not None
    assert (made.moderation.path, made.moderation.port, made.moderation.proxy) == ("/check", 9, None)


def test_what_workers_need_is_compiled_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = compiled(tmp_path, "guard: {injection: {}, lists: [{name: n, words: [falcon]}]}")
    warm(made, tmp_path / "patterns")

    def refuse(patterns: object) -> LinearMatcher:
        raise AssertionError("compiled again")

    monkeypatch.setattr(LinearMatcher, "compiled", refuse)
    warm(made, tmp_path / "patterns")
