"""Route: which deployments shall answer. Choosing is a pure function; the gateway tries them in this order."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.stages.route.state import RouteTable, order
from seekgate.wire import errors, shown


class Route(Stage):
    """Set ``model_entry`` and ``candidates``.

    ``draw`` gives numbers in [0, 1). ``visible`` says which names the caller may know of (None: all of them): only
    those are suggested.
    """

    __slots__ = ("_draw", "_names", "_table", "_visible")

    def __init__(
        self,
        table: RouteTable,
        names: tuple[str, ...],
        draw: Callable[[], float],
        visible: Callable[[Exchange], frozenset[str] | None],
    ) -> None:
        self._table = table
        self._names = names
        self._draw = draw
        self._visible = visible

    def on_request(self, x: Exchange) -> Verdict:
        """404 for a model that is not served here, 400 for a use that no deployment of it offers, 403 for content that
        only private deployments may have where there is none."""
        endpoint = x.endpoint
        if endpoint.operation == "models":
            return None
        found = self._table.find(x.model, endpoint)
        if found is None or (endpoint.models is not None and x.model not in endpoint.models):
            return Reply(error=errors.UNKNOWN_MODEL, message=self._unknown(x), param="model")
        deployments = found.deployments
        if not deployments:
            use = f"/beta{endpoint.suffix}" if endpoint.beta else endpoint.suffix
            return Reply(
                error=errors.NO_DEPLOYMENT,
                message=f"The model '{x.model}' has no deployment that serves {use}.",
                param="model",
            )
        x.model_entry = found.model
        x.candidates = deployments if len(deployments) == 1 else order(found, self._draw())
        return self._keep_private(x) if x.private_only else None

    def _keep_private(self, x: Exchange) -> Verdict:
        """Leave only deployments of tier private, because of what the request contains."""
        x.candidates = tuple(one for one in x.candidates if one.tier == "private")
        if x.candidates:
            return None
        return Reply(
            error=errors.PRIVATE_ONLY,
            message="The request contains data that only private deployments may have, and the model "
            f"'{x.model}' has none.",
            param="model",
        )

    def _unknown(self, x: Exchange) -> str:
        served, visible = x.endpoint.models, self._visible(x)
        names = [
            name
            for name in self._names
            if (served is None or name in served) and (visible is None or name in visible)
        ]
        near = difflib.get_close_matches(x.model, names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else " GET /v1/models lists what is."
        return f"The model '{shown.name(x.model)}' is not served here.{hint}"
