"""What a caller is told who may not use more."""

from __future__ import annotations

from typing import Literal

from seekgate.pipeline.stage import Reply
from seekgate.stages.quota.counter import Counter, Plan
from seekgate.stages.quota.headers import duration, lines
from seekgate.stages.quota.state import Refused
from seekgate.wire import errors

_UNITS = {
    "requests": "requests",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "tokens": "tokens",
}
_LENGTHS = {1: "a second", 60: "a minute", 3600: "an hour", 86400: "a day"}


def refusal(plan: Plan | None, found: Refused, now: float, caller: str = "") -> Reply:
    """429, when to come back, and (with ``plan``) what is left of its limits. ``caller`` is what the key is called."""
    counter = found.counter
    wait = max(1, -int(-(found.until - now) // 1))
    headers = ((b"Retry-After", b"%d" % wait), *(() if plan is None else lines(plan, now)))
    if counter.budget is not None:
        kind = errors.BUDGET_EXCEEDED
    else:
        kind = errors.RATE_LIMITED
    return Reply(error=kind, message=_says(counter, wait, caller), headers=headers)


def not_served(
    plan: Plan | None,
    counter: Counter,
    why: Literal["full", "late"],
    waited: float,
    outlook: float,
    now: float,
) -> Reply:
    """429: all places for waiting are taken, or it has taken too long. ``outlook`` is when those that wait now may have
    been served."""
    wait = max(1, -int(-outlook // 1))
    headers = ((b"Retry-After", b"%d" % wait), *(() if plan is None else lines(plan, now)))
    says = f"The limit of {counter.limit} requests at a time of the {counter.scope} '{counter.name[:200]}' is reached"
    when = duration(wait).decode()
    if why == "full":
        message = f"{says}, and as many requests wait as may. Try again in {when}."
    else:
        message = f"{says}, and none has ended for this one in {waited:.0f} seconds. Try again in {when}."
    return Reply(error=errors.RATE_LIMITED, message=message, headers=headers)


def unavailable() -> Reply:
    """503: limits cannot be checked, and the policy is to deny."""
    return Reply(error=errors.QUOTA_UNAVAILABLE)


def _says(c: Counter, wait: int, caller: str) -> str:
    name = caller if caller and c.scope == "key" else c.name
    who = f"the {c.scope} '{name[:200]}'"
    when = duration(wait).decode()
    if c.budget is not None:
        amount = f"{c.limit / 1_000_000:.6f}".rstrip("0").rstrip(".")
        rest = max(c.left + c.room, 0) / 1_000_000
        return (
            f"The budget of {amount} {c.budget.currency} a {c.budget.period} ({c.budget.timezone}) of {who} does not "
            f"cover what this request may cost: {rest:.6f} {c.budget.currency} are not spent or reserved."
        )
    if c.unit == "concurrency":
        return f"The limit of {c.limit} requests at a time of {who} is reached. Try again when one has ended."
    length = _LENGTHS.get(c.seconds, f"in {c.seconds} seconds")
    limit = f"The limit of {c.limit} {_UNITS[c.unit]} {length} of {who}"
    if c.unit == "requests":
        return f"{limit} is used up. Try again in {when}."
    return f"{limit} does not cover what this request may take. Try again in {when}, or ask for fewer max_tokens."
