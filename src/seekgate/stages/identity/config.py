"""Settings of identity: the API keys that callers present."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from seekgate.config import secrets
from seekgate.config.context import Context
from seekgate.config.fields import Name, Network, SecretReference, Section
from seekgate.config.problems import Problem
from seekgate.config.tree import Path


class Key(Section):
    """An API key: who it stands for, where its secret is, and from where it may be used."""

    name: Name = Field(description="What logs and metrics call it.")
    secret: SecretReference = Field(description="Where the secret is that callers send as a bearer token.")
    cidr: list[Network] = Field(
        default=[], description="Networks it may be used from; empty means from everywhere."
    )


def check(context: Context) -> Iterator[Problem]:
    """Secrets that cannot be read; a name or a secret that two keys share."""
    tree = context.tree
    if not tree.at(("keys",)):
        yield tree.warning(("keys",), "there is no API key, so every request is refused with 401")
    names: dict[str, Path] = {}
    for path, name in tree.texts("keys.*.name"):
        if name in names:
            line = tree.mark(names[name]).line
            yield tree.problem(
                path, f"the name {tree.show(path, name)} is taken (line {line})", "another name"
            )
        names.setdefault(name, path)
    values: dict[str, Path] = {}
    for path, reference in tree.texts("keys.*.secret"):
        yield from context.secret(path, reference)
        located = context.located_reference(reference)
        for value in (located, _value(context, located)):
            if value is not None and value in values:
                line = tree.mark(values[value]).line
                yield tree.problem(path, f"the same secret as the key on line {line}", "a secret of its own")
                break
        else:
            values[located] = path
            value = _value(context, located)
            if value is not None:
                values[value] = path


def _value(context: Context, reference: str) -> str | None:
    if not context.outside:
        return None
    try:
        return context.resolver.resolve(reference)
    except secrets.SecretError:
        return None
