"""Accounts: who is asking, what they own, and how many of their requests run.

DeepSeek limits concurrency for an account and a model, not for a key: keys of one account share the cap.
"""

from __future__ import annotations

import msgspec

from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.settings import ModelSpec, Settings

#: The account of every key that `Settings.accounts` does not name.
DEFAULT = "default"


class Accounts:
    """Keys, balances and the count of running requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._running: dict[tuple[str, str], int] = {}

    def key_of(self, headers: dict[str, str]) -> str | None:
        """Return the API key of ``Authorization: Bearer`` or ``x-api-key``; header names are in lower case."""
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and key.strip():
            return key.strip()
        return headers.get("x-api-key") or None

    def authenticate(self, key: str | None) -> Refusal | None:
        """Refuse (401) a missing or invalid key."""
        if key is None:
            return refusal(401, "Authentication failed: the request carries no API key.")
        if key in self._settings.invalid_keys:
            return refusal(401, f"Authentication failed: the API key ****{key[-4:]} is invalid.")
        return None

    def account_of(self, key: str) -> str:
        """Return the account that a key belongs to."""
        return self._settings.accounts.get(key, DEFAULT)

    def charge(self, key: str) -> Refusal | None:
        """Refuse (402) a key whose balance is spent."""
        return refusal(402) if key in self._settings.broke_keys else None

    def admit(self, account: str, model: ModelSpec) -> Refusal | None:
        """Count a request as running, or refuse it (429) because the account runs as many as the model allows."""
        running = self._running.get((account, model.name), 0)
        if running >= model.concurrency:
            text = f"This account already runs {running} requests for {model.name}, which is its limit."
            return refusal(429, text)
        self._running[account, model.name] = running + 1
        return None

    def release(self, account: str, model: str) -> None:
        """Count an admitted request as finished."""
        self._running[account, model] -= 1

    def running(self, account: str, model: str) -> int:
        """Return how many requests of an account run for a model."""
        return self._running.get((account, model), 0)

    def balance(self, key: str) -> bytes:
        """Return the body of ``GET /user/balance``."""
        broke = key in self._settings.broke_keys
        granted, paid = ("0.00", "0.00") if broke else ("10.00", "100.00")
        total = "0.00" if broke else "110.00"
        info = {
            "currency": "CNY",
            "total_balance": total,
            "granted_balance": granted,
            "topped_up_balance": paid,
        }
        return msgspec.json.encode({"is_available": not broke, "balance_infos": [info]})
