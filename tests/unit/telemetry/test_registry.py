import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.telemetry.dump import DumpError, decode
from seekgate.telemetry.registry import OTHER, Counter, Family, Registry, Spec

REQUESTS = Spec("r_total", "counter", "Requests.", ("model", "code"), limit=3)
PLAIN = Spec("p_total", "counter", "Plain.")
OPEN = Spec("open", "gauge", "Open.", ("state",))
TIME = Spec("time_seconds", "histogram", "Time.", ("model",), "seconds", (0.1, 1.0))


def test_a_child_is_the_same_object_each_time() -> None:
    family = Registry().counter(REQUESTS)
    child = family.labels("a", "200")
    child.value += 2
    assert family.labels("a", "200") is child
    assert family.labels("a", "500") is not child


def test_a_metric_without_labels_is_there_at_zero() -> None:
    family = Registry().counter(PLAIN)
    assert [child.value for child in family.children.values()] == [0]


def test_label_sets_past_the_limit_are_counted_together() -> None:
    family = Registry().counter(REQUESTS)
    for name in ("a", "b", "c", "d", "e", "d"):
        family.labels(name, "200").value += 1
    counted = {labels: child.value for labels, child in family.children.items()}
    assert counted == {("a", "200"): 1, ("b", "200"): 1, ("c", "200"): 1, (OTHER, OTHER): 3}
    assert family.labels("a", "200").value == 1


@given(st.lists(st.text(max_size=3), max_size=50))
def test_the_bound_holds_and_no_count_is_lost(names: list[str]) -> None:
    family: Family[Counter] = Registry().counter(REQUESTS)
    for name in names:
        family.labels(name, "200").value += 1
    assert len(family.children) <= REQUESTS.limit + 1
    assert sum(child.value for child in family.children.values()) == len(names)


def test_wrong_number_of_labels() -> None:
    with pytest.raises(ValueError, match="r_total has the labels"):
        Registry().counter(REQUESTS).labels("a")


@pytest.mark.parametrize(
    ("value", "counts"),
    [(0.0, [1, 0, 0]), (0.1, [1, 0, 0]), (0.1000001, [0, 1, 0]), (1.0, [0, 1, 0]), (1.1, [0, 0, 1])],
)
def test_bounds_are_inclusive(value: float, counts: list[int]) -> None:
    child = Registry().histogram(TIME).labels("a")
    child.observe(value)
    assert child.counts == counts
    assert child.sum == value


def test_a_name_is_registered_once_and_as_its_kind() -> None:
    registry = Registry()
    registry.counter(PLAIN)
    with pytest.raises(ValueError, match="registered already"):
        registry.counter(PLAIN)
    with pytest.raises(ValueError, match="declared as a counter, not a gauge"):
        registry.gauge(PLAIN)
    with pytest.raises(ValueError, match="not a histogram"):
        registry.histogram(OPEN)


def filled() -> Registry:
    registry = Registry()
    registry.counter(REQUESTS).labels("中文", "200").value += 7
    registry.counter(PLAIN).labels().value += 0.25
    registry.gauge(OPEN).labels("busy").value = 5
    registry.histogram(TIME).labels("a").observe(0.5)
    return registry


def test_dump_says_everything() -> None:
    dump = decode(filled().dump(12.5))
    assert dump.written_at == 12.5
    assert dump.families["r_total"].samples[0].labels == ("中文", "200")
    assert dump.families["r_total"].samples[0].value == 7
    assert dump.families["open"].samples[0].value == 5
    assert list(dump.families["time_seconds"].samples[0].counts) == [0, 1, 0]


def test_restore_goes_on_counting_and_leaves_gauges() -> None:
    registry = Registry()
    requests, plain, gauge = registry.counter(REQUESTS), registry.counter(PLAIN), registry.gauge(OPEN)
    times = registry.histogram(TIME)
    kept = times.labels("a")
    kept.observe(5.0)
    requests.labels("中文", "200").value += 1
    registry.restore(filled().dump())
    assert requests.labels("中文", "200").value == 8
    assert plain.labels().value == 0.25
    assert gauge.children == {}
    assert kept is times.labels("a")
    assert kept.counts == [0, 1, 1]
    assert kept.sum == 5.5


def test_restore_keeps_the_bound() -> None:
    before = Registry()
    family = before.counter(REQUESTS)
    for name in "abcdef":
        family.labels(name, "200").value += 1
    after = Registry()
    restored = after.counter(REQUESTS)
    restored.labels("z", "200").value += 1
    after.restore(before.dump())
    assert len(restored.children) == 4
    assert sum(child.value for child in restored.children.values()) == 7


def test_restore_leaves_out_what_is_declared_otherwise_now() -> None:
    registry = Registry()
    changed = registry.histogram(Spec("time_seconds", "histogram", "", ("model",), "seconds", (0.1, 2.0)))
    other = registry.counter(Spec("r_total", "counter", "", ("model",)))
    registry.restore(filled().dump())
    assert changed.children == {}
    assert other.children == {}


def test_restore_of_garbage_adds_nothing() -> None:
    registry = Registry()
    plain = registry.counter(PLAIN).labels()
    with pytest.raises(DumpError):
        registry.restore(filled().dump()[:-5])
    assert plain.value == 0
