"""What an answer says about the limits: OpenAI's ``x-ratelimit-*`` headers.

Of several windows the one that is nearest to its end of budget is shown. Which one that is, and when it begins anew, is
written into a template once a second; what is left is filled in for each answer.
"""

from __future__ import annotations

from seekgate.stages.quota.counter import Counter, Plan


def render(plan: Plan, now: float) -> bytes:
    """The lines, each with its CR LF in front; empty where there is nothing to show."""
    if now >= plan.baked_until or now < plan.baked_until - 1.0:
        _bake(plan, now)
    requests, tokens = plan.shown_requests, plan.shown_tokens
    if requests is not None:
        some = requests.left + requests.room
        if tokens is not None:
            rest = tokens.left + tokens.room
            return plan.template % (some if some > 0 else 0, rest if rest > 0 else 0)
        return plan.template % (some if some > 0 else 0)
    if tokens is not None:
        rest = tokens.left + tokens.room
        return plan.template % (rest if rest > 0 else 0)
    return b""


def lines(plan: Plan, now: float) -> tuple[tuple[bytes, bytes], ...]:
    """The same as names and values, for an answer of the gateway's own."""
    text = render(plan, now)
    pairs = (line.split(b": ", 1) for line in text.split(b"\r\n") if line)
    return tuple((name, value) for name, value in pairs)


def duration(seconds: float) -> bytes:
    """As OpenAI writes it: ``12s``, ``6m0s``, ``1h0m0s``; rounded up, so that it is no use to come back earlier."""
    whole = max(0, -int(-seconds // 1))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    if hours:
        return b"%dh%dm%ds" % (hours, minutes, secs)
    return b"%dm%ds" % (minutes, secs) if minutes else b"%ds" % secs


def _bake(plan: Plan, now: float) -> None:
    requests = _nearest(plan.requests)
    tokens = _nearest((*plan.tokens, *plan.inputs, *plan.outputs))
    template = b""
    end = now + 1.0
    for counter, kind in ((requests, b"requests"), (tokens, b"tokens")):
        if counter is not None:
            end = min(end, max(float(counter.end), now + 0.001))
            template += (
                b"\r\nx-ratelimit-limit-%b: %d\r\nx-ratelimit-remaining-%b: %%d\r\nx-ratelimit-reset-%b: %b"
                % (kind, counter.limit, kind, kind, duration(counter.end - now))
            )
    plan.shown_requests, plan.shown_tokens = requests, tokens
    plan.template, plan.baked_until = template, end


def _nearest(counters: tuple[Counter, ...]) -> Counter | None:
    return min(counters, key=lambda c: (c.left + c.room) / c.limit if c.limit else 0.0, default=None)
