from __future__ import annotations

import json

import pytest

from seekgate.emulate.errors import KINDS, refusal


@pytest.mark.parametrize("status", [400, 401, 402, 422, 429, 500, 503])
def test_a_body_has_the_four_fields_of_an_error(status: int) -> None:
    error = json.loads(refusal(status).body())["error"]
    assert list(error) == ["message", "type", "param", "code"]
    assert error["message"]
    assert error["type"] == KINDS[status][0]


def test_a_message_and_a_parameter_replace_the_usual_ones() -> None:
    error = json.loads(refusal(400, "No such thing.", "model").body())["error"]
    assert (error["message"], error["param"], error["type"]) == (
        "No such thing.",
        "model",
        "invalid_request_error",
    )


@pytest.mark.parametrize(
    ("status", "kind"), [(418, "invalid_request_error"), (502, "server_error"), (599, "server_error")]
)
def test_a_status_without_an_entry_still_gives_an_error(status: int, kind: str) -> None:
    refused = refusal(status)
    assert (refused.status, refused.type, refused.code) == (status, kind, f"http_{status}")
    assert refused.message


@pytest.mark.parametrize(
    ("status", "kind"), [(402, "billing_error"), (503, "overloaded_error"), (500, "api_error")]
)
def test_messages_have_their_own_form(status: int, kind: str) -> None:
    body = json.loads(refusal(status).anthropic_body())
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
