"""The emulated API: a received request becomes an answer. No socket, no loop: the caller gives the time.

The order of checks is the order in which they are written in `Api.handle` and `Api._infer`: fault header, path, key,
forced status, body, model, parameters, balance, concurrency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from seekgate.emulate.accounts import Accounts
from seekgate.emulate.answer import STREAM, Answer
from seekgate.emulate.anthropic import message_body, message_events
from seekgate.emulate.anthropic_request import MessagesRequest, ask_of_messages, check_messages
from seekgate.emulate.ask import Ask, Identity, decode
from seekgate.emulate.chat import Wanted, chat_body, chat_events
from seekgate.emulate.chat_request import ChatRequest, StreamOptions, ask_of_chat, check_chat
from seekgate.emulate.embeddings import EmbeddingsRequest, embeddings_body
from seekgate.emulate.errors import Refusal, refusal
from seekgate.emulate.faults import NO_FAULTS, Faults, parse_faults, with_fields
from seekgate.emulate.fim import FimRequest, ask_of_fim, check_fim, fim_body, fim_events
from seekgate.emulate.plan import Plan, make_plan
from seekgate.emulate.prompt_cache import PromptCache
from seekgate.emulate.responses import response_body, response_events
from seekgate.emulate.responses_request import ResponsesRequest, ask_of_responses, check_responses
from seekgate.emulate.scenario import RuleBook
from seekgate.emulate.settings import ModelSpec, Settings
from seekgate.emulate.text import seed_of

ANTHROPIC = "/anthropic/v1/messages"

_METHODS = {
    "/chat/completions": "POST",
    "/completions": "POST",
    "/embeddings": "POST",
    "/responses": "POST",
    "/models": "GET",
    "/user/balance": "GET",
    ANTHROPIC: "POST",
}


class Received(msgspec.Struct, frozen=True):
    """A complete request. ``target`` is as received; ``headers`` have names in lower case."""

    id: int
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peek(msgspec.Struct):
    """What the log and the rules want to know of a body before it is checked; any of it may have a wrong type."""

    model: Any = ""
    stream: Any = False
    user_id: Any = ""


class Handled(msgspec.Struct):
    """An answer with its faults. ``lease`` is the (account, model) to release when the request has ended."""

    answer: Answer
    faults: Faults = NO_FAULTS
    lease: tuple[str, str] | None = None
    peek: Peek = msgspec.field(default_factory=Peek)


class _Call(msgspec.Struct):
    """One request on its way through `Api`."""

    received: Received
    path: str
    beta: bool
    key: str
    faults: Faults
    now: int


#: Renders a plan: as a body, as events.
_Renderer = tuple[Callable[[Plan, Identity], bytes], Callable[[Plan, Identity], Iterator[bytes]]]


class Api:
    """The state of one emulator: prompt cache, running requests and rules; everything else is a function."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models: dict[str, ModelSpec] = {}
        for model in settings.models:
            for name in (model.name, *model.aliases):
                self._models[name] = model
        self._cache = PromptCache(settings.cache_blocks)
        self._rules = RuleBook(settings.rules)
        self.accounts = Accounts(settings)

    def handle(self, received: Received, now: int) -> Handled:
        """Answer a request; ``now`` is Unix time in seconds."""
        path, beta = split_path(received.target)
        peek = _peek(received)
        faults = self._faults(received, path, peek)
        if isinstance(faults, Refusal):
            return Handled(self._refuse(faults, path, NO_FAULTS, received), peek=peek)
        lease, result = self._route(received, path, beta, faults, now)
        answer = self._refuse(result, path, faults, received) if isinstance(result, Refusal) else result
        if received.method == "HEAD":
            # An answer to HEAD has no body (RFC 9110, section 9.3.2); it would be read as the next answer.
            answer = msgspec.structs.replace(answer, body=b"")
        return Handled(answer, faults, lease, peek)

    def _faults(self, received: Received, path: str, peek: Peek) -> Faults | Refusal:
        fields = parse_faults(received.headers.get("x-emulate", ""))
        if isinstance(fields, str):
            return refusal(400, f"x-emulate: {fields}", "x-emulate")
        served = self._models.get(peek.model) if isinstance(peek.model, str) else None
        model = str(peek.model) if served is None else served.name
        return with_fields(self._rules.apply(self._settings.always, model, path, str(peek.user_id)), fields)

    def _route(
        self, received: Received, path: str, beta: bool, faults: Faults, now: int
    ) -> tuple[tuple[str, str] | None, Answer | Refusal]:
        method = _METHODS.get(path)
        if method is None:
            return None, refusal(404)
        if received.method != method:
            return None, refusal(405)
        key = self.accounts.key_of(received.headers)
        refused = self.accounts.authenticate(key)
        if refused is None and faults.status is not None:
            refused = refusal(faults.status)
        if refused is not None or key is None:
            return None, refused or refusal(401)
        if path == "/models":
            return None, Answer(200, self._model_list(), headers=self._trace(received))
        if path == "/user/balance":
            return None, Answer(200, self.accounts.balance(key), headers=self._trace(received))
        return self._infer(_Call(received, path, beta, key, faults, now))

    def _infer(self, call: _Call) -> tuple[tuple[str, str] | None, Answer | Refusal]:
        made = self._embed(call) if call.path == "/embeddings" else self._ask(call)
        if isinstance(made, Refusal):
            return None, made
        model, make = made
        account = self.accounts.account_of(call.key)
        refused = self.accounts.charge(call.key) or self.accounts.admit(account, model)
        if refused is not None:
            return None, refused
        return (account, model.name), make(account)

    def _ask(self, call: _Call) -> tuple[ModelSpec, Callable[[str], Answer]] | Refusal:
        reader = {"/chat/completions": self._chat, "/completions": self._fim, "/responses": self._responses}
        made = reader.get(call.path, self._messages)(call)
        if isinstance(made, Refusal):
            return made
        ask, renderer = made
        if ask.prompt_tokens > ask.model.context:
            return refusal(
                400, f"The prompt has more tokens than the context of {ask.model.context}.", "messages"
            )
        return ask.model, lambda account: self._answer(call, ask, renderer, account)

    def _answer(self, call: _Call, ask: Ask, renderer: _Renderer, account: str) -> Answer:
        hit = self._cache.serve(f"{account}\n{ask.user_id}\n{ask.model.name}", ask.prompt)
        plan = make_plan(ask, call.faults, self._settings.seed, hit)
        identity = self._identity(call, ask.model)
        headers = self._trace(call.received)
        body, events = renderer
        if ask.stream:
            return Answer(200, b"", STREAM, headers, events(plan, identity), waits=True)
        return Answer(200, body(plan, identity), headers=headers, waits=True)

    def _chat(self, call: _Call) -> tuple[Ask, _Renderer] | Refusal:
        request = decode(call.received.body, ChatRequest)
        if isinstance(request, Refusal):
            return request
        model = self._model(request.model)
        if isinstance(model, Refusal):
            return model
        refused = check_chat(request, model, call.beta)
        if refused is not None:
            return refused
        wanted = _wanted(
            request.stream_options, call.faults, request.top_logprobs or 0 if request.logprobs else None
        )
        return ask_of_chat(request, model), (
            lambda plan, identity: chat_body(plan, identity, wanted),
            lambda plan, identity: chat_events(plan, identity, wanted),
        )

    def _fim(self, call: _Call) -> tuple[Ask, _Renderer] | Refusal:
        request = decode(call.received.body, FimRequest)
        if isinstance(request, Refusal):
            return request
        model = self._model(request.model)
        if isinstance(model, Refusal):
            return model
        refused = check_fim(request, model, call.beta)
        if refused is not None:
            return refused
        wanted = _wanted(request.stream_options, call.faults, request.logprobs)
        prompt = request.prompt if request.echo else ""
        return ask_of_fim(request, model), (
            lambda plan, identity: fim_body(plan, identity, wanted, prompt),
            lambda plan, identity: fim_events(plan, identity, wanted, prompt),
        )

    def _responses(self, call: _Call) -> tuple[Ask, _Renderer] | Refusal:
        request = decode(call.received.body, ResponsesRequest)
        if isinstance(request, Refusal):
            return request
        model = self._model(request.model)
        if isinstance(model, Refusal):
            return model
        refused = check_responses(request, model)
        return refused or (ask_of_responses(request, model), (response_body, response_events))

    def _messages(self, call: _Call) -> tuple[Ask, _Renderer] | Refusal:
        request = decode(call.received.body, MessagesRequest)
        if isinstance(request, Refusal):
            return request
        model = self._model(request.model)
        if isinstance(model, Refusal):
            return model
        refused = check_messages(request, model)
        return refused or (ask_of_messages(request, model), (message_body, message_events))

    def _embed(self, call: _Call) -> tuple[ModelSpec, Callable[[str], Answer]] | Refusal:
        request = decode(call.received.body, EmbeddingsRequest)
        if isinstance(request, Refusal):
            return request
        model = self._model(request.model, embeddings=True)
        if isinstance(model, Refusal):
            return model
        body = embeddings_body(request, model.name, self._settings.seed)
        if isinstance(body, Refusal):
            return body
        return model, lambda account: Answer(200, body, headers=self._trace(call.received), waits=True)

    def _model(self, name: str, embeddings: bool = False) -> ModelSpec | Refusal:
        model = self._models.get(name)
        if model is None:
            return refusal(400, "Model Not Exist", "model")
        if model.embeddings != embeddings:
            return refusal(400, f"{model.name} does not serve this path.", "model")
        return model

    def _identity(self, call: _Call, model: ModelSpec) -> Identity:
        seed = seed_of(self._settings.seed, "id", call.received.id)
        name = f"{seed:016x}{seed_of(seed):016x}"
        fingerprint = call.faults.fingerprint or f"fp_{seed_of(self._settings.seed, model.name) >> 24:010x}"
        whole = f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"
        return Identity(whole, call.now, model.name, fingerprint, self._settings.seed)

    def _model_list(self) -> bytes:
        data = [
            {"id": model.name, "object": "model", "owned_by": "deepseek"} for model in self._settings.models
        ]
        return msgspec.json.encode({"object": "list", "data": data})

    def _trace(self, received: Received) -> tuple[tuple[str, str], ...]:
        trace = seed_of(self._settings.seed, "trace", received.id)
        return (("x-ds-trace-id", f"{trace:016x}{seed_of(trace):016x}"), ("x-emulate-id", str(received.id)))

    def _refuse(self, refused: Refusal, path: str, faults: Faults, received: Received) -> Answer:
        body = refused.anthropic_body() if path == ANTHROPIC else refused.body()
        kind = "application/octet-stream" if faults.octet_error else "application/json"
        headers = self._trace(received)
        if faults.retry_after is not None:
            headers += (("retry-after", faults.retry_after),)
        return Answer(refused.status, body, kind, headers)


def split_path(target: str) -> tuple[str, bool]:
    """Return the path without query, ``/v1`` and ``/beta``, and whether it was under ``/beta``."""
    path = target.partition("?")[0]
    if path.startswith("/anthropic/"):
        return path, False
    beta = path.startswith("/beta/")
    path = path.removeprefix("/beta")
    return (path[3:] if path.startswith("/v1/") else path), beta


def _peek(received: Received) -> Peek:
    if not received.body:
        return Peek()
    try:
        return msgspec.json.decode(received.body, type=Peek)
    except (msgspec.DecodeError, UnicodeDecodeError):  # the dialect's own decoding answers this
        return Peek()


def _wanted(options: StreamOptions | None, faults: Faults, logprobs: int | None) -> Wanted:
    asked = bool(options is not None and options.include_usage)
    return Wanted(include_usage=asked, finish_usage=not faults.usage_on_ask, logprobs=logprobs)
