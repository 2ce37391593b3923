"""Hypothesis profiles. ``fast``, the default, tries the same examples each time; ``deep`` (`make fuzz`) searches."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=200, deadline=None, derandomize=True)
settings.register_profile(
    "deep", max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("fast")
