"""A snapshot to decide about, and short ways to write roles and callers."""

from __future__ import annotations

import msgspec

from seekgate.config.compiled.access import Access, FileBinding, FileRole
from seekgate.config.rows import BindingRow, Grant, RoleRow
from seekgate.config.snapshot import Deployment, Model, Snapshot
from seekgate.pipeline.principal import Principal
from seekgate.stages.access.state import AccessRows, AccessTable
from tests.support.scene_config import provider, snapshot

DEPLOYMENTS = (
    Deployment("pro-cn", "cloud", "pro", region="cn"),
    Deployment("pro-eu", "far", "pro", region="eu"),
    Deployment("pro-own", "own", "pro", tier="private", region="cn"),
    Deployment("flash-cn", "cloud", "flash", region="cn", capabilities=("chat", "completions")),
    Deployment("flash-eu", "far", "flash", region="eu"),
    Deployment("small-own", "own", "small", tier="private"),
    Deployment("vectors-own", "own", "vectors", tier="private", capabilities=("embeddings",)),
)
PRO, FLASH, SMALL, VECTORS = (
    Model("pro", (0, 1, 2)),
    Model("flash", (3, 4)),
    Model("small", (5,)),
    Model("vectors", (6,)),
)
MODELS = {"pro": PRO, "best": PRO, "flash": FLASH, "fast": FLASH, "small": SMALL, "vectors": VECTORS}
FILE = "seekgate.yaml"


def allow(*actions: str, **more: object) -> Grant:
    """A rule that allows; fields as lists of names."""
    return Grant("allow", actions, **more)  # type: ignore[arg-type]


def deny(*actions: str, **more: object) -> Grant:
    """A rule that denies."""
    return Grant("deny", actions, **more)  # type: ignore[arg-type]


def world(
    roles: dict[str, tuple[Grant, ...]] | None = None,
    bindings: tuple[BindingRow, ...] = (),
    default_roles: tuple[str, ...] = ("user",),
    separate_duties: bool = True,
) -> Snapshot:
    """A snapshot with these roles and bindings in its file; the rules stand on lines 10, 11 …, for each role."""
    access = Access(
        FILE,
        tuple(
            FileRole(RoleRow(name, grants), tuple(range(10, 10 + len(grants))))
            for name, grants in (roles or {}).items()
        ),
        tuple(FileBinding(row, 90 + number) for number, row in enumerate(bindings)),
        default_roles,
        separate_duties,
    )
    providers = {name: provider(name, "198.51.100.1", "env:CLOUD") for name in ("cloud", "far", "own")}
    base = snapshot(providers=providers, deployments=DEPLOYMENTS, models=MODELS, routes=())
    return msgspec.structs.replace(base, access=access)


def table(
    roles: dict[str, tuple[Grant, ...]] | None = None,
    rows: AccessRows | None = None,
    **more: object,
) -> AccessTable:
    """A table of `world`, which expects that no row is replaced."""

    def tell(what: str) -> None:
        raise AssertionError(what)

    return AccessTable(world(roles, **more), rows or AccessRows(), tell)  # type: ignore[arg-type]


def caller(*roles: str, **more: object) -> Principal:
    """A caller with these roles of its own."""
    return Principal(name="caller", id="caller", kind="key", roles=roles, **more)  # type: ignore[arg-type]
