"""Access: whether the caller may do this, on which deployments.

It comes after routing, because rules speak of providers, regions and tiers, and after the detectors, because they
speak of data classes. What depends on neither address nor time is decided once and then looked up.
"""

from __future__ import annotations

from seekgate.pipeline.exchange import Exchange
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.stages.access.refusals import refusal
from seekgate.stages.access.state import ACTION_OF, AccessTable, Profile
from seekgate.stages.access.state import Verdict as Judged


class Access(Stage):
    """Leave the deployments that may answer among ``candidates``, or refuse; of a list set ``visible``."""

    __slots__ = ("_table",)

    def __init__(self, table: AccessTable) -> None:
        self._table = table

    def on_request(self, x: Exchange) -> Verdict:
        """403 with the role and the rule that decided."""
        profile = self._table.profile(x.principal)
        model = x.model_entry
        if model is None:
            return self._list(x, profile)
        operation = x.endpoint.operation
        verdict = profile.verdicts.get((operation, model.name, x.data_classes))
        if verdict is None:
            verdict = self._table.verdict(
                profile, operation, model.name, x.data_classes, x.client, x.admitted_at
            )
        if verdict.whole:
            x.decisions += verdict.words
            return None
        return self._narrow(x, profile, model.name, verdict)

    def _narrow(self, x: Exchange, profile: Profile, model: str, verdict: Judged) -> Verdict:
        allowed, decision = self._table.narrow(verdict.decision, x.candidates)
        x.decisions = (*x.decisions, decision.word)
        if allowed:
            x.candidates = allowed
            return None
        kind, message = refusal(decision, profile.roles, ACTION_OF[x.endpoint.operation], model)
        return Reply(error=kind, message=message, param="model" if decision.model_matters else None)

    def _list(self, x: Exchange, profile: Profile) -> Verdict:
        decision = self._table.decide(profile, "models.list", None, x.data_classes, x.client, x.admitted_at)
        if not decision.allowed:
            kind, message = refusal(decision, profile.roles, "models.list", None)
            return Reply(error=kind, message=message)
        x.visible = self.visible(x)
        return None

    def visible(self, x: Exchange) -> frozenset[str] | None:
        """The names of the models that the caller may know of (None: all of them), as the list of models shows."""
        return self._table.visible(self._table.profile(x.principal), x.client, x.admitted_at).names
