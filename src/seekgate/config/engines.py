"""Settings of the embedded engines."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from seekgate.config.context import Context
from seekgate.config.fields import Automatic, Name, Section
from seekgate.config.problems import Problem


class Engine(Section):
    """A private inference server that the supervisor runs: a model, and how much of the machine it may take."""

    model: Name = Field(description="A name of `seekgate models list`, or the path of a GGUF file.")
    context: int = Field(default=4096, ge=128, le=16_777_216, description="Tokens that one slot remembers.")
    slots: int = Field(default=4, ge=1, le=1024, description="Requests that are answered at the same time.")
    threads: Automatic = Field(
        default=0, ge=0, le=4096, description="Compute threads; `auto` means one for each core but one."
    )
    embeddings: bool = Field(default=False, description="Serve `/v1/embeddings` with this model.")


def is_path(model: str) -> bool:
    """Whether an engine's ``model`` names a file and not an entry of the catalogue."""
    return "/" in model or model.endswith(".gguf")


def check(context: Context) -> Iterator[Problem]:
    """A GGUF file that is not there; an engine that no provider leads to."""
    used = {value for _, value in context.tree.texts("providers.*.engine")}
    for path, model in context.tree.texts("engines.*.model"):
        if is_path(model):
            yield from context.readable(path, model)
    for name in context.tree.names("engines"):
        if name not in used:
            yield context.tree.warning(
                ("engines", name), "no provider uses this engine, so it is not started"
            )
