"""Settings of routing: models, the deployments that answer for them, and the paths they are also served under."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from seekgate.config.context import Context
from seekgate.config.fields import Name, Prefix, Section
from seekgate.config.problems import Problem
from seekgate.config.tree import Path

Capability = Literal["chat", "completions", "embeddings", "fim", "prefix"]
RESERVED = frozenset({"v1", "beta", "chat", "completions", "embeddings", "models"})
"""First segments of the paths that the gateway serves by itself."""


class Deployment(Section):
    """One model at one provider."""

    provider: Name = Field(description="A name from `providers`.")
    model: Name | None = Field(
        default=None, description="What the provider calls the model; by default the same name."
    )
    id: Name | None = Field(
        default=None, description="What logs and metrics call it; by default `MODEL@PROVIDER`."
    )
    tier: Literal["public", "private"] | None = Field(
        default=None,
        description="`private`: runs on your own machines. By default so for type `llamacpp` only.",
    )
    region: str = Field(default="", max_length=64, description="Where it runs, in your own words.")
    zone: str = Field(default="", max_length=64, description="Where in the region it runs.")
    weight: int = Field(
        default=100, ge=0, le=1_000_000, description="Its share among a model's deployments; 0 gets none."
    )
    capabilities: list[Capability] | None = Field(
        default=None,
        description="Endpoints it answers (`chat`, `completions`, `embeddings`) and DeepSeek's beta features it has "
        "(`fim`, `prefix`). By default what the provider's type has.",
    )
    price: Name | None = Field(
        default=None, description="Its entry of the price table; without one it costs nothing."
    )


class Model(Section):
    """A name that clients ask for."""

    deployments: list[Deployment] = Field(min_length=1, description="Where it is answered, chosen by weight.")
    aliases: list[Name] = Field(default=[], description="Other names for it.")
    owned_by: Name = Field(default="seekgate", description="Shown in the list of models.")


class Route(Section):
    """A path under which the API is served too: `/api/v1/deepseek` makes `/api/v1/deepseek/chat/completions` work."""

    prefix: Prefix = Field(description="The path, without a slash at its end.")
    models: list[Name] | None = Field(
        default=None, description="What may be asked for there; all models without it."
    )


def check(context: Context) -> Iterator[Problem]:
    """Unknown providers and models, names and prefixes used twice, reserved prefixes."""
    tree = context.tree
    for path, provider in tree.texts("models.*.deployments.*.provider"):
        yield from context.known(path, provider, tree.names("providers"), "provider")
    yield from _names_once(context)
    yield from _ids_once(context)
    names = [*tree.names("models"), *(alias for _, alias in tree.texts("models.*.aliases.*"))]
    for path, model in tree.texts("routes.*.models.*"):
        yield from context.known(path, model, names, "model")
    seen: dict[str, Path] = {}
    for path, prefix in tree.texts("routes.*.prefix"):
        if prefix.split("/")[1:2] and prefix.split("/")[1] in RESERVED:
            what = f"the prefix {tree.show(path, prefix)} collides with a path that is served already"
            yield tree.problem(path, what, f"a first segment other than {', '.join(sorted(RESERVED))}")
        elif prefix in seen:
            line = tree.mark(seen[prefix]).line
            yield tree.problem(
                path, f"the prefix {tree.show(path, prefix)} is taken (line {line})", "another prefix"
            )
        seen.setdefault(prefix, path)


def _names_once(context: Context) -> Iterator[Problem]:
    tree = context.tree
    taken: dict[str, Path] = {name: ("models", name) for name in tree.names("models")}
    for path, alias in tree.texts("models.*.aliases.*"):
        if alias in taken:
            first = taken[alias]
            kind = "a model" if len(first) == 2 else "an alias"
            what = f"{tree.show(path, alias)} is already {kind} (line {tree.mark(first, key=len(first) == 2).line})"
            yield tree.problem(path, what, "a name that no other model has")
        else:
            taken[alias] = path


def _ids_once(context: Context) -> Iterator[Problem]:
    seen: dict[str, Path] = {}
    for path, name in context.tree.texts("models.*.deployments.*.id"):
        if name in seen:
            line = context.tree.mark(seen[name]).line
            yield context.tree.problem(path, f"the id {name!r} is taken (line {line})", "another id")
        seen.setdefault(name, path)
