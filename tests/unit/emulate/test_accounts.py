from __future__ import annotations

import json

import pytest

from seekgate.emulate.accounts import Accounts
from seekgate.emulate.errors import Refusal
from seekgate.emulate.settings import ModelSpec, Settings

MODEL = ModelSpec(name="m", concurrency=2)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"authorization": "Bearer sk-a"}, "sk-a"),
        ({"authorization": "bearer  sk-a "}, "sk-a"),
        ({"x-api-key": "sk-b"}, "sk-b"),
        ({"authorization": "Basic abc"}, None),
        ({"authorization": "Bearer "}, None),
        ({}, None),
    ],
)
def test_a_key_comes_in_one_of_two_headers(headers: dict[str, str], key: str | None) -> None:
    assert Accounts(Settings()).key_of(headers) == key


def test_a_missing_or_invalid_key_is_refused_and_only_its_end_is_told() -> None:
    accounts = Accounts(Settings())
    assert accounts.authenticate("sk-anything") is None
    for key in (None, "sk-emulate-invalid"):
        refused = accounts.authenticate(key)
        assert isinstance(refused, Refusal)
        assert refused.status == 401
        assert "sk-emulate" not in refused.message


def test_a_broke_key_is_refused_and_its_balance_is_zero() -> None:
    accounts = Accounts(Settings())
    refused = accounts.charge("sk-emulate-broke")
    assert refused is not None
    assert refused.status == 402
    assert accounts.charge("sk-a") is None
    assert json.loads(accounts.balance("sk-emulate-broke"))["is_available"] is False
    balance = json.loads(accounts.balance("sk-a"))
    assert balance["is_available"] is True
    info = balance["balance_infos"][0]
    assert float(info["granted_balance"]) + float(info["topped_up_balance"]) == float(info["total_balance"])


def test_keys_of_one_account_share_the_cap_and_accounts_do_not() -> None:
    accounts = Accounts(Settings(accounts={"sk-b": "b"}))
    first, second, other = (accounts.account_of(key) for key in ("sk-1", "sk-2", "sk-b"))
    assert first == second != other
    assert accounts.admit(first, MODEL) is None
    assert accounts.admit(second, MODEL) is None
    refused = accounts.admit(first, MODEL)
    assert refused is not None
    assert refused.status == 429
    assert accounts.admit(other, MODEL) is None
    assert accounts.admit(first, ModelSpec(name="another", concurrency=1)) is None
    accounts.release(second, "m")
    assert accounts.running(first, "m") == 1
    assert accounts.admit(first, MODEL) is None
