"""Settings of privacy become what workers run on, and travel in the snapshot."""

from __future__ import annotations

from pathlib import Path

from seekgate.compiler import compile_settings
from seekgate.config.compiled.privacy import Answers, Own, Privacy, Rule
from seekgate.stages.privacy.detect import KINDS
from tests.support.configuration import MINIMAL, loaded


def compiled(text: str, folder: Path = Path("/conf")) -> Privacy | None:
    return compile_settings(loaded(MINIMAL + text, folder=folder), 1).privacy


def test_nothing_and_everything(tmp_path: Path) -> None:
    assert compiled("") is None
    assert compiled("privacy: {}") == Privacy(tuple(KINDS))
    (tmp_path / "words").write_text("Heron\n\n  Grey Heron \nHeron\n")
    text = """
privacy:
  types: [EMAIL, CN_ID, EMAIL]
  own: [{type: STAFF, words: [Heron], words_file: words, patterns: ['x+'], cased: true}]
  actions: {'*': token}
  rules: [{roles: [a], tiers: [core], actions: {EMAIL: block}}]
  tokens: {key: 'file:key', numbering: conversation}
  answers: {actions: {'*': report}}
"""
    assert compiled(text, tmp_path) == Privacy(
        ("EMAIL", "CN_ID"),
        (Own("STAFF", patterns=("x+",), words=("Heron", "Grey Heron"), cased=True),),
        {"*": "token"},
        (Rule({"EMAIL": "block"}, ("a",), (), ("core",)),),
        f"file:{tmp_path}/key",
        "conversation",
        Answers({"*": "report"}),
    )
