"""The decision table: who may do what, written down cell by cell.

A cell has the positions of the model's deployments that may answer, or why none may: ``no`` rule allows it, a rule
``deny``-s it, the ``scope`` of the key or its ``model``-s leave it out, duties are kept ``apart``; where no model is
asked for, ``yes``.
"""

from __future__ import annotations

import pytest

from seekgate.config.hours import parse_hours
from seekgate.pipeline.principal import Principal
from tests.support.access import MODELS, allow, caller, deny, table
from tests.support.access_oracle import Question, decide

NIGHT = (parse_hours("22:00-06:00 Asia/Shanghai"),)
ROLES = {
    "chat-only": (allow("chat"),),
    "flash-only": (allow("chat", models=("flash",)),),
    "no-pro": (allow("*"), deny("chat", models=("best",))),
    "cn": (allow("chat", "embed", regions=("cn",)),),
    "private": (allow("*", tiers=("private",)),),
    "not-far": (allow("*"), deny("*", providers=("far",))),
    "personal-private": (deny("*", data_classes=("personal",), tiers=("public",)), allow("*")),
    "info-only": (allow("chat", data_classes=("info",)),),
    "office": (allow("chat", cidr=("10.0.0.0/8",)),),
    "not-guest": (allow("chat"), deny("chat", cidr=("172.16.0.0/12",))),
    "day": (allow("chat", hours=(parse_hours("mon-fri 08:00-18:00 Asia/Shanghai"),)),),
    "no-nights": (allow("*"), deny("chat", hours=NIGHT)),
    "deny-all": (deny("*"),),
    "f-models": (allow("*", models=("f*",)),),
    "everything": (allow("*"),),
}
MONDAY, NIGHTLY = 1_795_399_200.0, 1_795_446_000.0  # 10:00 and 23:00 in Shanghai

SITUATIONS = {
    "chat:pro": Question("chat", "pro"),
    "chat:flash": Question("chat", "flash"),
    "chat:small": Question("chat", "small"),
    "embed:vectors": Question("embed", "vectors"),
    "compl:flash": Question("completions", "flash"),
    "backgr:pro": Question("background", "pro"),
    "batch:flash": Question("batch", "flash"),
    "pers:pro": Question("chat", "pro", frozenset(("personal",))),
    "pers:small": Question("chat", "small", frozenset(("personal",))),
    "info:flash": Question("chat", "flash", frozenset(("info",))),
    "10/8:pro": Question("chat", "pro", client="10.1.1.1"),
    "172:pro": Question("chat", "pro", client="172.16.5.5"),
    "night:pro": Question("chat", "pro", at=NIGHTLY),
    "keys": Question("admin.keys", None),
    "audit": Question("audit.read", None),
    "list": Question("models.list", None),
}
SCOPES: dict[str, dict[str, object]] = {
    "scope:chat": {"actions": frozenset(("chat",))},
    "scope:best": {"models": frozenset(("best",))},
}

TABLE = """
who                    chat:pro chat:flash chat:small embed:vectors compl:flash backgr:pro batch:flash pers:pro pers:small info:flash 10/8:pro 172:pro night:pro keys audit list
user                   012      01         0          0             01          012        01          012      0          01         012      012     012       no   no    yes
chat-only              012      01         0          no            no          no         no          012      0          01         012      012     012       no   no    no
flash-only             no       01         no         no            no          no         no          no       no         01         no       no      no        no   no    no
no-pro                 deny     01         0          0             01          012        01          deny     0          01         deny     deny    deny      yes  apart yes
cn                     02       0          no         no            no          no         no          02       no         0          02       02      02        no   no    no
private                2        no         0          0             no          2          no          2        0          no         2        2       2         no   no    yes
not-far                02       0          0          0             0           02         0           02       0          0          02       02      02        yes  apart yes
personal-private       012      01         0          0             01          012        01          2        0          01         012      012     012       yes  apart yes
info-only              012      01         0          no            no          no         no          no       no         01         012      012     012       no   no    no
office                 no       no         no         no            no          no         no          no       no         no         012      no      no        no   no    no
not-guest              012      01         0          no            no          no         no          012      0          01         012      deny    012       no   no    no
day                    012      01         0          no            no          no         no          012      0          01         012      012     no        no   no    no
no-nights              012      01         0          0             01          012        01          012      0          01         012      012     deny      yes  apart yes
key-manager            no       no         no         no            no          no         no          no       no         no         no       no      no        yes  apart no
auditor                no       no         no         no            no          no         no          no       no         no         no       no      no        no   yes   no
deny-all               deny     deny       deny       deny          deny        deny       deny        deny     deny       deny       deny     deny    deny      deny deny  deny
f-models               no       01         no         no            01          no         01          no       no         01         no       no      no        no   no    yes
everything             012      01         0          0             01          012        01          012      0          01         012      012     012       yes  apart yes
gone                   no       no         no         no            no          no         no          no       no         no         no       no      no        no   no    no
user+deny-all          deny     deny       deny       deny          deny        deny       deny        deny     deny       deny       deny     deny    deny      deny deny  deny
cn+private             02       0          0          0             no          2          no          02       0          0          02       02      02        no   no    yes
key-manager+auditor    no       no         no         no            no          no         no          no       no         no         no       no      no        yes  apart no
flash-only+not-guest   012      01         0          no            no          no         no          012      0          01         012      deny    012       no   no    no
user+scope:chat        012      01         0          scope         scope       scope      scope       012      0          01         012      012     012       scope scope scope
user+scope:best        012      model      model      model         model       012        model       012      model      model      012      012     012       no   no    yes
office+not-far         02       0          0          0             0           02         0           02       0          0          02       02      02        yes  apart yes
"""  # noqa: E501
HEADER, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    pytest.param(row[0], name, expected, id=f"{row[0]}-{name}")
    for row in ROWS
    for name, expected in zip(HEADER[1:], row[1:], strict=True)
]
WORDS = {"no_rule": "no", "denied": "deny", "scope_action": "scope", "scope_model": "model",
         "separate_duties": "apart", "allowed": "yes"}  # fmt: skip
MADE = table(ROLES)


def someone(who: str) -> Principal:
    parts = who.split("+")
    scopes = {key: value for part in parts if part in SCOPES for key, value in SCOPES[part].items()}
    return caller(*(part for part in parts if part not in SCOPES), **scopes)


def test_it_is_a_table_of_more_than_200_cases() -> None:
    assert len(CELLS) == len(ROWS) * len(SITUATIONS) >= 400


@pytest.mark.parametrize(("who", "situation", "expected"), CELLS)
def test_cell(who: str, situation: str, expected: str) -> None:
    question = SITUATIONS[situation]
    at = question.at or MONDAY
    principal = someone(who)
    decision = MADE.decide(
        MADE.profile(principal), question.action, question.model, question.classes, question.client, at
    )
    if decision.allowed and question.model is not None:
        first = MODELS[question.model].deployments[0]
        said = "".join(str(one.position - first) for one in decision.found if one.allowed)
    else:
        said = WORDS[decision.cause]
    assert said == expected
    allowed = decide(ROLES, principal, Question(question.action, question.model, question.classes,
                                                question.client, at))  # fmt: skip
    assert bool(allowed) == decision.allowed, "the table and the plain reading of the rules differ"
