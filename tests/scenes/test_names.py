"""Where a destination is: names that change, addresses that fail, engines that move."""

from __future__ import annotations

import msgspec

from seekgate.config.snapshot import Snapshot
from seekgate.host.messages import EngineState
from tests.scenes.conftest import MakeScene
from tests.support.scene_answers import only
from tests.support.scene_config import chat, post, provider, snapshot
from tests.support.scene_streams import unary


def named() -> Snapshot:
    base = snapshot()
    cloud = provider("cloud", "models.internal", "env:CLOUD")
    return msgspec.structs.replace(base, providers={**base.providers, "cloud": cloud})


def test_all_addresses_of_a_name_are_used(scenes: MakeScene) -> None:
    scene = scenes(named())
    scene.resolver.names["models.internal"] = ("10.0.0.1", "10.0.0.2", "10.0.0.3")
    names = []
    for _ in range(6):
        client = scene.client()
        client.sends(post(chat("priced")))
        names.append(scene.upstream().name)
    assert sorted(names) == sorted(["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"] * 2)
    assert scene.resolver.asked == ["models.internal"]


def test_an_address_that_refuses_is_passed_over(scenes: MakeScene) -> None:
    scene = scenes(named())
    scene.resolver.names["models.internal"] = ("10.0.0.1", "10.0.0.2")
    scene.network.refusing.add("10.0.0.1:80")
    for _ in range(4):
        client = scene.client()
        client.sends(post(chat("priced")))
        upstream = scene.upstream()
        assert upstream.name == "10.0.0.2:80"
        upstream.sends(unary(b"{}", headers=b"Connection: close\r\n"))
        assert only(client.received()).status == 200
    assert scene.network.tried.count("10.0.0.1:80") < 4, "an address that failed is tried last for a while"
    assert all(record.attempts == 1 for record in scene.records)


def test_a_name_that_changes_is_followed(scenes: MakeScene) -> None:
    scene = scenes(named())
    scene.resolver.names["models.internal"] = ("10.0.0.1",)
    client, other = scene.client(), scene.client()
    client.sends(post(chat("priced")))
    old = scene.upstream()
    other.sends(post(chat("priced")))
    idle = scene.upstream()
    idle.sends(unary(b"{}"))
    scene.resolver.names["models.internal"] = ("10.0.0.2",)
    scene.advance(5.0)
    assert idle.state == "aborted", "idle connections to the old address are closed"
    assert old.state == "open", "what is in flight there finishes"
    old.sends(unary(b"{}"))
    assert only(client.received()).status == 200
    client.sends(post(chat("priced")))
    new = scene.upstream()
    assert new.name == "10.0.0.2:80"


def test_a_name_that_is_lost_stays_as_it_was(scenes: MakeScene) -> None:
    scene = scenes(named())
    scene.resolver.names["models.internal"] = ("10.0.0.1",)
    client = scene.client()
    client.sends(post(chat("priced")))
    upstream = scene.upstream()
    del scene.resolver.names["models.internal"]
    scene.advance(10.0)
    upstream.sends(unary(b"{}"))
    client.received()
    client.sends(post(chat("priced")))
    upstream.sends(unary(b"[]"))
    assert client.received().endswith(b"[]")


def test_a_name_that_does_not_exist(scenes: MakeScene) -> None:
    scene = scenes(named())
    client = scene.client()
    client.sends(post(chat("priced")))
    assert only(client.received()).error["code"] == "upstream_connect_failed"


def engine() -> Snapshot:
    base = snapshot()
    local = provider("cloud", "", "env:CLOUD", type="llamacpp", engine="small")
    return msgspec.structs.replace(base, providers={**base.providers, "cloud": local})


def test_an_engine_that_starts_moves_and_dies(scenes: MakeScene) -> None:
    scene = scenes(engine())
    client = scene.client()
    client.sends(post(chat("priced")))
    answer = only(client.received())
    assert (answer.status, answer.error["code"]) == (503, "engine_restarting")
    assert answer.header("retry-after") == "1"
    scene.play(
        lambda: scene.front.world.engine(EngineState("small", "/run/engine.sock", 0, True, "sk-engine-1"))
    )
    client.sends(post(chat("priced")))
    upstream = scene.upstream()
    assert upstream.name == "/run/engine.sock"
    assert b"Authorization: Bearer sk-engine-1\r\n" in upstream.received()
    scene.play(lambda: scene.front.world.engine(EngineState("small", "", 0, False)))
    upstream.resets()
    assert only(client.received()).error["code"] in ("upstream_cut", "engine_restarting")
    client.sends(post(chat("priced")))
    assert only(client.received()).error["code"] == "engine_restarting"
    scene.play(lambda: scene.front.world.engine(EngineState("small", "127.0.0.1", 9001, True, "sk-engine-2")))
    client.sends(post(chat("priced")))
    upstream = scene.upstream()
    assert upstream.name == "127.0.0.1:9001"
    assert b"Authorization: Bearer sk-engine-2\r\n" in upstream.received()
    upstream.sends(unary(b"{}"))
    assert only(client.received()).status == 200


def test_a_service_that_has_moved_is_found_at_once(scenes: MakeScene) -> None:
    scene = scenes(named())
    scene.resolver.names["models.internal"] = ("10.0.0.1",)
    client = scene.client()
    client.sends(post(chat("priced")))
    scene.upstream().sends(unary(b"{}", headers=b"Connection: close\r\n"))
    assert only(client.received()).status == 200
    scene.resolver.names["models.internal"] = ("10.0.0.2",)
    scene.network.refusing.add("10.0.0.1:80")
    scene.advance(0.5)
    client.sends(post(chat("priced")))
    moved = scene.upstream()
    assert moved.name == "10.0.0.2:80"
    moved.sends(unary(b"[]"))
    assert only(client.received()).status == 200
    assert [record.attempts for record in scene.records] == [1, 1]


def test_a_service_that_is_down_is_not_looked_up_for_every_request(scenes: MakeScene) -> None:
    scene = scenes(named())
    scene.resolver.names["models.internal"] = ("10.0.0.1",)
    scene.network.refusing.add("10.0.0.1:80")
    client = scene.client()
    for _ in range(20):
        client.sends(post(chat("priced")))
        assert only(client.received()).status == 502
    assert len(scene.resolver.asked) == 1
