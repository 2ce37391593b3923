"""The key of tokens is made once, for one user, and is the same for all who come at once."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seekgate.stages.privacy.key import own_key, shared_key


def test_it_is_made_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: own_key(home), range(32)))
    assert len(keys) == 1
    assert len(keys.pop()) == 64
    (file,) = (home / "secrets").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((home / "secrets").stat().st_mode) == 0o700


def test_a_damaged_file_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "secrets" / "privacy-tokens"
    target.parent.mkdir()
    target.write_text("short\n")
    with pytest.raises(ValueError, match="too short"):
        own_key(tmp_path)
    assert target.read_text() == "short\n"


def test_a_reference(tmp_path: Path) -> None:
    assert shared_key("env:K", lambda reference: "k" * 16) == b"k" * 16
    with pytest.raises(ValueError, match="env:K is too short") as caught:
        shared_key("env:K", lambda reference: "hidden")
    assert "hidden" not in str(caught.value)
