"""Settings of privacy to what workers run on."""

from __future__ import annotations

from pathlib import Path

from seekgate.config.compiled import privacy as compiled
from seekgate.config.context import Context
from seekgate.stages.privacy.config import Own, Privacy
from seekgate.stages.privacy.detect.kinds import KINDS


def compile_privacy(settings: Privacy | None, context: Context) -> compiled.Privacy | None:
    """What a worker needs; None when nothing is asked for. Word files are read here."""
    if settings is None:
        return None
    answers = settings.answers
    key = settings.tokens.key
    return compiled.Privacy(
        types=tuple(KINDS if settings.types is None else dict.fromkeys(settings.types)),
        own=tuple(_own(one, context) for one in settings.own),
        actions=dict(settings.actions),
        rules=tuple(
            compiled.Rule(
                actions=dict(rule.actions),
                roles=tuple(rule.roles),
                routes=tuple(rule.routes),
                tiers=tuple(rule.tiers),
                classes=tuple(rule.classes),
            )
            for rule in settings.rules
        ),
        key=None if key is None else context.located_reference(key),
        numbering=settings.tokens.numbering,
        answers=None if answers is None else compiled.Answers(dict(answers.actions), answers.window),
    )


def _own(one: Own, context: Context) -> compiled.Own:
    words = list(one.words)
    if one.words_file is not None:
        lines = Path(context.located(one.words_file)).read_text("utf-8").splitlines()
        words += [word for line in lines if (word := line.strip())]
    return compiled.Own(
        one.type, one.data_class, one.action, tuple(one.patterns), tuple(dict.fromkeys(words)), one.cased
    )
