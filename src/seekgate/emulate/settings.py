"""What an emulator is set up with. All of it has defaults that follow DeepSeek's public documentation."""

from __future__ import annotations

import msgspec

from seekgate.emulate.faults import NO_FAULTS, Faults
from seekgate.emulate.scenario import Rule


class ModelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the emulator serves. ``context`` and ``max_output`` count tokens.

    ``concurrency`` is the cap on requests that run at the same time, for each account.
    """

    name: str
    aliases: tuple[str, ...] = ()
    vision: bool = False
    embeddings: bool = False
    context: int = 1_000_000
    max_output: int = 384_000
    concurrency: int = 2_500


FLASH = ModelSpec(name="deepseek-flash", aliases=("deepseek-v4-flash",), vision=True)
PRO = ModelSpec(name="deepseek-v4-pro", concurrency=500)
EMBEDDING = ModelSpec(name="emulated-embedding", embeddings=True)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """An emulator's settings. Times are seconds, sizes bytes.

    ``accounts`` maps an API key to its account; a key that is not in it belongs to the account ``default``, because
    DeepSeek counts concurrency for accounts, not for keys. ``queue_limit`` is how long a queued request may wait
    before the connection is closed. ``keep_requests`` is how many records `Emulator.requests` keeps, each with the
    first ``keep_body`` bytes of its body. ``instant`` answers equal requests with the same bytes, for load tests.
    """

    seed: int = 1
    models: tuple[ModelSpec, ...] = (FLASH, PRO, EMBEDDING)
    invalid_keys: frozenset[str] = frozenset({"sk-emulate-invalid"})
    broke_keys: frozenset[str] = frozenset({"sk-emulate-broke"})
    accounts: dict[str, str] = {}
    always: Faults = NO_FAULTS
    rules: tuple[Rule, ...] = ()
    instant: bool = False
    keepalive_interval: float = 1.0
    queue_limit: float = 600.0
    keep_requests: int = 1_000
    keep_body: int = 1_048_576
    max_body: int = 67_108_864
    cache_blocks: int = 1_000_000
    log: str | None = None

    def with_concurrency(self, caps: dict[str, int]) -> Settings:
        """Return settings in which these models have these caps. Raise `ValueError` for a model that is not served."""
        unknown = set(caps) - {model.name for model in self.models}
        if unknown:
            raise ValueError(f"no such model: {', '.join(sorted(unknown))}")
        models = tuple(
            msgspec.structs.replace(model, concurrency=caps.get(model.name, model.concurrency))
            for model in self.models
        )
        return msgspec.structs.replace(self, models=models)
