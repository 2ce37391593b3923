from __future__ import annotations

import io
import json
import re

from seekgate.supervisor.log import Logger


def test_json_lines() -> None:
    stream = io.StringIO()
    log = Logger(stream, json=True)
    log.info("ready", slot=1)
    log.error("bad", detail=["one", "two"], reason='a "b"')
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {"level": "info", "source": "supervisor", "message": "ready", "slot": 1}
    assert second["detail"] == ["one", "two"]
    assert second["reason"] == 'a "b"'


def test_lines_for_people() -> None:
    stream = io.StringIO()
    log = Logger(stream, json=False)
    log.warning("restart delayed", seconds=0.123456, why="a b", empty="")
    log.error("bad", detail=["one", "two"])
    lines = stream.getvalue().splitlines()
    assert lines[0].endswith('Z warning restart delayed seconds=0.123 why="a b" empty=""')
    assert lines[1].endswith("Z error   bad")
    assert lines[2:] == ["  one", "  two"]


def test_a_closed_stream_is_no_error() -> None:
    stream = io.StringIO()
    stream.close()
    Logger(stream, json=True).info("to nobody")
