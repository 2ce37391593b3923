"""Settings of privacy: what may be written, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from seekgate.stages.privacy.config import Privacy
from tests.support.configuration import loaded, messages

WHOLE = """
routes: [{prefix: /x}]
privacy:
  types: [CN_ID, EMAIL]
  own: [{type: STAFF_ID, data_class: internal, action: token, patterns: ['STF-[0-9]{6}'], words: [Heron]}]
  actions: {CN_ID: token, personal: mask, internal: block, '*': report}
  rules:
    - {roles: [support], routes: [/x, ''], tiers: [core], classes: [internal, secret], actions: {STAFF_ID: private}}
  tokens: {key: 'env:K', numbering: conversation}
  answers: {actions: {secret: block, '*': mask}, window: 128}
"""


def test_everything() -> None:
    privacy = loaded(WHOLE).settings.privacy
    assert privacy is not None
    assert privacy.types == ["CN_ID", "EMAIL"]
    assert privacy.own[0].type == "STAFF_ID"
    assert privacy.rules[0].routes == ["/x", ""]
    assert privacy.answers is not None
    assert privacy.answers.window == 128


def test_defaults() -> None:
    assert loaded("privacy: {}").settings.privacy == Privacy()
    assert loaded("keys: []").settings.privacy is None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("types: [CN_IDD]", "privacy.types[0]: no type is called 'CN_IDD'"),
        ("actions: {EMIAL: mask}", "no type or data class is called 'EMIAL'"),
        ("rules: [{actions: {secrets: block}}]", "no type or data class is called 'secrets'"),
        ("answers: {actions: {PHON: mask}}", "no type or data class is called 'PHON'"),
        ("answers: {actions: {PHONE: token}}", "privacy.answers.actions.PHONE"),
        ("actions: {PHONE: hide}", "privacy.actions.PHONE"),
        ("rules: [{routes: [/nope], actions: {PHONE: mask}}]", "no route is called '/nope'"),
        ("rules: [{classes: [nope], actions: {PHONE: mask}}]", "no data class is called 'nope'"),
        ("rules: [{}]", "privacy.rules[0]: 'actions' is missing"),
        ("own: [{type: staff, words: [x]}]", "not a usable type"),
        ("own: [{type: TEXT, words: [x]}]", "not a usable type"),
        ("own: [{type: STAFF, data_class: Big Secret, words: [x]}]", "not a usable data class"),
        ("own: [{type: STAFF}]", "a detector that looks for nothing"),
        ("own: [{type: STAFF, patterns: ['(']}]", "privacy.own[0].patterns[0]: the pattern cannot be used"),
        ("tokens: {key: sesame}", "a secret must not stand in this file"),
        ("answers: {actions: {PHONE: mask}, window: 3}", "privacy.answers.window"),
    ],
)
def test_mistakes(line: str, message: str) -> None:
    found = messages(f"privacy:\n  {line}\n")
    assert len(found) == 1, found
    assert found[0].startswith("2: ")
    assert message in found[0]
    assert "sesame" not in found[0]


def test_near_names_are_suggested() -> None:
    (found,) = messages("privacy: {actions: {CN_MOBIL: mask}}")
    assert "CN_MOBILE" in found


def test_secrets_and_files(tmp_path: Path) -> None:
    text = "privacy:\n  tokens: {key: 'env:K'}\n  own: [{type: STAFF, words_file: words}]\n"
    assert [m.split(":")[1].strip() for m in messages(text, {}, tmp_path, outside=True)] == [
        "privacy.tokens.key",
        "privacy.own[0].words_file",
    ]
    (tmp_path / "words").write_text("Heron\n")
    (found,) = messages(text, {"K": "short"}, tmp_path, outside=True)
    assert "the key is too short (5 characters)" in found
    assert messages(text, {"K": "k" * 32}, tmp_path, outside=True) == []


def test_without_hyperscan_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hyperscan", None)
    (found,) = messages("privacy: {own: [{type: STAFF, patterns: [x]}]}")
    assert "hyperscan is not installed" in found
