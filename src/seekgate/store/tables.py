"""The tables of the rows that people manage, as SQLAlchemy Core sees them.

Core and not mapped classes: the repository's statements are few and set-based, and the mapper would double the time
that every ``seekgate keys …`` spends on imports. The migrations (`seekgate.store.migrations`) make these tables; a
test compares both.

Instants are Unix seconds. Lists are JSON in text columns: nothing is searched inside them. What a row belongs to is a
foreign key, so that a key cannot outlive its application, nor a binding its role.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

ID_LENGTH = 40
NAME_LENGTH = 128

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[str]:
    return Column("id", String(ID_LENGTH), primary_key=True)


def _name() -> Column[str]:
    return Column("name", String(NAME_LENGTH), nullable=False)


def _disabled() -> Column[bool]:
    return Column("disabled", Boolean, nullable=False, server_default=false())


def _at(name: str, *, nullable: bool = True) -> Column[float]:
    return Column(name, Double, nullable=nullable)


def _owner(table: str, *, nullable: bool = True, cascade: bool = False) -> Column[str]:
    """A reference to an organisation, team, application, user or key, indexed."""
    name = f"{table.removesuffix('s')}_id"
    target = ForeignKey(f"{table}.id", ondelete="CASCADE" if cascade else "RESTRICT")
    return Column(name, String(ID_LENGTH), target, nullable=nullable, index=True)


installation = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("epoch", String(32), nullable=False),
    _at("created_at", nullable=False),
    CheckConstraint("id = 1", name="single"),
)
"""One row. ``epoch`` tells one database from another, for those who follow change numbers."""

changes = Table(
    "changes",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True),
    Column("kind", String(16), nullable=False),
    Column("id", String(ID_LENGTH + NAME_LENGTH), nullable=False),
    Column("action", String(16), nullable=False),
    Column("actor", String(NAME_LENGTH), nullable=False),
    _at("at", nullable=False),
    Column("touched", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""One row for each change: what was changed, by whom, and ``touched``, the rows of the row log that were known to be
affected (``[[kind, id], …]``). Numbers grow in the order of commits and are never used twice."""

organisations = Table(
    "organisations",
    metadata,
    _id(),
    _name(),
    _disabled(),
    _at("created_at", nullable=False),
    UniqueConstraint("name"),
)

teams = Table(
    "teams",
    metadata,
    _id(),
    _name(),
    _owner("organisations", nullable=False),
    _disabled(),
    _at("created_at", nullable=False),
    UniqueConstraint("name"),
)

applications = Table(
    "applications",
    metadata,
    _id(),
    _name(),
    _owner("teams", nullable=False),
    Column("tier", String(8), nullable=False, server_default="non-core"),
    _disabled(),
    _at("created_at", nullable=False),
    UniqueConstraint("name"),
    CheckConstraint("tier IN ('core', 'non-core')", name="tier"),
)

users = Table(
    "users",
    metadata,
    _id(),
    _name(),
    _owner("organisations", nullable=False),
    _disabled(),
    _at("created_at", nullable=False),
    UniqueConstraint("name"),
)

keys = Table(
    "keys",
    metadata,
    _id(),
    _name(),
    _owner("organisations"),
    _owner("teams"),
    _owner("applications"),
    _owner("users"),
    Column("actions", Text),
    Column("models", Text),
    Column("cidr", Text, nullable=False, server_default="[]"),
    _at("starts_at"),
    _at("expires_at"),
    _disabled(),
    _at("revoked_at"),
    _at("created_at", nullable=False),
    _at("last_used_at"),
    CheckConstraint(
        "(organisation_id IS NOT NULL AND team_id IS NULL AND application_id IS NULL)"
        " OR (organisation_id IS NULL AND team_id IS NOT NULL AND application_id IS NULL)"
        " OR (organisation_id IS NULL AND team_id IS NULL AND application_id IS NOT NULL)",
        name="one_owner",
    ),
    CheckConstraint("starts_at IS NULL OR expires_at IS NULL OR starts_at < expires_at", name="validity"),
    # The migration restricts it to keys that are not revoked: a name is free again afterwards. Said here too, it would
    # make every command import both dialects.
    Index("uq_keys_name", "name", unique=True),
)

key_secrets = Table(
    "key_secrets",
    metadata,
    Column("key_id", String(ID_LENGTH), ForeignKey("keys.id", ondelete="CASCADE"), primary_key=True),
    Column("ordinal", Integer, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Column("prefix", String(12), nullable=False),
    _at("created_at", nullable=False),
    _at("expires_at"),
    UniqueConstraint("digest"),
)
"""The secrets of a key: one, and while a rotation overlaps also the old one. Only keyed hashes."""

roles = Table(
    "roles",
    metadata,
    Column("name", String(NAME_LENGTH), primary_key=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("grants", Text),
    _at("created_at", nullable=False),
)
"""``grants`` is NULL for a built-in role: it is as this version of SeekGate defines it."""

bindings = Table(
    "bindings",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("subject", String(NAME_LENGTH), primary_key=True),
    Column("role", String(NAME_LENGTH), ForeignKey("roles.name", ondelete="RESTRICT"), primary_key=True),
    _owner("organisations", cascade=True),
    _owner("teams", cascade=True),
    _owner("applications", cascade=True),
    _owner("keys", cascade=True),
    _at("created_at", nullable=False),
    CheckConstraint(
        "(scope = 'organisation') = (organisation_id IS NOT NULL) AND (scope = 'team') = (team_id IS NOT NULL)"
        " AND (scope = 'application') = (application_id IS NOT NULL) AND (scope = 'key') = (key_id IS NOT NULL)",
        name="subject",
    ),
    CheckConstraint("scope IN ('organisation', 'team', 'application', 'user', 'key')", name="scope"),
)
"""``subject`` is the id of an organisation, team, application or key, and the name of a user: users may come from an
identity provider and need no row here."""

limits = Table(
    "limits",
    metadata,
    Column("scope", String(16), primary_key=True),
    Column("subject", String(NAME_LENGTH), primary_key=True),
    _owner("organisations", cascade=True),
    _owner("teams", cascade=True),
    _owner("applications", cascade=True),
    _owner("keys", cascade=True),
    Column("windows", Text, nullable=False, server_default="[]"),
    Column("concurrency", Integer),
    Column("budgets", Text, nullable=False, server_default="[]"),
    _at("created_at", nullable=False),
    CheckConstraint(
        "scope IN ('key', 'application', 'team', 'organisation', 'model', 'provider')", name="scope"
    ),
    CheckConstraint("concurrency >= 0", name="concurrency"),
)
"""``subject`` is the id of a row of ours, a name that the configuration file knows, or ``*``: the scope's default."""
