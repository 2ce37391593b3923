import subprocess
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from seekgate.telemetry.metrics import SPECS, Metrics
from seekgate.telemetry.process import WorkerMetrics
from seekgate.telemetry.registry import Registry
from seekgate.telemetry.scrape import scrape


def worker(slot: str, written_at: float) -> bytes:
    metrics = Metrics(Registry())
    own = WorkerMetrics(metrics, slot, 1.0)
    own.sample()
    own.snapshot_number.value = 3
    metrics.connections.value = 2
    metrics.request("/v1", "m", "d").finish(200, 0.25, 10, 20, 0.1, 0.01)
    return metrics.registry.dump(written_at)


def test_two_workers_and_a_broken_file() -> None:
    body, content_type = scrape([worker("0", 10.0), b"{", worker("1", 10.0)])
    text = body.decode()
    assert content_type.startswith("text/plain")
    assert 'seekgate_requests_total{code="200",deployment="d",model="m",route="/v1"} 2.0\n' in text
    assert "seekgate_connections 4.0\n" in text
    assert 'seekgate_snapshot_number{worker="0"} 3.0\n' in text
    assert 'seekgate_snapshot_number{worker="1"} 3.0\n' in text
    assert "seekgate_metrics_dumps_unreadable 1.0\n" in text


def test_the_gauges_of_a_worker_that_stopped_writing_are_left_out() -> None:
    text = scrape([worker("0", 10.0), worker("1", 100.0)], gauges_since=95.0)[0].decode()
    assert "seekgate_connections 2.0\n" in text
    assert "seekgate_metrics_dumps_unreadable 0.0\n" in text
    assert " 2.0\n" in text.split("seekgate_requests_total{")[1]


def test_no_worker_at_all() -> None:
    assert b"seekgate_metrics_dumps_unreadable 0.0\n" in scrape([])[0]


def test_openmetrics_of_everything_declared_is_valid() -> None:
    body, _ = scrape([worker("0", 1.0)], "application/openmetrics-text; version=1.0.0")
    families = text_string_to_metric_families(body.decode())  # type: ignore[no-untyped-call]
    names = {family.name for family in families}
    assert names == {spec.name.removesuffix("_total") for spec in SPECS}


def test_the_exposition_library_is_imported_by_the_first_scrape_only() -> None:
    code = (
        "import sys\n"
        "import seekgate.telemetry.metrics, seekgate.telemetry.process, seekgate.telemetry.scrape as s\n"
        "assert not any(name.startswith('prometheus_client') for name in sys.modules)\n"
        "s.scrape([])\n"
        "assert 'prometheus_client' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
