"""Which deployments can answer, and in which order."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from seekgate.config.snapshot import Deployment, Model
from seekgate.pipeline.exchange import Endpoint, Operation
from seekgate.stages.route.state import Candidates, RouteTable, order
from tests.support.scene_config import snapshot


def endpoint(operation: Operation, beta: bool = False) -> Endpoint:
    return Endpoint(operation, f"/{operation}", beta=beta)


@pytest.mark.parametrize(
    ("model", "operation", "beta", "ids"),
    [
        ("flash", "chat", False, ["cloud-flash", "spare-flash"]),
        ("flash", "chat", True, ["cloud-flash"]),
        ("flash", "completions", False, ["cloud-flash"]),
        ("flash", "embeddings", False, []),
        ("vectors", "embeddings", False, ["vectors"]),
        ("asks", "chat", True, []),
    ],
)
def test_who_qualifies(model: str, operation: Operation, beta: bool, ids: list[str]) -> None:
    found = RouteTable(snapshot()).find(model, endpoint(operation, beta))
    assert found is not None
    assert [deployment.id for deployment in found.deployments] == ids


def test_unknown_models() -> None:
    assert RouteTable(snapshot()).find("nothing", endpoint("chat")) is None


def weighted(*weights: int) -> Candidates:
    base = snapshot()
    deployments = tuple(Deployment(f"d{n}", "cloud", "flash", weight=w) for n, w in enumerate(weights))
    models = {"m": Model("m", tuple(range(len(weights))))}
    table = RouteTable(msgspec.structs.replace(base, deployments=deployments, models=models))
    found = table.find("m", endpoint("chat"))
    assert found is not None
    return found


def test_the_first_by_weight_the_others_in_the_files_order() -> None:
    candidates = weighted(1, 2, 1)
    orders = [[d.id for d in order(candidates, draw)] for draw in (0.0, 0.24, 0.25, 0.74, 0.75, 0.999999)]
    assert orders == [
        *([["d0", "d1", "d2"]] * 2),
        *([["d1", "d0", "d2"]] * 2),
        *([["d2", "d0", "d1"]] * 2),
    ]


def test_shares_are_exact() -> None:
    candidates = weighted(10, 0, 30, 60)
    firsts = Counter(order(candidates, n / 1000)[0].id for n in range(1000))
    assert firsts == {"d0": 100, "d2": 300, "d3": 600}, "a weight of 0 takes a deployment out"


def test_one_or_none() -> None:
    assert [d.id for d in order(weighted(5), 0.9)] == ["d0"]
    assert order(weighted(0), 0.5) == ()
