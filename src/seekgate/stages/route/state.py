"""Which deployments can answer for a model, and in which order they are tried: pure tables and one pure choice."""

from __future__ import annotations

import msgspec

from seekgate.config.snapshot import Deployment, Model, Provider, Snapshot
from seekgate.pipeline.exchange import Endpoint


class Candidates(msgspec.Struct, frozen=True):
    """Deployments that can serve one model for one use, with their cumulative weights."""

    model: Model
    deployments: tuple[Deployment, ...]
    cumulative: tuple[int, ...]


class RouteTable:
    """For each model and use (operation, beta or not) the deployments that qualify."""

    __slots__ = ("_table",)

    def __init__(self, snapshot: Snapshot) -> None:
        self._table: dict[tuple[str, str, bool], Candidates] = {}
        for name, model in snapshot.models.items():
            able = [snapshot.deployments[i] for i in model.deployments]
            for operation in ("chat", "completions", "embeddings"):
                for beta in (False, True):
                    self._table[name, operation, beta] = _candidates(
                        model,
                        [d for d in able if _serves(d, snapshot.providers[d.provider], operation, beta)],
                    )

    def find(self, model: str, endpoint: Endpoint) -> Candidates | None:
        """The model that clients call ``model`` (an alias finds the same one) and its deployments for ``endpoint``;
        None when there is no such model."""
        return self._table.get((model, endpoint.operation, endpoint.beta))


def order(candidates: Candidates, draw: float) -> tuple[Deployment, ...]:
    """The first by weight, for ``draw`` in [0, 1); the others follow in the file's order, as fallbacks."""
    deployments = candidates.deployments
    if len(deployments) < 2:
        return deployments
    at = draw * candidates.cumulative[-1]
    first = next(i for i, edge in enumerate(candidates.cumulative) if at < edge)
    return (deployments[first], *deployments[:first], *deployments[first + 1 :])


def _serves(deployment: Deployment, provider: Provider, operation: str, beta: bool) -> bool:
    if beta and provider.beta_path is None:
        return False
    return operation in deployment.capabilities


def _candidates(model: Model, deployments: list[Deployment]) -> Candidates:
    total, edges = 0, []
    usable = [d for d in deployments if d.weight > 0]
    for deployment in usable:
        total += deployment.weight
        edges.append(total)
    return Candidates(model, tuple(usable), tuple(edges))
