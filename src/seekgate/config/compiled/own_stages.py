"""Own stages in the snapshot."""

from __future__ import annotations

from typing import Any

import msgspec


class OwnStage(msgspec.Struct, frozen=True, omit_defaults=True):
    """An entry point of the group ``seekgate.stages`` and the settings that it is built with."""

    use: str
    settings: dict[str, Any] = {}
