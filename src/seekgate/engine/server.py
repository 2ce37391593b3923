"""llama.cpp's server inside this process, through xllamacpp: start it from a plan, drain it, stop it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec

from seekgate.engine import sockets
from seekgate.engine.decide import Plan

_POLL = 0.02


class Missing(Exception):
    """The optional package with llama.cpp is not installed; the message says how to install it."""


class Broken(Exception):
    """llama.cpp could not load the model or open its address; its own log on stderr says more."""


class Address(msgspec.Struct, frozen=True):
    """Where the server is reached; ``host`` is the path of a Unix socket when ``port`` is 0."""

    host: str
    port: int


def require() -> Any:
    """Import xllamacpp. Raise `Missing` when it is not installed or does not load on this machine."""
    try:
        import xllamacpp
    except ImportError as error:
        raise Missing(
            f"the private engine needs xllamacpp, which is not installed ({error}): pip install 'seekgate[engine]'"
        ) from error
    return xllamacpp


def parameters(llama: Any, plan: Plan, key: str) -> Any:
    """The plan in xllamacpp's terms. Without ``key`` as bearer token only the health check answers."""
    params = llama.CommonParams()
    params.model.path = plan.model
    params.model_alias = {plan.name}
    params.hostnames = [plan.socket or "127.0.0.1"]
    params.port = 0
    params.api_keys = [key]
    params.n_ctx, params.n_parallel = plan.context, plan.slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = plan.threads
    params.n_threads_http = plan.http_threads
    params.n_batch, params.n_ubatch = plan.batch, plan.micro_batch
    params.cache_ram_mib = plan.prompt_cache
    params.embedding, params.pooling_type = plan.embeddings, plan.pooling
    # `decide` has settled what fits; llama.cpp's own fitting would load the model twice to find out.
    params.fit_params = False
    # The web page and the slots show other callers' prompts; the gateway asks for neither.
    params.ui = params.endpoint_slots = params.endpoint_props = False
    params.endpoint_metrics = True
    # Its default lets any page in a browser read the answers.
    params.cors_origins = ""
    return params


class Server:
    """A running server. Constructing one loads the model and returns once it answers; raises `Broken` otherwise."""

    def __init__(self, llama: Any, plan: Plan, key: str) -> None:
        if plan.socket:
            Path(plan.socket).unlink(missing_ok=True)  # left by an engine that was killed
            mask = os.umask(0o077)
        try:
            self._server = llama.Server(parameters(llama, plan, key))
        except RuntimeError as error:
            raise Broken(f"llama.cpp could not start with {plan.model}: {error}") from error
        finally:
            if plan.socket:
                os.umask(mask)
        self._at = sockets.parse(self._server.listening_address)

    @property
    def address(self) -> Address:
        """Where it listens."""
        return Address(self._at, 0) if isinstance(self._at, str) else Address(*self._at)

    def drain(self, deadline: float) -> bool:
        """Accept nothing more and wait until every answer is written, at most ``deadline`` seconds.

        Return whether all were.
        """
        sockets.refuse_new(self._at)
        until = time.monotonic() + deadline
        while sockets.open_connections(self._at):
            if time.monotonic() >= until:
                return False
            time.sleep(_POLL)
        return True

    def stop(self) -> None:
        """Free the model. Only after a drain that succeeded: llama.cpp waits here for its clients to leave."""
        del self._server
        if isinstance(self._at, str):
            Path(self._at).unlink(missing_ok=True)
