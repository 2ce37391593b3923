"""What a caller's roles do to requests and to the list of models."""

from __future__ import annotations

import json

import msgspec
import pytest

from seekgate.config.compiled.access import Access as Compiled
from seekgate.config.compiled.access import FileRole
from seekgate.config.rows import Grant, RoleRow
from seekgate.config.snapshot import Snapshot
from seekgate.stages.access.stage import Access
from seekgate.stages.access.state import AccessRows, AccessTable
from tests.support.scene import DELIVERIES, Delivery, Scene
from tests.support.scene_answers import only
from tests.support.scene_config import SPARE, chat, get, post, snapshot
from tests.support.scene_streams import unary

GRANTS = (
    Grant("allow", ("models.list",)),
    Grant("allow", ("chat",), models=("flash", "alias")),
    Grant("deny", ("chat",), providers=("cloud",)),
)
ROLE = FileRole(RoleRow("spare-only", GRANTS), (3, 4, 5))
CONFIG: Snapshot = msgspec.structs.replace(
    snapshot(), access=Compiled("seekgate.yaml", (ROLE,), (), ("spare-only",))
)


@pytest.fixture(params=DELIVERIES)
def scene(request: pytest.FixtureRequest) -> Scene:
    delivery: Delivery = request.param
    return Scene(CONFIG, delivery, [Access(AccessTable(CONFIG, AccessRows(), lambda _: None))])


def body_of(answer: bytes) -> dict[str, object]:
    result: dict[str, object] = json.loads(only(answer).body)
    return result


def test_only_what_may_be_used_is_listed(scene: Scene) -> None:
    with scene:
        client = scene.client()
        for _ in range(2):  # the second time from memory
            client.sends(get())
            data = body_of(client.received())["data"]
            assert isinstance(data, list)
            assert [entry["id"] for entry in data] == ["flash", "alias"]
        client.sends(get("/v1/models/alias"))
        assert body_of(client.received())["id"] == "alias"
        client.sends(get("/v1/models/priced"))
        assert only(client.received()).status == 404


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("flush", "Did you mean 'flash'?"), ("pricedd", "GET /v1/models lists what is.")],
)
def test_only_what_may_be_used_is_suggested(asked: str, hint: str, scene: Scene) -> None:
    with scene:
        client = scene.client()
        client.sends(post(chat(asked)))
        answer = only(client.received())
        assert answer.status == 404
        assert answer.error["message"] == f"The model '{asked}' is not served here. {hint}"


def test_an_allowed_deployment_answers(scene: Scene) -> None:
    with scene:
        client = scene.client()
        client.sends(post(chat("flash")))
        upstream = scene.upstream()
        assert upstream.name == SPARE, "the first one, at the cloud, is denied"
        upstream.sends(unary(b"{}"))
        assert only(client.received()).status == 200


def test_what_is_not_allowed_is_refused_with_role_and_rule(scene: Scene) -> None:
    with scene:
        client = scene.client()
        client.sends(post(chat("priced")))
        answer = only(client.received())
        assert (answer.status, answer.error["code"]) == (403, "access_denied")
        assert (
            answer.error["message"] == "The role 'spare-only' denies 'chat' on the model 'priced' (rule 3)."
        )
        assert scene.connects == 0
