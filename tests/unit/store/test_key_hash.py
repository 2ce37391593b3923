"""Tests of seekgate.store.key_hash."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from seekgate.config.secrets import SecretError
from seekgate.store.key_hash import ALPHABET, digest, ensure, load, make_key, path


def test_keys_are_long_random_and_recognisable() -> None:
    made = {make_key() for _ in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"sk-sg-[0-9A-Za-z]{40}", key) for key in made)
    assert set("".join(key[6:] for key in made)) == set(ALPHABET)


def test_the_digest_is_hmac_sha_256() -> None:
    # RFC 4231, test case 2
    assert (
        digest(b"Jefe", "what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_the_secret_is_made_once_for_this_user_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: load(home), range(16)))) == 1
    assert stat.S_IMODE(path(home).stat().st_mode) == 0o600
    assert stat.S_IMODE(path(home).parent.stat().st_mode) == 0o700
    assert [each.name for each in path(home).parent.iterdir()] == ["key-hash"]
    assert ensure(home) == path(home)
    assert load(home) != load(tmp_path / "other")


def test_the_secret_may_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHARED_HASH", "s" * 32)
    assert load(tmp_path, "env:SHARED_HASH") == b"s" * 32
    assert not path(tmp_path).exists()


def test_a_secret_that_is_none_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHARED_HASH", "short")
    with pytest.raises(SecretError, match="at least 32 characters") as caught:
        load(tmp_path, "env:SHARED_HASH")
    assert "short is" not in str(caught.value)
    with pytest.raises(SecretError, match="SHARED_HASH2 is not set"):
        load(tmp_path, "env:SHARED_HASH2")


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SecretError, match="cannot make"):
        load(tmp_path / "file")
