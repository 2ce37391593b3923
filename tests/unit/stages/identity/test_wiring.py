"""What a worker knows of callers, over snapshots."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from seekgate.config import used_keys
from seekgate.config.compiled import identity as compiled
from seekgate.config.compiled.database import Database
from seekgate.config.rows import KeyRow
from seekgate.config.snapshot import Snapshot
from seekgate.pipeline.peer import Peer
from seekgate.pipeline.stage import Reply, Verdict, Wait
from seekgate.stages.identity import wiring
from seekgate.stages.identity.jwks import KeySet
from seekgate.stages.identity.stage import Identity, IdentityByBoth
from seekgate.stages.identity.wiring import Callers, Parse
from seekgate.store import key_hash
from seekgate.store.database import FILE
from seekgate.telemetry.metrics import Metrics
from seekgate.telemetry.registry import Registry
from seekgate.wire import errors
from tests.support.scene_config import KEY, SECRETS, snapshot
from tests.support.scene_exchange import exchange
from tests.support.tokens import NOW, document, issuer, jwk, token


class Source:
    """An issuer's keys, started and closed."""

    def __init__(self, parse: Parse) -> None:
        self.value: KeySet | None = None
        self.trouble = ""
        self.too_old = False
        self.events: list[str] = []
        self._parse = parse

    def fresh(self, now: float) -> bool:
        return not self.too_old

    async def _nothing(self) -> None:
        return None

    def again(self) -> Awaitable[None]:
        return self._nothing()

    def start(self) -> None:
        self.events.append("start")
        self.value = self._parse(self.value, document(jwk("RS256")))

    def close(self) -> None:
        self.events.append("close")


class Worker:
    """Callers as the application has them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.loaded = True
        self.secrets = dict(SECRETS)
        self.sources: list[Source] = []
        self.metrics = Metrics(Registry())
        self.callers = Callers(self.secret, lambda: self.loaded, self.follow, lambda: NOW, self.metrics)
        self.callers.begin(home, 3)

    def secret(self, reference: str) -> str:
        if reference not in self.secrets:
            raise ValueError(f"{reference} is not set")
        return self.secrets[reference]

    def follow(self, _: compiled.Issuer, parse: Parse) -> Source:
        self.sources.append(Source(parse))
        return self.sources[-1]

    def load(self, **identity: Any) -> Identity:
        stage = self.callers.stage(snap(**identity))
        self.callers.adopt()
        return stage

    def add(self, id: str, key: str, secret: bytes) -> None:
        digest = hmac.digest(secret, key.encode(), "sha256").hex()
        self.callers.keys.apply("key", f"{id}.0", KeyRow(id=id, digest=digest, name=id))


def snap(**identity: Any) -> Snapshot:
    return snapshot(identity=compiled.Identity(**identity))


def ask(stage: Identity, secret: str | bytes, **fields: Any) -> tuple[Verdict, str]:
    presented = b"Bearer " + (secret.encode() if isinstance(secret, str) else secret)
    x = exchange(headers={b"authorization": presented}, admitted_at=NOW, **fields)
    return stage.on_request(x), x.principal.name


def error(verdict: Verdict) -> errors.ErrorKind | None:
    assert isinstance(verdict, Reply)
    return verdict.error


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path)


def test_keys_of_the_file(worker: Worker) -> None:
    stage = worker.load()
    assert ask(stage, KEY) == (None, "app")
    assert error(ask(stage, "other")[0]) is errors.UNAUTHENTICATED
    assert not key_hash.path(worker.home).exists(), "a worker makes no secret"


def test_keys_of_the_database_under_the_installations_secret(worker: Worker) -> None:
    secret = key_hash.load(worker.home)
    worker.add("one", "sk-sg-one", secret)
    stage = worker.load()
    assert ask(stage, "sk-sg-one") == (None, "one")
    assert worker.callers.used == {"one"}
    again = worker.load()
    assert ask(again, "sk-sg-one") == (None, "one"), "keys outlive snapshots"


def test_a_secret_that_is_made_later_is_found(worker: Worker) -> None:
    stage = worker.load()
    worker.callers.tick(7)
    assert error(ask(stage, "sk-sg-one")[0]) is errors.UNAUTHENTICATED
    worker.add("one", "sk-sg-one", key_hash.load(worker.home))
    worker.callers.tick(7)
    assert ask(stage, "sk-sg-one") == (None, "one")


def test_a_secret_of_the_configuration(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASH", "h" * 40)
    worker.secrets["env:HASH"] = "h" * 40
    worker.add("one", "sk-sg-one", b"h" * 40)
    assert ask(worker.load(hash_secret="env:HASH"), "sk-sg-one") == (None, "one")
    with pytest.raises(ValueError, match="env:GONE is not set"):
        worker.callers.stage(snap(hash_secret="env:GONE"))


def test_a_secret_that_is_lost_is_not_the_callers_fault(
    worker: Worker, capsys: pytest.CaptureFixture[str]
) -> None:
    worker.add("one", "sk-sg-one", b"h" * 40)
    stage = worker.load()
    for _ in range(3):
        worker.callers.tick(7)
    verdict, _ = ask(stage, "sk-sg-one")
    assert error(verdict) is errors.IDENTITY_UNAVAILABLE
    assert not key_hash.path(worker.home).exists(), "another secret would make every key unknown"
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert ask(stage, KEY) == (None, "app")


@pytest.mark.parametrize("named", [True, False])
def test_keys_that_have_not_been_read_may_exist(worker: Worker, named: bool) -> None:
    worker.loaded = False
    if not named:
        (worker.home / FILE).touch()
    stage = worker.callers.stage(snapshot(database=Database() if named else None))
    worker.callers.adopt()
    assert error(ask(stage, "sk-sg-one")[0]) is errors.IDENTITY_UNAVAILABLE
    worker.loaded = True
    assert error(ask(stage, "sk-sg-one")[0]) is errors.UNAUTHENTICATED


def test_the_default_database_has_the_stores_name() -> None:
    assert wiring.DATABASE == FILE


def test_issuers_are_followed_over_snapshots(worker: Worker) -> None:
    stage = worker.load(jwt=(issuer(),))
    assert ask(stage, token()) == (None, "ann")
    (source,) = worker.sources
    same = worker.load(jwt=(issuer(roles=("user",), role_map={"a": ("b",)}),))
    assert ask(same, token()) == (None, "ann")
    assert (len(worker.sources), set(source.events)) == (1, {"start"})
    worker.load(jwt=(issuer(refresh=9.0),))
    assert (len(worker.sources), source.events[-1]) == (2, "close")
    without = worker.load()
    assert worker.sources[1].events[-1] == "close"
    assert error(ask(without, token())[0]) is errors.UNAUTHENTICATED


def test_two_issuers_at_one_url_share_no_keys(worker: Worker) -> None:
    worker.load(jwt=(issuer(), issuer(issuer="https://login.other")))
    assert len(worker.sources) == 2


def test_a_snapshot_that_is_refused_starts_nothing(worker: Worker) -> None:
    worker.load()
    worker.callers.stage(snap(jwt=(issuer(),)))
    assert worker.sources[0].events == []
    worker.load()
    assert worker.sources[0].events == []


def test_a_token_is_not_remembered_for_longer_than_its_issuers_keys_may_be_relied_on(worker: Worker) -> None:
    stage = worker.load(jwt=(issuer(),))
    assert ask(stage, token())[0] is None
    worker.callers.tick(0)
    (source,) = worker.sources
    assert ask(stage, token())[0] is None
    source.too_old = True
    worker.callers.tick(0)
    waits, _ = ask(stage, token())
    assert isinstance(waits, Wait)
    waits.awaitable.close()  # type: ignore[attr-defined]
    source.too_old = False
    assert ask(stage, token())[0] is None


def test_figures(worker: Worker) -> None:
    worker.add("one", "sk-sg-one", b"h" * 40)
    worker.load(jwt=(issuer(),))
    worker.sources[0].trouble = "no answer"
    worker.callers.tick(7)
    failing = worker.metrics.key_sets_failing.labels(issuer().issuer)
    assert (worker.metrics.rows_number.labels("3").value, worker.metrics.keys.value) == (7, 1)
    assert failing.value == 1
    worker.load()
    assert failing.value == 0


def test_the_end(worker: Worker) -> None:
    worker.load(jwt=(issuer(),))
    worker.callers.close()
    assert worker.sources[0].events == ["start", "close"]


def test_certificates_and_both(worker: Worker) -> None:
    rules = (compiled.Certificate(san="*.acme.example"),)
    peer = Peer(dns=("a.acme.example",), common_name="a")
    x = exchange(peer=peer)
    assert worker.load(mtls=rules).on_request(x) is None
    assert x.principal.name == "a"
    both = worker.load(mtls=rules, require="certificate+key")
    assert isinstance(both, IdentityByBoth)
    assert ask(both, KEY, peer=peer) == (None, "app")
    assert error(ask(both, KEY)[0]) is errors.UNAUTHENTICATED


def test_who_is_idle_is_forgotten(worker: Worker) -> None:
    worker.callers.each_minute()
    stage = worker.load()
    ask(stage, KEY)
    assert len(stage.recent) == 1
    worker.callers.each_minute()
    worker.callers.each_minute()
    assert len(stage.recent) == 0


def test_which_keys_were_used_is_left_for_the_control_process(worker: Worker) -> None:
    secret = key_hash.load(worker.home)
    for name in ("one", "two", "three"):
        worker.add(name, f"sk-sg-{name}", secret)
    stage = worker.load()
    found: list[object] = []
    worker.callers.each_minute()
    used_keys.take(worker.home, found.append)
    assert found == []
    ask(stage, "sk-sg-one")
    worker.callers.each_minute()
    ask(stage, "sk-sg-two")
    worker.callers.each_minute()  # nobody has taken the first yet
    used_keys.take(worker.home, found.append)
    ask(stage, "sk-sg-three")
    worker.callers.close()
    used_keys.take(worker.home, found.append)
    assert found == [{"one": NOW}, {"two": NOW, "three": NOW}]


def test_a_token_that_waits(worker: Worker) -> None:
    stage = worker.load(jwt=(issuer(),))
    x = exchange(headers={b"authorization": b"Bearer " + token(kid="unheard-of")}, admitted_at=NOW)
    verdict = stage.on_request(x)

    async def wait() -> Reply | None:
        return await verdict.awaitable  # type: ignore[union-attr]

    assert error(asyncio.run(wait())) is errors.UNAUTHENTICATED
