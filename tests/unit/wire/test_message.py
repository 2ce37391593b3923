"""The two records of the reader."""

from __future__ import annotations

import gc

from seekgate.wire.message import Refusal, Request


def test_requests_and_refusals_are_not_tracked() -> None:
    request = Request(b"GET", b"/", {}, b"", True, False)
    assert not gc.is_tracked(request)
    assert Refusal(400, "no") == Refusal(400, "no")
