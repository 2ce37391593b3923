"""The first tables, the default organisation, and the names of the built-in roles."""

from __future__ import annotations

import secrets
import time
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BUILT_IN = ("user", "key-manager", "role-manager", "limit-manager", "operator", "auditor", "audit-keeper")
"""Roles whose rules are the code's. The list is this migration's own: a later version adds its roles in a later one."""


def upgrade() -> None:
    """Make the tables and their first rows."""
    _installation()
    _people()
    _keys()
    _roles()
    _limits()
    _first_rows()


def downgrade() -> None:
    """Drop every table, and with them every row."""
    for table in ("limits", "bindings", "roles", "key_secrets", "keys", "users", "applications", "teams"):
        op.drop_table(table)
    for table in ("organisations", "changes", "installation"):
        op.drop_table(table)


def _first_rows() -> None:
    now = time.time()
    op.execute(
        sa.text("INSERT INTO installation (id, epoch, created_at) VALUES (1, :epoch, :now)").bindparams(
            epoch=secrets.token_hex(16), now=now
        )
    )
    op.execute(
        sa.text("INSERT INTO organisations (id, name, created_at) VALUES (:id, 'default', :now)").bindparams(
            id="org_default", now=now
        )
    )
    for name in BUILT_IN:
        op.execute(
            sa.text("INSERT INTO roles (name, created_at) VALUES (:name, :now)").bindparams(
                name=name, now=now
            )
        )


def _text(name: str, length: int, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), **{"nullable": False, **more})


def _at(name: str, nullable: bool = True) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=nullable)


def _disabled() -> sa.Column[bool]:
    return sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False)


def _json(name: str, default: str | None = "[]") -> sa.Column[str]:
    return sa.Column(name, sa.Text(), server_default=default, nullable=default is None)


def _table(name: str, *items: Any, owners: tuple[str, ...] = (), cascade: bool = False, **more: Any) -> None:
    """A table with its references to owners, each of which is indexed."""
    references = [
        sa.ForeignKeyConstraint(
            [f"{owner.removesuffix('s')}_id"],
            [f"{owner}.id"],
            name=f"fk_{name}_{owner.removesuffix('s')}_id",
            ondelete="CASCADE" if cascade else "RESTRICT",
        )
        for owner in owners
    ]
    op.create_table(name, *items, *references, **more)
    for owner in owners:
        column = f"{owner.removesuffix('s')}_id"
        op.create_index(f"ix_{name}_{column}", name, [column])


def _primary(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=f"pk_{table}")


def _unique(table: str, column: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(column, name=f"uq_{table}_{column}")


def _installation() -> None:
    _table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        _text("epoch", 32),
        _at("created_at", False),
        sa.CheckConstraint("id = 1", name="ck_installation_single"),
        _primary("installation", "id"),
    )
    _table(
        "changes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True),
        _text("kind", 16),
        _text("id", 168),
        _text("action", 16),
        _text("actor", 128),
        _at("at", False),
        _json("touched"),
        _primary("changes", "number"),
        sqlite_autoincrement=True,
    )


def _people() -> None:
    _named("organisations", _disabled())
    _named("teams", _text("organisation_id", 40), _disabled(), owners=("organisations",))
    _named(
        "applications",
        _text("team_id", 40),
        _text("tier", 8, server_default="non-core"),
        _disabled(),
        sa.CheckConstraint("tier IN ('core', 'non-core')", name="ck_applications_tier"),
        owners=("teams",),
    )
    _named("users", _text("organisation_id", 40), _disabled(), owners=("organisations",))


def _named(table: str, *items: Any, owners: tuple[str, ...] = ()) -> None:
    named = (_text("id", 40), _text("name", 128), *items, _at("created_at", False))
    _table(table, *named, _primary(table, "id"), _unique(table, "name"), owners=owners)


def _keys() -> None:
    owners = ("organisations", "teams", "applications", "users")
    one = "({} IS NOT NULL AND {} IS NULL AND {} IS NULL)".format
    _table(
        "keys",
        _text("id", 40),
        _text("name", 128),
        *(_text(f"{owner.removesuffix('s')}_id", 40, nullable=True) for owner in owners),
        _json("actions", None),
        _json("models", None),
        _json("cidr"),
        *(_at(name) for name in ("starts_at", "expires_at")),
        _disabled(),
        _at("revoked_at"),
        _at("created_at", False),
        _at("last_used_at"),
        sa.CheckConstraint(
            f"{one('organisation_id', 'team_id', 'application_id')}"
            f" OR {one('team_id', 'organisation_id', 'application_id')}"
            f" OR {one('application_id', 'organisation_id', 'team_id')}",
            name="ck_keys_one_owner",
        ),
        sa.CheckConstraint(
            "starts_at IS NULL OR expires_at IS NULL OR starts_at < expires_at", name="ck_keys_validity"
        ),
        _primary("keys", "id"),
        owners=owners,
    )
    valid = sa.text("revoked_at IS NULL")
    op.create_index("uq_keys_name", "keys", ["name"], unique=True, sqlite_where=valid, postgresql_where=valid)
    _table(
        "key_secrets",
        _text("key_id", 40),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        _text("digest", 64),
        _text("prefix", 12),
        _at("created_at", False),
        _at("expires_at"),
        _primary("key_secrets", "key_id", "ordinal"),
        _unique("key_secrets", "digest"),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name="fk_key_secrets_key_id", ondelete="CASCADE"),
    )


_SUBJECTS = ("organisations", "teams", "applications", "keys")


def _roles() -> None:
    _table(
        "roles",
        _text("name", 128),
        _json("description", ""),
        _json("grants", None),
        _at("created_at", False),
        _primary("roles", "name"),
    )
    _table(
        "bindings",
        _text("scope", 16),
        _text("subject", 128),
        _text("role", 128),
        *(_text(f"{owner.removesuffix('s')}_id", 40, nullable=True) for owner in _SUBJECTS),
        _at("created_at", False),
        sa.CheckConstraint(
            " AND ".join(
                f"(scope = '{name}') = ({name}_id IS NOT NULL)"
                for name in ("organisation", "team", "application", "key")
            ),
            name="ck_bindings_subject",
        ),
        sa.CheckConstraint(
            "scope IN ('organisation', 'team', 'application', 'user', 'key')", name="ck_bindings_scope"
        ),
        sa.ForeignKeyConstraint(["role"], ["roles.name"], name="fk_bindings_role", ondelete="RESTRICT"),
        _primary("bindings", "scope", "subject", "role"),
        owners=_SUBJECTS,
        cascade=True,
    )


def _limits() -> None:
    _table(
        "limits",
        _text("scope", 16),
        _text("subject", 128),
        *(_text(f"{owner.removesuffix('s')}_id", 40, nullable=True) for owner in _SUBJECTS),
        _json("windows"),
        sa.Column("concurrency", sa.Integer(), nullable=True),
        _json("budgets"),
        _at("created_at", False),
        sa.CheckConstraint(
            "scope IN ('key', 'application', 'team', 'organisation', 'model', 'provider')",
            name="ck_limits_scope",
        ),
        sa.CheckConstraint("concurrency >= 0", name="ck_limits_concurrency"),
        _primary("limits", "scope", "subject"),
        owners=_SUBJECTS,
        cascade=True,
    )
