"""The ledger of a whole node: killed workers, a disk that fills up, a reload, content that is kept."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from seekgate.stages.audit.records import named
from seekgate.store.journal.searching import Ledger
from seekgate.store.journal.verifying import verify
from tests.live import audit_kill, audit_search
from tests.live.audit_kill import FAST, SLOW, configuration
from tests.live.conftest import MakeGateway
from tests.support.live import SEEKGATE, Gateway
from tests.support.live_emulators import emulator_process
from tests.support.live_wire import Answer, connect, exchange, post, read_until
from tests.support.small_disk import SmallDisk
from tests.support.until import until


def ask(gateway: Gateway, id: str, model: str = FAST, **more: Any) -> Answer:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": "秘密 question"}],
        "max_tokens": 4,
        **more,
    }
    return exchange(gateway.url, post("/v1/chat/completions", body, x_request_id=id))


def command(home: Path, *arguments: str, code: int = 0) -> str:
    """`seekgate audit` for a home."""
    environment = {**os.environ, "SEEKGATE_HOME": str(home)}
    done = subprocess.run(
        [SEEKGATE, "audit", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def found(journal: Path, request: str) -> list[dict[str, Any]]:
    hits = sorted(Ledger(journal).find(request=request), key=lambda hit: hit.number)
    return [named(hit.record) for hit in hits]


def test_killed_workers_lose_no_answered_request(tmp_path: Path) -> None:
    outcome = audit_kill.run(tmp_path, kills=2, rate=200, audit={"fsync": "always"})
    assert not outcome.problems, outcome.problems[:5]
    assert outcome.abandoned


@pytest.fixture
def upstreams() -> Any:
    with emulator_process("--instant") as fast, emulator_process("--always", "slow=50ms,tokens=60") as slow:
        yield fast, slow


@pytest.mark.parametrize("policy", ["refuse", "continue"])
def test_a_disk_that_fills_up(
    tmp_path: Path, make_gateway: MakeGateway, upstreams: tuple[str, str], policy: str
) -> None:
    disk = SmallDisk(tmp_path / "node" / "home" / "journal", "24m")
    config = {**configuration(*upstreams, on_failure=policy, segment_size="64KiB"), "workers": 1}
    gateway = make_gateway(config, prefix=disk.prefix)
    journal = disk.seen(gateway.pid)
    assert ask(gateway, "before").status == 200
    with connect(gateway.url) as stream:
        body = {"model": SLOW, "messages": [{"role": "user", "content": "hi"}], "stream": True}
        stream.sendall(post("/v1/chat/completions", body, x_request_id="in-flight"))
        read_until(stream, b'"content"')
        disk.fill(gateway.pid)
        filling = [0]

        def full() -> bool:
            """What was reserved is used up by and by."""
            filling[0] += 1
            assert ask(gateway, f"filling-{filling[0]}").status in (200, 503)
            return bool(gateway.said("the audit journal cannot be written"))

        until(full, "the disk to be full")
        assert gateway.gauge("seekgate_audit_failing") == 1
        during = ask(gateway, "during")
        if policy == "refuse":
            assert (during.status, during.json()["error"]["code"]) == (503, "audit_unavailable")
            assert during.headers["retry-after"] == "1"
        else:
            assert during.status == 200
        assert b"data: [DONE]" in read_until(stream, b"0\r\n\r\n")
    disk.clear(gateway.pid)
    gateway.hears("the audit journal is written again")
    until(lambda: ask(gateway, "after").status == 200, "requests to be taken again")
    until(lambda: gateway.gauge("seekgate_audit_failing") == 0, "the alarm to end")
    assert gateway.gauge("seekgate_audit_lost_records_total") == 0
    assert not verify(journal).findings
    kept = {id: [row["record"] for row in found(journal, id)] for id in ("before", "in-flight", "during")}
    for number in range(1, filling[0] + 1):
        assert {row["record"] for row in found(journal, f"filling-{number}")} in (
            {"open", "close"},
            {"single"},
        )
    single = ["single"] if policy == "refuse" else ["open", "close"]
    assert kept == {"before": ["open", "close"], "in-flight": ["open", "close"], "during": single}
    if policy == "refuse":
        until(lambda: "during" in {line["id"] for line in gateway.access}, "the access log")
        attempts = {line["id"]: line.get("attempts", 0) for line in gateway.access}
        assert attempts["during"] == 0  # no upstream was called


def test_turned_on_changed_and_off_without_a_restart(
    make_gateway: MakeGateway, upstreams: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {**configuration(*upstreams), "workers": 1}
    without = {name: value for name, value in config.items() if name != "audit"}
    gateway = make_gateway(without, environment={"CONTENT": "ab" * 32})
    assert ask(gateway, "unrecorded").status == 200
    assert not (gateway.home / "journal").exists()
    steps = [
        ("plain", config["audit"]),
        ("kept", {"fsync": "always", "content": {"key": "env:CONTENT", "id": "k1"}}),
    ]
    for number, (id, audit) in enumerate(steps, 1):
        gateway.write({**config, "audit": audit})
        gateway.hears("configuration in force", number)
        assert ask(gateway, id).status == 200
    gateway.write(without)
    gateway.hears("configuration in force", 3)
    assert ask(gateway, "unrecorded").status == 200
    gateway.stop()
    home = gateway.home
    assert command(home, "search", "--request", "unrecorded", code=1) == ""
    plain, kept = found(home / "journal", "plain"), found(home / "journal", "kept")
    assert [row["record"] for row in plain] == [row["record"] for row in kept] == ["open", "close"]
    assert "answer_sha256" not in plain[1]
    assert "answer_sha256" in kept[1]
    monkeypatch.setenv("CONTENT", "ab" * 32)
    shown = command(home, "search", "--request", "kept", "--json", "--content-key", "k1=env:CONTENT")
    opened, closed = (json.loads(line) for line in shown.splitlines())
    assert "秘密 question" in opened["prompt"]
    assert json.loads(closed["answer"])["object"] == "chat.completion"
    assert "秘密" not in "".join(
        path.read_bytes().decode("utf-8", "replace") for path in (home / "journal").glob("*.journal")
    )
    assert "no faults" in command(home, "verify")
    assert "sealed" in command(home, "seal")
    assert "no faults" in command(home, "verify")


def test_a_ledger_is_searched_by_the_command(tmp_path: Path) -> None:
    figures = audit_search.run(tmp_path, 3_000_000, 50)
    counts = {what: count for what, count, _ in figures.searches}
    assert [count for what, count in counts.items() if what.startswith("request")] == [2, 2, 2, 0]
    assert counts["key, often, the newest 100"] == 100 or counts["key, often, 10000"] < 100
    assert counts["key, seldom"] > 2
    assert figures.index_bytes
