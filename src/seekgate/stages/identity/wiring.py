"""A worker's knowledge of callers as a whole: what outlives snapshots, and the stage of each snapshot.

It is what `seekgate.app` composes with; the stage itself knows neither files nor the network.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from seekgate.config import used_keys
from seekgate.config.compiled.identity import Issuer
from seekgate.config.secrets import SecretError
from seekgate.config.snapshot import Snapshot
from seekgate.host.complaints import complain
from seekgate.stages.identity.certificates import Certificates
from seekgate.stages.identity.jwks import KeySet, succeed
from seekgate.stages.identity.stage import Identity, IdentityByBoth
from seekgate.stages.identity.state import FileKeys, KeyHash, KeyTable
from seekgate.stages.identity.tokens import KeySource, Tokens
from seekgate.store import key_hash
from seekgate.telemetry.metrics import Metrics

DATABASE = "seekgate.db"


class Source(KeySource, Protocol):
    """A key set that is followed (`seekgate.gateway.followed`)."""

    def start(self) -> None:
        """Follow."""
        ...

    def close(self) -> None:
        """Follow no longer."""
        ...


Parse = Callable[[KeySet | None, bytes], KeySet]
Follow = Callable[[Issuer, Parse], Source]
"""Makes a source of an issuer's keys; nothing happens before it is started."""

_Place = tuple[str, str, float, float, str | None, str | None]


def _place(issuer: Issuer) -> _Place:
    """What makes one source another one. Two issuers may share a URL, never the keys that were verified with."""
    return issuer.issuer, issuer.jwks, issuer.refresh, issuer.max_stale, issuer.ca, issuer.proxy


class Callers:
    """One for each worker. ``secret`` resolves references; ``loaded`` says whether the rows have been read; ``wall`` is
    the clock in Unix seconds."""

    def __init__(
        self,
        secret: Callable[[str], str],
        loaded: Callable[[], bool],
        follow: Follow,
        wall: Callable[[], float],
        metrics: Metrics,
    ) -> None:
        self.keys = KeyTable()
        self.used: set[str] = set()
        self._wall = wall
        self._metrics = metrics
        self._last_used: dict[str, float] = {}
        self._slot = 0
        self._resolve = secret
        self._loaded = loaded
        self._follow = follow
        self._home = Path()
        self._reference: str | None = None
        self._database = False
        self._sources: dict[_Place, Source] = {}
        self._stage: Identity | None = None
        self._prepared: tuple[Snapshot, dict[_Place, Source], Identity] | None = None
        self._troubled = False

    def begin(self, home: Path, slot: int) -> None:
        """Before anything else: where the installation keeps its files, and which of its workers this is."""
        self._home, self._slot = home, slot

    def stage(self, snapshot: Snapshot) -> Identity:
        """The stage for a snapshot, built beside the one in force. Raise `ValueError` for a secret that cannot be
        read."""
        settings = snapshot.identity
        if settings.hash_secret is not None:
            self._resolve(settings.hash_secret)
        sources: dict[_Place, Source] = {}
        for issuer in settings.jwt:
            place = _place(issuer)
            sources[place] = self._sources.get(place) or self._follow(issuer, succeed)
        kind = Identity if settings.require == "any" else IdentityByBoth
        made = kind(
            FileKeys((key, self._resolve(key.secret)) for key in snapshot.keys),
            self.keys,
            Tokens((issuer, sources[_place(issuer)]) for issuer in settings.jwt) if sources else None,
            Certificates(settings.mtls) if settings.mtls else None,
            self._unavailable,
            self.used.add,
        )
        self._prepared = (snapshot, sources, made)
        return made

    def adopt(self) -> None:
        """The stage that was made last is in force."""
        if self._prepared is None:
            return
        snapshot, sources, self._stage = self._prepared
        self._prepared = None
        for place, source in self._sources.items():
            if place not in sources:
                source.close()
                self._metrics.key_sets_failing.labels(place[0]).value = 0
        self._sources = sources
        for source in sources.values():
            source.start()
        self._database = snapshot.database is not None
        self._reference = snapshot.identity.hash_secret
        self._read_secret(again=True)

    def tick(self, number: int) -> None:
        """A few times a second. ``number`` is that of the newest change of rows that is known."""
        self._metrics.rows_number.labels(str(self._slot)).value = number
        self._metrics.keys.value = len(self.keys)
        for place, source in self._sources.items():
            self._metrics.key_sets_failing.labels(place[0]).value = int(bool(source.trouble))
            if source.value is not None and not source.fresh(self._wall()):
                source.value.forget()
        if self.keys.hash is None and len(self.keys):
            self._read_secret()

    def each_minute(self) -> None:
        """Forget who does not call any more, and say which keys were used: whoever calls from now on is seen again."""
        if self._stage is not None:
            self._stage.recent.rotate()
        self._tell_used()

    def _tell_used(self) -> None:
        now = self._wall()
        self._last_used.update(dict.fromkeys(self.used, now))
        self.used.clear()
        if self._last_used and used_keys.leave(self._home, self._slot, self._last_used):
            self._last_used.clear()

    def close(self) -> None:
        """Follow nothing any more."""
        self._tell_used()
        for source in self._sources.values():
            source.close()

    def _read_secret(self, again: bool = False) -> None:
        """The secret that keys are hashed under. An installation that has none yet has no keys either."""
        if self._reference is None and not key_hash.path(self._home).exists() and not len(self.keys):
            self.keys.hash = None
            return
        try:
            if self._reference is None and not key_hash.path(self._home).exists():
                raise SecretError(f"there is no {key_hash.path(self._home)}")
            self.keys.hash = KeyHash(key_hash.load(self._home, self._reference))
            self._troubled = False
        except SecretError as error:
            if again or not self._troubled:
                complain("the secret that API keys are hashed under cannot be read", reason=str(error))
            self._troubled = True

    def _unavailable(self) -> str:
        """Why a key that is not found may exist all the same."""
        if not self._loaded() and (self._database or (self._home / DATABASE).exists()):
            return "the keys have not been read yet"
        if self.keys.hash is None and len(self.keys):
            return "the secret that keys are hashed under cannot be read"
        return ""
