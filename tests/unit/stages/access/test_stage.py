"""The stage: candidates that are left, refusals, what the record says."""

from __future__ import annotations

from typing import Any

from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.pipeline.stage import Reply
from seekgate.stages.access.stage import Access
from seekgate.stages.access.state import AccessTable
from tests.support.access import DEPLOYMENTS, MODELS, allow, caller, deny, table
from tests.support.scene_exchange import CHAT, exchange

BY_ID = {one.id: one for one in DEPLOYMENTS}


def ask(
    made: AccessTable, role: str, model: str = "pro", endpoint: Endpoint = CHAT, **fields: Any
) -> tuple[Exchange, Reply | None]:
    entry = MODELS[model]
    candidates = tuple(DEPLOYMENTS[i] for i in entry.deployments)
    x = exchange(endpoint=endpoint, model=model, model_entry=entry, principal=caller(role),
                 **{"candidates": candidates, **fields})  # fmt: skip
    verdict = Access(made).on_request(x)
    assert verdict is None or isinstance(verdict, Reply)
    return x, verdict


def ids(x: Exchange) -> list[str]:
    return [one.id for one in x.candidates]


def test_everything_is_left_as_it_is() -> None:
    made = table()
    for _ in range(2):
        x, verdict = ask(made, "user")
        assert verdict is None
        assert ids(x) == ["pro-cn", "pro-eu", "pro-own"]
        assert x.decisions == ("access:allow:user#1",)
    x, _ = ask(made, "user", decisions=("guard:pass",))
    assert x.decisions == ("guard:pass", "access:allow:user#1")


def test_candidates_keep_their_order() -> None:
    made = table({"cn": (allow("chat", regions=("cn",)),)})
    x, verdict = ask(made, "cn", candidates=tuple(BY_ID[i] for i in ("pro-own", "pro-eu", "pro-cn")))
    assert verdict is None
    assert ids(x) == ["pro-own", "pro-cn"]


def test_data_classes_choose_the_tier() -> None:
    made = table({"r": (allow("chat"), deny("chat", data_classes=("personal",), tiers=("public",)))})
    x, verdict = ask(made, "r", data_classes=frozenset(("personal",)))
    assert verdict is None
    assert ids(x) == ["pro-own"]
    x, verdict = ask(made, "r", "flash", data_classes=frozenset(("personal",)))
    assert verdict is not None
    assert verdict.error is not None
    assert (verdict.error.name, verdict.error.status) == ("access_denied", 403)
    assert (
        verdict.message
        == "The role 'r' denies 'chat' on the model 'flash' for requests with such data (rule 2)."
    )
    assert x.decisions == ("access:deny:r#2",)


def test_a_model_that_is_not_allowed() -> None:
    made = table({"r": (allow("chat", models=("flash",)),)})
    x, verdict = ask(made, "r")
    assert verdict is not None
    assert verdict.error is not None
    assert (verdict.error.name, verdict.param) == ("model_not_allowed", "model")
    assert verdict.message == "No role of the caller allows 'chat' on the model 'pro'; its roles: 'r'."
    assert x.decisions == ("access:deny:no_rule",)


def test_what_is_allowed_does_not_serve_this_endpoint() -> None:
    made = table({"r": (allow("*", regions=("eu",)), deny("completions", regions=("cn",)))})
    endpoint = Endpoint("completions", "/completions")
    x, verdict = ask(made, "r", "flash", endpoint, candidates=(BY_ID["flash-cn"],))
    assert verdict is not None
    assert verdict.message == "The role 'r' denies 'completions' on the model 'flash' (rule 2)."
    assert x.decisions == ("access:deny:r#2",)


def test_the_list_of_models() -> None:
    made = table({"r": (allow("models.list"), allow("chat", models=("flash",))), "quiet": (allow("chat"),)})
    endpoint = Endpoint("models", "/models")
    for role, visible in (("user", None), ("r", {"flash", "fast"})):
        x = exchange(endpoint=endpoint, principal=caller(role))
        assert Access(made).on_request(x) is None
        assert x.visible == visible
    verdict = Access(made).on_request(exchange(endpoint=endpoint, principal=caller("quiet")))
    assert isinstance(verdict, Reply)
    assert verdict.message == "No role of the caller allows 'models.list'; its roles: 'quiet'."


def test_what_a_caller_may_know_of_follows_roles_scopes_and_address() -> None:
    grants = (allow("models.list"), allow("chat", models=("pro",)), allow("chat", cidr=("10.0.0.0/8",)))
    stage = Access(table({"some": grants}))

    def names(client: str = "192.0.2.1", **scopes: Any) -> frozenset[str] | None:
        return stage.visible(exchange(principal=caller("some", **scopes), client=client))

    assert names() == frozenset(("pro", "best"))
    assert names("10.1.1.1") is None
    assert names(models=frozenset(("small",))) == frozenset()
    assert names(actions=frozenset(("chat",))) == frozenset(), "who may not list is told of none"


def test_conditions_are_looked_at_each_time() -> None:
    made = table({"office": (allow("chat", cidr=("10.0.0.0/8",)),)})
    assert ask(made, "office", client="10.1.1.1")[1] is None
    _, verdict = ask(made, "office")
    assert verdict is not None
    assert "from this address at this time" in verdict.message
    assert ask(made, "office", client="10.1.1.1")[1] is None
