"""Why a caller may or may not: the data plane's own decision, with everything that led to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from seekgate.config.snapshot import Deployment
from seekgate.pipeline.principal import Principal
from seekgate.stages.access.refusals import refusal
from seekgate.stages.access.rules import Rule
from seekgate.stages.access.state import AccessTable, Cause, Held


class Seen(msgspec.Struct, frozen=True):
    """A role that the caller has: by what, and where it is written (empty: nowhere, so that it grants nothing)."""

    name: str
    by: str
    home: str


class Place(msgspec.Struct, frozen=True):
    """What was decided about one deployment. ``serves`` is False where the endpoint would not ask it anyway."""

    id: str
    provider: str
    region: str
    tier: str
    serves: bool
    allowed: bool
    rule: str
    source: str


class Explanation(msgspec.Struct, frozen=True):
    """A decision and its reasons. ``rule`` is ``ROLE#NUMBER`` and ``source`` the file and line, or the row."""

    allowed: bool
    action: str
    model: str | None
    data_classes: tuple[str, ...]
    client: str
    at: float
    cause: Cause
    rule: str
    source: str
    conditional: bool
    error: str
    message: str
    roles: tuple[Seen, ...]
    deployments: tuple[Place, ...]


def explain(
    table: AccessTable,
    principal: Principal,
    action: str,
    model: str | None,
    classes: frozenset[str],
    client: str,
    at: float,
    serving: Sequence[Deployment] | None = None,
) -> Explanation:
    """Ask what the stage asks. ``model`` is a name without aliases (None: nothing of a model), ``serving`` the
    deployments that routing would give (None: all of the model's)."""
    profile = table.profile(principal)
    decision = table.decide(profile, action, model, classes, client, at)
    every = tuple(table.deployment(one.position) for one in decision.found)
    candidates = every if serving is None else serving
    allowed = decision.allowed
    if model is not None:
        left, decision = table.narrow(decision, candidates)
        allowed = bool(left)
    kind, message = (None, "") if allowed else refusal(decision, profile.roles, action, model)
    able = {one.id for one in candidates}
    return Explanation(
        allowed=allowed,
        action=action,
        model=model,
        data_classes=tuple(sorted(classes)),
        client=client,
        at=at,
        cause=decision.cause,
        rule=_word(decision.rule),
        source=_source(decision.rule),
        conditional=decision.conditional,
        error=kind.name if kind else "",
        message=message,
        roles=tuple(_seen(table, held) for held in table.held(principal)),
        deployments=tuple(
            Place(
                d.id,
                d.provider,
                d.region,
                d.tier,
                d.id in able,
                one.allowed,
                _word(one.rule),
                _source(one.rule),
            )
            for one, d in zip(decision.found, every, strict=True)
        ),
    )


def text(explained: Explanation) -> str:
    """The explanation for people."""
    one = explained
    subject = f"'{one.action}'" + (f" on the model '{one.model}'" if one.model is not None else "")
    lines = [f"{'ALLOWED' if one.allowed else 'DENIED'}: {subject}"]
    if one.rule:
        lines.append(f"  decided by  {one.rule} ({one.source})")
    else:
        lines.append(f"  decided by  {_CAUSES[one.cause]}")
    if not one.allowed:
        lines.append(f"  the caller  is told {one.error}: {one.message}")
    if one.conditional:
        lines.append(f"  depends on  the address ({one.client}) or the time")
    lines.append("  roles")
    lines += [
        f"    {role.name}: {role.by}, {role.home or 'written nowhere: it grants nothing'}"
        for role in one.roles
    ]
    if not one.roles:
        lines.append("    none")
    if one.deployments:
        lines.append("  deployments")
    for place in one.deployments:
        verdict = "allowed" if place.allowed else "denied"
        by = f"by {place.rule} ({place.source})" if place.rule else "no rule allows it"
        where = ", ".join(filter(None, (place.provider, place.region, place.tier)))
        idle = "" if place.serves else "; it does not serve this"
        lines.append(f"    {place.id} ({where}): {verdict}, {by}{idle}")
    return "\n".join(lines)


def as_data(explained: Explanation) -> dict[str, Any]:
    """The explanation as plain data for JSON."""
    data: dict[str, Any] = msgspec.to_builtins(explained)
    return data


_CAUSES: dict[Cause, str] = {
    "allowed": "a rule",
    "denied": "a rule",
    "no_rule": "no rule: nothing allows it",
    "scope_action": "the key's scopes (actions)",
    "scope_model": "the key's scopes (models)",
    "separate_duties": "access.separate_duties: a caller who manages keys or roles has nothing of the audit",
}


def _seen(table: AccessTable, held: Held) -> Seen:
    role = table.role(held.name)
    if role is None:
        return Seen(held.name, held.by, "")
    return Seen(held.name, held.by, role.rules[0].source if role.rules else role.home)


def _word(rule: Rule | None) -> str:
    return rule.word if rule is not None else ""


def _source(rule: Rule | None) -> str:
    return rule.source if rule is not None else ""
