"""Records by their names."""

from __future__ import annotations

from base64 import b64encode

from seekgate.stages.audit.records import ANSWERED, ASKED, COLUMNS, HEAD, named


def test_every_kind() -> None:
    assert named([0, "lost", 5.0, 3]) == {"record": "journal", "what": "lost", "details": [5.0, 3]}
    assert named([4, 5.0, {"event": "e"}]) == {"record": "note", "time": 5.0, "event": {"event": "e"}}
    assert named([5, 1, 5.0, "r", "c", "w", None]) == {
        "record": "abandoned", "number": 1, "time": 5.0, "request": "r", "caller": "c", "writer": "w",
    }  # fmt: skip
    assert named([9, 1, 5.0, "r", "c"])["record"] == "9"


def test_a_digest_is_hexadecimal_and_what_is_empty_is_left_out() -> None:
    record = [1, 1, 5.0, "r", "c", *([None] * len(ASKED))]
    record[len(HEAD) + ASKED.index("prompt_sha256")] = b64encode(bytes(range(32))).decode()
    assert named(record) == {
        "record": "open", "number": 1, "time": 5.0, "request": "r", "caller": "c",
        "prompt_sha256": bytes(range(32)).hex(),
    }  # fmt: skip


def test_columns_are_all_names_once() -> None:
    assert len(COLUMNS) == len(set(COLUMNS))
    assert {*ASKED, *ANSWERED, *HEAD[1:]} < set(COLUMNS)
