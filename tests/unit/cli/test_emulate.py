"""The command as a process: it says where it listens, obeys its options and ends on SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

COMMAND = [
    sys.executable,
    "-c",
    "from seekgate.cli.main import main; main()",
    "emulate",
    "deepseek",
    "--port",
    "0",
]
BODY = {"model": "deepseek-flash", "messages": [{"role": "user", "content": "Say hello"}]}
KEY = {"authorization": "Bearer sk-test"}


@contextmanager
def _running(*options: str, **popen: Any) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True, **popen)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.terminate()
        process.wait(timeout=30)
        assert process.stdout is not None
        process.stdout.close()


def _fails(*options: str) -> str:
    done = subprocess.run([*COMMAND, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    return done.stderr


def test_it_prints_where_it_listens_and_ends_on_sigterm() -> None:
    with _running("--json") as (process, line):
        ready = json.loads(line)
        assert (ready["event"], ready["pid"]) == ("ready", process.pid)
        answer = httpx.post(f"{ready['base_url']}/v1/chat/completions", json=BODY, headers=KEY)
        assert answer.status_code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_the_plain_line_has_the_url() -> None:
    with _running("--instant", "--seed", "4") as (_, line):
        url = next(word for word in line.split() if word.startswith("http://127.0.0.1:"))
        assert httpx.get(f"{url}/models", headers=KEY).status_code == 200


def test_the_url_can_be_written_to_a_descriptor() -> None:
    reading, writing = os.pipe()
    with _running("--ready-fd", str(writing), pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as pipe:
            assert pipe.read().startswith("http://127.0.0.1:")


def test_options_reach_the_emulator(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yaml"
    scenario.write_text("rules: [{match: {nth: 2}, faults: status=503}]\nconcurrency: {deepseek-v4-pro: 0}\n")
    options = ["--json", "--log", "-", "--scenario", str(scenario), "--always", "echo"]
    with _running(*options, "--concurrency", "deepseek-flash=9") as (process, line):
        url = json.loads(line)["base_url"] + "/chat/completions"
        first = httpx.post(url, json=BODY, headers=KEY)
        assert first.json()["choices"][0]["message"]["content"] == "Say hello"
        assert httpx.post(url, json=BODY, headers=KEY).status_code == 503
        pro = httpx.post(url, json={**BODY, "model": "deepseek-v4-pro"}, headers=KEY)
        assert pro.status_code == 429
        assert process.stdout is not None
        events = [json.loads(process.stdout.readline())["event"] for _ in range(6)]
        assert events == ["start", "end"] * 3


def test_it_can_serve_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key, root = tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    issued.private_key_pem.write_to_path(str(key))
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(root))
    with _running("--json", "--tls-certificate", str(certificate), "--tls-key", str(key)) as (_, line):
        url = json.loads(line)["base_url"]
        assert url.startswith("https://")
        import ssl

        context = ssl.create_default_context(cafile=str(root))
        assert httpx.get(f"{url}/models", headers=KEY, verify=context).status_code == 200


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--always", "cutt=1"], "--always: 'cutt' is no fault"),
        (["--concurrency", "deepseek-flash"], "--concurrency needs MODEL=N"),
        (["--concurrency", "gpt=1"], "no such model: gpt"),
        (["--scenario", "/nowhere/scenario.yaml"], "No such file"),
        (["--tls-certificate", "/nowhere/cert.pem"], "cannot use the certificate"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1:0"),
    ],
)
def test_a_mistake_is_named(options: list[str], part: str) -> None:
    assert part in _fails(*options)
