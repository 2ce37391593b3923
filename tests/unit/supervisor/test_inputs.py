from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from seekgate.config.snapshot import Limits, Snapshot
from seekgate.config.snapshot_file import sealed, write_snapshot
from seekgate.supervisor.home import Home
from seekgate.supervisor.inputs import Inputs, same

SNAPSHOT = sealed(Snapshot(4, "", (), None, 1, Limits(), {}, (), {}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    write_snapshot(made.snapshot(4), SNAPSHOT)
    made.keep_good(4)
    return made


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "c.yaml"
    file.write_text("workers: 1\n")
    return file


def test_the_last_good_snapshot_serves_while_its_inputs_are_the_same(home: Home, config: Path) -> None:
    inputs = Inputs(home, str(config), {"A": "1", "PWD": "/here"})
    assert inputs.snapshot() is None
    inputs.keep(4, inputs.fingerprint())
    assert inputs.snapshot() == SNAPSHOT
    assert Inputs(home, str(config), {"PWD": "/there", "A": "1"}).snapshot() == SNAPSHOT


@pytest.mark.parametrize("environ", [{"A": "2"}, {}, {"A": "1", "DEEPSEEK_API_KEY": "x"}])
def test_another_environment_is_another_input(home: Home, config: Path, environ: dict[str, str]) -> None:
    inputs = Inputs(home, str(config), {"A": "1"})
    inputs.keep(4, inputs.fingerprint())
    assert Inputs(home, str(config), environ).snapshot() is None


def test_another_text_or_file_is_another_input(home: Home, config: Path, tmp_path: Path) -> None:
    inputs = Inputs(home, str(config), {})
    inputs.keep(4, inputs.fingerprint())
    other = tmp_path / "other.yaml"
    other.write_bytes(config.read_bytes())
    assert Inputs(home, str(other), {}).snapshot() is None
    assert Inputs(home, None, {}).snapshot() is None
    config.write_text("workers: 2\n")
    assert inputs.snapshot() is None


def test_what_cannot_be_trusted_is_not_used(home: Home, config: Path) -> None:
    inputs = Inputs(home, str(config), {})
    inputs.keep(3, inputs.fingerprint())
    assert inputs.snapshot() is None
    (home.run / "inputs.json").write_bytes(b"{")
    assert inputs.snapshot() is None
    inputs.keep(4, inputs.fingerprint())
    home.last_good.write_bytes(b"{}")
    assert inputs.snapshot() is None
    config.unlink()
    assert inputs.fingerprint() == ""
    (home.run / "inputs.json").unlink()
    inputs.keep(4, "")
    assert not (home.run / "inputs.json").exists()


def test_only_the_number_may_differ() -> None:
    assert same(SNAPSHOT, sealed(msgspec.structs.replace(SNAPSHOT, number=9)))
    assert not same(SNAPSHOT, sealed(msgspec.structs.replace(SNAPSHOT, workers=9)))
