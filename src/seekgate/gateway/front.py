"""The public front: a request that was read becomes an Exchange, passes the pipeline, and is answered or relayed."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

import msgspec

from seekgate.config.snapshot import Limits, Snapshot
from seekgate.gateway.callers import Callers
from seekgate.gateway.downstream import Downstream
from seekgate.gateway.nobody import Nobody
from seekgate.gateway.parked import Parked
from seekgate.gateway.relay import Relay
from seekgate.gateway.sweep import Sweep
from seekgate.gateway.turn import Turn
from seekgate.gateway.world import World
from seekgate.host.clock import Clock
from seekgate.pipeline.exchange import Endpoint, Exchange
from seekgate.pipeline.stage import Reply, Verdict, Wait
from seekgate.telemetry.metrics import Metrics
from seekgate.wire import errors, shown
from seekgate.wire.errors import ErrorKind, error_body
from seekgate.wire.message import Request
from seekgate.wire.response import own_head

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}").fullmatch
_WITH_PORT = re.compile(r"(?:([0-9.]+)|\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\])(?::[0-9]{1,5})?").fullmatch
_NOWHERE = Endpoint("models", "")
_MAX_LISTS = 256
_ALLOW_POST = ((b"Allow", b"POST, OPTIONS"),)
_ALLOW_GET = ((b"Allow", b"GET, HEAD, OPTIONS"),)


class PublicFront:
    """Takes the requests of all client connections of one worker.

    ``world`` is what new requests are served from; ``log_refusal`` is told of bytes that never became a request.
    """

    def __init__(
        self,
        world: World,
        clock: Clock,
        sweep: Sweep,
        turn: Turn,
        metrics: Metrics,
        id_prefix: str,
        log_refusal: Callable[[str, ErrorKind], None],
    ) -> None:
        self.clock = clock
        self.sweep = sweep
        self.turn = turn
        self.metrics = metrics
        self.draining = False
        self.buffered = 0
        self.connections: set[Downstream] = set()
        self.nobodies: set[Nobody] = set()
        self._id_prefix = id_prefix
        self._count = 0
        self._log_refusal = log_refusal
        self.callers = Callers()
        self.use(world)

    def use(self, world: World) -> None:
        """Serve new requests from ``world``; those in flight finish on the one they started with."""
        self.world = world
        self.limits: Limits = world.snapshot.limits
        self._trusted = tuple(ip_network(block) for block in world.snapshot.trusted_proxies)
        self.callers.trusted = self._trusted
        self._lists: dict[tuple[Endpoint, frozenset[str] | None], bytes] = {}

    # -- connections ----------------------------------------------------------------------------------------------

    def connected(self, down: Downstream) -> ErrorKind | None:
        """Count a connection; refuse it when there are as many as there may be."""
        self.connections.add(down)
        self.sweep.add(down)
        self.metrics.connections_accepted.value += 1
        self.metrics.connections.value = len(self.connections)
        if down.door is not None:
            down.caller = self.callers.arrived(down, down.door)
        if len(self.connections) > self.limits.connections:
            self.refused(down, errors.OVERLOADED)
            return errors.OVERLOADED
        return None

    def disconnected(self, down: Downstream) -> None:
        """Forget a connection."""
        self.connections.discard(down)
        self.sweep.discard(down)
        self.metrics.connections.value = len(self.connections)

    def refused(self, down: Downstream, kind: ErrorKind) -> None:
        """Bytes that never became a request: counted and logged."""
        self.metrics.rejected.labels(kind.name).value += 1
        self._log_refusal(down.peer, kind)

    # -- the life of a request ------------------------------------------------------------------------------------

    def admit(self, down: Downstream, request: Request) -> None:
        """A request is whole: make its Exchange, find what is asked, ask the pipeline."""
        world = self.world
        headers = request.headers
        given = headers.get(b"x-request-id")
        if given is not None and _REQUEST_ID(given):
            request_id = given.decode("latin-1")
        else:
            self._count += 1
            request_id = f"{self._id_prefix}{self._count:x}"
        client = down.peer
        if self._trusted and b"x-forwarded-for" in headers:
            client = self._client(client, headers[b"x-forwarded-for"])
        pipeline = world.pipeline
        endpoint = world.paths.get(request.target)
        x = Exchange(
            request,
            endpoint or _NOWHERE,
            request_id,
            client,
            self.clock.monotonic(),
            self.clock.wall(),
            pipeline.observers - 1,
            len(request.body),
        )
        self.metrics.in_flight.value += 1
        if down.caller is not None:
            refused = self.callers.identify(down.caller, x)
            if refused is not None:
                self.answer(down, x, Reply(error=refused), world)
                return
        if endpoint is None or request.method != b"POST" or endpoint.operation == "models":
            reply = self._surface(x, endpoint, world)
            if reply is not None:
                self.answer(down, x, reply, world)
                return
        verdict = pipeline.request(x)
        if verdict is None and endpoint is not None and endpoint.operation != "models":
            down.relay = relay = Relay(x, down, self, world)
            relay.start()
        else:
            self.proceed(down, x, verdict, world)

    def proceed(self, down: Downstream, x: Exchange, verdict: Verdict, world: World) -> None:
        """Do what the pipeline said."""
        if verdict is None:
            if x.endpoint.operation == "models":
                self.answer(down, x, self._models(x, world), world)
                return
            down.relay = relay = Relay(x, down, self, world)
            relay.start()
        elif type(verdict) is Reply:
            self.answer(down, x, verdict, world)
        elif type(verdict) is Wait:
            down.relay = Parked(self, down, x, verdict, world)  # type: ignore[assignment]

    def answer(self, down: Downstream, x: Exchange, reply: Reply, world: World) -> None:
        """Send an answer of our own and settle."""
        kind = reply.error
        body = reply.body
        status = reply.status
        if kind is not None:
            status = kind.status
            body = error_body(reply.message or kind.message, kind.type, kind.code, reply.param, x.id)
            x.error_type, x.error_source = kind.name, kind.source
            x.outcome = "refused" if kind.source == "client" else "failed"
        else:
            x.outcome = "answered"
        x.status = status
        x.committed = True
        keep_alive = x.request.keep_alive and not self.draining
        headers = reply.headers
        if kind is not None and kind.retryable and status == 503:
            headers = (*headers, (b"Retry-After", b"1"))
        head = own_head(status, reply.content_type, len(body), x.id.encode(), headers, not keep_alive)
        if x.request.method != b"HEAD":
            head += body
            x.bytes_out = len(body)
        now = self.clock.monotonic()
        self.settle(x, world, now)
        down.write_last(head)
        down.finish(keep_alive, now)

    def settle(self, x: Exchange, world: World, now: float) -> None:
        """The exchange is over, however it went: exactly once for each."""
        x.ended_at = now
        if x.left:
            x.outcome, x.status = "client_left", x.left
        x.tree = x.received = None
        x.request.body = b""
        self.metrics.in_flight.value -= 1
        world.pipeline.end(x)

    # -- what is not relayed --------------------------------------------------------------------------------------

    def _surface(self, x: Exchange, endpoint: Endpoint | None, world: World) -> Reply | None:
        """Paths, methods and OPTIONS. None: go on to the pipeline (``x.endpoint`` is set)."""
        request = x.request
        if endpoint is None:
            endpoint = self._locate(request.target, world)
            if endpoint is None:
                if request.method == b"OPTIONS" and request.target == b"*":
                    return Reply(
                        status=204, content_type=b"", headers=((b"Allow", b"GET, HEAD, POST, OPTIONS"),)
                    )
                path = shown.path(request.target.partition(b"?")[0].decode("latin-1"))
                return Reply(error=errors.NOT_FOUND, message=f"There is nothing at {path}.")
            x.endpoint = endpoint
        models = endpoint.operation == "models"
        allow = _ALLOW_GET if models else _ALLOW_POST
        if request.method == b"OPTIONS":
            return Reply(status=204, content_type=b"", headers=allow)
        if request.method not in ((b"GET", b"HEAD") if models else (b"POST",)):
            method = request.method.decode("latin-1")
            return Reply(
                error=errors.METHOD_NOT_ALLOWED,
                message=f"{method} is not served here; {allow[0][1].decode()} are.",
                headers=allow,
            )
        return None

    def _locate(self, target: bytes, world: World) -> Endpoint | None:
        """A target that is no path as it stands: with a query, or a single model's."""
        path = target.partition(b"?")[0]
        found = world.paths.get(path)
        if found is None:
            parent, _, name = path.partition(b"/models/")
            found = world.paths.get(parent + b"/models") if name else None
            if found is not None:
                return msgspec.structs.replace(found, model=name.decode("latin-1"))
        return found

    def _models(self, x: Exchange, world: World) -> Reply:
        """The list of models, or one of them, as OpenAI's API has it: what the caller may see (``x.visible``)."""
        endpoint, visible = x.endpoint, x.visible
        if endpoint.model:
            model = world.snapshot.models.get(endpoint.model)
            if model is None or not _shown(endpoint.model, endpoint.models, visible):
                message = f"The model '{shown.name(endpoint.model)}' is not served here."
                return Reply(error=errors.UNKNOWN_MODEL, message=message, param="model")
            return Reply(body=_encode(_entry(world.snapshot, endpoint.model)))
        body = self._lists.get((endpoint, visible))
        if body is None:
            names = [name for name in world.snapshot.models if _shown(name, endpoint.models, visible)]
            entries = [_entry(world.snapshot, name) for name in names]
            if len(self._lists) >= _MAX_LISTS:
                self._lists.clear()
            body = self._lists[endpoint, visible] = _encode({"object": "list", "data": entries})
        return Reply(body=body)

    def _client(self, peer: str, forwarded: bytes) -> str:
        """Who called, by X-Forwarded-For, which counts only as far as trusted proxies wrote it (from the right).

        Some of them write the port too, as ``for=`` has it in RFC 7239, section 6: ``192.0.2.7:443`` and
        ``[2001:db8::7]:443``.
        """
        client = peer
        for entry in [peer, *reversed(forwarded.decode("latin-1").split(","))]:
            address = entry.strip()
            bare = _WITH_PORT(address)
            if bare is not None:
                address = bare[1] or bare[2]
            try:
                parsed = ip_address(address)
            except ValueError:
                break
            if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
                # How a proxy with one socket for both families writes an IPv4 address (RFC 4291, 2.5.5.2).
                parsed = parsed.ipv4_mapped
                address = str(parsed)
            client = address
            if not any(parsed in network for network in self._trusted):
                break
        return client


_encode = msgspec.json.encode


def _shown(name: str, served: frozenset[str] | None, visible: frozenset[str] | None) -> bool:
    return (served is None or name in served) and (visible is None or name in visible)


def _entry(snapshot: Snapshot, name: str) -> dict[str, object]:
    model = snapshot.models[name]
    return {"id": name, "object": "model", "created": model.created, "owned_by": model.owned_by}
