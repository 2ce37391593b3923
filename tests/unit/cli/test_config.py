import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from seekgate.cli.main import app
from seekgate.settings import BUILTIN
from seekgate.settings_reference import json_schema, markdown


def test_schema() -> None:
    result = CliRunner().invoke(app, ["config", "schema"])
    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()


def test_reference() -> None:
    assert CliRunner().invoke(app, ["config", "reference"]).stdout == markdown()


def test_show_fills_in_defaults_and_shows_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_KEY", "sesame")
    (tmp_path / "f.yaml").write_text("keys: [{name: app, secret: 'env:APP_KEY'}]\n")
    result = CliRunner().invoke(app, ["config", "show", str(tmp_path / "f.yaml")])
    assert result.exit_code == 0
    assert "sesame" not in result.stdout
    shown = yaml.safe_load(result.stdout)
    (key,) = shown["keys"]
    assert (key["name"], key["secret"], key["cidr"]) == ("app", "env:APP_KEY", [])
    assert shown["listen"] == [{"address": "127.0.0.1:8080", "tls": None, "xfcc_from": []}]


def test_show_needs_no_secret_to_be_there() -> None:
    result = CliRunner().invoke(app, ["config", "show"], env={"SEEKGATE_HOME": "/nowhere"})
    assert result.exit_code == 0
    assert "file:/nowhere/demo.key" in result.stdout


def test_show_source() -> None:
    assert CliRunner().invoke(app, ["config", "show", "--source"]).stdout == BUILTIN.read_text()


def test_show_of_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("workers: x\n")
    result = CliRunner().invoke(app, ["config", "show", str(tmp_path / "f.yaml")])
    assert result.exit_code == 1
    assert "f.yaml:1: workers: 'x' is not a count" in result.stderr
