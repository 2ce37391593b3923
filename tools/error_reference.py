"""Write docs/reference/errors.md from seekgate.wire.errors and what is said here about each kind.

A test compares the page with `render`, and fails for a kind of which nothing is said.
"""

from __future__ import annotations

from pathlib import Path

from seekgate.wire.errors import KINDS, ErrorKind

PAGE = Path(__file__).parents[1] / "docs/reference/errors.md"

_INTRODUCTION = """# Errors

This page is written by `make reference` from `seekgate/wire/errors.py`. Every refusal of the gateway has OpenAI's form,
so that SDKs raise what they would raise with OpenAI:

```json
{"error": {"message": "…", "type": "…", "param": null, "code": "…", "request_id": "req_…"}}
```

- `code` is what a program should look at. `message` is for people, and says more than the default text below.
- `request_id` is that of the answer's `x-request-id`, of the access log and of the audit records.
- *Again* says whether the same request may succeed later, unchanged. Where an answer has `Retry-After`, wait that long.
- *In the log* is what the access log, the metrics and the audit records call it: `error`, with `error_source` for whose
  fault it was. A fault of an upstream or of the gateway is never reported as the caller's.
- Once a stream has begun, its status has been sent: the same object comes as an event, and no `[DONE]` follows.
- Other errors of an upstream (a 400 or 429 of the provider, say) are passed on as they came.
"""

_TITLES = {
    "client": "The caller's to mend",
    "gateway": "The gateway's fault, or its operator's",
    "upstream": "The upstream's fault",
}

_ADVICE = {
    "invalid_json": "Send one JSON object in UTF-8. The message names the byte.",
    "duplicate_key": "Send each key once: two parsers could choose different ones.",
    "invalid_type": "Send an object, not a list or a string.",
    "invalid_value": "`param` names the field and the message what was expected.",
    "missing_model": "Name a model in `model`.",
    "bad_request": "The client or a proxy before it sends HTTP that can be read in two ways. The connection closes.",
    "unauthenticated": "Send a key of this gateway (not of the provider) that is not revoked, or a valid token.",
    "address_not_allowed": "Call from one of the key's networks, or have them changed: `seekgate keys change --cidr`.",
    "key_expired": "Get a new token, or have the key rotated or extended.",
    "identity_unavailable": "Try again. Operator: the rows, the key-hash secret or an issuer's key set cannot be read.",
    "access_denied": "The message names the rule; `seekgate access explain` shows it to the operator.",
    "model_not_allowed": "Ask for another model: `/v1/models` lists what this caller may use.",
    "unknown_model": "`/v1/models` lists the names. The message has the nearest one that the caller may use.",
    "not_found": "Mind the base URL: [paths](../how-to/clients.md#other-clients).",
    "method_not_allowed": "The header `Allow` has the methods of this path.",
    "request_timeout": "Send faster, or have `limits.header_timeout` and `limits.body_timeout` raised.",
    "body_too_large": "Send less. The bound is `limits.body_bytes`, or with `privacy` the number of places to examine.",
    "unsupported_content_encoding": "Send the body uncompressed.",
    "expectation_failed": "Send `Expect: 100-continue`, or none.",
    "rate_limited": "Wait for `Retry-After`. The `x-ratelimit-*` headers show what is left.",
    "budget_exceeded": "Wait for the next day or month of the budget, or have it raised: `seekgate budgets set`.",
    "quota_unavailable": "Try again. Operator: Valkey does not answer, and `quota.on_outage` is `deny`.",
    "content_blocked": "Take out what the message names (types and lists, never the text).",
    "private_only": "Ask for a model that has a deployment with `tier: private`.",
    "moderation_unavailable": "Try again. Operator: the moderation service fails, and `on_failure` is `refuse`.",
    "audit_unavailable": "Try again. Operator: the journal's disk is full or fails, and `on_failure` is `refuse`.",
    "header_too_large": "Send fewer or shorter headers: `limits.header_bytes`.",
    "client_certificate": "Get a new certificate, and connect again: this one was revoked, or its authority removed.",
    "tls_handshake": "Not sent: the client gets a TLS alert. The log has `tls_` and the reason, such as `tls_revoked`.",
    "internal_error": "Report it with the request id: the worker's log has the cause.",
    "no_deployment": "Ask for a model that can do this kind of request.",
    "upstream_connect_failed": "Try again. Operator: the address, the network or the provider's TLS.",
    "upstream_invalid_response": "Try again. Operator: something else than the provider may answer there.",
    "upstream_cut": "Try again. What had been generated is charged.",
    "upstream_error": "Try again. It came after the stream had begun, so no other deployment could be tried.",
    "overloaded": "Try again. Operator: `limits.connections`.",
    "buffers_full": "Try again. Operator: `limits.buffer_bytes`.",
    "engine_restarting": "Try again in a few seconds. Operator: the engine's last words are in its log.",
    "draining": "Try again: another node answers, or this one after its restart.",
    "upstream_account": "Operator: the provider's key, its balance or its permissions.",
    "upstream_timeout": "Try again. Operator: `timeouts.first_event` of the provider.",
}


def render() -> str:
    """The whole page. Raise `KeyError` for a kind that nothing is said about."""
    sections = []
    for source, title in _TITLES.items():
        kinds = sorted(
            (kind for kind in KINDS.values() if kind.source == source),
            key=lambda kind: (kind.status, kind.code),
        )
        sections.append(
            f"\n## {title}\n\n| status | `code` | `type` | again | means | what to do | in the log |\n"
            "|---|---|---|---|---|---|---|\n" + "".join(map(_row, kinds))
        )
    return _INTRODUCTION + "".join(sections)


def _row(kind: ErrorKind) -> str:
    again = "yes" if kind.retryable else "no"
    cells = (
        str(kind.status),
        f"`{kind.code}`",
        f"`{kind.type}`",
        again,
        kind.message,
        _ADVICE[kind.name],
        f"`{kind.name}`",
    )
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    PAGE.write_text(render())
