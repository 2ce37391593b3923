"""Roles and bindings of the database on a whole node: in force in every worker, and explained as they are decided."""

from __future__ import annotations

import http.client
import json
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from seekgate.emulate import BackgroundEmulator, Settings
from tests.live.conftest import MakeGateway
from tests.support.live import SEEKGATE, Gateway, settings
from tests.support.until import until


@pytest.fixture(scope="module")
def emulator() -> Iterator[BackgroundEmulator]:
    with BackgroundEmulator(Settings()) as running:
        yield running


def command(node: Gateway, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the installation."""
    return subprocess.run(
        [SEEKGATE, *arguments], env=node.environment, capture_output=True, text=True, timeout=60
    )


def done(node: Gateway, *arguments: str) -> str:
    result = command(node, *arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


class Caller:
    """One kept-alive connection: it stays with one worker."""

    def __init__(self, node: Gateway, key: str) -> None:
        where = urlsplit(node.url)
        self.connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        self._headers = {"Authorization": f"Bearer {key}"}

    def chat(self, model: str) -> tuple[int, dict[str, Any]]:
        body = json.dumps({"model": model, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 4})
        self.connection.request("POST", "/v1/chat/completions", body, self._headers)
        return self._answer()

    def models(self) -> set[str]:
        self.connection.request("GET", "/v1/models", headers=self._headers)
        return {entry["id"] for entry in self._answer()[1]["data"]}

    def _answer(self) -> tuple[int, dict[str, Any]]:
        answer = self.connection.getresponse()
        body: dict[str, Any] = json.loads(answer.read())
        return answer.status, body


def explains(node: Gateway, message: str) -> None:
    """The command says of this node what the node has said."""
    question = ("--config", str(node.file), "--key", "lab", "--model", "deepseek-v4-pro", "--json")
    explained = command(node, "access", "explain", *question)
    assert explained.returncode == 1
    said = json.loads(explained.stdout)
    assert said["message"] == message
    assert said["roles"] == [
        {"name": "flash-only", "by": "binding team:research (row)", "home": "row role:flash-only"}
    ]


def test_roles_of_the_database_in_all_workers(
    make_gateway: MakeGateway, emulator: BackgroundEmulator
) -> None:
    node = make_gateway(settings(emulator.url, database={}, workers=2))
    done(node, "teams", "create", "research")
    key = done(node, "keys", "create", "lab", "--team", "research").splitlines()[-1]
    callers = [Caller(node, key) for _ in range(16)]  # every worker has one, but once in 30,000 runs
    try:
        until(
            lambda: all(one.chat("deepseek-flash")[0] == 200 for one in callers), "the key in all workers", 20
        )
        done(
            node, "roles", "create", "flash-only", "--allow", "chat,models.list", "--models", "deepseek-flash"
        )
        done(node, "bindings", "add", "team:research", "flash-only")
        until(
            lambda: all(one.chat("deepseek-v4-pro")[0] == 403 for one in callers),
            "the role in all workers",
            20,
        )
        for one in callers:
            _, body = one.chat("deepseek-v4-pro")
            assert body["error"]["code"] == "model_not_allowed"
            assert "its roles: 'flash-only'" in body["error"]["message"]
            assert one.chat("deepseek-flash")[0] == 200
            assert one.models() == {"deepseek-flash", "deepseek-v4-flash"}
        explains(node, body["error"]["message"])
        done(node, "roles", "deny", "flash-only", "chat")
        until(
            lambda: all(one.chat("deepseek-flash")[0] == 403 for one in callers),
            "the denial in all workers",
            20,
        )
        assert (
            "denies 'chat' on the model 'deepseek-flash' (rule 2)"
            in callers[0].chat("deepseek-flash")[1]["error"]["message"]
        )
    finally:
        for one in callers:
            one.connection.close()
