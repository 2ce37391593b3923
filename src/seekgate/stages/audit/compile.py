"""Audit settings into the snapshot."""

from __future__ import annotations

from seekgate.config.compiled import audit as compiled
from seekgate.config.context import Context
from seekgate.stages.audit import config


def compile_audit(context: Context, audit: config.Audit | None) -> compiled.Audit | None:
    """What workers and the keeper go by; None: nothing is recorded."""
    if audit is None:
        return None
    content, heads = audit.content, audit.export_heads
    return compiled.Audit(
        fsync=audit.fsync,
        fsync_interval=audit.fsync_interval,
        on_failure=audit.on_failure,
        segment_bytes=audit.segment_size,
        segment_age=audit.segment_age,
        retention=audit.retention,
        answers=audit.answers,
        content=None
        if content is None
        else compiled.Content(context.located_reference(content.key), content.id),
        heads=compiled.Heads(
            None if heads.file is None else context.located(heads.file), tuple(heads.command)
        ),
    )
