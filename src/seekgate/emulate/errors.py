"""Refusals: every error that the emulated API answers with, in DeepSeek's and in Anthropic's form.

A refusal is a value. A function that may refuse returns ``Something | Refusal``; only the router turns one into bytes.
"""

from __future__ import annotations

from http import HTTPStatus

import msgspec

_INVALID = "invalid_request_error"

#: status -> (type, code, message when nothing more exact is known)
KINDS: dict[int, tuple[str, str, str]] = {
    400: (_INVALID, _INVALID, "The request body has an invalid format."),
    401: ("authentication_error", _INVALID, "Authentication failed: the API key is missing or invalid."),
    402: ("insufficient_balance_error", "insufficient_balance", "Insufficient Balance"),
    404: (_INVALID, "not_found", "There is nothing at this path."),
    405: (_INVALID, "method_not_allowed", "This path does not take this method."),
    413: (_INVALID, "body_too_large", "The request body is too large."),
    422: (_INVALID, _INVALID, "The request has invalid parameters."),
    429: (
        "rate_limit_error",
        "rate_limit_reached",
        "Too many requests of this account are running for this model.",
    ),
    500: ("server_error", "internal_error", "The server met an error. Retry after a brief wait."),
    503: (
        "service_unavailable_error",
        "service_unavailable",
        "The server is overloaded. Retry after a brief wait.",
    ),
}

_ANTHROPIC_TYPES = {
    400: _INVALID,
    401: "authentication_error",
    402: "billing_error",
    404: "not_found_error",
    413: "request_too_large",
    422: _INVALID,
    429: "rate_limit_error",
    503: "overloaded_error",
}


class Refusal(msgspec.Struct, frozen=True):
    """An error answer: HTTP ``status`` and the four fields of the body's ``error`` object."""

    status: int
    message: str
    type: str
    param: str | None
    code: str

    def body(self) -> bytes:
        """Return DeepSeek's body, ``{"error":{"message","type","param","code"}}``."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})

    def anthropic_body(self) -> bytes:
        """Return the body in the form of the Messages API, ``{"type":"error","error":{"type","message"}}``."""
        kind = _ANTHROPIC_TYPES.get(self.status, "api_error")
        return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": self.message}})


def refusal(status: int, message: str | None = None, param: str | None = None) -> Refusal:
    """Return the refusal for a status (any from 400 to 599), with its usual message unless one is given."""
    kind = KINDS.get(status)
    if kind is None:
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else f"Status {status}"
        kind = ("server_error" if status >= 500 else _INVALID, f"http_{status}", phrase)
    return Refusal(status, kind[2] if message is None else message, kind[0], param, kind[1])
