"""Settings of the audit: what becomes of the record of every request."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from seekgate.config import secrets
from seekgate.config.context import Context
from seekgate.config.fields import Duration, FilePath, Name, SecretReference, Section, Size
from seekgate.config.problems import Invalid, Problem
from seekgate.stages.audit.sealing import SealError, content_key

DAY = 86_400.0
_DAYS = re.compile(r"([1-9][0-9]{0,5})d\Z")


def _days(value: object) -> float:
    found = _DAYS.match(value) if isinstance(value, str) else None
    if not found:
        raise Invalid("not a number of days", "days such as 180d")
    return int(found[1]) * DAY


Days = Annotated[
    float,
    BeforeValidator(_days),
    PlainSerializer(lambda seconds: f"{round(seconds / DAY)}d", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^[1-9][0-9]{0,5}d$|\$\{", "examples": ["180d"]}),
]
"""Seconds, written in days."""


class Content(Section):
    """Keep what was asked and answered, encrypted (AES-256-GCM) in the records. Off without this section."""

    key: SecretReference = Field(
        description="Where the key is: 32 bytes, in hex or base64. Who has it can read."
    )
    id: Name = Field(
        description="A name for the key, which stands in the records, so that it can be replaced."
    )


class ExportHeads(Section):
    """Where the newest line of the signed manifest is told, off this host, after each sealing."""

    file: FilePath | None = Field(
        default=None, description="A file to append to, on a file system of another machine."
    )
    command: list[str] = Field(
        default=[], description="A command and its arguments; it gets the line on standard input, and 30 s."
    )


class Audit(Section):
    """A record of every request, in an append-only, hash-chained and signed journal under `SEEKGATE_HOME/journal`."""

    fsync: Literal["always", "interval", "never"] = Field(
        default="interval",
        description=(
            "What an answer waits for: `always` for its record to be on the disk; `interval` and `never` for the kernel"
            " to have it, which survives the end of the process but not of the machine."
        ),
    )
    fsync_interval: Duration = Field(
        default=0.2, ge=0.01, le=60, description="How often `fsync: interval` brings records to the disk."
    )
    on_failure: Literal["refuse", "continue"] = Field(
        default="refuse",
        description=(
            "While records cannot be written: `refuse` new requests with 503, or `continue` without; either is logged"
            " and counted."
        ),
    )
    segment_size: Size = Field(
        default=268_435_456,
        ge=65_536,
        le=4_294_967_296,
        description="From which size on a segment is finished and sealed.",
    )
    segment_age: Duration = Field(
        default=3600.0, ge=1, le=604_800, description="At which age a segment is finished and sealed."
    )
    retention: Days | None = Field(
        default=None,
        description="Sealed segments are removed when their newest record is so old, such as `180d`. Never without it.",
    )
    answers: bool = Field(
        default=False,
        description=(
            "Record the digest of every answer. Without it only answers that another stage looks at have one, because"
            " looking costs time."
        ),
    )
    content: Content | None = Field(
        default=None, description="Keep prompts and answers, encrypted. Not kept by default."
    )
    export_heads: ExportHeads = Field(
        default=ExportHeads(), description="Where the newest line of the manifest is told."
    )


def check(context: Context) -> Iterator[Problem]:
    """A key that cannot be read or is none; a heads file in a folder that is not there."""
    tree = context.tree
    for path, reference in tree.texts("audit.content.key"):
        wrong = list(context.secret(path, reference))
        yield from wrong
        if wrong or not context.outside:
            continue
        try:
            content_key(context.resolver.resolve(context.located_reference(reference)))
        except secrets.SecretError:
            continue  # it is no reference, which the type check says
        except SealError as error:
            yield tree.problem(
                path, str(error), "32 bytes in hex or base64, such as openssl rand -hex 32 makes"
            )
    for path, file in tree.texts("audit.export_heads.file"):
        folder = os.path.dirname(context.located(file))
        if context.outside and not os.path.isdir(folder):
            yield tree.problem(path, f"{folder} does not exist", "a file in a folder that is there")
