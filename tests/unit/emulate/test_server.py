"""The connection over real sockets, with a raw client: framing, pipelining, backpressure and leaving."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from seekgate.emulate import Emulator, Settings
from tests.unit.emulate.support import chat

Talk = Callable[[Emulator, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _run(talk: Talk, **settings: object) -> Emulator:
    """Talk to an emulator over one connection; everything must be done within half a minute."""

    async def main() -> Emulator:
        emulator = Emulator(Settings(**settings))  # type: ignore[arg-type]
        port = await emulator.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.timeout(30):
                await talk(emulator, reader, writer)
        finally:
            writer.close()
            await emulator.close()
        return emulator

    return asyncio.run(main())


def _request(emulate: str = "", headers: str = "", version: str = "1.1", **fields: object) -> bytes:
    body = json.dumps(chat(**fields)).encode()
    head = f"POST /v1/chat/completions HTTP/{version}\r\nhost: x\r\nauthorization: Bearer k\r\n{headers}"
    return f"{head}x-emulate: {emulate}\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def _response(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.rstrip().split("\r\n")
    headers = {name: value for name, _, value in (line.partition(": ") for line in lines)}
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers["content-length"]))
    return int(status.split()[1]), headers, body


def test_a_connection_is_kept_for_the_next_request() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            writer.write(_request())
            assert (await _response(reader))[0] == 200
        assert emulator.connections == 1

    assert [record.outcome for record in _run(talk).requests] == ["complete"] * 3


def test_a_request_may_come_byte_by_byte() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in _request():
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert (await _response(reader))[0] == 200

    _run(talk)


def test_pipelined_requests_are_answered_in_order() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count = 40
        for number in range(count):
            fault = "latency=20ms, echo" if number == 0 else "echo"
            writer.write(
                _request(
                    fault, messages=[{"role": "user", "content": f"number {number}"}], stream=number % 2 == 0
                )
            )
        for number in range(count):
            status, _, body = await _response(reader)
            assert status == 200
            text = f"number {number}"
            if number % 2 == 0:
                events = [json.loads(event[6:]) for event in body.decode().split("\n\n")[:-2]]
                assert "".join(event["choices"][0]["delta"]["content"] or "" for event in events) == text
            else:
                assert json.loads(body)["choices"][0]["message"]["content"] == text

    _run(talk)


def test_expect_continue_is_answered() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _, body = _request(headers="expect: 100-continue\r\n").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(body)
        assert (await _response(reader))[0] == 200

    _run(talk)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_wants_a_close_gets_one(version: str, stream: bool) -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request(headers="connection: close\r\n", version=version, stream=stream))
        data = await reader.read()
        assert data.startswith(b"HTTP/1.1 200 OK\r\n")
        assert (b"chunked" in data) is (stream and version == "1.1")
        assert b"connection: close" in data

    _run(talk)


def test_what_is_not_http_is_refused() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01\x00\x05hello\r\n\r\n")
        data = await reader.read()
        assert data.startswith(b"HTTP/1.1 400 ")
        assert json.loads(data.partition(b"\r\n\r\n")[2])["error"]["type"] == "invalid_request_error"

    assert not _run(talk).requests


def test_a_body_beyond_the_limit_is_refused() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n" + b"x" * 2000
        )
        assert (await _response(reader))[0] == 413

    _run(talk, max_body=1_000)


def test_a_client_that_leaves_is_recorded_as_aborted() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("tokens=5, slow=1m", stream=True))
        await reader.readuntil(b"\n\n")
        writer.close()
        await emulator.until(lambda: emulator.requests[0].outcome != "open")
        await emulator.until(lambda: emulator.api.accounts.running("default", "deepseek-flash") == 0)

    record = _run(talk).requests[0]
    assert (record.outcome, record.sent_events) == ("aborted", 1)
    assert record.ended is not None
    assert record.ended >= record.started


def test_a_client_that_leaves_while_it_waits_is_recorded_too() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("latency=1m"))
        await emulator.until(lambda: len(emulator.requests) == 1)
        writer.close()
        await emulator.until(lambda: emulator.requests[0].outcome != "open")

    record = _run(talk).requests[0]
    assert (record.outcome, record.sent_bytes) == ("aborted", 0)


def test_a_reset_reaches_the_client_after_the_events() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("reset=2", stream=True))
        await reader.readuntil(b"\n\n")
        await reader.readuntil(b"\n\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()

    assert _run(talk).requests[0].outcome == "reset"


def test_a_cut_reaches_the_client_as_a_clean_end() -> None:
    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("cut=2", stream=True))
        received = await reader.read()
        assert received.count(b"\n\n") == 2
        assert not received.endswith(b"0\r\n\r\n")

    assert _run(talk).requests[0].outcome == "cut"


def test_a_reader_that_does_not_read_stops_the_stream() -> None:
    """50 MB are asked for; only what fits the two sockets' buffers may have been made while nobody reads."""

    async def talk(emulator: Emulator, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(_request("tokens=50000, token-bytes=1000", stream=True))
        await emulator.until(lambda: len(emulator.requests) == 1)
        connection = next(iter(emulator._connections))
        while not connection._stalled:
            await asyncio.sleep(0)
        assert connection._transport.get_write_buffer_size() < 1_000_000
        assert connection._sent < 20_000_000
        received, end = 0, b""
        while not end.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n"):
            data = await reader.read(1 << 20)
            received += len(data)
            end = (end + data)[-100:]
        assert received > 50_000_000

    assert _run(talk).requests[0].outcome == "complete"
