from pathlib import Path

from seekgate.telemetry.metrics import SPECS
from seekgate.telemetry.reference import markdown

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "metrics.md"


def test_the_page_is_the_one_that_the_declarations_give() -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(), (
        "run: python -m seekgate.telemetry.reference > docs/reference/metrics.md"
    )


def test_every_metric_has_its_entry() -> None:
    page = markdown()
    for spec in SPECS:
        assert f"\n## `{spec.name}`\n\n{spec.help}\n" in page
