"""Errors as OpenAI clients read them: one JSON object, a type that SDKs map to an exception, and the request id.

Every refusal of the gateway is one `ErrorKind`: which status and type the client sees, whose fault it is, and whether
the same request may succeed if it is sent again. A kind is a constant of this module; nothing else invents errors.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Source = Literal["client", "upstream", "gateway"]


class ErrorKind(msgspec.Struct, frozen=True, gc=False):
    """One sort of refusal. ``message`` is the default text; ``retryable`` is about the same request, unchanged."""

    name: str
    status: int
    type: str
    code: str
    source: Source
    retryable: bool
    message: str


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """An expected refusal as a value: the kind, what to tell the client, and the JSON path at fault."""

    kind: ErrorKind
    message: str
    param: str | None = None

    def body(self, request_id: str | None = None) -> bytes:
        """The JSON body of this refusal."""
        return error_body(self.message, self.kind.type, self.kind.code, self.param, request_id)


class _Detail(msgspec.Struct, gc=False):
    message: str
    type: str
    param: str | None
    code: str | None
    request_id: str | None


class _Envelope(msgspec.Struct, gc=False):
    error: _Detail


_encode = msgspec.json.Encoder().encode


def error_body(
    message: str, type: str, code: str | None = None, param: str | None = None, request_id: str | None = None
) -> bytes:
    """``{"error": {"message", "type", "param", "code", "request_id"}}`` on one line, without a newline.

    Lone surrogates in a text (they cannot be written as UTF-8) become question marks.
    """
    detail = _Detail(message, type, param, code, request_id)
    try:
        return _encode(_Envelope(detail))
    except UnicodeEncodeError:
        safe = [_printable(text) for text in (message, type, param, code, request_id)]
        return _encode(
            {"error": dict(zip(("message", "type", "param", "code", "request_id"), safe, strict=True))}
        )


def kind_body(kind: ErrorKind, request_id: str | None = None) -> bytes:
    """The JSON body of a kind with its default message."""
    return error_body(kind.message, kind.type, kind.code, None, request_id)


def sse_error_event(body: bytes) -> bytes:
    """An error body (one line) as a server-sent event, for a stream whose head has already gone out."""
    return b"data: " + body + b"\n\n"


def _printable(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "replace").decode("utf-8")


KINDS: dict[str, ErrorKind] = {}


def _kind(
    name: str, status: int, type: str, source: Source, retryable: bool, message: str, code: str | None = None
) -> ErrorKind:
    kind = ErrorKind(name, status, type, code or name, source, retryable, message)
    KINDS[name] = kind
    return kind


_REQUEST = "invalid_request_error"

INVALID_JSON = _kind("invalid_json", 400, _REQUEST, "client", False, "The request body is not valid JSON.")
DUPLICATE_KEY = _kind(
    "duplicate_key", 400, _REQUEST, "client", False, "The request body has the same key twice in one object."
)
NOT_AN_OBJECT = _kind(
    "invalid_type", 400, _REQUEST, "client", False, "The request body must be a JSON object."
)
INVALID_VALUE = _kind(
    "invalid_value", 400, _REQUEST, "client", False, "A value in the request body is not valid."
)
MISSING_MODEL = _kind(
    "missing_model",
    400,
    _REQUEST,
    "client",
    False,
    "You must provide a model parameter.",
    "missing_required_parameter",
)
BAD_REQUEST = _kind("bad_request", 400, _REQUEST, "client", False, "The request is not valid HTTP/1.1.")
UNAUTHENTICATED = _kind(
    "unauthenticated",
    401,
    "authentication_error",
    "client",
    False,
    "Missing or unknown API key: send it as 'Authorization: Bearer KEY'.",
    "invalid_api_key",
)
ADDRESS_NOT_ALLOWED = _kind(
    "address_not_allowed",
    403,
    "permission_error",
    "client",
    False,
    "This API key may not be used from this address.",
)
KEY_EXPIRED = _kind(
    "key_expired", 401, "authentication_error", "client", False, "The API key or token has expired."
)
IDENTITY_UNAVAILABLE = _kind(
    "identity_unavailable",
    503,
    "server_error",
    "gateway",
    True,
    "Who is calling cannot be checked at the moment.",
)
ACCESS_DENIED = _kind(
    "access_denied", 403, "permission_error", "client", False, "The caller's roles do not allow this."
)
MODEL_NOT_ALLOWED = _kind(
    "model_not_allowed", 403, "permission_error", "client", False, "This model may not be asked for here."
)
UNKNOWN_MODEL = _kind(
    "unknown_model", 404, _REQUEST, "client", False, "The model does not exist here.", "model_not_found"
)
NOT_FOUND = _kind("not_found", 404, _REQUEST, "client", False, "There is no such path.", "unknown_url")
METHOD_NOT_ALLOWED = _kind(
    "method_not_allowed", 405, _REQUEST, "client", False, "This path does not have that method."
)
REQUEST_TIMEOUT = _kind(
    "request_timeout", 408, _REQUEST, "client", True, "The request did not arrive completely in time."
)
BODY_TOO_LARGE = _kind(
    "body_too_large", 413, _REQUEST, "client", False, "The request body is larger than this gateway accepts."
)
UNSUPPORTED_ENCODING = _kind(
    "unsupported_content_encoding",
    415,
    _REQUEST,
    "client",
    False,
    "A request body with a Content-Encoding is not accepted: send it uncompressed.",
)
EXPECTATION_FAILED = _kind(
    "expectation_failed", 417, _REQUEST, "client", False, "The only expectation understood is 100-continue."
)
RATE_LIMITED = _kind(
    "rate_limited", 429, "rate_limit_error", "client", True, "Too many requests.", "rate_limit_exceeded"
)
BUDGET_EXCEEDED = _kind(
    "budget_exceeded",
    429,
    "insufficient_quota",
    "client",
    False,
    "The budget is spent.",
    "insufficient_quota",
)
QUOTA_UNAVAILABLE = _kind(
    "quota_unavailable", 503, "server_error", "gateway", True, "Limits cannot be checked at the moment."
)
CONTENT_BLOCKED = _kind(
    "content_blocked",
    400,
    _REQUEST,
    "client",
    False,
    "The content is not allowed by the gateway's policy.",
    "content_policy_violation",
)
PRIVATE_ONLY = _kind(
    "private_only",
    403,
    "permission_error",
    "client",
    False,
    "The request contains data that only private deployments may have.",
)
MODERATION_UNAVAILABLE = _kind(
    "moderation_unavailable",
    503,
    "server_error",
    "gateway",
    True,
    "The content cannot be checked at the moment.",
)
AUDIT_UNAVAILABLE = _kind(
    "audit_unavailable",
    503,
    "server_error",
    "gateway",
    True,
    "The audit journal cannot be written at the moment.",
)
HEADER_TOO_LARGE = _kind(
    "header_too_large",
    431,
    _REQUEST,
    "client",
    False,
    "The request's headers are larger than this gateway accepts.",
)
CLIENT_CERTIFICATE = _kind(
    "client_certificate",
    403,
    "permission_error",
    "client",
    False,
    "The client certificate is no longer accepted here.",
)
TLS_HANDSHAKE = _kind(
    "tls_handshake", 400, _REQUEST, "client", False, "The TLS handshake with the client has failed."
)
INTERNAL = _kind(
    "internal_error", 500, "server_error", "gateway", True, "The gateway failed to handle this request."
)
NO_DEPLOYMENT = _kind(
    "no_deployment",
    400,
    _REQUEST,
    "client",
    False,
    "No deployment of this model serves this kind of request.",
    "unsupported_capability",
)
UPSTREAM_CONNECT = _kind(
    "upstream_connect_failed", 502, "api_error", "upstream", True, "The upstream could not be reached."
)
UPSTREAM_INVALID = _kind(
    "upstream_invalid_response",
    502,
    "api_error",
    "upstream",
    True,
    "The upstream's answer was not valid HTTP/1.1.",
)
UPSTREAM_CUT = _kind(
    "upstream_cut",
    502,
    "api_error",
    "upstream",
    True,
    "The upstream closed the connection before its answer was complete.",
)
UPSTREAM_FAILED = _kind(
    "upstream_error", 502, "api_error", "upstream", True, "The upstream reported an error inside its stream."
)
OVERLOADED = _kind(
    "overloaded", 503, "server_error", "gateway", True, "The gateway has as many connections as it accepts."
)
BUFFERS_FULL = _kind(
    "buffers_full", 503, "server_error", "gateway", True, "Too many request bodies are arriving at once."
)
ENGINE_RESTARTING = _kind(
    "engine_restarting",
    503,
    "server_error",
    "gateway",
    True,
    "The private engine of this model is restarting.",
)
DRAINING = _kind("draining", 503, "server_error", "gateway", True, "The gateway is shutting down.")
UPSTREAM_ACCOUNT = _kind(
    "upstream_account", 502, "api_error", "upstream", False, "The provider refused the gateway's own account."
)
UPSTREAM_TIMEOUT = _kind(
    "upstream_timeout", 504, "api_error", "upstream", True, "The upstream did not answer in time."
)
