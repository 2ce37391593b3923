"""Snapshots made into what a worker serves from."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seekgate.config.snapshot import UpstreamTls
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.turn import Turn
from seekgate.gateway.upstream import Upstream
from seekgate.gateway.world import Builder, World, endpoints
from seekgate.host.messages import EngineState
from seekgate.pipeline.pipeline import Pipeline
from tests.fakes.clock import FakeClock
from tests.fakes.network import FakeResolver
from tests.support.certificates import Authority
from tests.support.scene_config import SECRETS, provider, snapshot

BASE = snapshot()


def builder() -> Builder:
    turn = Turn(lambda run: None, lambda error: None)
    return Builder(FakeResolver({}), FakeClock(), Sweep(lambda error: None), turn, lambda: None)


def build(using: Builder, **changes: object) -> World:
    world = using.build(
        msgspec.structs.replace(BASE, **changes), Pipeline([], lambda *_: None), SECRETS.__getitem__
    )
    using.retire([world])
    return world


def test_every_path() -> None:
    paths = endpoints(BASE)
    assert len(paths) == 2 * 3 * 4
    assert paths[b"/v1/chat/completions"].operation == "chat"
    assert paths[b"/beta/completions"].beta
    assert paths[b"/api/v1/deepseek/v1/embeddings"].models == frozenset(("flash",))
    assert paths[b"/api/v1/deepseek/models"].route == "/api/v1/deepseek"


def test_pools_stay_while_their_provider_stays() -> None:
    using = builder()
    first = build(using)
    changed = {**BASE.providers, "cloud": provider("cloud", "198.51.100.9", "env:CLOUD")}
    second = build(using, providers=changed)
    assert second.pools["spare"] is first.pools["spare"]
    assert second.pools["cloud"] is not first.pools["cloud"]
    assert first.pools["cloud"].closing
    assert not first.pools["spare"].closing


def test_a_pool_goes_when_the_content_of_its_tls_files_changes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = authority.issue("client")
    tls = UpstreamTls(ca=str(authority.file), certificate=client.certificate, key=client.key)
    secure = msgspec.structs.replace(provider("cloud", "h", "env:CLOUD"), scheme="https", tls=tls)
    using, providers = builder(), {**BASE.providers, "cloud": secure}
    first = build(using, providers=providers)
    Path(client.key).touch()
    assert build(using, providers=providers).pools["cloud"] is first.pools["cloud"]
    authority.issue("client")
    second = build(using, providers=providers)
    assert second.pools["cloud"] is not first.pools["cloud"]
    assert first.pools["cloud"].closing
    Authority(tmp_path)  # another root at the same path
    third = build(using, providers=providers)
    assert third.pools["cloud"] is not second.pools["cloud"]
    assert third.pools["spare"] is first.pools["spare"]


def test_connections_are_counted_until_they_are_gone() -> None:
    using = builder()
    first = build(using)
    pool = first.pools["cloud"]
    pool.connections.add(Upstream(pool, "h"))
    assert using.connections()["cloud"] == (0, 1)
    moved = {**BASE.providers, "cloud": provider("cloud", "198.51.100.9", "env:CLOUD")}
    second = build(using, providers=moved)
    second.pools["cloud"].connections.add(Upstream(second.pools["cloud"], "h"))
    assert using.connections() == {"cloud": (0, 2), "spare": (0, 0), "asking": (0, 0)}
    pool.connections.clear()
    assert using.connections()["cloud"] == (0, 1)


def test_building_changes_nothing_of_the_world_in_force() -> None:
    using = builder()
    first = build(using)
    before = list(using.pools)
    with pytest.raises(KeyError):
        using.build(
            msgspec.structs.replace(BASE, providers={"cloud": provider("cloud", "h", "env:NONE")}),
            Pipeline([], lambda *_: None),
            SECRETS.__getitem__,
        )
    assert using.pools == before == list(first.pools.values())


def test_a_certificate_file_that_is_not_there(tmp_path: Path) -> None:
    secure = msgspec.structs.replace(
        provider("cloud", "h", "env:CLOUD"), scheme="https", tls=UpstreamTls(ca=str(tmp_path / "none.pem"))
    )
    with pytest.raises(OSError, match="No such file"):
        build(builder(), providers={**BASE.providers, "cloud": secure})


def test_an_engine_moves_its_pool_and_its_targets_only() -> None:
    local = provider("cloud", "", "env:CLOUD", type="llamacpp", engine="small")
    world = build(builder(), providers={**BASE.providers, "cloud": local})
    world.engine(EngineState("small", "127.0.0.1", 9001, True, "sk-engine"))
    assert (world.pools["cloud"].host, world.pools["cloud"].port) == ("127.0.0.1", 9001)
    assert world.targets["priced"].secret == "sk-engine"
    assert world.targets["asking"].secret == "sk-asking-secret"
    world.engine(EngineState("small", "127.0.0.1", 9001, False))
    assert world.pools["cloud"].host == ""
    world.engine(EngineState("another", "127.0.0.1", 9002, True))
    assert world.pools["cloud"].host == ""
