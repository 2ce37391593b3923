from hypothesis import given
from hypothesis import strategies as st

from seekgate.telemetry.dump import Dump, decode
from seekgate.telemetry.merge import merge
from seekgate.telemetry.registry import Registry, Spec

COUNT = Spec("n_total", "counter", "N.", ("model",))
SUM = Spec("open", "gauge", "Open.")
MAX = Spec("lag", "gauge", "Lag.", merge="max")
TIME = Spec("t_seconds", "histogram", "T.", ("model",), "seconds", (1.0, 2.0))
SPECS = (COUNT, SUM, MAX, TIME)


def worker(count: int, gauge: float, written_at: float = 10.0, model: str = "m") -> Dump:
    registry = Registry()
    registry.counter(COUNT).labels(model).value += count
    registry.gauge(SUM).labels().value = gauge
    registry.gauge(MAX).labels().value = gauge
    registry.histogram(TIME).labels(model).observe(1.5)
    return decode(registry.dump(written_at))


def values(dumps: list[Dump], since: float = 0.0) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.spec.name: {labels: sample.value for labels, sample in family.samples.items()}
        for family in merge(dumps, SPECS, since)
    }


def test_workers_are_added_up() -> None:
    assert values([worker(1, 4), worker(2, 3), worker(5, 1, model="other")]) == {
        "n_total": {("m",): 3, ("other",): 5},
        "open": {(): 8},
        "lag": {(): 4},
        "t_seconds": {("m",): 3.0, ("other",): 1.5},
    }


def test_histogram_buckets_are_added_up() -> None:
    time = merge([worker(1, 1), worker(1, 1)], SPECS)[3]
    assert list(time.samples[("m",)].counts) == [0, 2, 0]


def test_a_stale_worker_keeps_its_counts_and_loses_its_gauges() -> None:
    merged = values([worker(1, 4, written_at=5.0), worker(2, 3, written_at=10.0)], since=9.0)
    assert merged["n_total"] == {("m",): 3}
    assert merged["open"] == {(): 3}
    assert merged["lag"] == {(): 3}


def test_another_shape_is_left_out() -> None:
    registry = Registry()
    registry.counter(Spec("n_total", "counter", "N.", ("model", "more"))).labels("m", "x").value += 9
    registry.counter(Spec("unknown_total", "counter", "U.")).labels().value += 9
    assert values([worker(1, 1), decode(registry.dump(10.0))])["n_total"] == {("m",): 1}


def test_nothing_to_merge() -> None:
    assert values([]) == {"n_total": {}, "open": {}, "lag": {}, "t_seconds": {}}


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 100)), max_size=6), st.data())
def test_the_order_of_workers_does_not_matter(workers: list[tuple[int, int]], data: st.DataObject) -> None:
    dumps = [worker(count, gauge) for count, gauge in workers]
    assert values(data.draw(st.permutations(dumps))) == values(dumps)


def test_merging_does_not_change_the_dumps() -> None:
    dumps = [worker(1, 4), worker(2, 3)]
    first = values(dumps)
    assert values(dumps) == first
