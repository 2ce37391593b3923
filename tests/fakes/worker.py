"""A worker that speaks the supervisor's messages and answers every request with what it is.

``GET /`` answers with JSON: pid, slot, generation, snapshot number, engines. ``GET /slow?SECONDS`` answers after that
time. A file ``reject`` in the home makes it refuse snapshots with the file's text as the reason; ``die`` in the home
makes it die before it is ready, and ``cling`` makes it stay when the supervisor is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import socket
import sys
from pathlib import Path

from seekgate.config.snapshot_file import read_snapshot
from seekgate.host import messages as msg


class Worker:
    """One event loop, plain asyncio streams."""

    def __init__(self, control_fd: int) -> None:
        self.control = socket.socket(fileno=control_fd)
        self.start: msg.Start | None = None
        self.number = 0
        self.engines: dict[str, msg.EngineState] = {}
        self.servers: list[asyncio.Server] = []
        self.busy: set[asyncio.Task[None]] = set()
        self.draining = False

    def say(self, message: msg.ToSupervisor) -> None:
        self.control.send(msg.encode(message))

    async def run(self) -> None:
        reader, _ = await asyncio.open_connection(sock=self.control.dup())
        while line := await reader.readline():
            message = msg.decode_to_child(line)
            if isinstance(message, msg.Start):
                await self.begin(message)
            elif isinstance(message, msg.Load):
                self.load(message.path)
            elif isinstance(message, msg.EngineState):
                self.engines[message.name] = message
            elif isinstance(message, msg.Drain):
                return await self.drain(message.deadline)
        assert self.start is not None
        if (Path(self.start.home) / "cling").exists():
            await asyncio.Event().wait()
        await self.drain(5.0)
        return None

    async def begin(self, start: msg.Start) -> None:
        self.start = start
        home = Path(start.home)
        if (home / "die").exists():
            os._exit(9)
        if not self.load(start.snapshot, first=True):
            return
        for each in start.listeners:
            sock = socket.socket(fileno=each.fd)
            self.servers.append(await asyncio.start_server(self.serve, sock=sock, backlog=4096))
        self.say(msg.Ready())

    def load(self, path: str, *, first: bool = False) -> bool:
        assert self.start is not None
        number = read_snapshot(path).number
        refusal = Path(self.start.home) / "reject"
        if refusal.exists():
            self.say(msg.Rejected(number, refusal.read_text()))
            return False
        self.number = number
        if not first:
            self.say(msg.Loaded(number))
        return True

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.busy.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            if path.startswith("/slow?"):
                await asyncio.sleep(float(path[6:]))
            body = json.dumps(self.state()).encode()
            writer.write(
                b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        self.busy.discard(task)

    def state(self) -> dict[str, object]:
        assert self.start is not None
        engines = {name: engine.ready for name, engine in self.engines.items()}
        where = {"slot": self.start.slot, "generation": self.start.generation, "pid": os.getpid()}
        return {**where, "number": self.number, "engines": engines}

    async def drain(self, deadline: float) -> None:
        # What waits in the backlog is accepted in one more turn of the loop before the sockets are closed.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for server in self.servers:
            server.close()
        pending = [task for task in self.busy if not task.done()]
        if pending:
            await asyncio.wait(pending, timeout=deadline)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--control-fd", type=int, required=True)
    asyncio.run(Worker(parser.parse_args().control_fd).run())
    sys.exit(0)
