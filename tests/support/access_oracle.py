"""What rules mean, read plainly: one rule and one deployment at a time, without sets, order or memory.

It shares nothing with the access stage but the rows, so that a mistake there is not repeated here.
"""

from __future__ import annotations

import datetime
import ipaddress
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass

from seekgate.config.builtin_roles import BUILTIN_ROLES
from seekgate.config.rows import Grant, Hours
from seekgate.config.snapshot import Deployment
from seekgate.pipeline.principal import Principal
from tests.support.access import DEPLOYMENTS, MODELS

INFERENCE = {"chat", "completions", "embed", "background", "batch", "models.list"}


@dataclass(frozen=True)
class Question:
    """What is asked; ``model`` without aliases, None for no model."""

    action: str
    model: str | None
    classes: frozenset[str] = frozenset()
    client: str = "192.0.2.1"
    at: float = 0.0


def decide(
    roles: Mapping[str, tuple[Grant, ...]], principal: Principal, question: Question, separate: bool = True
) -> set[str] | bool:
    """The ids of the deployments that may answer; without a model, whether it is allowed."""
    every = {row.id: row.grants for row in BUILTIN_ROLES} | dict(roles)
    grants = [grant for name in principal.roles or ("user",) for grant in every.get(name, ())]
    nothing: set[str] | bool = set() if question.model is not None else False
    if principal.actions is not None and not fits(question.action, tuple(principal.actions)):
        return nothing
    if (
        question.model is not None
        and principal.models is not None
        and not principal_has(principal, question.model)
    ):
        return nothing
    if separate and question.action in ("audit.read", "audit.export", "audit.erase"):
        manages = ("admin.keys", "admin.roles")
        for grant in grants:
            plain = grant.effect == "allow" and not resources(grant)
            if plain and any(fits(action, grant.actions) for action in manages):
                return nothing
    if question.model is None:
        about = [grant for grant in grants if applies(grant, question, None)]
        return any(g.effect == "allow" for g in about) and not any(g.effect == "deny" for g in about)
    allowed = set()
    for position in MODELS[question.model].deployments:
        about = [grant for grant in grants if applies(grant, question, DEPLOYMENTS[position])]
        if any(g.effect == "allow" for g in about) and not any(g.effect == "deny" for g in about):
            allowed.add(DEPLOYMENTS[position].id)
    return allowed


def principal_has(principal: Principal, model: str) -> bool:
    """Whether a key's scope has the model by one of its names."""
    return any(fits(name, tuple(principal.models or ())) for name in names_of(model))


def names_of(model: str) -> list[str]:
    """A model's name and aliases."""
    return [name for name, entry in MODELS.items() if entry.name == model]


def resources(grant: Grant) -> bool:
    """Whether a rule is about some models only."""
    return bool(grant.models or grant.providers or grant.regions or grant.tiers or grant.data_classes)


def fits(value: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of the patterns means the value; none mean everything."""
    if not patterns:
        return True
    return any(value.startswith(p[:-1]) if p.endswith("*") else value == p for p in patterns)


def applies(grant: Grant, question: Question, deployment: Deployment | None) -> bool:
    """Whether a rule speaks of this."""
    if not fits(question.action, grant.actions):
        return False
    if resources(grant) and question.action not in INFERENCE:
        return False
    if deployment is None:
        if grant.effect == "deny" and (grant.models or grant.providers or grant.regions or grant.tiers):
            return False
    elif not (
        any(fits(name, grant.models) for name in names_of(question.model or ""))
        and fits(deployment.provider, grant.providers)
        and fits(deployment.region, grant.regions)
        and fits(deployment.tier, grant.tiers)
    ):
        return False
    if grant.data_classes:
        matched = [fits(label, grant.data_classes) for label in question.classes]
        if not (any(matched) if grant.effect == "deny" else all(matched)):
            return False
    if grant.cidr:
        address = ipaddress.ip_address(question.client)
        if all(address not in ipaddress.ip_network(block) for block in grant.cidr):
            return False
    return not grant.hours or any(within(hours, question.at) for hours in grant.hours)


def within(hours: Hours, at: float) -> bool:
    """Whether an instant is within hours: minute by minute of the last two days' shifts."""
    zone = zoneinfo.ZoneInfo(hours.timezone)
    local = datetime.datetime.fromtimestamp(at, zone).replace(tzinfo=None)
    for back in (0, 1):
        day = (local - datetime.timedelta(days=back)).replace(hour=0, minute=0, second=0, microsecond=0)
        if hours.days and day.isoweekday() not in hours.days:
            continue
        length = (hours.end - hours.start) if hours.end > hours.start else hours.end - hours.start + 1440
        begin = day + datetime.timedelta(minutes=hours.start)
        if begin <= local < begin + datetime.timedelta(minutes=length):
            return True
    return False
