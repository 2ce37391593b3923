"""An emulator of DeepSeek's API, to test a gateway or an application against without an account.

`Emulator` runs on the caller's loop; `BackgroundEmulator` brings a thread. Inside, a request passes through these
modules: `server` (bytes to requests), `api` (route, key, checks), ``*_request`` (a dialect's body becomes an `Ask`),
`plan` (what the model says), ``chat``, ``fim``, ``anthropic``, ``responses`` (the plan in a dialect) and `delivery`
(the answer and its faults become writes and waits). Only `server`, `emulator` and `background` know a loop.
"""

from __future__ import annotations

from seekgate.emulate.background import BackgroundEmulator
from seekgate.emulate.emulator import Emulator
from seekgate.emulate.faults import Faults
from seekgate.emulate.log import RequestRecord
from seekgate.emulate.settings import ModelSpec, Settings

__all__ = ["BackgroundEmulator", "Emulator", "Faults", "ModelSpec", "RequestRecord", "Settings"]
