"""Random roles, callers and questions, from a seed: the same cases each time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from seekgate.config.builtin_roles import ACTIONS, BUILTIN_ROLES
from seekgate.config.rows import BindingRow, Grant, Hours, RoleRow
from seekgate.config.snapshot import Snapshot
from seekgate.pipeline.principal import Principal
from seekgate.stages.access.state import AccessRows
from tests.support.access import MODELS, world
from tests.support.access_oracle import Question

_PATTERNS: dict[str, tuple[str, ...]] = {
    "models": ("pro", "best", "flash", "f*", "small", "*", "vec*", "unknown"),
    "providers": ("cloud", "far", "own", "c*"),
    "regions": ("cn", "eu", "e*"),
    "tiers": ("public", "private"),
    "data_classes": ("personal", "secret", "fin*", "financial"),
    "cidr": ("10.0.0.0/8", "192.0.2.0/24", "2001:db8::/32"),
}
_CLIENTS = ("10.1.2.3", "192.0.2.9", "203.0.113.5", "2001:db8::1")
_ZONES = ("UTC", "Asia/Shanghai", "America/New_York")
_OPERATIONS = ("chat", "chat", "chat", "completions", "embed", "background", "batch", "models.list", "admin.keys",
               "audit.read")  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A world with roles, and what is asked in it. ``roles`` are all that are in force but for the built-in ones, as
    the plain reading wants them, and ``held`` the caller's by whatever way."""

    snapshot: Snapshot
    rows: AccessRows
    roles: dict[str, tuple[Grant, ...]]
    principal: Principal
    held: tuple[str, ...]
    question: Question


def cases(seed: int, count: int, per_world: int = 20) -> Iterator[Case]:
    """``count`` cases, ``per_world`` of each world."""
    draw = Random(seed)
    made = 0
    while made < count:
        named = {f"role-{n}": _grants(draw) for n in range(5)}
        in_file = {name: grants for name, grants in named.items() if draw.random() < 0.5}
        rows = AccessRows()
        for name, grants in named.items():
            if name not in in_file:
                rows.apply("role", name, RoleRow(name, grants))
        bindings = (BindingRow("team:t", "team", "t", ("role-0", "role-1")),)
        rows.apply("binding", "application:a", BindingRow("application:a", "application", "a", ("role-2",)))
        snapshot = world(in_file, bindings)
        for _ in range(min(per_world, count - made)):
            principal, held = _principal(draw, tuple(named))
            yield Case(snapshot, rows, named, principal, held, _question(draw))
            made += 1


def _some(draw: Random, values: Sequence[str], most: int = 2) -> tuple[str, ...]:
    return tuple(draw.sample(values, draw.randint(1, most)))


def _grants(draw: Random) -> tuple[Grant, ...]:
    return tuple(_grant(draw) for _ in range(draw.randint(1, 4)))


def _grant(draw: Random) -> Grant:
    fields: dict[str, object] = {
        name: _some(draw, values) for name, values in _PATTERNS.items() if draw.random() < 0.15
    }
    if draw.random() < 0.15:
        start, end = draw.sample(range(0, 1440, 15), 2)
        days = tuple(sorted(draw.sample(range(1, 8), draw.randint(0, 5))))
        fields["hours"] = (Hours(start, end, days, draw.choice(_ZONES)),)
    actions = ("*",) if draw.random() < 0.4 else _some(draw, ("chat", "embed", "a*", "audit.*", *ACTIONS), 4)
    return Grant("deny" if draw.random() < 0.3 else "allow", actions, **fields)  # type: ignore[arg-type]


def _principal(draw: Random, names: tuple[str, ...]) -> tuple[Principal, tuple[str, ...]]:
    own = tuple(draw.sample((*names, *(row.id for row in BUILTIN_ROLES)), draw.randint(0, 3)))
    team, application = draw.choice(("", "t")), draw.choice(("", "", "a"))
    held = dict.fromkeys(
        (*own, *(("role-2",) if application else ()), *(("role-0", "role-1") if team else ()))
    )
    actions = frozenset(_some(draw, ("chat", "embed", "a*", "*"))) if draw.random() < 0.2 else None
    models = frozenset(_some(draw, ("best", "flash", "s*"))) if draw.random() < 0.2 else None
    return (
        Principal("caller", "caller", "key", "", team, application, "core", "", own, actions, models),
        tuple(held) or ("user",),
    )


def _question(draw: Random) -> Question:
    action = draw.choice(_OPERATIONS)
    model = None if "." in action else draw.choice([entry.name for entry in MODELS.values()])
    classes = frozenset(draw.sample(("personal", "secret", "financial"), draw.choice((0, 0, 1, 2))))
    at = 1_790_000_000.0 + draw.randrange(14 * 86_400)
    return Question(action, model, classes if model else frozenset(), draw.choice(_CLIENTS), at)
