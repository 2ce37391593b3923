"""A node for tests: the real supervisor as a process, on ports that the system chooses, in a home of its own."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.support.until import until

ROOT = Path(__file__).parents[2]

CONFIG = """\
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: {workers}
limits:
  drain_timeout: 10s
providers:
  up:
    type: openai
    base_url: http://127.0.0.1:9/v1
models:
  m:
    deployments:
      - provider: up
"""


class Node:
    """Starts with `start`; `end` it in every case. ``lines`` is what its log has said, decoded."""

    def __init__(self, home: Path, config: Path | None = None, **options: Any) -> None:
        self.home = home
        self.options = {"home": str(home), "json": True, "worker_module": "tests.fakes.worker", **options}
        if config is not None:
            self.options["config"] = str(config)
        self.ready: dict[str, Any] = {}
        self.lines: list[dict[str, Any]] = []
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def launch(self) -> subprocess.Popen[str]:
        """Start the process and do not wait for it to be ready."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SEEKGATE_HOME": str(self.home)}
        command = [sys.executable, "-P", "-m", "seekgate.supervisor", json.dumps(self.options)]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        return self.process

    def start(self) -> Node:
        """Start the process and wait until it says that it is ready."""
        process = self.launch()
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith('{"ready"'):
                self.ready = json.loads(line)
                return self
        raise AssertionError(f"ended with {process.wait()} before it was ready: {self.lines}")

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self.lines.append(json.loads(line) if line.startswith("{") else {"message": line})

    @property
    def port(self) -> int:
        return urlsplit(self.ready["listen"][0]).port or 0

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def get(self, path: str = "/") -> dict[str, Any]:
        """One request on a connection of its own, answered by whichever worker the kernel chooses."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            body: dict[str, Any] = json.loads(connection.getresponse().read())
            return body
        finally:
            connection.close()

    def signal(self, signum: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(signum)

    def said(self, text: str) -> list[dict[str, Any]]:
        """The log's events with this text in their message."""
        return [line for line in list(self.lines) if text in line["message"]]

    def hears(self, text: str, count: int = 1) -> dict[str, Any]:
        """Wait until the log has said this as often; the last event."""
        until(lambda: len(self.said(text)) >= count, f"the log to say {text!r}")
        return self.said(text)[-1]

    def wait(self) -> int:
        """Wait for its end; the exit code."""
        assert self.process is not None
        code = self.process.wait(60)
        if self._reader is not None:
            self._reader.join(1)  # an orphan may hold its other end
        return code

    def stop(self) -> int:
        """SIGTERM and `wait`."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def end(self) -> None:
        """See that nothing of it is left, however far the test came."""
        if self.process is None:
            return
        if self.process.poll() is None:
            # Twice: the second one does not wait for anything.
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self._reader is not None:
            self._reader.join(10)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
