"""Where exported records go."""

from __future__ import annotations

import io
import json
import re
import socket
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest

from seekgate.store.journal.sinks import Csv, JsonLines, Syslog, sink

ROW = {"record": "open", "time": 1_780_000_000.25, "request": "req_1", "model": "模型", "decisions": ["a:b"]}
MESSAGE = re.compile(r"<110>1 2026-05-28T20:26:40\.250000Z \S+ seekgate - open - (\{.*\})\Z")


def opener(target: str) -> IO[str]:
    return Path(target).open("w", newline="")


def test_lines_of_json() -> None:
    file = io.StringIO()
    made = JsonLines(file)
    made.write(ROW)
    made.write({"record": "note"})
    made.close()
    assert [json.loads(line) for line in file.getvalue().splitlines()] == [ROW, {"record": "note"}]


def test_csv() -> None:
    file = io.StringIO()
    made = Csv(file, ["request", "time", "decisions", "model", "missing"])
    made.write(ROW)
    made.write({"request": 'a,"b"', "model": "=1+1"})
    made.close()
    assert file.getvalue() == (
        "request,time,decisions,model,missing\r\n"
        'req_1,1780000000.25,"[""a:b""]",模型,\r\n'
        '"a,""b""",,,\'=1+1,\r\n'
    )


def test_syslog_by_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        made = Syslog(urlsplit(f"syslog://127.0.0.1:{server.getsockname()[1]}"))
        made.write(ROW)
        made.flush()
        match = MESSAGE.match(server.recv(65_536).decode())
        assert match is not None
        assert json.loads(match[1]) == ROW
        with pytest.raises(OSError, match="does not fit a datagram"):
            made.write({"answer": "x" * 70_000})
        made.close()


def test_syslog_by_tcp_counts_octets() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        made = Syslog(urlsplit(f"syslog+tcp://127.0.0.1:{server.getsockname()[1]}"))
        connection, _ = server.accept()
        made.write(ROW)
        made.write({**ROW, "answer": "x" * 70_000})
        made.close()
        with connection, connection.makefile("rb") as file:
            data = file.read()
    lengths = []
    while data:
        count, _, data = data.partition(b" ")
        assert MESSAGE.match(data[: int(count)].decode())
        lengths.append(int(count))
        data = data[int(count) :]
    assert len(lengths) == 2
    with pytest.raises(OSError, match="refused"):
        Syslog(urlsplit(f"syslog+tcp://127.0.0.1:{server_port_closed()}"))


def server_port_closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_syslog_to_a_unix_socket(tmp_path: Path, kind: socket.SocketKind) -> None:
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, kind) as server:
        server.bind(path)
        if kind == socket.SOCK_STREAM:
            server.listen()
        made = Syslog(urlsplit(f"syslog+unix://{path}"))
        made.write(ROW)
        receiver = server.accept()[0] if kind == socket.SOCK_STREAM else server
        text = receiver.recv(65_536).decode()
        assert MESSAGE.match(text if kind == socket.SOCK_DGRAM else text.partition(" ")[2])
        receiver.close()
        made.close()
    with pytest.raises(OSError, match="No such file"):
        Syslog(urlsplit(f"syslog+unix://{tmp_path}/nothing"))


def test_a_record_without_a_time() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        made = Syslog(urlsplit(f"syslog+udp://127.0.0.1:{server.getsockname()[1]}"))
        assert made.message({}).startswith(b"<110>1 - ")
        made.close()


def test_by_target(tmp_path: Path) -> None:
    made = sink(str(tmp_path / "file"), "csv", ["request"], opener)
    assert isinstance(made, Csv)
    made.write(ROW)
    made.close()
    assert (tmp_path / "file").read_text() == "request\nreq_1\n"
    assert isinstance(sink(str(tmp_path / "file"), "jsonl", [], opener), JsonLines)
    assert isinstance(sink("syslog://127.0.0.1:9", "jsonl", [], opener), Syslog)
    with pytest.raises(ValueError, match="nothing is exported to gopher"):
        sink("gopher://host", "jsonl", [], opener)
    with pytest.raises(ValueError, match="no topic"):
        sink("kafka://host", "jsonl", [], opener)
