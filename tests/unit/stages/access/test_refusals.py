"""What a caller is told."""

from __future__ import annotations

import pytest

from seekgate.config.hours import parse_hours
from seekgate.config.rows import Grant
from seekgate.stages.access.refusals import refusal
from tests.support.access import allow, caller, deny, table

OFFICE = {"cidr": ("10.0.0.0/8",), "hours": (parse_hours("00:00-24:00"),)}


@pytest.mark.parametrize(
    ("grants", "scopes", "action", "model", "kind", "message"),
    [
        ((allow("*"),), {"actions": frozenset(("chat",))}, "embed", "pro", "access_denied",
         "The scopes of this key do not include 'embed'."),
        ((allow("*"),), {"models": frozenset(("fl*",))}, "chat", "pro", "model_not_allowed",
         "The scopes of this key do not include the model 'pro'."),
        ((allow("*"),), {}, "audit.read", None, "access_denied",
         "Who manages keys or roles may not have 'audit.read': these duties are kept separate."),
        ((allow("*"), deny("chat", models=("pro",))), {}, "chat", "pro", "model_not_allowed",
         "The role 'r' denies 'chat' on the model 'pro' (rule 2)."),
        ((allow("*"), deny("chat", **OFFICE)), {}, "chat", "pro", "access_denied",
         "The role 'r' denies 'chat' on the model 'pro' from this address at this time (rule 2)."),
        ((allow("embed"),), {}, "chat", "pro", "access_denied",
         "No role of the caller allows 'chat' on the model 'pro'; its roles: 'r'."),
        ((allow("chat"),), {}, "admin.keys", None, "access_denied",
         "No role of the caller allows 'admin.keys'; its roles: 'r'."),
    ],
)  # fmt: skip
def test_messages(
    grants: tuple[Grant, ...],
    scopes: dict[str, object],
    action: str,
    model: str | None,
    kind: str,
    message: str,
) -> None:
    made = table({"r": grants})
    profile = made.profile(caller("r", **scopes))
    decision = made.decide(profile, action, model, frozenset(), "10.0.0.1", 0.0)
    error, text = refusal(decision, profile.roles, action, model)
    assert (error.name, text) == (kind, message)


def test_who_has_no_role_at_all() -> None:
    made = table(default_roles=())
    profile = made.profile(caller())
    decision = made.decide(profile, "chat", "pro", frozenset(), "", 0.0)
    assert refusal(decision, profile.roles, "chat", "pro")[1].endswith("its roles: none.")
