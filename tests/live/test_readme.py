"""The README is true: what it tells a newcomer to run is run, on the built-in configuration and the real model."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.model import small_model
from tests.support.until import until
from tests.support.walkthrough import Shell, form, steps

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ADDRESS = "127.0.0.1:8080"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@contextmanager
def _serving(home: Path, *arguments: str) -> Iterator[tuple[str, dict[str, str]]]:
    """`seekgate serve` as a person starts it, in a home of its own: what it prints when ready, and its environment."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "SEEKGATE_CACHE": str(small_model().parents[1]),
        "SEEKGATE_LISTEN": "127.0.0.1:0",
        "SEEKGATE_ADMIN": "127.0.0.1:0",
        "SEEKGATE_ACCESS_LOG": "off",
    }
    log = home / "stderr"
    with (
        log.open("a") as stderr,
        subprocess.Popen(
            ["seekgate", "serve", *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            executable=str(Path(sys.executable).with_name("seekgate")),
        ) as process,
    ):
        assert process.stdout is not None
        try:
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("curl"):
                    break
            else:
                raise AssertionError(f"it never printed a line to paste:\n{said}\n{log.read_text()}")
            yield said, environment
        finally:
            process.send_signal(signal.SIGTERM)
            process.stdout.read()
            assert process.wait(60) == 0, log.read_text()


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _words(answer: str) -> str:
    return "".join(re.findall(r'"content":"((?:[^"\\]|\\.)*)"', answer))


def test_the_commands_shown_work(tmp_path: Path) -> None:
    curl = next(block for block in _blocks("sh") if block.startswith("curl"))
    program = next(iter(_blocks("python")))
    with _serving(tmp_path) as (said, environment):
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url is not None, said
        address = url.group().removeprefix("http://")
        answer = _run(["bash", "-c", curl.replace(ADDRESS, address)], environment)
        assert len(_words(answer)) > 20, answer
        assert answer.rstrip().endswith("data: [DONE]"), answer
        assert len(_run([sys.executable, "-c", program.replace(ADDRESS, address)], environment)) > 20


def test_the_security_walk_prints_what_is_shown(tmp_path: Path) -> None:
    config = tmp_path / "walk.yaml"
    shown = next(block for block in _blocks("yaml") if block.startswith("database:"))
    config.write_text(f"{shown}listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\naccess_log: 'off'\n")
    with _serving(tmp_path, "--config", str(config)) as (said, environment):
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found is not None, said
        address = found.group().removeprefix("http://")
        shell = Shell(tmp_path, environment)
        try:
            made, shown_masks, limit, asked, refusal, search, *others = steps(ROOT / "README.md")
            for step in (made, shown_masks):
                assert form(shell.run(step.command)) == form(step.printed)
            listed = (
                f'curl -s -w "%{{http_code}}" -o - http://{address}/v1/models -H "Authorization: Bearer $KEY"'
            )
            until(lambda: shell.run(listed).strip().endswith("200"), "the key to be known", 15)
            assert form(shell.run(limit.command)) == form(limit.printed)
            three = asked.command.replace(ADDRESS, address)
            assert asked.printed.split() == ["200", "200", "429"]
            until(lambda: shell.run(three).split()[-1] == "429", "the limit to be in force", 15)
            answer = shell.run(refusal.command)
            assert form(answer) == form(refusal.printed)
            request = re.search(r"req_\w+", answer)
            assert request is not None
            record = shell.run(re.sub(r"req_\w+", request.group(), search.command))
            assert _names(record) == _names(search.printed)
            for step in others:
                assert form(shell.run(step.command)) == form(step.printed)
        finally:
            shell.close()


def _names(record: str) -> list[str]:
    """The names of an audit record's fields, as it is shown."""
    return re.findall(r"(?<=  )\w+(?==)", record)


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-steps.md"])
def test_the_configuration_shown_passes_the_check(page: str, tmp_path: Path) -> None:
    text = (ROOT / page).read_text()
    config = tmp_path / "seekgate.yaml"
    shown = re.search(r"^```yaml\n(listen:.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert shown is not None, f"{page} shows no configuration"
    config.write_text(shown[1])
    environment = dict.fromkeys(re.findall(r"env:(\w+)", shown[1]), "sk-x") | {"HOME": str(tmp_path)}
    keys = {name: f"sk-{name}" for name in environment if name != "HOME"}
    command = [str(Path(sys.executable).with_name("seekgate")), "check", str(config)]
    _run(command, {**os.environ, **environment, **keys})
