"""What a caller is told who may not: the role and the rule, never what was sent."""

from __future__ import annotations

from seekgate.stages.access.state import Decision
from seekgate.wire import errors
from seekgate.wire.errors import ErrorKind


def refusal(
    decision: Decision, roles: tuple[str, ...], action: str, model: str | None
) -> tuple[ErrorKind, str]:
    """The error of a decision that does not allow, and its message."""
    what = f"'{action}'" if model is None else f"'{action}' on the model '{model[:200]}'"
    rule = decision.rule
    if decision.cause == "scope_action":
        return errors.ACCESS_DENIED, f"The scopes of this key do not include '{action}'."
    if decision.cause == "scope_model":
        return (
            errors.MODEL_NOT_ALLOWED,
            f"The scopes of this key do not include the model '{(model or '')[:200]}'.",
        )
    if decision.cause == "separate_duties":
        return (
            errors.ACCESS_DENIED,
            f"Who manages keys or roles may not have '{action}': these duties are kept separate.",
        )
    kind = errors.MODEL_NOT_ALLOWED if decision.model_matters else errors.ACCESS_DENIED
    if rule is not None:
        why = " for requests with such data" if rule.classes is not None else ""
        why += " from this address" if rule.networks else ""
        why += " at this time" if rule.shifts else ""
        return kind, f"The role '{rule.role}' denies {what}{why} (rule {rule.number})."
    held = ", ".join(f"'{name}'" for name in roles[:8]) or "none"
    now = " from this address at this time" if decision.conditional else ""
    return kind, f"No role of the caller allows {what}{now}; its roles: {held}."
