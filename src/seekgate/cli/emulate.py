"""seekgate emulate: servers to test against."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ssl import SSLContext

    from seekgate.emulate import Settings


def register(app: typer.Typer) -> None:
    """Add this module's commands to the application."""
    emulate = typer.Typer(no_args_is_help=True, help="Run an emulator of a provider, to test against.")
    emulate.command("deepseek")(_deepseek)
    app.add_typer(emulate, name="emulate")


def _deepseek(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 lets the system choose.")] = 9100,
    seed: Annotated[int, typer.Option(help="Equal seeds give equal answers to equal prompts.")] = 1,
    log: Annotated[str | None, typer.Option(metavar="FILE|-", help="Log requests as JSON lines.")] = None,
    scenario: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Faults by rule, YAML or JSON.")
    ] = None,
    always: Annotated[str, typer.Option(metavar="FAULTS", help="Faults for all, such as 'slow=20ms'.")] = "",
    concurrency: Annotated[
        list[str] | None, typer.Option(metavar="MODEL=N", help="A model's cap; repeatable.")
    ] = None,
    instant: Annotated[
        bool, typer.Option("--instant", help="Equal requests get equal bytes; for load tests.")
    ] = False,
    tls_certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Serve TLS, PEM certificate.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(metavar="FILE", help="The certificate's key, PEM.")] = None,
    json_line: Annotated[bool, typer.Option("--json", help="Print the ready line as JSON.")] = False,
    ready_fd: Annotated[
        int | None, typer.Option(metavar="FD", help="Write the base URL here when ready.")
    ] = None,
) -> None:
    """Emulate DeepSeek's API. See docs/reference/emulator.md for models, keys and faults."""
    from seekgate.emulate import Settings

    settings = Settings(seed=seed, instant=instant, log=log, keep_requests=0)
    settings = _with_scenario(settings, scenario, always, concurrency)
    _raise_file_limit()
    _run(settings, host, port, _tls(tls_certificate, tls_key), json_line, ready_fd)


def _fail(message: str) -> NoReturn:
    typer.echo(f"seekgate emulate: {message}", err=True)
    raise typer.Exit(2)


def _with_scenario(
    settings: Settings, scenario: Path | None, always: str, concurrency: list[str] | None
) -> Settings:
    import msgspec

    from seekgate.emulate.faults import parse_faults, with_fields
    from seekgate.emulate.scenario import Scenario, ScenarioError, load_scenario

    try:
        loaded = load_scenario(scenario) if scenario is not None else Scenario()
    except ScenarioError as error:
        _fail(str(error))
    fields = parse_faults(always)
    if isinstance(fields, str):
        _fail(f"--always: {fields}")
    caps = dict(loaded.concurrency)
    for entry in concurrency or ():
        model, _, cap = entry.partition("=")
        if not cap.isdecimal():
            _fail(f"--concurrency needs MODEL=N, not {entry!r}")
        caps[model] = int(cap)
    try:
        settings = settings.with_concurrency(caps)
    except ValueError as error:
        _fail(f"concurrency: {error}")
    return msgspec.structs.replace(
        settings, rules=loaded.rules, accounts=loaded.accounts, always=with_fields(settings.always, fields)
    )


def _tls(certificate: Path | None, key: Path | None) -> SSLContext | None:
    if certificate is None:
        return None
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        _fail(f"cannot use the certificate {certificate}: {error}")
    return context


def _raise_file_limit() -> None:
    """Let the process hold as many connections as the system allows: load tests open thousands."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _run(
    settings: Settings, host: str, port: int, tls: SSLContext | None, json_line: bool, ready_fd: int | None
) -> None:
    import asyncio
    import signal

    import uvloop

    from seekgate.emulate import Emulator

    async def main() -> None:
        emulator = Emulator(settings)
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        try:
            actual = await emulator.start(host, port, tls)
        except OSError as error:
            _fail(f"cannot listen on {host}:{port}: {error.strerror or error}")
        shown = f"[{host}]" if ":" in host else host
        _announce(f"{'https' if tls else 'http'}://{shown}:{actual}", json_line, ready_fd)
        try:
            await stop.wait()
        finally:
            await emulator.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _announce(url: str, json_line: bool, ready_fd: int | None) -> None:
    if json_line:
        line = json.dumps({"event": "ready", "base_url": url, "pid": os.getpid()})
    else:
        line = f"Emulating DeepSeek's API at {url} (any API key is accepted)"
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    if ready_fd is not None:
        os.write(ready_fd, url.encode() + b"\n")
        os.close(ready_fd)
