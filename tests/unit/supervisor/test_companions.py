from __future__ import annotations

from itertools import count
from pathlib import Path

import msgspec

from seekgate.config.compiled.database import Database
from seekgate.config.compiled.quota import Quota, Valkey
from seekgate.config.rows import LimitRow
from seekgate.supervisor import actions as act
from seekgate.supervisor import companions as module
from seekgate.supervisor.companions import DRAIN, Companions, commands_for
from tests.support.scene_config import snapshot

ONE = {"control": ("m", "--a")}
OTHER = {"control": ("m", "--b")}


def acts(actions: list[act.Action]) -> list[act.Action]:
    """Without what is only said."""
    return [each for each in actions if not isinstance(each, act.Note)]


def running() -> Companions:
    """Companion process 1, started at 0."""
    companions = Companions(count(1))
    assert companions.want(ONE, 0.0) == [act.SpawnCompanion(1, "control", ("m", "--a"))]
    assert companions.want(ONE, 0.1) == []
    return companions


def test_one_that_dies_is_started_again_after_growing_delays() -> None:
    companions = running()
    for id, died, due in ((1, 1.0, 1.0), (2, 2.0, 2.5), (3, 3.0, 4.0)):
        (note,) = companions.exited(id, "exit code 1", died)
        assert isinstance(note, act.Note)
        assert note.fields["how"] == "exit code 1"
        assert companions.due() == due
        assert companions.tick(due - 0.1) == []
        assert companions.tick(due) == [act.SpawnCompanion(id + 1, "control", ("m", "--a"))]


def test_a_successor_begins_when_the_one_before_has_ended() -> None:
    companions = running()
    assert companions.want(OTHER, 1.0) == [act.DrainChild(1, DRAIN)]
    assert companions.want(OTHER, 1.1) == []
    assert companions.exited(1, "exit code 0", 1.2) == [act.SpawnCompanion(2, "control", ("m", "--b"))]


def test_one_that_does_not_go_is_killed() -> None:
    companions = running()
    companions.want({}, 1.0)
    assert companions.tick(1.0 + DRAIN) == [act.KillChild(1)]
    assert not companions.empty
    assert companions.exited(1, "signal SIGKILL", 6.1) == []
    assert companions.empty
    assert companions.due() is None
    assert companions.want(ONE, 7.0) == [act.SpawnCompanion(2, "control", ("m", "--a"))]


def test_one_wanted_again_while_it_ends_is_started_afterwards() -> None:
    companions = running()
    companions.want({}, 1.0)
    assert companions.want(ONE, 1.1) == []
    assert companions.exited(1, "exit code 0", 1.2) == [act.SpawnCompanion(2, "control", ("m", "--a"))]


def test_new_wishes_do_not_wait_for_the_delay_of_old_failures() -> None:
    companions = running()
    companions.exited(1, "exit code 1", 0.2)
    companions.tick(0.2)
    companions.exited(2, "exit code 1", 0.3)
    assert companions.want(OTHER, 0.4) == [act.SpawnCompanion(3, "control", ("m", "--b"))]
    assert companions.due() is None


def test_the_end() -> None:
    companions = running()
    assert companions.stop(1.0) == [act.DrainChild(1, DRAIN)]
    assert not companions.empty
    assert companions.want(OTHER, 1.1) == []
    assert companions.exited(1, "exit code 0", 1.2) == []
    assert companions.exited(17, "exit code 0", 1.2) == []
    assert companions.empty


def test_the_end_forgets_who_was_due() -> None:
    companions = running()
    companions.exited(1, "exit code 1", 0.2)
    assert companions.stop(0.3) == []
    assert companions.due() is None


def test_the_control_process_runs_where_there_is_a_database(tmp_path: Path) -> None:
    plain = snapshot()
    assert commands_for(plain, tmp_path) == {}
    named = msgspec.structs.replace(plain, database=Database("postgresql://db/rows"))
    (command,) = commands_for(named, tmp_path).values()
    assert command[0] == "seekgate.control.run"
    assert command[-1] == "postgresql://db/rows"
    (tmp_path / module.DATABASE).touch()
    assert commands_for(plain, tmp_path)["control"][-1] == "sqlite"


def test_the_default_database_has_the_stores_name() -> None:
    from seekgate.store.database import FILE

    assert module.DATABASE == FILE


def test_several_workers_with_limits_have_a_valkey_of_their_own(tmp_path: Path) -> None:
    limited = snapshot(quota=Quota((LimitRow("key:*", "key", "*", concurrency=5),)))
    assert commands_for(limited, tmp_path) == {}
    assert commands_for(limited, tmp_path, 2) == {
        "valkey": ("seekgate.supervisor.valkey", "--home", str(tmp_path))
    }
    assert commands_for(msgspec.structs.replace(limited, valkey=Valkey("cache")), tmp_path, 2) == {}
    assert commands_for(snapshot(), tmp_path, 2) == {}
    with_rows = msgspec.structs.replace(snapshot(), database=Database("sqlite"))
    assert set(commands_for(with_rows, tmp_path, 2)) == {"control", "valkey"}
