from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from seekgate.config.snapshot import Limits, Snapshot
from seekgate.config.snapshot_file import sealed, write_snapshot
from seekgate.supervisor.home import Home, LockedError, Record, replace


def snapshot(number: int) -> Snapshot:
    return sealed(Snapshot(number, "", (), None, 1, Limits(), {}, (), {}))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    made.prepare()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_directories_are_for_this_user_alone_also_when_they_were_not(home: Home) -> None:
    home.run.chmod(0o755)
    home.prepare()
    assert [mode(path) for path in (home.path, home.run, home.log)] == [0o700] * 3


def test_the_lock_is_held_by_one_and_names_its_holder(home: Home) -> None:
    fd = home.lock()
    assert not os.get_inheritable(fd)
    with pytest.raises(LockedError, match=f"pid {os.getpid()}"):
        home.lock()
    os.close(fd)
    os.close(home.lock())


def test_numbers_grow_over_restarts_and_lost_files(home: Home) -> None:
    assert [home.next_number(), home.next_number()] == [1, 2]
    write_snapshot(home.snapshot(7), snapshot(7))
    assert home.next_number() == 8
    home.keep_good(7)
    (home.run / "number").write_text("nonsense")
    home.snapshot(7).unlink()
    assert Home(home.path).next_number() == 8


def test_the_last_good_snapshot_survives_and_the_others_go(home: Home) -> None:
    assert home.read_last_good() is None
    for number in (1, 2, 3):
        write_snapshot(home.snapshot(number), snapshot(number))
    home.keep_good(2, awaited={1})
    assert home.read_last_good() == snapshot(2)
    names = ["snapshot-1.json", "snapshot-2.json", "snapshot.json"]
    assert sorted(path.name for path in home.run.glob("snapshot*")) == names, "a worker still has to read it"
    home.keep_good(2)
    assert sorted(path.name for path in home.run.glob("snapshot*")) == ["snapshot-2.json", "snapshot.json"]
    home.snapshot(2).unlink()
    home.restore(2)
    assert home.snapshot(2).read_bytes() == home.last_good.read_bytes()
    home.last_good.write_bytes(b"{")
    home.restore(2)
    assert home.snapshot(2).read_bytes() != b"{"
    assert home.read_last_good() is None
    home.discard(2)
    home.discard(2)
    assert not home.snapshot(2).exists()


def test_children_are_remembered_until_an_end_in_order(home: Home) -> None:
    assert home.read_children() is None
    records = [Record(1, "5", "worker 0"), Record(2, None, "compiler")]
    home.record_children(records)
    assert home.read_children() == records
    (home.run / "children.json").write_bytes(b"[")
    assert home.read_children() == []
    home.forget_children()
    home.forget_children()
    assert home.read_children() is None


def test_the_demo_key_is_made_once(home: Home) -> None:
    assert home.make_demo_key()
    key = home.demo_key.read_text()
    assert key.startswith("sk-seekgate-demo-")
    assert len(key.strip()) > 48
    assert mode(home.demo_key) == 0o600
    assert not home.make_demo_key()
    assert home.demo_key.read_text() == key


def test_a_file_is_replaced_whole(home: Home) -> None:
    path = home.run / "x"
    replace(path, b"one")
    replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert mode(path) == 0o600
    assert [p.name for p in home.run.iterdir()] == ["x"]


def test_what_was_never_finished_is_removed(home: Home) -> None:
    (home.run / ".snapshot-3.json.77.tmp").touch()
    home.record_children([])
    home.tidy()
    assert [path.name for path in home.run.iterdir()] == ["children.json"]
