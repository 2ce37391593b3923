"""The reference page of metrics, written from their declarations.

``python -m seekgate.telemetry.reference > docs/reference/metrics.md`` after a change; a unit test compares the two.
"""

from __future__ import annotations

from seekgate.telemetry.metrics import SPECS
from seekgate.telemetry.registry import Spec

_HEAD = """# Metrics

`GET /metrics` on the admin listener, as Prometheus text or, when `Accept` asks for it, OpenMetrics. This page is
written from the declarations in `seekgate/telemetry/metrics.py`.

- The values are those of all workers of the node together. A gauge says below whether it is their sum or the largest.
- Each worker writes its counts to `SEEKGATE_HOME/run/metrics/` about once a second, and a worker that replaces a dead
  one goes on from there: counters do not fall when a worker restarts. What a killed worker counted after its last
  write is lost.
- The number of label sets is bounded. Past the bound a metric counts into one series whose labels are all `__other__`.
- Labels hold names from the configuration, status codes and fixed words. A name that a client invented is not a label.
- An empty label means that the request never got so far: no model was found, or no deployment was chosen.
"""


def markdown() -> str:
    """The whole page."""
    return _HEAD + "".join(_entry(spec) for spec in SPECS)


def _entry(spec: Spec) -> str:
    facts = [spec.kind if spec.kind != "gauge" else f"gauge ({spec.merge} of the workers)"]
    if spec.unit:
        facts.append(f"in {spec.unit}")
    if spec.labels:
        facts.append("labels " + ", ".join(f"`{label}`" for label in spec.labels))
        facts.append(f"at most {spec.limit} label sets")
    if spec.buckets:
        facts.append("buckets " + ", ".join(f"{bound:.10g}" for bound in spec.buckets))
    return f"\n## `{spec.name}`\n\n{spec.help}\n\n*{'; '.join(facts)}.*\n"


if __name__ == "__main__":
    print(markdown(), end="")
