"""Tests of seekgate.config.rows."""

import msgspec
import pytest

from seekgate.config.rows import BindingRow, Budget, Grant, KeyRow, LimitRow, RoleRow, Row, Window

ROWS: list[Row] = [
    KeyRow("key_1", "ab" * 32, "shop", team="sales", roles=("user",), cidr=("10.0.0.0/8",), expires_at=1.5),
    RoleRow("user", (Grant("allow", actions=("chat",)), Grant("deny", models=("secret-*",)))),
    BindingRow("team:sales", "team", "sales", ("user",)),
    LimitRow("team:*", "team", "*", (Window("tokens", 60, 1000),), 5, (Budget("day", "CNY", hard=10),)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_row_is_read_as_it_was_written(row: Row) -> None:
    encoded = msgspec.json.encode(row)
    assert msgspec.json.decode(encoded, type=Row) == row


def test_what_is_not_said_of_a_key_takes_no_room_and_older_rows_are_read() -> None:
    written = msgspec.json.encode(KeyRow("key_1", "ab" * 32, "shop"))
    assert b"user" not in written
    assert msgspec.json.decode(written, type=KeyRow).user == ""
