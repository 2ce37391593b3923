"""Tokens: stable for an organisation, unrelated between two, never one inside another, nothing shown."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.stages.privacy.tokens import Mint, Vault

SHAPE = re.compile(r"PII_[A-Z0-9_]+_[bcdfghjkmnpqrstvwxyz][0-9bcdfghjkmnpqrstvwxyz]{5}")
MINT = Mint(b"k" * 32)


def test_the_shape() -> None:
    token = MINT.vault("acme").issue("CN_MOBILE", "13812345678")
    assert SHAPE.fullmatch(token)
    assert token.startswith("PII_CN_MOBILE_")


def test_equal_text_has_an_equal_token_in_every_exchange_of_an_organisation_only() -> None:
    first, again = MINT.vault("acme"), Mint(b"k" * 32).vault("acme")
    tokens = [first.issue("EMAIL", f"{i}@example.org") for i in range(20)]
    assert [again.issue("EMAIL", f"{i}@example.org") for i in reversed(range(20))] == tokens[::-1]
    assert first.issue("EMAIL", "3@example.org") == tokens[3]
    for other in (MINT.vault("other"), MINT.vault(""), Mint(b"l" * 32).vault("acme")):
        assert other.issue("EMAIL", "3@example.org") != tokens[3]
    assert first.issue("NAME", "3@example.org") != tokens[3]


def test_a_meeting_of_two_hashes_makes_the_second_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Vault._hash
    monkeypatch.setattr(
        Vault,
        "_hash",
        lambda self, type, value, attempt: honest(self, type, value, attempt) if attempt else "bbbbbb",
    )
    vault = MINT.vault("acme")
    assert vault.issue("EMAIL", "a") == "PII_EMAIL_bbbbbb"
    longer = vault.issue("EMAIL", "b")
    assert len(longer) == len("PII_EMAIL_bbbbbb") + 4
    assert sorted(vault.values.values()) == ["a", "b"]


@given(
    st.lists(st.tuples(st.sampled_from(["A", "AB", "A_B", "ABB"]), st.text(max_size=3)), max_size=60),
    st.sampled_from(["hash", "conversation"]),
)
def test_no_token_begins_with_another(asked: list[tuple[str, str]], numbering: str) -> None:
    vault = Mint(b"k" * 32, numbering).vault("o")  # type: ignore[arg-type]
    tokens = {vault.issue(*one) for one in asked}
    plain = {token.replace("_", "").lower() for token in tokens}
    assert plain == set(vault.values)
    assert len(plain) == len(set(asked)) == len(vault)
    assert not plain & vault.prefixes
    assert vault.prefixes == {text[:end] for text in plain for end in range(1, len(text))}


def test_numbers_by_conversation() -> None:
    vault = Mint(b"k" * 32, "conversation").vault("acme")
    tokens = [vault.issue("NAME", str(i)) for i in range(26 * 99 + 2)]
    assert tokens[0] == "PII_NAME_A01"
    assert tokens[98:100] == ["PII_NAME_A99", "PII_NAME_B01"]
    assert tokens[26 * 99 - 1 :] == ["PII_NAME_Z99", "PII_NAME_AA00002575", "PII_NAME_AA00002576"]
    assert vault.issue("EMAIL", "x") == "PII_EMAIL_A01"
    assert vault.issue("NAME", "0") == "PII_NAME_A01"


def test_keys_of_many_organisations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seekgate.stages.privacy.tokens._MAX_KEYS", 4)
    mint = Mint(b"k" * 32)
    tokens = [mint.vault(str(i)).issue("NAME", "a") for i in range(9)]
    assert [mint.vault(str(i)).issue("NAME", "a") for i in range(9)] == tokens
    assert len(mint._organisations) <= 4


def test_a_vault_does_not_show_what_it_holds() -> None:
    vault = MINT.vault("acme")
    vault.issue("EMAIL", "a@example.org")
    assert repr(vault) == "<Vault of 1 tokens>"
    assert not hasattr(vault, "__dict__")
