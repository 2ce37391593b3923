"""Settings of access: roles, what they are bound to, and what callers without a role may do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from seekgate.config.builtin_roles import ACTIONS, BUILTIN_ROLES, KEPT_APART, MANAGES_ACCESS, matching
from seekgate.config.context import Context
from seekgate.config.fields import Name, Network, Section
from seekgate.config.hours import format_hours, parse_hours
from seekgate.config.problems import Invalid, Problem, did_you_mean, one_of
from seekgate.config.tree import Path

SCOPES = ("user", "application", "team", "organisation")


def _action(value: str) -> str:
    if matching(value):
        return value
    raise Invalid(
        "not an action",
        f"{one_of(ACTIONS, 20)}, or a beginning with * such as audit.*",
        did_you_mean(value, ACTIONS),
    )


def _pattern(value: str) -> str:
    if not value or len(value) > 128 or "*" in value[:-1] or not value.isprintable():
        raise Invalid("not a name or pattern", "a name, or a beginning with * at its end such as flash*")
    return value


def _hours(value: str) -> str:
    return format_hours(parse_hours(value))


Action = Annotated[
    str, AfterValidator(_action), WithJsonSchema({"type": "string", "examples": ["chat", "audit.*"]})
]
Pattern = Annotated[
    str, AfterValidator(_pattern), WithJsonSchema({"type": "string", "examples": ["deepseek-*"]})
]
HoursText = Annotated[
    str,
    AfterValidator(_hours),
    WithJsonSchema({"type": "string", "examples": ["mon-fri 08:00-18:00 Asia/Shanghai"]}),
]


class Grant(Section):
    """One rule: what it allows or denies, of which models, and when. What is left out means everything; names may end
    in `*`. A rule that denies wins over any that allows."""

    allow: list[Action] | None = Field(default=None, min_length=1, description="Actions that it allows.")
    deny: list[Action] | None = Field(default=None, min_length=1, description="Actions that it denies.")
    models: list[Pattern] = Field(default=[], description="Models, by any of their names.")
    providers: list[Pattern] = Field(default=[], description="Providers of the deployments that may answer.")
    regions: list[Pattern] = Field(default=[], description="Regions of these deployments.")
    tiers: list[Literal["public", "private"]] = Field(default=[], description="Tiers of these deployments.")
    data_classes: list[Pattern] = Field(
        default=[],
        description="Labels that detectors gave the request. `allow` covers requests with no others, `deny` requests "
        "with any of them.",
    )
    cidr: list[Network] = Field(default=[], description="Networks that the request comes from.")
    hours: list[HoursText] = Field(
        default=[], description="Times such as `mon-fri 08:00-18:00 Asia/Shanghai`."
    )

    @model_validator(mode="after")
    def _one_effect(self) -> Self:
        if (self.allow is None) == (self.deny is None):
            raise Invalid("a rule must either allow or deny", "one of allow and deny, with a list of actions")
        return self


class Role(Section):
    """Rules under a name."""

    grants: list[Grant] = Field(min_length=1, description="The rules; their order does not matter.")


class Binding(Section):
    """Roles of everybody in a team, application or organisation, or of one user."""

    user: Name | None = Field(default=None, description="Whose: this user's.")
    application: Name | None = Field(default=None, description="Whose: this application's.")
    team: Name | None = Field(default=None, description="Whose: this team's.")
    organisation: Name | None = Field(default=None, description="Whose: this organisation's.")
    roles: list[Name] = Field(min_length=1, description="The roles' names.")

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if sum(getattr(self, scope) is not None for scope in SCOPES) != 1:
            raise Invalid("a binding must be of one subject", one_of(SCOPES))
        return self


class Access(Section):
    """What holds for every role."""

    default_roles: list[Name] = Field(
        default=["user"],
        description="Roles of a caller who has none, by itself or by a binding. `[]`: such a caller may do nothing.",
    )
    separate_duties: bool = Field(
        default=True,
        description="Whoever may manage keys or roles may neither read, export nor erase audit records.",
    )


def check(context: Context) -> Iterator[Problem]:
    """Roles that nothing declares, a binding twice, a role that holds duties which are kept apart."""
    tree = context.tree
    known = [*tree.names("roles"), *(row.id for row in BUILTIN_ROLES)]
    for pattern in ("bindings.*.roles.*", "access.default_roles.*", "keys.*.roles.*"):
        for path, role in tree.texts(pattern):
            if role not in known:
                hint = (
                    did_you_mean(role, known)
                    or "without a row of this name in the database it grants nothing"
                )
                yield tree.warning(path, f"no role of this file is called {tree.show(path, role)}", hint)
    yield from _bindings_once(context)
    yield from _duties(context)


def _bindings_once(context: Context) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Path] = {}
    for scope in SCOPES:
        for path, name in context.tree.texts(f"bindings.*.{scope}"):
            if (scope, name) in seen:
                line = context.tree.mark(seen[scope, name]).line
                what = f"{scope} {context.tree.show(path, name)} has a binding already (line {line})"
                yield context.tree.problem(path, what, "one binding with all its roles")
            seen.setdefault((scope, name), path)


def _duties(context: Context) -> Iterator[Problem]:
    """A role that grants both is a mistake of the file; a caller with two such roles is refused when asking."""
    tree = context.tree
    if tree.at(("access", "separate_duties")) is False:
        return
    for name in tree.names("roles"):
        granted: dict[str, Path] = {}
        for path, action in tree.texts("roles.*.grants.*.allow.*"):
            if path[1] == name:
                granted |= dict.fromkeys(matching(action), path)
        manages = MANAGES_ACCESS & granted.keys()
        apart = sorted(KEPT_APART & granted.keys())
        if manages and apart:
            yield tree.problem(
                granted[apart[0]],
                f"one role must not have both '{min(manages)}' and '{apart[0]}'",
                "two roles for different people, or access.separate_duties: false",
            )
