"""The guard's moderator, put together: what to ask (`stages.guard`) with how to ask it (`gateway`)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from seekgate.config.compiled.guard import Moderation
from seekgate.config.snapshot import UpstreamTls
from seekgate.gateway.connect import client_context
from seekgate.gateway.moderator import HttpModerator
from seekgate.gateway.poster import Poster
from seekgate.host.clock import Clock
from seekgate.stages.guard.moderation import Outcome, outcome, question


def moderator(
    settings: Moderation, secret: Callable[[str], str], clock: Clock, say: Callable[[str, str], object]
) -> HttpModerator[Outcome]:
    """A moderator for these settings. Raise `OSError` or `ValueError` where a file or secret cannot be read."""
    context = client_context(UpstreamTls(ca=settings.ca)) if settings.scheme == "https" else None
    token = None if settings.authorization is None else secret(settings.authorization)
    poster = Poster(settings.host, settings.port, settings.path, context, token, settings.proxy)
    return HttpModerator(
        poster,
        settings.timeout,
        settings.concurrency,
        partial(question, settings),
        partial(outcome, settings),
        lambda reason: Outcome(failure=reason),
        clock,
        say,
    )
