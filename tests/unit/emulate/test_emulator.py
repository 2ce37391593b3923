from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
import trustme

from seekgate.emulate import Emulator, Faults, Settings
from seekgate.emulate.scenario import parse_scenario
from tests.unit.emulate.support import chat

KEY = {"authorization": "Bearer sk-test"}


def _run(talk: Any, **settings: Any) -> Emulator:
    async def main() -> Emulator:
        emulator = Emulator(Settings(**settings))
        port = await emulator.start()
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=KEY) as client:
                async with asyncio.timeout(30):
                    await talk(emulator, client)
        finally:
            await emulator.close()
        return emulator

    return asyncio.run(main())


def test_a_record_holds_the_received_bytes_and_headers() -> None:
    raw = json.dumps(chat(user_id="u1", 未知="字段"), ensure_ascii=False).encode()

    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        response = await client.post("/v1/chat/completions?a=b", content=raw, headers={"x-request-id": "r1"})
        assert response.headers["x-emulate-id"] == "1"

    record = _run(talk).requests[0]
    assert record.body == raw
    assert record.header("x-request-id") == "r1"
    assert (record.method, record.path) == ("POST", "/v1/chat/completions?a=b")
    assert (record.model, record.user_id, record.stream, record.status) == (
        "deepseek-flash",
        "u1",
        False,
        200,
    )


def test_records_are_bounded() -> None:
    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        for _ in range(3):
            await client.post("/chat/completions", json=chat())

    emulator = _run(talk, keep_requests=2, keep_body=10)
    assert [record.id for record in emulator.requests] == [2, 3]
    assert all(len(record.body) == 10 < record.body_bytes for record in emulator.requests)


def test_the_log_follows_the_requests(tmp_path: Path) -> None:
    file = tmp_path / "log"

    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        await client.post("/chat/completions", json=chat(stream=True))

    _run(talk, log=str(file))
    start, end = [json.loads(line) for line in file.read_text().splitlines()]
    assert (start["event"], end["event"], end["outcome"]) == ("start", "end", "complete")
    assert start["id"] == end["id"] == 1
    assert start["t"] <= end["t"]
    assert end["sent_events"] > 10


def test_closing_aborts_what_runs() -> None:
    async def main() -> Emulator:
        emulator = Emulator(Settings(always=Faults(latency=60.0)))
        port = await emulator.start()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=KEY) as client:
            request = asyncio.create_task(client.post("/chat/completions", json=chat()))
            await emulator.until(lambda: len(emulator.requests) == 1)
            await emulator.close()
            with pytest.raises(httpx.TransportError):
                await request
        return emulator

    emulator = asyncio.run(main())
    assert emulator.requests[0].outcome == "aborted"
    assert emulator.connections == 0


def test_the_cap_holds_over_connections_and_is_released() -> None:
    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        slow = asyncio.create_task(
            client.post("/chat/completions", json=chat(), headers={"x-emulate": "latency=1m", **KEY})
        )
        await emulator.until(lambda: len(emulator.requests) == 1)
        refused = await client.post(
            "/chat/completions", json=chat(), headers={"authorization": "Bearer sk-other"}
        )
        assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")
        slow.cancel()
        await emulator.until(lambda: emulator.requests[0].outcome == "aborted")
        assert (await client.post("/chat/completions", json=chat())).status_code == 200

    models = Settings().with_concurrency({"deepseek-flash": 1}).models
    _run(talk, models=models)


def test_rules_give_faults_to_the_nth_request() -> None:
    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        statuses = [(await client.post("/chat/completions", json=chat())).status_code for _ in range(4)]
        assert statuses == [200, 503, 503, 200]

    _run(talk, rules=parse_scenario({"rules": [{"match": {"nth": [2, 3]}, "faults": "status=503"}]}).rules)


def test_instant_repeats_the_same_bytes_and_keeps_no_records() -> None:
    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        for stream in (False, True):
            answers = [await client.post("/chat/completions", json=chat(stream=stream)) for _ in range(3)]
            assert len({answer.content for answer in answers}) == 1
            assert answers[0].status_code == 200
        cut = await client.post("/chat/completions", json=chat(), headers={"x-emulate": "status=503", **KEY})
        assert cut.status_code == 503
        assert (await client.post("/chat/completions", json=chat(stop="x"))).status_code == 200
        assert (await client.post("/chat/completions", content=b"{")).status_code == 400

    assert not _run(talk, instant=True).requests


@pytest.mark.parametrize("fault", ["slow=1ms", "tokens=20000", "close"])
def test_instant_still_obeys_faults(fault: str) -> None:
    async def talk(emulator: Emulator, client: httpx.AsyncClient) -> None:
        for _ in range(2):
            answer = await client.post(
                "/chat/completions", json=chat(stream=True), headers={"x-emulate": fault, **KEY}
            )
            assert answer.content.endswith(b"data: [DONE]\n\n")
        assert emulator.api.accounts.running("default", "deepseek-flash") == 0

    _run(talk, instant=True)


def test_it_can_serve_tls() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    trusted = ssl.create_default_context()
    authority.configure_trust(trusted)

    async def main() -> None:
        emulator = Emulator()
        port = await emulator.start(tls=server)
        async with httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{port}", headers=KEY, verify=trusted
        ) as client:
            assert (await client.post("/chat/completions", json=chat())).status_code == 200
        await emulator.close()

    asyncio.run(main())


def test_the_models_are_those_of_the_settings() -> None:
    assert [model.name for model in Emulator().models][:2] == ["deepseek-flash", "deepseek-v4-pro"]


def test_waiting_for_what_holds_already_returns() -> None:
    asyncio.run(Emulator().until(lambda: True))
