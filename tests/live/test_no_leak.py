"""No secret, token map or prompt text in logs, errors, metrics, dumps or crash reports.

A whole node with everything turned on gets requests of every fate; each secret and each text is a mark, and everything
that the node and its commands have said or written is searched for all of them. What may hold a secret is listed.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest
from typer.testing import CliRunner

from seekgate.cli.main import app
from tests.support import leak_configs, leak_traffic
from tests.support.leak_node import SECRETS, Scene
from tests.support.leak_traffic import Asked
from tests.support.leaks import Leak, Searcher, mark
from tests.support.live_wire import connect, post, read_until
from tests.support.until import until

# Files of SEEKGATE_HOME that exist to hold a secret, and why. Nobody but the user may read them.
PURPOSE = {
    "secrets/key-hash": "what API keys are hashed under",
    "secrets/privacy-tokens": "what tokens are made under",
    "secrets/audit-signing": "the key that the ledger is signed with",
}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


REFUSED = "the new configuration cannot be used"
TOKENS = re.compile(rb"PII_[A-Z_]+_[0-9a-z]{6,}", re.IGNORECASE)


class Collected:
    """Places and what is in them, and the marks that are searched for."""

    def __init__(self) -> None:
        self.places: list[tuple[str, bytes]] = []
        self.marks: dict[str, str | bytes] = dict(SECRETS)

    def add(self, place: str, data: bytes | str) -> None:
        self.places.append((place, data.encode() if isinstance(data, str) else data))

    def leaks(self) -> list[Leak]:
        return Searcher(self.marks).find_all(self.places)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = Scene(tmp_path_factory.mktemp("leak"), stack)
        stack.callback(made.node.end)
        made.node.start()
        yield made


def _keys(scene: Scene, collected: Collected) -> dict[str, str]:
    """Keys of the database, one of which has expired and one is revoked; they are shown when they are made."""
    made = {}
    for name, *more in (
        ("good",),
        ("expired", "--expires", "1s"),
        ("revoked",),
        ("bound", "--cidr", "10.0.0.0/8"),
    ):
        said = scene.command("keys", "create", name, *more)
        found = re.search("sk-sg-[0-9A-Za-z]{40}", said)
        assert found is not None, said
        made[name] = found.group()
        collected.marks[f"the key {name}"] = made[name].removeprefix("sk-sg-")
        collected.add(f"keys create {name}", said.replace(made[name], ""))
    collected.add("keys revoke", scene.command("keys", "revoke", "revoked"))
    return made


def _ask_with_keys(scene: Scene, asked: Asked, keys: dict[str, str]) -> None:
    def status(name: str, wanted: int) -> bool:
        body = leak_traffic.chat(asked.new(f"text with the key {name}"))
        asked.took(
            f"the key {name}", *leak_traffic.answer(scene.node.url, post(leak_traffic.CHAT, body, keys[name]))
        )
        return asked.statuses[f"the key {name}"] == wanted

    for name, wanted in {"good": 200, "bound": 403, "revoked": 401, "expired": 401}.items():
        until(partial(status, name, wanted), f"the key {name} to be {wanted}")


def _crash(scene: Scene, asked: Asked, number: signal.Signals) -> None:
    """A worker dies of a signal in the middle of streams, with everything on that reports crashes."""
    before = {worker.pid for worker in scene.node.workers}
    with ExitStack() as stack:
        for pid in before:
            name = f"in flight at {number.name} {pid}"
            connection = stack.enter_context(connect(scene.node.url))
            connection.sendall(leak_traffic.slow(asked, name))
            read_until(connection, b'"content"')
        for pid in before:
            os.kill(pid, number)
        until(lambda: len({w.pid for w in scene.node.workers} - before) == 2, "other workers")
        until(
            lambda: (
                leak_traffic.answer(scene.node.url, b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 401
            ),
            "them",
        )


def _configure_wrongly(scene: Scene, collected: Collected) -> None:
    """The node goes on with the configuration before, and says why."""
    collected.marks |= leak_configs.marks()
    right = scene.node.file.read_text()
    for number, text in enumerate(leak_configs.files()[:5], 1):
        scene.node.write(text)
        scene.node.hears(REFUSED, number)
    scene.node.write(right)


def _commands(scene: Scene, collected: Collected) -> None:
    """What commands print of the node."""
    file = str(scene.node.file)
    for line in (
        "keys list --json --revoked",
        "keys show good --json",
        "audit export",
        "audit export --format csv",
        "audit tail --json",
        "audit verify --json",
        f"config show {file}",
        f"check {file}",
        f"check --json {file}",
        f"access explain --config {file} --key file --model deepseek-flash --json",
        "limits list --json",
    ):
        said = scene.command(*line.split())
        assert said, line
        collected.add(f"seekgate {line}", said)


def _processes(scene: Scene, collected: Collected) -> None:
    """Command lines and titles, as anybody on the machine may see them."""
    family = [psutil.Process(scene.node.pid)]
    family += family[0].children(recursive=True)
    assert len(family) >= 4
    for process in family:
        proc = Path("/proc") / str(process.pid)
        for name in ("cmdline", "comm", "status"):
            collected.add(f"{proc.name}/{name} of {process.name()}", (proc / name).read_bytes())


def _files(scene: Scene, collected: Collected) -> None:
    """Everything under the home, with what was said and logged."""
    home = scene.node.home
    assert home.stat().st_mode & 0o077 == 0
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if name in PURPOSE:
            assert path.stat().st_mode & 0o777 == 0o600, name
        elif path.is_file():
            collected.add(name, path.read_bytes())
            assert not TOKENS.search(path.read_bytes()), f"a token in {name}"
    assert set(PURPOSE) <= {str(path.relative_to(home)) for path in home.rglob("*")}
    collected.add("standard output and error", "".join(scene.raw))
    collected.add("the access log", scene.node.access_file.read_bytes())


def test_nothing_of_it_is_found_anywhere(scene: Scene) -> None:
    collected, asked = Collected(), Asked()
    keys = _keys(scene, collected)
    _ask_with_keys(scene, asked, keys)
    for round_number, content in enumerate((None, {"key": "env:CONTENT_KEY", "id": "k1"})):
        if content is not None:
            config = scene.configuration()
            config["audit"] = {**config["audit"], "content": content}
            scene.node.write(config)
            scene.node.hears("configuration in force")
        leak_traffic.send(scene, asked)
        leak_traffic.send_securely(scene, asked)
        leak_traffic.leave(scene, asked)
        leak_traffic.flagged(scene, asked)
        _processes(scene, collected)
        with urlopen(f"{scene.node.admin}/metrics") as answer:
            collected.add(f"/metrics {round_number}", answer.read())
    for number in (signal.SIGABRT, signal.SIGSEGV):
        _crash(scene, asked, number)
    _configure_wrongly(scene, collected)
    assert "Fatal Python error: Aborted" in "".join(scene.raw), "the crash was not reported"
    _commands(scene, collected)
    collected.add("Valkey", scene.valkey.contents())
    scene.node.stop()
    assert not list((scene.folder / "cwd").iterdir()), "a core dump"
    _files(scene, collected)
    collected.places += asked.errors
    collected.marks |= {**asked.marks, **scene.kept_secrets()}
    sent = TOKENS.findall(b"".join(record.body for record in scene.emulator.emulator.requests))
    assert len(set(sent)) > 10, "no tokens were made"
    # The type stands before it in records; what follows is what makes a token of it.
    collected.marks |= {f"the token {token.decode()}": token.decode()[-8:] for token in set(sent)}
    _as_expected(asked)
    leaks = collected.leaks()
    assert not leaks, "\n".join(map(str, leaks[:20]))


def _as_expected(asked: Asked) -> None:
    """The requests have met what they were meant to meet: a search after nothing has happened finds nothing."""
    wanted = {
        "a good request": 200, "a stream": 200, "a call of a tool": 200, "headers": 200, "a query": 200,
        "an unknown model": 404, "an unknown path": 404, "a private key": 400, "a forbidden word": 400,
        "an injection": 400, "a denied tool": 400, "an unknown key": 401, "an expired token": 401,
        "a forged token": 401, "few 2": 429, "a cut body": 400, "a key twice": 400, "an encoding": 415,
        "a large head": 431, "a dead upstream": 502, "a stage that fails by raise": 500,
        "a stage that fails by chain": 500, "a stage that fails by wait": 500, "a certificate": 200, "a token": 200,
        "flagged": 400, "the key good": 200, "the key revoked": 401, "the key expired": 401, "the key bound": 403,
    }  # fmt: skip
    found = {name: asked.statuses.get(name) for name in wanted}
    assert found == wanted


def test_the_search_finds_what_is_planted(scene: Scene) -> None:
    """Each mark in each form, whole and in part, in a place of each kind."""
    raw = bytes(range(40, 72))
    secret, chinese = mark("planted"), "紫檀海鸥与九头鸟的秘密行动计划"
    marks: dict[str, str | bytes] = {
        "secret": secret,
        "chinese": chinese,
        "bytes": raw,
        "number": "13812349876",
    }
    search = Searcher(marks)
    line = {"message": f"cannot serve {chinese}"}
    planted = {
        "secret": [
            secret, secret[:16], secret[16:], secret[11:20], secret.upper(), b64(secret.encode()),
            b64(b"x" + secret.encode()).replace("+", "-").replace("/", "_"), b64(b"xy" + secret[:14].encode()),
            secret.encode().hex(), secret[7:17].encode().hex().upper(), "".join(f"%{ord(c):02x}" for c in secret),
            "".join(f"\\u{ord(c):04X}" for c in secret), secret.encode("utf-16-le").decode("latin-1"),
        ],
        "chinese": [chinese, json.dumps(line), json.dumps(line, ensure_ascii=False), str(chinese.encode())],
        "bytes": [b64(raw), raw.hex(), raw[10:20].hex()],
        "number": ["call 13812349876 now"],
    }  # fmt: skip
    for name, texts in planted.items():
        for text in texts:
            hidden = b"x" * 1000 + text.encode() + b"y" * 1000
            assert name in {leak.mark for leak in search.find(hidden)}, text
    assert not search.find(b"".join(b"-" + secret[at : at + 7].encode() for at in range(25)))
    # In a file of the kind that is searched, among what is there.
    collected = Collected()
    log = scene.node.home / "log" / "planted.log"
    log.write_text(json.dumps({"error": f"upstream said {SECRETS['UPSTREAM_KEY'][10:25]}"}))
    _files(scene, collected)
    log.unlink()
    assert [leak.mark for leak in collected.leaks()] == ["UPSTREAM_KEY"]


def test_a_wrong_configuration_repeats_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command that reads the file tells what is wrong, and nothing of what stands there."""
    monkeypatch.setenv("SEEKGATE_HOME", str(tmp_path / "home"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    collected = Collected()
    collected.marks |= leak_configs.marks()
    for number, text in enumerate(leak_configs.files()):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text)
        commands = [
            ["check", str(path)],
            ["check", "--json", str(path)],
            ["config", "show", str(path)],
            ["keys", "list", "--config", str(path)],
        ]
        commands += [["access", "explain", "--principal", "{}", "--config", str(path)]]
        for command in commands:
            done = CliRunner().invoke(app, command)
            assert done.exit_code in (1, 2), (command, text, done.output)
            assert isinstance(done.exception, SystemExit), (command, text, done.exception)
            collected.add(" ".join(command[:2]) + f" of\n{text}", done.output)
    leaks = collected.leaks()
    assert not leaks, "\n".join(map(str, leaks[:20]))
