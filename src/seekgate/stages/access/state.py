"""Who may do what: roles, bindings, and decisions that are remembered.

`AccessRows` holds the rows of the database and outlives snapshots; `AccessTable` belongs to one snapshot. Callers with
the same roles and scopes share a `Profile`, so that 100,000 keys need as many profiles as there are combinations of
roles. Data plane and `seekgate access explain` ask the same `AccessTable.decide`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from seekgate.config.builtin_roles import BUILTIN_ROLES, INFERENCE, KEPT_APART, MANAGES_ACCESS
from seekgate.config.rows import BindingRow, RoleRow, Row
from seekgate.config.snapshot import Deployment, Snapshot
from seekgate.pipeline.principal import Principal
from seekgate.stages.access.rules import Resources, Rule, actions, by_action, compile_role

MAX_PRINCIPALS = 65_536
MAX_PROFILES = 16_384
MAX_VERDICTS = 4_096
SCOPES: tuple[Literal["user", "application", "team", "organisation"], ...] = (
    "user", "application", "team", "organisation",
)  # fmt: skip
_USES = tuple(action for action in INFERENCE if action != "models.list")

Cause = Literal["allowed", "denied", "no_rule", "scope_action", "scope_model", "separate_duties"]


class Found(msgspec.Struct, frozen=True):
    """What is decided about one deployment (``position`` in the snapshot), and the rule that decided."""

    position: int
    allowed: bool
    rule: Rule | None


class Decision(msgspec.Struct, frozen=True):
    """What is decided, why, and whether it depends on the caller's address or the time.

    ``rule`` decided: the one that denied, or allowed, first (None: no rule, or the ``cause`` is none of a role's).
    ``found`` has an entry for each of the model's deployments; it is empty where no model is asked for.
    """

    allowed: bool
    cause: Cause
    rule: Rule | None = None
    found: tuple[Found, ...] = ()
    conditional: bool = False
    model_matters: bool = False

    @property
    def word(self) -> str:
        """How the record names it: ``access:allow:user#1``."""
        decided = self.rule.word if self.rule is not None else self.cause
        return f"access:{'allow' if self.allowed else 'deny'}:{decided}"


class Role(msgspec.Struct, frozen=True):
    """A role in force: its rules and where it is written (``file``, ``row`` or ``built-in``)."""

    name: str
    rules: tuple[Rule, ...]
    home: Literal["file", "row", "built-in"]


class Held(msgspec.Struct, frozen=True):
    """A role that a caller has, and by what: ``own``, ``default``, or a binding's id with its line in the file."""

    name: str
    by: str


class AccessRows:
    """Roles and bindings of the database. ``version`` counts the changes."""

    __slots__ = ("bindings", "roles", "version")

    def __init__(self) -> None:
        self.roles: dict[str, RoleRow] = {}
        self.bindings: dict[str, BindingRow] = {}
        self.version = 0

    def apply(self, kind: str, id: str, row: Row | None) -> None:
        """A row is new, has changed, or is gone (None). Kinds other than ``role`` and ``binding`` are not its own."""
        if kind == "role":
            if isinstance(row, RoleRow):
                self.roles[id] = row
            else:
                self.roles.pop(id, None)
        elif kind == "binding":
            if isinstance(row, BindingRow):
                self.bindings[id] = row
            else:
                self.bindings.pop(id, None)
        else:
            return
        self.version += 1


class Profile:
    """What callers with the same roles and scopes may do. ``verdicts`` are those that depend on nothing else;
    ``visible`` is kept by the stage in the same way."""

    __slots__ = ("apart", "roles", "rules", "scope_actions", "scope_models", "verdicts", "visible")

    def __init__(
        self,
        roles: tuple[str, ...],
        rules: tuple[Rule, ...],
        scope_actions: frozenset[str] | None,
        scope_models: frozenset[str] | None,
        separate_duties: bool,
    ) -> None:
        self.roles = roles
        self.rules = by_action(rules)
        self.scope_actions = scope_actions
        self.scope_models = scope_models
        self.apart = separate_duties and any(
            not rule.deny and rule.actions & MANAGES_ACCESS for rule in rules
        )
        self.verdicts: dict[tuple[str, str, frozenset[str]], Verdict] = {}
        self.visible: Visible | None = None


class Verdict(msgspec.Struct, frozen=True):
    """A decision as the stage uses it: ``whole`` when every deployment may answer; ``words`` for the record."""

    decision: Decision
    whole: bool
    words: tuple[str, ...]


class Visible(msgspec.Struct, frozen=True):
    """The names that a caller sees in the list of models (None: all of them)."""

    names: frozenset[str] | None
    conditional: bool = False


class AccessTable:
    """Decisions for one snapshot. ``tell`` is told, once each, which rows a role or binding of the file replaces."""

    __slots__ = (
        "_access",
        "_bindings",
        "_known",
        "_profiles",
        "_resources",
        "_roles",
        "_rows",
        "_sources",
        "_tell",
        "_told",
        "_version",
    )

    def __init__(self, snapshot: Snapshot, rows: AccessRows, tell: Callable[[str], object]) -> None:
        access = snapshot.access
        self._access = access
        self._rows = rows
        self._tell = tell
        self._told: set[str] = set()
        self._version = rows.version - 1
        self._resources = Resources(snapshot)
        self._sources = {entry.row.id: entry for entry in access.roles}
        self._bindings = {entry.row.id: entry for entry in access.bindings}
        self._roles: dict[str, Role] = {}
        self._known: dict[int, tuple[Principal, Profile]] = {}
        self._profiles: dict[object, Profile] = {}

    # -- who has which roles --------------------------------------------------------------------------------------

    def profile(self, principal: Principal) -> Profile:
        """What this caller may do; remembered until a row changes."""
        if self._version != self._rows.version:
            self._refresh()
        known = self._known.get(id(principal))
        if known is not None and known[0] is principal:
            return known[1]
        profile = self._profile(principal)
        if len(self._known) >= MAX_PRINCIPALS:
            self._known.clear()
        # The entry holds the principal, so that no other one can get its id.
        self._known[id(principal)] = (principal, profile)
        return profile

    def held(self, principal: Principal) -> tuple[Held, ...]:
        """The roles of a caller: its own, then those bound to its user, application, team and organisation; the
        default ones if there are none."""
        held: dict[str, Held] = {name: Held(name, "own") for name in principal.roles}
        for scope in SCOPES:
            name = getattr(principal, scope)
            if not name:
                continue
            binding = f"{scope}:{name}"
            written = self._bindings.get(binding)
            if written is not None:
                by, row = f"binding {binding} ({self._access.file}:{written.line})", written.row
            else:
                by, row = f"binding {binding} (row)", self._rows.bindings.get(binding)  # type: ignore[assignment]
            if row is not None:
                for role in row.roles:
                    held.setdefault(role, Held(role, by))
        if not held:
            return tuple(Held(name, "default") for name in self._access.default_roles)
        return tuple(held.values())

    def role(self, name: str) -> Role | None:
        """The role of this name that is in force: the file's, or else the row's, or else the built-in one."""
        role = self._roles.get(name)
        if role is None:
            role = self._compiled(name)
            if role is not None:  # names that are written nowhere come from tokens: there may be any number
                self._roles[name] = role
        return role

    def _compiled(self, name: str) -> Role | None:
        written = self._sources.get(name)
        if written is not None:
            sources = [f"{self._access.file}:{line}" for line in written.lines]
            return Role(name, compile_role(written.row, sources, self._resources), "file")
        row = self._rows.roles.get(name)
        if row is not None:
            sources = [f"row role:{name}"] * len(row.grants)
            return Role(name, compile_role(row, sources, self._resources), "row")
        for builtin in BUILTIN_ROLES:
            if builtin.id == name:
                sources = ["built-in"] * len(builtin.grants)
                return Role(name, compile_role(builtin, sources, self._resources), "built-in")
        return None

    def _profile(self, principal: Principal) -> Profile:
        roles = tuple(held.name for held in self.held(principal))
        key = (roles, principal.actions, principal.models)
        profile = self._profiles.get(key)
        if profile is None:
            rules = tuple(rule for name in roles if (role := self.role(name)) for rule in role.rules)
            profile = Profile(
                roles,
                rules,
                None if principal.actions is None else actions(principal.actions),
                None if principal.models is None else self._scoped(principal.models),
                self._access.separate_duties,
            )
            if len(self._profiles) >= MAX_PROFILES:
                self._profiles.clear()
            self._profiles[key] = profile
        return profile

    def _scoped(self, patterns: frozenset[str]) -> frozenset[str]:
        return self._resources.named(tuple(patterns)) or frozenset()

    def _refresh(self) -> None:
        self._version = self._rows.version
        self._roles.clear()
        self._known.clear()
        self._profiles.clear()
        for what, written, rows in (
            ("role", self._sources, self._rows.roles),
            ("binding", self._bindings, self._rows.bindings),
        ):
            for name in written.keys() & rows.keys():
                if f"{what} {name}" not in self._told:
                    self._told.add(f"{what} {name}")
                    self._tell(
                        f"the {what} '{name}' of {self._access.file} takes the place of the database's"
                    )

    # -- decisions ------------------------------------------------------------------------------------------------

    def decide(
        self,
        profile: Profile,
        action: str,
        model: str | None,
        classes: frozenset[str],
        client: str,
        at: float,
    ) -> Decision:
        """Whether a caller may do ``action``: on a model (its name without aliases), or at all (None).

        ``classes`` are the request's data classes, ``client`` an address, ``at`` Unix seconds. Every denying rule is
        looked at before any allowing one.
        """
        if profile.scope_actions is not None and action not in profile.scope_actions:
            return Decision(False, "scope_action")
        if model is not None and profile.scope_models is not None and model not in profile.scope_models:
            return Decision(False, "scope_model", model_matters=True)
        if profile.apart and action in KEPT_APART:
            return Decision(False, "separate_duties")
        about = [rule for rule in profile.rules.get(action, ()) if rule.about(model, classes)]
        conditional = any(rule.conditional for rule in about)
        if conditional:
            about = [rule for rule in about if not rule.conditional or rule.holds(client, at)]
        if model is None:
            rule = about[0] if about else None
            allowed = rule is not None and not rule.deny
            return Decision(allowed, _cause(allowed, rule), rule, (), conditional)
        found = tuple(_found(position, about) for position in self._resources.models[model].deployments)
        chosen = next((one for one in found if one.allowed), None) or next(
            (one for one in found if one.rule), None
        )
        rule = chosen.rule if chosen else None
        allowed = chosen is not None and chosen.allowed
        matters = not allowed and _model_matters(profile.rules.get(action, ()), rule, model)
        return Decision(allowed, _cause(allowed, rule), rule, found, conditional, matters)

    def verdict(
        self, profile: Profile, operation: str, model: str, classes: frozenset[str], client: str, at: float
    ) -> Verdict:
        """`decide` for an endpoint's operation, remembered where it depends on neither address nor time."""
        action = ACTION_OF[operation]
        decision = self.decide(profile, action, model, classes, client, at)
        whole = decision.allowed and all(one.allowed for one in decision.found)
        verdict = Verdict(decision, whole, (decision.word,))
        if not decision.conditional:
            if len(profile.verdicts) >= MAX_VERDICTS:
                profile.verdicts.clear()
            profile.verdicts[operation, model, classes] = verdict
        return verdict

    def visible(self, profile: Profile, client: str, at: float) -> Visible:
        """The names of the models that a caller may list and use in some way, here and now."""
        if profile.visible is not None:
            return profile.visible
        conditional = False
        seen: set[str] = set()
        for model in self._resources.models:
            listed = self.decide(profile, "models.list", model, _NO_CLASSES, client, at)
            uses = [self.decide(profile, action, model, _NO_CLASSES, client, at) for action in _USES]
            conditional = conditional or any(one.conditional for one in (listed, *uses))
            if listed.allowed and any(one.allowed for one in uses):
                seen.add(model)
        every = self._resources.names
        shown = frozenset(name for name, model in every.items() if model in seen)
        visible = Visible(None if len(shown) == len(every) else shown, conditional)
        if not conditional:
            profile.visible = visible
        return visible

    def narrow(
        self, decision: Decision, candidates: Sequence[Deployment]
    ) -> tuple[tuple[Deployment, ...], Decision]:
        """The candidates that may answer, and the decision if there is none: the model may have deployments that are
        allowed, none of which serves this endpoint."""
        found = {self._resources.deployments[one.position].id: one for one in decision.found}
        allowed = tuple(one for one in candidates if one.id in found and found[one.id].allowed)
        if allowed or not decision.allowed:
            return allowed, decision
        denied = next((found[one.id].rule for one in candidates if found[one.id].rule is not None), None)
        return (), Decision(False, _cause(False, denied), denied, decision.found, decision.conditional)

    def deployment(self, position: int) -> Deployment:
        """The deployment at a position of the snapshot."""
        return self._resources.deployments[position]


ACTION_OF = {"chat": "chat", "completions": "completions", "embeddings": "embed", "models": "models.list"}
_NO_CLASSES: frozenset[str] = frozenset()


def _cause(allowed: bool, rule: Rule | None) -> Cause:
    if allowed:
        return "allowed"
    return "no_rule" if rule is None else "denied"


def _found(position: int, rules: list[Rule]) -> Found:
    """The first rule about a deployment decides: those that deny come first."""
    for rule in rules:
        if rule.deployments is None or position in rule.deployments:
            return Found(position, not rule.deny, rule)
    return Found(position, False, None)


def _model_matters(rules: tuple[Rule, ...], decided: Rule | None, model: str) -> bool:
    """Whether another model might have been allowed: the decision is about this one."""
    if decided is not None:
        return decided.models is not None
    return any(not rule.deny and rule.models is not None and model not in rule.models for rule in rules)
