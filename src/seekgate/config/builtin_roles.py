"""Actions that roles grant, and the roles that exist from the start.

One place for the workers, the commands and the database: what is built in is the same everywhere. A role of the same
name in the database or in the configuration file takes a built-in role's place.
"""

from __future__ import annotations

from seekgate.config.rows import Grant, RoleRow

INFERENCE = ("chat", "completions", "embed", "background", "batch", "models.list")
"""What callers do; only these are looked at model by model."""

ADMINISTRATION = (
    "admin.keys",
    "admin.teams",
    "admin.apps",
    "admin.roles",
    "admin.limits",
    "admin.config",
    "usage.read",
)
"""What people do who run the gateway: keys, teams, applications, roles and bindings, limits and budgets, reloads."""

AUDIT = ("audit.read", "audit.export", "audit.verify", "audit.erase")
"""What can be done with the journal. ``audit.erase`` is to end a record's keeping before its time."""

ACTIONS = (*INFERENCE, *ADMINISTRATION, *AUDIT)

MANAGES_ACCESS = frozenset(("admin.keys", "admin.roles"))
KEPT_APART = frozenset(("audit.read", "audit.export", "audit.erase"))
"""Separate duties: who may do one of `MANAGES_ACCESS` may do none of these (`access.separate_duties`)."""

_DESCRIPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "user": ("Every kind of inference on every model", INFERENCE),
    "key-manager": ("Keys, teams and applications", ("admin.keys", "admin.teams", "admin.apps")),
    "role-manager": ("Roles and bindings", ("admin.roles",)),
    "limit-manager": ("Limits and budgets, and what was used", ("admin.limits", "usage.read")),
    "operator": ("Reloads and what was used", ("admin.config", "usage.read")),
    "auditor": ("Reads, exports and verifies the audit", ("audit.read", "audit.export", "audit.verify")),
    "audit-keeper": ("Ends the keeping of audit records", ("audit.erase", "audit.verify")),
}

DESCRIPTIONS = {name: text for name, (text, _) in _DESCRIPTIONS.items()}
BUILTIN_ROLES = tuple(
    RoleRow(name, (Grant("allow", actions),)) for name, (_, actions) in _DESCRIPTIONS.items()
)


def matching(pattern: str, names: tuple[str, ...] = ACTIONS) -> tuple[str, ...]:
    """The names that a pattern means: itself, or with ``*`` at its end all that begin so."""
    if pattern.endswith("*"):
        return tuple(name for name in names if name.startswith(pattern[:-1]))
    return tuple(name for name in names if name == pattern)
