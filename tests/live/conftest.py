"""Fixtures that live tests share: a node in a folder of the test's own, ended whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.live import Gateway

MakeGateway = Callable[..., Gateway]


@pytest.fixture
def make_gateway(tmp_path: Path) -> Iterator[MakeGateway]:
    """``make_gateway(config, **options)`` starts a node; a further one shares the home with ``folder=``."""
    made: list[Gateway] = []

    def make(
        config: Mapping[str, Any] | None, *, folder: str = "node", start: bool = True, **options: Any
    ) -> Gateway:
        node = Gateway(tmp_path / folder, config, **options)
        made.append(node)
        return node.start() if start else node

    yield make
    for node in made:
        node.end()
