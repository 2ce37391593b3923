"""The stage of a snapshot: built with its key, its detectors kept for the next one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from seekgate.config.compiled.privacy import Answers, Own, Privacy, Rule
from seekgate.stages.decode.stage import Decode
from seekgate.stages.privacy.wiring import Builder, make_detector, make_policy
from tests.support.privacy import compact
from tests.support.scene_exchange import exchange

STAFF = Own("STAFF", "internal", "token", ("STF-[0-9]{6}",), ("Project Heron",))


def secret(reference: str) -> str:
    return {"env:K": "k" * 32, "env:SHORT": "k"}[reference]


def sent(settings: Privacy, home: Path, text: str) -> bytes:
    (stage,) = Builder().stages(settings, home, secret)
    x = exchange(compact({"model": "m", "messages": [{"role": "user", "content": text}]}))
    assert Decode().on_request(x) is None
    assert stage.on_request(x) is None
    return x.request.body


def test_nothing_without_settings(tmp_path: Path) -> None:
    assert Builder().stages(None, tmp_path, secret) == []
    assert list(tmp_path.iterdir()) == []


def test_no_key_is_made_where_no_token_can_be(tmp_path: Path) -> None:
    assert b"138****5678" in sent(Privacy(("CN_MOBILE",)), tmp_path, "13812345678")
    assert [path.name for path in tmp_path.iterdir()] == ["detectors"]


def test_tokens_are_hashed_under_the_installations_key_or_a_shared_one(tmp_path: Path) -> None:
    def body(home: str, key: str | None) -> bytes:
        return sent(Privacy(("CN_MOBILE",), actions={"*": "token"}, key=key), tmp_path / home, "13812345678")

    assert body("a", None) == body("a", None) != body("b", None)
    assert body("a", "env:K") == body("b", "env:K") != body("a", None)
    assert (tmp_path / "a" / "secrets" / "privacy-tokens").exists()
    with pytest.raises(ValueError, match="too short"):
        body("a", "env:SHORT")


def test_own_detectors_have_their_class_and_action(tmp_path: Path) -> None:
    settings = Privacy(("EMAIL",), (STAFF,), key="env:K")
    body = sent(settings, tmp_path, "STF-123456 of project heron, a@example.org, 13812345678").decode()
    assert body.count("PII_STAFF_") == 2
    assert "13812345678" in body
    assert make_policy(settings).classes == {"EMAIL": "personal", "STAFF": "internal"}
    assert [span.type for span in make_detector(settings).scan("STF-123456")] == ["STAFF"]


def test_detectors_are_taken_over_by_a_snapshot_that_asks_for_the_same(tmp_path: Path) -> None:
    builder = Builder()
    (first,) = builder.stages(Privacy(("EMAIL",)), tmp_path, secret)
    rules = (Rule({"*": "block"}, tiers=("core",)),)
    (second,) = builder.stages(
        Privacy(("EMAIL",), rules=rules, answers=Answers({"*": "mask"})), tmp_path, secret
    )
    (third,) = builder.stages(Privacy(("EMAIL", "CN_ID")), tmp_path, secret)
    assert first._scan == second._scan != third._scan
    assert second._scanning is not None
    assert second._scanning.actions == {"EMAIL": "mask"}


def test_hyperscan_is_imported_only_where_it_is_used() -> None:
    import subprocess

    code = "import sys, seekgate.app; print('hyperscan' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "False"
