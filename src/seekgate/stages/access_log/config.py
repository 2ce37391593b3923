"""Settings of the access log: one JSON line for each request."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from seekgate.config.context import Context
from seekgate.config.problems import Invalid, Problem, did_you_mean

WORDS = ("stdout", "stderr", "off")


def _target(value: str) -> str:
    if value in WORDS or "/" in value:
        return value
    raise Invalid(
        "not a target", "stdout, stderr, off, or a path with a slash in it", did_you_mean(value, WORDS)
    )


Target = Annotated[
    str,
    AfterValidator(_target),
    WithJsonSchema({"type": "string", "examples": [*WORDS, "/var/log/seekgate/access.log"]}),
]


def check(context: Context) -> Iterator[Problem]:
    """A log file that could not be opened for appending. Nothing is created here."""
    target = context.tree.at(("access_log",))
    if not context.outside or not isinstance(target, str) or "/" not in target:
        return
    path = context.located(target)
    what = None
    if os.path.isdir(path):
        what = "is a directory"
    elif os.path.exists(path):
        what = None if os.access(path, os.W_OK) else "cannot be written to"
    elif not os.path.isdir(os.path.dirname(path)):
        what = "cannot be made: its folder does not exist"
    elif not os.access(os.path.dirname(path), os.W_OK | os.X_OK):
        what = "cannot be made: its folder cannot be written to"
    if what:
        yield context.tree.problem(("access_log",), f"{path} {what}", "a file that can be appended to")
