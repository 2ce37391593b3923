"""The text, whole, and read back by the library's own parsers."""

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from seekgate.telemetry.dump import decode
from seekgate.telemetry.exposition import render
from seekgate.telemetry.merge import MergedFamily, merge
from seekgate.telemetry.registry import Registry, Spec

COUNT = Spec("x_requests_total", "counter", 'With "quotes", \\ and\nlines.', ("model", "code"))
CPU = Spec("x_cpu_seconds_total", "counter", "CPU.", unit="seconds")
OPEN = Spec("x_open", "gauge", "Open.")
EMPTY = Spec("x_empty", "gauge", "Never set.", ("worker",))
TIME = Spec("x_time_seconds", "histogram", "Time.", ("model",), "seconds", (0.5, 1.0, 10.0))
SPECS = (COUNT, CPU, OPEN, EMPTY, TIME)

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8,text/plain;version=0.0.4;q=0.5"


def families() -> list[MergedFamily]:
    registry = Registry()
    registry.counter(COUNT).labels('a"\\\n中', "200").value += 3
    registry.counter(CPU).labels().value += 1.5
    registry.gauge(OPEN).labels().value = -2
    registry.gauge(EMPTY)
    child = registry.histogram(TIME).labels("m")
    for value in (0.5, 0.75, 99.0):
        child.observe(value)
    return merge([decode(registry.dump())], SPECS)


TEXT = r"""# HELP x_requests_total With "quotes", \\ and\nlines.
# TYPE x_requests_total counter
x_requests_total{code="200",model="a\"\\\n中"} 3.0
# HELP x_cpu_seconds_total CPU.
# TYPE x_cpu_seconds_total counter
x_cpu_seconds_total 1.5
# HELP x_open Open.
# TYPE x_open gauge
x_open -2.0
# HELP x_empty Never set.
# TYPE x_empty gauge
# HELP x_time_seconds Time.
# TYPE x_time_seconds histogram
x_time_seconds_bucket{le="0.5",model="m"} 1.0
x_time_seconds_bucket{le="1.0",model="m"} 2.0
x_time_seconds_bucket{le="10.0",model="m"} 2.0
x_time_seconds_bucket{le="+Inf",model="m"} 3.0
x_time_seconds_count{model="m"} 3.0
x_time_seconds_sum{model="m"} 100.25
"""


def test_prometheus_text_whole() -> None:
    for accept in ("", "*/*", "text/plain;version=0.0.4", "text/html", "application/json"):
        body, content_type = render(families(), accept)
        assert body.decode() == TEXT
        assert content_type == "text/plain; version=0.0.4; charset=utf-8"


def test_openmetrics_by_accept() -> None:
    body, content_type = render(families(), OPENMETRICS)
    assert content_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    text = body.decode()
    assert text.endswith("# EOF\n")
    assert "# UNIT x_cpu_seconds seconds\n" in text
    samples = {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in parse_openmetrics(text)  # type: ignore[no-untyped-call]
        for sample in family.samples
    }
    assert samples[("x_requests_total", (("code", "200"), ("model", 'a"\\\n中')))] == 3
    assert samples[("x_time_seconds_bucket", (("le", "+Inf"), ("model", "m")))] == 3


def test_both_formats_say_the_same() -> None:
    plain = parse_text(render(families(), "")[0].decode())
    openmetrics = parse_openmetrics(render(families(), OPENMETRICS)[0].decode())  # type: ignore[no-untyped-call]
    assert {str(s) for f in plain for s in f.samples} == {str(s) for f in openmetrics for s in f.samples}
