"""The engine's process with a real model: what it serves, to whom, and how it leaves."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from seekgate.engine.decide import EXIT_CUT, EXIT_DRAINED, EXIT_REFUSED
from tests.support.engine_process import EngineProcess, engine
from tests.support.gguf_file import gguf
from tests.support.model import small_model
from tests.support.until import until

# One thread: llama.cpp's threads wait for each other spinning, which starves a busy machine.
SMALL = ("--context", "1024", "--slots", "2", "--threads", "1")
LONG = ("--context", "8192", "--slots", "1", "--threads", "1")


def _chat(**more: Any) -> dict[str, Any]:
    asked = {"model": "small", "messages": [{"role": "user", "content": "Name a colour, zanzibarquux."}]}
    return {**asked, "max_tokens": 12, "seed": 1, **more}


def _endless(tokens: int) -> dict[str, Any]:
    return _chat(stream=True, max_tokens=tokens, ignore_eos=True)


def _events(body: bytes) -> list[Any]:
    """The events of a stream, which must end with [DONE]."""
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    assert lines[-1] == b"[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def _metric(running: EngineProcess, name: str) -> float:
    status, body = running.answer("/metrics")
    assert status == 200
    found = re.search(rf"^llamacpp:{name} (\S+)$", body.decode(), re.M)
    assert found, body
    return float(found[1])


def _serve_everything(running: EngineProcess) -> None:
    status, body = running.answer("/v1/models")
    assert [model["id"] for model in json.loads(body)["data"]] == ["small"]
    status, body = running.answer("/v1/chat/completions", _chat(logprobs=True, top_logprobs=2))
    assert status == 200
    choice = json.loads(body)["choices"][0]
    assert choice["message"]["content"]
    assert len(choice["logprobs"]["content"][0]["top_logprobs"]) == 2
    _, body = running.answer(
        "/v1/chat/completions", _chat(stream=True, stream_options={"include_usage": True}, logprobs=True)
    )
    events = _events(body)
    assert {event["model"] for event in events} == {"small"}
    assert "".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"])
    assert events[-1]["usage"]["completion_tokens"] == 12
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "blue"]}}, "required": ["colour"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    _, body = running.answer("/v1/chat/completions", _chat(max_tokens=60, response_format=wanted))
    assert json.loads(json.loads(body)["choices"][0]["message"]["content"])["colour"] in ("red", "blue")
    status, body = running.answer(
        "/v1/completions", {"model": "small", "prompt": "One, two,", "max_tokens": 3}
    )
    assert status == 200
    assert json.loads(body)["usage"]["completion_tokens"] == 3


def test_it_serves_on_a_loopback_port_and_leaves_when_idle(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL) as running:
        where = running.ready()
        assert where.host == "127.0.0.1"
        assert where.port > 0
        _serve_everything(running)
        running.drain(20)
        assert running.process.wait(60) == EXIT_DRAINED
    log = (tmp_path / "log").read_bytes()
    assert b"zanzibarquux" not in log, "llama.cpp's log repeats a prompt"
    assert where.key.encode() not in log


def test_it_serves_on_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "e.sock"
    path.write_text("left by an engine that was killed")
    with engine(small_model(), tmp_path / "log", *SMALL, "--socket", str(path)) as running:
        where = running.ready()
        assert (where.host, where.port) == (str(path), 0)
        assert path.stat().st_mode & 0o077 == 0
        _serve_everything(running)
        running.drain(20)
        assert running.process.wait(60) == EXIT_DRAINED
    assert not path.exists()


def test_nobody_enters_without_the_key_and_nothing_shows_prompts(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL) as running:
        running.ready()
        assert running.answer("/health", key="")[0] == 200
        for path in ("/v1/models", "/models", "/props", "/slots", "/metrics", "/v1/stream", "/tools"):
            assert running.answer(path, key="")[0] == 401, path
        assert running.answer("/v1/chat/completions", _chat(), key="wrong")[0] == 401
        assert running.answer("/slots")[0] == 501
        assert running.answer("/")[0] == 404
        running.answer("/v1/chat/completions", _chat())
        assert b"zanzibarquux" not in running.answer("/props")[1]


def test_each_start_has_another_key(tmp_path: Path) -> None:
    keys = set()
    for _ in range(2):
        with engine(small_model(), tmp_path / "log", *SMALL) as running:
            keys.add(running.ready().key)
    assert len(keys) == 2
    assert min(map(len, keys)) >= 32


def test_embeddings(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL, "--embeddings") as running:
        running.ready()
        status, body = running.answer("/v1/embeddings", {"model": "small", "input": ["red", "word " * 600]})
        assert status == 200
        assert [len(item["embedding"]) for item in json.loads(body)["data"]] == [576, 576]


def test_a_client_that_leaves_frees_its_slot(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *LONG) as running:
        running.ready()
        connection, response = running.ask("/v1/chat/completions", _endless(8000))
        assert response.readline().startswith(b"data: ")
        assert _metric(running, "requests_processing") == 1
        response.close()
        connection.close()
        until(lambda: _metric(running, "requests_processing") == 0, "the slot to be freed")
        assert running.answer("/v1/chat/completions", _chat())[0] == 200


def test_a_drain_finishes_what_runs_and_admits_nobody(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL) as running:
        running.ready()
        connection, response = running.ask("/v1/chat/completions", _endless(60))
        first = response.readline()
        running.drain(100)
        until(lambda: _refused(running), "new connections to be refused")
        events = _events(first + response.read())
        connection.close()
        assert events[-1]["choices"][0]["finish_reason"] == "length"
        assert running.process.wait(60) == EXIT_DRAINED


def _refused(running: EngineProcess) -> bool:
    try:
        running.answer("/health")
    except ConnectionError:
        return True
    return False


def test_a_deadline_cuts_what_still_runs(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *LONG) as running:
        running.ready()
        connection, response = running.ask("/v1/chat/completions", _endless(8000))
        response.readline()
        running.drain(0.1)
        with pytest.raises((HTTPException, ConnectionError)):
            response.read()
        connection.close()
        assert running.process.wait(60) == EXIT_CUT
    assert b"were cut" in (tmp_path / "log").read_bytes()


@pytest.mark.parametrize("way", ["end of control", "SIGTERM"])
def test_without_a_supervisor_it_finishes_and_leaves_by_itself(tmp_path: Path, way: str) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL) as running:
        running.ready()
        connection, response = running.ask("/v1/chat/completions", _endless(30))
        first = response.readline()
        if way == "SIGTERM":
            running.process.send_signal(signal.SIGTERM)
        else:
            running.control.close()
        assert _events(first + response.read())
        connection.close()
        assert running.process.wait(60) == EXIT_DRAINED


def test_a_supervisor_that_dies_while_the_model_loads(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL) as running:
        running.control.close()
        assert running.process.wait(60) == EXIT_DRAINED


def test_ctrl_c_in_the_terminal_is_the_supervisors_business(tmp_path: Path) -> None:
    with engine(small_model(), tmp_path / "log", *SMALL) as running:
        running.ready()
        running.process.send_signal(signal.SIGINT)
        assert running.answer("/v1/chat/completions", _chat())[0] == 200
        running.drain(10)
        assert running.process.wait(60) == EXIT_DRAINED


def test_a_supervisor_whose_descriptor_lives_on_in_a_sibling(tmp_path: Path) -> None:
    """The control channel never ends here, yet the engine sees that its parent is gone."""
    script = (
        "import os, subprocess, sys, time\n"
        "reading, writing = os.pipe()\n"
        "command = [sys.executable, '-m', 'seekgate.engine', '--name', 'small', '--model', sys.argv[1],\n"
        "           '--context', '512', '--threads', '1', '--control-fd', str(reading)]\n"
        "engine = subprocess.Popen(command, pass_fds=[reading, writing], stdout=subprocess.DEVNULL)\n"
        "print(engine.pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    with (tmp_path / "log").open("wb") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-c", script, str(small_model())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        # It has seen who its parent is once it loads the model, and llama.cpp tells of that.
        until(lambda: (tmp_path / "log").stat().st_size > 0, "the engine to load")
        supervisor.kill()
        supervisor.communicate()
    until(lambda: not _runs(pid), "the engine to leave")


def _runs(pid: int) -> bool:
    """Whether it runs; an orphan that nobody waits for stays in the table as a zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_model_that_llama_cpp_cannot_load_is_said(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(gguf())
    with engine(tmp_path / "m.gguf", tmp_path / "log", *SMALL) as running:
        assert running.process.wait(60) == 1
    assert b"could not start with" in (tmp_path / "log").read_bytes()


def test_a_missing_model_is_final(tmp_path: Path) -> None:
    with engine(tmp_path / "absent.gguf", tmp_path / "log") as running:
        assert running.process.wait(60) == EXIT_REFUSED
