"""Grants made into sets: which actions, models and deployments of a snapshot each rule is about.

Pure and built once for a snapshot (and again for a role's row when it changes), so that a decision compares members
of sets and reads no pattern.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from zoneinfo import ZoneInfo

import msgspec

from seekgate.config.builtin_roles import ACTIONS, INFERENCE, matching
from seekgate.config.rows import Grant, Hours, RoleRow
from seekgate.config.snapshot import Deployment, Model, Snapshot

_INFERENCE = frozenset(INFERENCE)
_NOTHING: frozenset[str] = frozenset()


class Names(msgspec.Struct, frozen=True):
    """Names and the beginnings of names."""

    exact: frozenset[str]
    prefixes: tuple[str, ...] = ()

    def has(self, name: str) -> bool:
        """Whether ``name`` is meant."""
        return name in self.exact or (bool(self.prefixes) and name.startswith(self.prefixes))


class Shift(msgspec.Struct, frozen=True):
    """Times of the week in a zone. ``until`` may be past 1440: it ends on the next day."""

    start: int
    until: int
    days: frozenset[int]
    zone: ZoneInfo

    def holds(self, at: float) -> bool:
        """Whether the Unix instant ``at`` is within, the beginning included and the end not."""
        local = datetime.fromtimestamp(at, self.zone)
        minute, day = local.hour * 60 + local.minute, local.isoweekday()
        if self.start <= minute < self.until and day in self.days:
            return True
        return minute + 1440 < self.until and (day - 2) % 7 + 1 in self.days


class Rule(msgspec.Struct, frozen=True):
    """One grant of a role. ``models`` are names without aliases and ``deployments`` positions in the snapshot, each
    None where every one is meant; ``source`` says where it is written."""

    role: str
    number: int
    source: str
    deny: bool
    actions: frozenset[str]
    models: frozenset[str] | None = None
    deployments: frozenset[int] | None = None
    classes: Names | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    shifts: tuple[Shift, ...] = ()

    @property
    def word(self) -> str:
        """How decisions name it: ``analyst#2``."""
        return f"{self.role}#{self.number}"

    @property
    def conditional(self) -> bool:
        """Whether it depends on where a request comes from, or when."""
        return bool(self.networks or self.shifts)

    def about(self, model: str | None, classes: frozenset[str]) -> bool:
        """Whether it speaks of this model and these data classes. A denying rule needs one of the classes, an
        allowing rule must know all of them."""
        if model is None:
            # Nothing of a model is asked: a rule that denies something of some models does not deny this.
            if self.deny and (self.models is not None or self.deployments is not None):
                return False
        elif self.models is not None and model not in self.models:
            return False
        if self.classes is None:
            return True
        if self.deny:
            return any(self.classes.has(label) for label in classes)
        return all(self.classes.has(label) for label in classes)

    def holds(self, client: str, at: float) -> bool:
        """Whether its conditions are met. An address that cannot be read is in no network, and denied by rules that
        deny some."""
        if self.networks:
            try:
                address = ip_address(client)
            except ValueError:
                return self.deny
            if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
                address = address.ipv4_mapped
            if not any(address in network for network in self.networks):
                return False
        return not self.shifts or any(shift.holds(at) for shift in self.shifts)


class Resources:
    """The models and deployments of a snapshot, as patterns find them."""

    __slots__ = ("deployments", "models", "names")

    def __init__(self, snapshot: Snapshot) -> None:
        self.deployments: tuple[Deployment, ...] = snapshot.deployments
        self.models: dict[str, Model] = {model.name: model for model in snapshot.models.values()}
        self.names: dict[str, str] = {name: model.name for name, model in snapshot.models.items()}
        self.names.update((name, name) for name in self.models)

    def named(self, patterns: Sequence[str]) -> frozenset[str] | None:
        """The models that have a name, or an alias, which one of the patterns means; None for no patterns."""
        if not patterns:
            return None
        meant = names(patterns)
        return frozenset(model for name, model in self.names.items() if meant.has(name))

    def placed(self, grant: Grant) -> frozenset[int] | None:
        """The deployments at a grant's providers, in its regions and of its tiers; None where it names none."""
        if not (grant.providers or grant.regions or grant.tiers):
            return None
        wanted = (names(grant.providers), names(grant.regions), names(grant.tiers))
        return frozenset(
            position
            for position, one in enumerate(self.deployments)
            if all(
                meant is None or meant.has(value)
                for meant, value in zip(wanted, (one.provider, one.region, one.tier), strict=True)
            )
        )


def names(patterns: Sequence[str]) -> Names:
    """Patterns as `Names`; none mean everything."""
    if not patterns:
        return Names(_NOTHING, ("",))
    exact = frozenset(pattern for pattern in patterns if not pattern.endswith("*"))
    return Names(exact, tuple(pattern[:-1] for pattern in patterns if pattern.endswith("*")))


def actions(patterns: Iterable[str]) -> frozenset[str]:
    """The actions that patterns mean."""
    return frozenset(action for pattern in patterns for action in matching(pattern))


def compile_role(row: RoleRow, sources: Sequence[str], resources: Resources) -> tuple[Rule, ...]:
    """A role's rules; ``sources`` says of each where it is written."""
    return tuple(
        _rule(row.id, number, source, grant, resources)
        for number, (grant, source) in enumerate(zip(row.grants, sources, strict=True), 1)
    )


def _rule(role: str, number: int, source: str, grant: Grant, resources: Resources) -> Rule:
    deny = grant.effect == "deny"
    meant = actions(grant.actions) if grant.actions else frozenset(ACTIONS)
    if grant.models or grant.providers or grant.regions or grant.tiers or grant.data_classes:
        # Administration knows no models: a rule about some models is not about it.
        meant &= _INFERENCE
    return Rule(
        role=role,
        number=number,
        source=source,
        deny=deny,
        actions=meant,
        models=resources.named(grant.models),
        deployments=resources.placed(grant),
        classes=names(grant.data_classes) if grant.data_classes else None,
        networks=tuple(_network(block) for block in grant.cidr),
        shifts=tuple(_shift(hours) for hours in grant.hours),
    )


_MAPPED = 96
"""Bits before an IPv4 address that is written as an IPv6 one (RFC 4291, 2.5.5.2)."""


def _network(block: str) -> IPv4Network | IPv6Network:
    """A network. Clients of IPv4 are compared by their IPv4 address, so of its IPv6 form nothing may be left."""
    network = ip_network(block)
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return IPv4Network((mapped, network.prefixlen - _MAPPED))
    return network


def _shift(hours: Hours) -> Shift:
    until = hours.end if hours.end > hours.start else hours.end + 1440
    return Shift(hours.start, until, frozenset(hours.days or range(1, 8)), ZoneInfo(hours.timezone))


def by_action(rules: Iterable[Rule]) -> Mapping[str, tuple[Rule, ...]]:
    """The rules of each action, those that deny first."""
    ordered = sorted(rules, key=lambda rule: not rule.deny)
    return {action: tuple(rule for rule in ordered if action in rule.actions) for action in ACTIONS}
