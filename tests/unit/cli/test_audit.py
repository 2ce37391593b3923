"""``seekgate audit``: the ledger verified, read, searched and exported."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seekgate.cli.main import app
from seekgate.stages.audit.sealing import sealer
from seekgate.store.journal import names, note, records
from seekgate.store.journal.keeping import keep
from tests.fakes.clock import FakeClock
from tests.support.journals import QUIET, die, journal, paths, write
from tests.support.until import until

KEY = bytes(range(32))
COMMAND = "from seekgate.cli.main import main; main()"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("SEEKGATE_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def kept(home: Path) -> Path:
    """Ten requests in a sealed segment, one of them left open, and a note."""
    made = journal(home)
    write(made, range(10))
    write(made, [10], open_only=True)
    die(made)
    note(home, {"event": "key.created", "id": "key_1"})
    keep(home, QUIET, FakeClock(wall=1_780_000_060.0))
    return home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["audit", *arguments])


def rows(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.output.splitlines()]


def test_verify(kept: Path) -> None:
    result = run("verify")
    assert result.exit_code == 0
    assert result.output == (
        f"25 records in 1 sealed and 1 open segments ({sum(p.stat().st_size for p in paths(kept))} bytes),"
        " 0 removed by retention: no faults\n"
    )
    report = json.loads(run("verify", "--json").output)
    assert (report["records"], report["findings"]) == (25, [])


def test_verify_tells_each_fault_and_its_place(kept: Path) -> None:
    path = next(path for path in paths(kept) if "-w0-" in path.name)
    data = bytearray(path.read_bytes())
    at = data.index(b"req_7")
    data[at] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)
    result = run("verify")
    assert result.exit_code == 1
    first, last = result.output.splitlines()
    assert first.startswith(f"{path.name}, byte ")
    assert first.endswith(", record 15: a damaged record")
    assert last.endswith(": 1 fault")


def test_verify_against_a_key_and_heads(kept: Path) -> None:
    public = kept / "secrets" / "audit-signing.pub"
    assert run("verify", "--public-key", str(public)).exit_code == 0
    (kept / "other").write_text("00" * 32)
    assert run("verify", "--public-key", str(kept / "other")).exit_code == 1
    node = names.node_id(names.folder(kept))
    (kept / "heads").write_text(f"{node} 1 {'0' * 64} x\nanother 9 {'0' * 64} x\n")
    result = run("verify", "--heads", str(kept / "heads"))
    assert result.exit_code == 1
    assert "entry 1 is not the one whose digest was exported" in result.output
    (kept / "heads").write_text("nonsense\n")
    assert run("verify", "--heads", str(kept / "heads")).exit_code == 2


def test_without_a_journal(home: Path) -> None:
    for command in (["verify"], ["tail"], ["search", "--key", "k"], ["export"], ["seal"]):
        result = run(*command)
        assert result.exit_code == 2
        assert "there is no journal in" in result.output


def test_tail(kept: Path) -> None:
    found = rows(run("tail", "-n", "3", "--json"))
    assert len(found) == 3
    result = run("tail", "-n", "100")
    assert len(result.output.splitlines()) == 25
    assert "request=req_3  caller=key_1" in result.output
    assert "=0  " not in result.output
    assert run("tail", "-n", "0").output == ""


def test_tail_follows(kept: Path) -> None:
    command = [sys.executable, "-c", COMMAND, "audit", "tail", "-n", "0", "-f", "--json"]
    said = kept / "said"
    with said.open("wb") as file:
        process = subprocess.Popen(command, stdout=file)
    try:

        def heard() -> bool:
            note(kept, {"event": "again"})  # until it is there and has read to the end
            return b'"again"' in said.read_bytes()

        until(heard, "the note to be shown")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert json.loads(said.read_text().splitlines()[0])["event"] == {"event": "again"}


def test_search(kept: Path) -> None:
    found = rows(run("search", "--request", "req_3", "--json"))
    assert [row["record"] for row in found] == ["open", "close"]
    assert [row["record"] for row in rows(run("search", "--request", "req_10", "--json"))] == [
        "open",
        "abandoned",
    ]
    assert len(rows(run("search", "--key", "key_1", "--json", "--limit", "5"))) == 5
    assert len(rows(run("search", "--key", "key_1", "--json"))) == 22
    since, until_ = "2026-05-28T20:26:44+00:00", "2026-05-28T20:26:45.6+00:00"
    found = rows(run("search", "--key", "key_1", "--json", "--since", since, "--until", until_))
    assert {row["request"] for row in found} == {"req_4", "req_5"}
    nothing = run("search", "--request", "nothing")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (1, "", "no such record\n")
    assert "wants an id" in run("search", "--key", "a-name").stderr


def test_questions_that_cannot_be_asked(kept: Path) -> None:
    assert run("search").exit_code == 2
    assert run("search", "--request", "a", "--key", "b").exit_code == 2
    result = run("search", "--key", "b", "--since", "yesterday")
    assert (result.exit_code, "yesterday is no time" in result.output) == (2, True)
    result = run("search", "--key", "b", "--content-key", "k=env:NOTHING_IS_CALLED_THIS")
    assert (result.exit_code, "--content-key k: the environment" in result.output) == (2, True)


def test_kept_content_is_shown_with_its_key_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = journal(home)
    sealed = sealer(KEY, "k1")("你好".encode(), b"req_1")
    made.append(records.encode((1, 1, 1_780_000_000.0, "req_1", "key_1", *[None] * 19, sealed)))
    made.close()
    monkeypatch.setenv("CONTENT", KEY.hex())
    (without,) = rows(run("search", "--request", "req_1", "--json"))
    assert "prompt" not in without
    (row,) = rows(run("search", "--request", "req_1", "--json", "--content-key", "k1=env:CONTENT"))
    assert row["prompt"] == "你好"
    monkeypatch.setenv("CONTENT", "00" * 32)
    (row,) = rows(run("search", "--request", "req_1", "--json", "--content-key", "k1=env:CONTENT"))
    assert row["prompt"] == "(the content was changed, or this is not its key)"


def test_export_as_lines_and_table(kept: Path) -> None:
    result = run("export")
    assert len(rows(result)) == 25
    target = kept / "out.csv"
    assert run("export", "--to", str(target), "--format", "csv").exit_code == 0
    table = list(csv.DictReader(io.StringIO(target.read_text())))
    assert len(table) == 25
    assert [row["request"] for row in table if row["record"] == "close"] == [f"req_{n}" for n in range(10)]
    assert json.loads(next(row["event"] for row in table if row["event"]))["event"] == "key.created"
    since = "2026-05-28T20:26:48+00:00"
    assert {row.get("request") for row in rows(run("export", "--since", since, "--until", "2026-05-29"))} == {
        "req_8", "req_9", "req_10"
    }  # fmt: skip


def test_export_goes_on_where_it_stopped(kept: Path) -> None:
    position = str(kept / "position")
    assert len(rows(run("export", "--position", position))) == 25
    assert rows(run("export", "--position", position)) == []
    note(kept, {"event": "later"})
    (row,) = rows(run("export", "--position", position))
    assert row["event"] == {"event": "later"}


def test_export_to_what_is_not_there(kept: Path) -> None:
    result = run("export", "--to", str(kept / "nowhere" / "file"))
    assert (result.exit_code, "No such file or directory" in result.output) == (2, True)
    assert run("export", "--to", "gopher://x").exit_code == 2


def test_a_reader_that_has_seen_enough(kept: Path) -> None:
    for _ in range(30):
        note(kept, {"text": "x" * 4000})
    command = [sys.executable, "-c", COMMAND, "audit", "export"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_seal(home: Path) -> None:
    made = journal(home)
    write(made, range(3))
    write(made, [3], open_only=True)
    die(made)
    result = run("seal")
    assert result.exit_code == 0
    assert f"sealed {made.name}: 8 records" in result.output
    assert "1 sealed, 1 requests closed as abandoned; head " in result.output
    assert json.loads(run("seal", "--json").output)["sealed"] == []
    (names.folder(home) / "manifest").write_text("nonsense\n")
    assert run("seal").exit_code == 2
