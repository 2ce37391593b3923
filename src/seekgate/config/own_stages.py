"""Settings of own stages: which installed ones requests pass, and what they are built with."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import Any

from pydantic import Field

from seekgate.config.context import Context
from seekgate.config.fields import Name, Section
from seekgate.config.problems import Problem

GROUP = "seekgate.stages"


class OwnStage(Section):
    """A stage of an installed package. Own stages stand behind the guard, in this order."""

    use: Name = Field(description=f"The name of its entry point in the group `{GROUP}`.")
    settings: dict[str, Any] = Field(
        default={}, description="What it is built with; the stage says what it knows."
    )


def check(context: Context) -> Iterator[Problem]:
    """Stages that no installed package has, or more than one."""
    if not context.outside:
        return
    installed = [one.name for one in entry_points(group=GROUP)]
    for path, name in context.tree.texts("stages.*.use"):
        yield from context.known(path, name, installed, "installed stage")
        if installed.count(name) > 1:
            yield context.tree.problem(
                path, f"{installed.count(name)} packages have a stage of this name", "one"
            )
