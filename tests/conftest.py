"""Hypothesis tries the same examples each time, so that what passed passes again; `make fuzz` looks for new ones."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile(
    "seekgate", max_examples=200, deadline=None, derandomize="SEEKGATE_FUZZ_SECONDS" not in os.environ
)
settings.load_profile("seekgate")
