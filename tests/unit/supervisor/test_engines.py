from __future__ import annotations

from itertools import count

from seekgate.config.snapshot import Engine
from seekgate.host.messages import EngineState, Ready
from seekgate.supervisor import actions as act
from seekgate.supervisor.engines import GRACE, REFUSED, START_TIMEOUT, Engines

SMALL = Engine("small", "smollm2-135m")
WHERE = Ready("127.0.0.1", 4000, "secret")


def acts(actions: list[act.Action]) -> list[act.Action]:
    """Without what is only said."""
    return [each for each in actions if not isinstance(each, act.Note)]


def running(engine: Engine = SMALL) -> Engines:
    """Engine process 1, ready at 1."""
    engines = Engines(count(1))
    assert engines.want({engine.name: engine}, 0.0) == [act.LocateModel(engine.name, engine.model)]
    assert engines.located(engine.name, engine.model, "/m.gguf", 0.5) == [
        act.SpawnEngine(1, engine, "/m.gguf")
    ]
    assert not engines.settled
    assert acts(engines.ready(1, WHERE, 1.0)) == [act.TellEngine(engine.name)]
    assert engines.settled
    return engines


def test_an_engine_is_located_started_and_announced() -> None:
    engines = running()
    assert engines.states() == [EngineState("small", "127.0.0.1", 4000, True, "secret")]
    assert engines.name_of(1) == "small"
    assert engines.name_of(2) == ""
    assert engines.due() is None


def test_one_that_dies_is_withdrawn_and_restarted_at_once() -> None:
    engines = running()
    assert acts(engines.exited(1, -9, "signal SIGKILL", 2.0)) == [act.TellEngine("small")]
    assert engines.state("small") == EngineState("small", "", 0, False)
    assert engines.due() == 2.0
    assert engines.tick(2.0) == [act.LocateModel("small", "smollm2-135m")]
    engines.located("small", "smollm2-135m", "/m.gguf", 2.0)
    assert acts(engines.exited(2, 1, "exit code 1", 2.5)) == []
    assert engines.due() == 3.0


def test_one_that_cannot_work_here_is_left_alone_until_its_settings_change() -> None:
    engines = Engines(count(1))
    engines.want({"small": SMALL}, 0.0)
    engines.located("small", SMALL.model, "/m.gguf", 0.0)
    assert acts(engines.exited(1, REFUSED, "exit code 78", 1.0)) == []
    assert engines.due() is None
    assert engines.settled
    assert engines.units["small"].trouble
    smaller = Engine("small", "smollm2-135m", context=512)
    assert engines.want({"small": smaller}, 2.0) == [act.LocateModel("small", "smollm2-135m")]


def test_a_missing_model_is_looked_for_again_later() -> None:
    engines = Engines(count(1))
    engines.want({"small": SMALL}, 0.0)
    assert acts(engines.missing("small", SMALL.model, "no network", 1.0)) == []
    assert engines.settled
    assert engines.due() == 6.0
    assert engines.tick(6.0) == [act.LocateModel("small", SMALL.model)]
    assert engines.due() is None


def test_a_changed_engine_is_replaced_once_the_new_one_answers() -> None:
    engines = running()
    changed = Engine("small", "smollm2-135m", slots=8)
    assert engines.want({"small": changed}, 5.0) == [act.LocateModel("small", "smollm2-135m")]
    assert engines.located("small", changed.model, "/m.gguf", 5.0) == [act.SpawnEngine(2, changed, "/m.gguf")]
    assert engines.state("small").ready
    told = acts(engines.ready(2, Ready("127.0.0.1", 5000), 6.0))
    assert told == [act.TellEngine("small"), act.DrainChild(1, 30.0)]
    assert engines.state("small").port == 5000
    assert engines.due() == 6.0 + 30.0 + GRACE
    assert acts(engines.tick(6.0 + 30.0 + GRACE)) == [act.KillChild(1)]
    assert acts(engines.exited(1, 0, "exit code 0", 40.0)) == []
    assert engines.draining == {}


def test_the_old_one_dies_while_its_replacement_starts() -> None:
    engines = running()
    changed = Engine("small", "smollm2-135m", slots=8)
    engines.want({"small": changed}, 5.0)
    engines.located("small", changed.model, "/m.gguf", 5.0)
    assert acts(engines.exited(1, -9, "signal SIGKILL", 5.5)) == [act.TellEngine("small")]
    assert engines.due() == 5.0 + START_TIMEOUT
    assert acts(engines.ready(2, WHERE, 6.0)) == [act.TellEngine("small")]


def test_a_change_during_the_start_ends_what_was_starting() -> None:
    engines = Engines(count(1))
    engines.want({"small": SMALL}, 0.0)
    engines.located("small", SMALL.model, "/m.gguf", 0.0)
    changed = Engine("small", "other")
    assert engines.want({"small": changed}, 1.0) == [act.KillChild(1), act.LocateModel("small", "other")]
    assert acts(engines.exited(1, -9, "signal SIGKILL", 1.1)) == []
    assert engines.located("small", "smollm2-135m", "/late.gguf", 1.2) == []
    assert engines.located("small", "other", "/o.gguf", 1.3) == [act.SpawnEngine(2, changed, "/o.gguf")]


def test_an_engine_that_is_no_longer_wanted_drains() -> None:
    engines = running()
    assert acts(engines.want({}, 5.0)) == [act.TellEngine("small"), act.DrainChild(1, 30.0)]
    assert not engines.state("small").ready
    assert not engines.empty
    engines.exited(1, 0, "exit code 0", 6.0)
    assert engines.empty
    assert engines.located("small", SMALL.model, "/m.gguf", 7.0) == []
    assert engines.missing("small", SMALL.model, "x", 7.0) == []


def test_one_that_never_answers_is_killed_and_tried_again() -> None:
    engines = Engines(count(1))
    engines.want({"small": SMALL}, 0.0)
    engines.located("small", SMALL.model, "/m.gguf", 0.0)
    assert engines.due() == START_TIMEOUT
    assert acts(engines.tick(START_TIMEOUT)) == [act.KillChild(1)]
    engines.exited(1, -9, "signal SIGKILL", START_TIMEOUT + 1)
    assert engines.due() == START_TIMEOUT + 1


def test_stop_drains_and_restarts_nothing() -> None:
    engines = running()
    assert engines.stop(5.0, 10.0) == [act.DrainChild(1, 5.0)]
    assert acts(engines.exited(1, 0, "exit code 0", 11.0)) == []
    assert engines.empty
    assert engines.due() is None
    assert engines.ready(1, WHERE, 11.0) == []
    assert engines.exited(9, 0, "", 11.0) == []
