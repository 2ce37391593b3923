"""What a check that pydantic cannot do sees: the raw tree, the environment, the folder of the file, the secrets.

Such checks look at the raw tree and not at the validated settings, so that a wrong reference is reported in the same
run as a wrong type elsewhere. Each capability has a function ``check(context) -> Iterator[Problem]``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from seekgate.config import secrets
from seekgate.config.problems import Problem, did_you_mean, one_of
from seekgate.config.tree import Path, Tree


@dataclass(frozen=True)
class Context:
    """``outside`` False leaves out what depends on this machine: files, environment variables, secrets."""

    tree: Tree
    environ: Mapping[str, str]
    folder: FilePath
    outside: bool = True
    resolver: secrets.SecretResolver = field(default_factory=secrets.SecretResolver)

    def located(self, path: str) -> str:
        """A path of the file as an absolute one: relative ones start at the configuration file's folder."""
        return os.path.normpath(os.path.join(self.folder, os.path.expanduser(path)))

    def located_reference(self, reference: str) -> str:
        """`located` for ``file:`` references; others stay as they are."""
        scheme, colon, rest = reference.partition(":")
        return f"file:{self.located(rest)}" if scheme == "file" and colon and rest else reference

    def holds(self, condition: str) -> bool:
        """Whether a ``when:`` is met: the variable is set and not empty, or the file is there and not empty."""
        scheme, _, rest = condition.partition(":")
        if scheme == "env":
            return bool(self.environ.get(rest))
        try:
            return os.path.getsize(self.located(rest)) > 0
        except (OSError, ValueError):
            return False

    def absent_providers(self) -> frozenset[str]:
        """The providers whose ``when:`` is not met."""
        return frozenset(
            str(path[1])
            for path, condition in self.tree.texts("providers.*.when")
            if not self.holds(condition)
        )

    def readable(self, path: Path, value: str) -> Iterator[Problem]:
        """Report a file that this user cannot read."""
        if not self.outside:
            return
        where = self.located(value)
        try:
            with open(where, "rb") as file:
                file.read(1)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a usable path"
            if "-----" in value:
                where = "what stands here"  # somebody has put a certificate or a key itself into the file
            yield self.tree.problem(path, f"cannot read {where}: {reason}", "a readable file")

    def known(self, path: Path, value: str, names: Iterable[str], what: str) -> Iterator[Problem]:
        """Report a name that is not among ``names``."""
        names = list(names)
        if value not in names:
            expected = one_of(names) if names else "one that this file declares, and it declares none"
            yield self.tree.problem(
                path,
                f"no {what} is called {self.tree.show(path, value)}",
                expected,
                did_you_mean(value, names),
            )

    def secret(self, path: Path, reference: str) -> Iterator[Problem]:
        """Report a reference that cannot be resolved; warn about a secret that others can read."""
        reference = self.located_reference(reference)
        try:
            scheme, _ = secrets.split(reference)
        except secrets.SecretError:
            return  # the type check says it
        if not self.outside:
            return
        if not self.resolver.knows(scheme):
            known = self.resolver.schemes()
            hint = did_you_mean(scheme, known)
            yield self.tree.problem(
                path, "unknown kind of secret reference", one_of(f"{name}:" for name in known), hint
            )
            return
        try:
            self.resolver.resolve(reference)
        except secrets.SecretError as error:
            yield self.tree.problem(path, str(error), "a secret that can be read when the gateway starts")
            return
        exposed = secrets.exposure(reference)
        if exposed:
            yield self.tree.warning(path, exposed, "chmod 600 it")
