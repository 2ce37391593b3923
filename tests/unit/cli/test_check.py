import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seekgate.cli.main import app

GOOD = "keys: [{name: app, secret: 'env:APP_KEY'}]\nlisten: 127.0.0.1:0\n"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("APP_KEY", "sesame")
    monkeypatch.setenv("SEEKGATE_HOME", str(tmp_path))
    monkeypatch.delenv("DEEPSEEK_API_KEY", raising=False)


def check(tmp_path: Path, text: str, *options: str) -> Result:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    return CliRunner().invoke(app, ["check", str(path), *options])


def test_a_good_file_gets_a_summary(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{tmp_path}/f.yaml: fine: 1 listener, 1 key, 0 providers, 0 engines, 0 models, 0 deployments, 0 routes\n"
    )


def test_every_problem_is_printed(tmp_path: Path) -> None:
    result = check(tmp_path, GOOD + "workers: x\nadmn: off\n")
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert [line.partition(": ")[0] for line in lines] == [
        f"{tmp_path}/f.yaml{at}" for at in (":3", ":4", "")
    ]
    assert lines[-1].endswith(": 2 problems")


def test_warnings_stop_nothing_unless_strict(tmp_path: Path) -> None:
    assert check(tmp_path, "admin: off").exit_code == 0
    assert check(tmp_path, "admin: off", "--strict").exit_code == 1


def test_without_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("APP_KEY")
    assert check(tmp_path, GOOD).exit_code == 1
    assert check(tmp_path, GOOD, "--skip-environment").exit_code == 0


def test_json(tmp_path: Path) -> None:
    report = json.loads(check(tmp_path, GOOD, "--json").stdout)
    assert (report["ok"], report["problems"]) == (True, [])
    result = check(tmp_path, GOOD + "workers: x\n", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["ok"] is False
    (problem,) = report["problems"]
    assert (problem["line"], problem["column"], problem["path"], problem["warning"]) == (
        3,
        10,
        "workers",
        False,
    )
    assert problem["message"].startswith(f"{tmp_path}/f.yaml:3: workers: 'x' is not a count")


def test_the_builtin_configuration(tmp_path: Path) -> None:
    (tmp_path / "demo.key").write_text("demo")
    result = CliRunner().invoke(app, ["check"])
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "built-in configuration: fine: 1 listener, 1 key, 2 providers, 1 engine, 3 models"
    )
    assert result.stdout.endswith("left out here: deepseek\n")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["check", str(tmp_path / "gone.yaml")])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"{tmp_path}/gone.yaml: cannot read the file: No such file or directory")
