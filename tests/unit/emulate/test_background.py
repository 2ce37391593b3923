from __future__ import annotations

import socket
import threading

import httpx
import pytest

from seekgate.emulate import BackgroundEmulator, Settings


def test_it_listens_inside_the_block_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with BackgroundEmulator(Settings(seed=2)) as background:
        response = httpx.get(f"{background.url}/models", headers={"authorization": "Bearer k"})
        assert response.status_code == 200
        assert background.emulator.requests[0].path == "/models"
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", background.port))


def test_a_failed_start_leaves_no_thread(tmp_path: object) -> None:
    before = threading.active_count()
    with pytest.raises(FileNotFoundError), BackgroundEmulator(Settings(log=f"{tmp_path}/none/log")):
        pass
    assert threading.active_count() == before
