"""The plan of an answer: what the model says, decided completely before the first byte is sent.

Every dialect renders the same plan, as one body or as events. Text stays lazy (`Babble`), so a plan of 100 MB is
small.
"""

from __future__ import annotations

import msgspec

from seekgate.emulate.ask import Ask, Effort
from seekgate.emulate.faults import Faults
from seekgate.emulate.schema import value_for
from seekgate.emulate.text import Babble, Said, Speech, numbers, said, seed_of, shortened, stopped

#: Reasoning tokens for each effort; a fault can ask for another number.
REASONING: dict[Effort, int] = {"low": 8, "high": 24, "max": 64}


class Call(msgspec.Struct, frozen=True):
    """A tool call: id, function name, and the arguments' JSON as tokens."""

    id: str
    name: str
    arguments: Said


class Usage(msgspec.Struct, frozen=True):
    """Token counts. ``hit`` of the ``prompt`` tokens came from the cache; ``reasoning`` are part of ``completion``."""

    prompt: int
    hit: int
    completion: int
    reasoning: int

    @property
    def miss(self) -> int:
        """Prompt tokens that were not in the cache."""
        return self.prompt - self.hit

    def chat(self) -> dict[str, object]:
        """Return the ``usage`` object of chat completions and FIM."""
        usage: dict[str, object] = {
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "total_tokens": self.prompt + self.completion,
            "prompt_tokens_details": {"cached_tokens": self.hit},
            "prompt_cache_hit_tokens": self.hit,
            "prompt_cache_miss_tokens": self.miss,
        }
        if self.reasoning:
            usage["completion_tokens_details"] = {"reasoning_tokens": self.reasoning}
        return usage


class Plan(msgspec.Struct, frozen=True):
    """Reasoning, then text, then tool calls, then a finish reason. ``thinking`` holds with no reasoning token too."""

    thinking: bool
    reasoning: Speech
    content: Speech
    calls: tuple[Call, ...]
    finish: str
    usage: Usage


def make_plan(ask: Ask, faults: Faults, seed: int, hit: int) -> Plan:
    """Decide the answer. ``hit`` is the number of cached prompt tokens; equal arguments give equal plans."""
    key = seed_of(seed, ask.model.name, ask.prompt, ask.sampling)
    reasoning = _reasoning(ask, faults, key)
    content: Speech = Said()
    calls: tuple[Call, ...] = ()
    if ask.call is not None:
        calls = tuple(_call(ask, key, number) for number in range(faults.tool_calls))
    else:
        content = _content(ask, faults, key)
    limit = ask.max_tokens if ask.max_tokens is not None else ask.model.max_output
    if faults.tokens is not None and ask.max_tokens is None:
        limit = max(limit, faults.tokens + reasoning.count)
    finish = "tool_calls" if calls else "stop"
    wanted = reasoning.count + content.count + sum(call.arguments.count for call in calls)
    if wanted > limit:
        finish = "length"
        reasoning = shortened(reasoning, limit)
        content = shortened(content, limit - reasoning.count)
        calls = _shortened_calls(calls, limit - reasoning.count)
    spoken = content.count + sum(call.arguments.count for call in calls)
    usage = Usage(ask.prompt_tokens, hit, reasoning.count + spoken, reasoning.count)
    return Plan(ask.thinking, reasoning, content, calls, faults.finish or finish, usage)


def _reasoning(ask: Ask, faults: Faults, key: int) -> Speech:
    if not ask.thinking:
        return Said()
    count = REASONING[ask.effort] if faults.reasoning is None else faults.reasoning
    return Babble(seed_of(key, "reasoning"), count)


def _content(ask: Ask, faults: Faults, key: int) -> Speech:
    if faults.echo:
        content: Speech = said(ask.last_text)
    elif ask.form == "schema":
        content = said(msgspec.json.encode(value_for(ask.schema, key)).decode())
    elif ask.form == "object":
        text = "".join(Babble(key, 6).tokens())
        content = said(msgspec.json.encode({"answer": text}).decode())
    else:
        count = 12 + next(numbers(key)) % 24 if faults.tokens is None else faults.tokens
        content = Babble(key, count, faults.token_bytes)
    return stopped(content, ask.stop) if ask.stop else content


def _call(ask: Ask, key: int, number: int) -> Call:
    assert ask.call is not None
    seed = seed_of(key, "call", number)
    arguments = msgspec.json.encode(value_for(ask.call.schema, seed)).decode()
    return Call(f"call_{number:02d}_{seed:016x}", ask.call.name, said(arguments))


def _shortened_calls(calls: tuple[Call, ...], limit: int) -> tuple[Call, ...]:
    kept = []
    for call in calls:
        if limit <= 0:
            break
        arguments = Said(call.arguments.pieces[:limit])
        limit -= arguments.count
        kept.append(Call(call.id, call.name, arguments))
    return tuple(kept)
