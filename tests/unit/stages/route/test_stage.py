"""Route sets the candidates, or refuses with a hint."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest

from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.pipeline.stage import Reply
from seekgate.stages.route.stage import Route
from seekgate.stages.route.state import RouteTable
from seekgate.wire import errors
from tests.support.scene_config import snapshot
from tests.support.scene_exchange import CHAT, exchange

BASE = snapshot()
TIERS: tuple[Literal["public", "private"], ...] = ("public", "private")


def route(
    model: str, endpoint: Endpoint = CHAT, draw: float = 0.0, visible: frozenset[str] | None = None
) -> tuple[Exchange, object]:
    x = exchange(endpoint=endpoint, model=model)
    return x, Route(RouteTable(BASE), tuple(BASE.models), lambda: draw, lambda _: visible).on_request(x)


def test_candidates() -> None:
    x, verdict = route("flash", draw=0.99)
    assert verdict is None
    assert x.model_entry is BASE.models["flash"]
    assert [d.id for d in x.candidates] == ["spare-flash", "cloud-flash"]


def test_a_route_that_allows_some_models_only() -> None:
    some = Endpoint("chat", "/chat/completions", models=frozenset(("alias",)))
    assert route("alias", some)[1] is None
    x, verdict = route("flash", some)
    assert isinstance(verdict, Reply)
    assert x.candidates == ()
    assert "flash' is not served" in verdict.message
    assert "'priced'" not in verdict.message, "what is not allowed here is not named either"


@pytest.mark.parametrize(
    ("visible", "hint"),
    [
        (None, "Did you mean 'flash'?"),
        (frozenset(("flash", "alias")), "Did you mean 'flash'?"),
        (frozenset(("alias",)), "GET /v1/models lists what is."),
        (frozenset[str](), "GET /v1/models lists what is."),
    ],
)
def test_only_what_the_caller_may_know_of_is_suggested(visible: frozenset[str] | None, hint: str) -> None:
    verdict = route("flush", visible=visible)[1]
    assert isinstance(verdict, Reply)
    assert verdict.message == f"The model 'flush' is not served here. {hint}"


def test_a_name_of_any_length_is_shown_shortly() -> None:
    verdict = route("x" * 256)[1]
    assert isinstance(verdict, Reply)
    assert len(verdict.message) < 300


def test_the_list_of_models_needs_no_route() -> None:
    assert route("", Endpoint("models", "/models"))[1] is None


def test_content_for_private_deployments_only() -> None:
    public, private = (
        msgspec.structs.replace(d, tier=t) for d, t in zip(BASE.deployments[:2], TIERS, strict=True)
    )
    mixed = snapshot(deployments=(public, private, *BASE.deployments[2:]))
    x = exchange(model="flash", private_only=True)
    assert Route(RouteTable(mixed), tuple(mixed.models), lambda: 0.0, lambda _: None).on_request(x) is None
    assert x.candidates == (private,)
    x = exchange(model="alias", private_only=True)
    verdict = Route(RouteTable(mixed), tuple(mixed.models), lambda: 0.0, lambda _: None).on_request(x)
    assert isinstance(verdict, Reply)
    assert verdict.error is errors.PRIVATE_ONLY
    assert x.candidates == ()
    assert verdict.message.endswith("the model 'alias' has none.")
