"""Access settings into the snapshot: rows with the lines that they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seekgate.config.compiled import access as compiled
from seekgate.config.hours import parse_hours
from seekgate.config.rows import BindingRow, Grant, RoleRow
from seekgate.config.tree import Path, Tree
from seekgate.stages.access import config


def compile_access(
    tree: Tree,
    roles: Mapping[str, config.Role],
    bindings: Sequence[config.Binding],
    access: config.Access,
) -> compiled.Access:
    """What workers decide by. What the checks let pass cannot fail here."""
    return compiled.Access(
        file=tree.file if roles or bindings else "",
        roles=tuple(_role(tree, name, role) for name, role in roles.items()),
        bindings=tuple(_binding(tree, number, binding) for number, binding in enumerate(bindings)),
        default_roles=tuple(access.default_roles),
        separate_duties=access.separate_duties,
    )


def _role(tree: Tree, name: str, role: config.Role) -> compiled.FileRole:
    def line(number: int) -> int:
        path: Path = ("roles", name, "grants", number)
        return tree.mark(path).line

    row = RoleRow(name, tuple(grant_row(grant) for grant in role.grants))
    return compiled.FileRole(row, tuple(line(number) for number in range(len(role.grants))))


def grant_row(grant: config.Grant) -> Grant:
    """A rule of the file as a row has it."""
    return Grant(
        effect="deny" if grant.deny is not None else "allow",
        actions=tuple(grant.deny or grant.allow or ()),
        models=tuple(grant.models),
        providers=tuple(grant.providers),
        regions=tuple(grant.regions),
        tiers=tuple(grant.tiers),
        data_classes=tuple(grant.data_classes),
        cidr=tuple(grant.cidr),
        hours=tuple(parse_hours(text) for text in grant.hours),
    )


def _binding(tree: Tree, number: int, binding: config.Binding) -> compiled.FileBinding:
    scope, name = next(
        (scope, name) for scope in config.SCOPES if (name := getattr(binding, scope)) is not None
    )
    row = BindingRow(f"{scope}:{name}", scope, name, tuple(binding.roles))  # type: ignore[arg-type]
    return compiled.FileBinding(row, tree.mark(("bindings", number)).line)
