"""Settings of the database: where the rows that people manage are (organisations, keys, roles, limits …)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from seekgate.config import secrets
from seekgate.config.compiled import database as compiled
from seekgate.config.context import Context
from seekgate.config.fields import Section
from seekgate.config.problems import Invalid, Problem

EXPECTED = (
    "sqlite, sqlite:///path, postgresql://user@host/name, or a secret reference such as env:DATABASE_URL"
)
_URL = re.compile(r"(sqlite|postgres|postgresql)://")


def _url(value: object) -> str:
    """No message repeats the value: it may hold a password."""
    if not isinstance(value, str) or not value:
        raise Invalid("this names no database", EXPECTED)
    if value == "sqlite":
        return value
    if not _URL.match(value):
        try:
            scheme, rest = secrets.split(value)
        except secrets.SecretError:
            raise Invalid("this names no database", EXPECTED) from None
        if rest.startswith("//") or (scheme == "env" and not secrets.is_variable(rest)):
            raise Invalid("this names no database", EXPECTED)
        return value
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise Invalid("this is no URL", EXPECTED) from None
    if parts.password is not None or "password=" in parts.query:
        raise Invalid(
            "a password inside a URL",
            "the whole URL by reference, such as env:DATABASE_URL",
            "replace the password: others may have read it here",
        )
    if parts.scheme == "sqlite" and (parts.netloc or parts.path in ("", "/", "/:memory:")):
        raise Invalid("this names no file", "sqlite:///relative/path or sqlite:////absolute/path")
    if parts.scheme != "sqlite" and parts.path in ("", "/"):
        raise Invalid("the name of the database is missing", "postgresql://user@host/name")
    return value


class Database(Section):
    """Where the rows that people manage are. Without this section the default file is followed once it exists."""

    url: Annotated[
        str,
        BeforeValidator(_url),
        WithJsonSchema({"type": "string", "examples": ["sqlite", "env:DATABASE_URL"]}),
    ] = Field(
        default="sqlite",
        description="`sqlite`: the file `seekgate.db` in SEEKGATE_HOME. Or `sqlite:///path`, or "
        "`postgresql://user@host/name` (without a password: give the whole URL by reference, or use a password file "
        "of PostgreSQL), or a secret reference to a URL. Nodes that share rows need PostgreSQL.",
    )


def check(context: Context) -> Iterator[Problem]:
    """A reference that cannot be resolved, or not to a URL; a folder that is not there."""
    path = ("database", "url")
    url = context.tree.at(path)
    if not isinstance(url, str) or url == "sqlite":
        return
    if _URL.match(url):
        folder = os.path.dirname(_file(context, url))
        if context.outside and url.startswith("sqlite") and not os.path.isdir(folder):
            yield context.tree.problem(path, f"there is no folder {folder}", "a folder for the database")
        return
    problems = list(context.secret(path, url))
    yield from problems
    if context.outside and all(problem.warning for problem in problems):
        yield from _resolved(context, url)


def _resolved(context: Context, reference: str) -> Iterator[Problem]:
    try:
        found = context.resolver.resolve(context.located_reference(reference))
    except secrets.SecretError:
        return  # the type check says it
    if not _URL.match(found):
        yield context.tree.problem(
            ("database", "url"), "what it refers to is not a database's URL", "postgresql://user@host/name"
        )


def _file(context: Context, url: str) -> str:
    return context.located(url.removeprefix("sqlite:///"))


def compile_database(context: Context, settings: Database | None) -> compiled.Database | None:
    """The section as the snapshot has it: paths are absolute, references stay references."""
    if settings is None:
        return None
    url = settings.url
    if url.startswith("sqlite:///"):
        return compiled.Database(f"sqlite:///{_file(context, url)}")
    return compiled.Database(url if url == "sqlite" or _URL.match(url) else context.located_reference(url))
