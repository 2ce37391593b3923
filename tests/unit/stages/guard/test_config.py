"""Settings of the guard, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.config.problems import ConfigError
from seekgate.settings import Loaded, load_text

BASE = "keys: [{name: me, secret: 'env:KEY'}]\n"


def load(text: str, folder: Path = Path("."), outside: bool = False) -> Loaded:
    return load_text(BASE + text, environ={"KEY": "x"}, folder=folder, outside=outside)


def problems(text: str, folder: Path = Path("."), outside: bool = False) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(text, folder, outside)
    return [str(problem) for problem in caught.value.problems]


def test_nothing_by_default() -> None:
    guard = load("").settings.guard
    assert not guard.lists
    assert guard.injection is None
    assert guard.moderation is None


def test_what_can_be_written() -> None:
    guard = load("""
guard:
  lists:
    - {name: projects, words: [falcon], patterns: ['AB-\\d+'], action: report, where: [request, answer], roles: [user]}
  injection: {action: block, threshold: 0.8}
  limits: {text_bytes: 1MiB, messages: 100, depth: 20, tools: 8}
  tools: {allow: [get_*], deny: [get_secret]}
  moderation: {url: "https://moderation.example/v1", key: "env:KEY", timeout: 500ms, on_failure: refuse}
""").settings.guard
    assert guard.limits.text_bytes == 1_048_576
    assert guard.moderation is not None
    assert guard.moderation.timeout == 0.5
    assert load("guard: {injection: {}}").settings.guard.injection is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("guard: {lists: [{name: a}]}", "a list without anything in it"),
        ("guard: {lists: [{name: a, words: [b]}, {name: a, words: [c]}]}", "the name 'a' is taken (line 2)"),
        ("guard: {lists: [{name: a, patterns: ['(']}]}", "this pattern cannot be used"),
        ("guard: {lists: [{name: a, patterns: ['(?<=a)b']}]}", "this pattern cannot be used"),
        ("guard: {lists: [{name: a, patterns: ['a*']}]}", "this pattern cannot be used"),
        ("guard: {lists: [{name: a, words: ['']}]}", "nothing is written here"),
        ("guard: {lists: [{name: a, words: [b], where: []}]}", "too few entries"),
        ("guard: {injection: {threshold: 2}}", "too large"),
        ("guard: {moderation: {url: 'ftp://x'}}", "not an http:// or https:// URL"),
        ("guard: {moderation: {url: 'https://x', key: sk-secret}}", "a secret must not stand in this file"),
        (
            "guard: {moderation: {url: 'https://x', proxy: 'socks5://y:1'}}",
            "not a proxy",
        ),
    ],
)
def test_mistakes(text: str, expected: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert expected in found[0]
    assert "sk-secret" not in found[0]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    found = problems("guard: {lists: [{name: a, file: none.txt}], moderation: {url: 'https://x', ca: no.pem}}",
                     tmp_path, True)  # fmt: skip
    assert [part in text for part, text in zip(("none.txt", "no.pem"), found, strict=True)] == [True, True]


def test_a_key_over_plain_http() -> None:
    text = "guard: {{moderation: {{url: '{}', key: 'env:KEY'}}}}"
    assert "not encrypted" in str(load(text.format("http://far.example")).warnings[-1])
    assert not any("not encrypted" in str(one) for one in load(text.format("http://127.0.0.1:8080")).warnings)
