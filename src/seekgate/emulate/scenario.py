"""Scenarios: rules in a YAML or JSON file that give faults to matching requests, without touching the client.

A file is a mapping with any of ``rules``, ``accounts`` (API key -> account), ``concurrency`` (model -> cap)::

    rules:
      - match: {model: deepseek-flash, path: /chat/completions, nth: [1, 2]}
        faults: status=503, retry-after=1
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from seekgate.emulate.faults import Faults, parse_faults, with_fields


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests a rule takes. Everything given must hold; nothing given matches all.

    ``path`` is compared without ``/v1`` and ``/beta``. ``nth`` picks by number, from 1, among the requests that
    match the rest; ``every`` takes each n-th of them.
    """

    model: str | None = None
    path: str | None = None
    user_id: str | None = None
    nth: int | list[int] | None = None
    every: int | None = None


class Rule(msgspec.Struct, frozen=True):
    """Requests that match get these fields of `Faults`."""

    match: Match
    fields: dict[str, Any]


class Scenario(msgspec.Struct, frozen=True):
    """What a scenario file says."""

    rules: tuple[Rule, ...] = ()
    accounts: dict[str, str] = {}
    concurrency: dict[str, int] = {}


class ScenarioError(ValueError):
    """The scenario file cannot be read or says something that the emulator does not know."""


class _RawRule(msgspec.Struct, forbid_unknown_fields=True):
    faults: str | list[str] | dict[str, str | int | float | bool | None]
    match: Match = Match()


class _RawScenario(msgspec.Struct, forbid_unknown_fields=True):
    rules: list[_RawRule] = []
    accounts: dict[str, str] = {}
    concurrency: dict[str, int] = {}


def load_scenario(path: Path) -> Scenario:
    """Read a scenario file (YAML, of which JSON is a subset). Raise `ScenarioError` with the reason."""
    import yaml  # imported here: only those who use a scenario file pay for it

    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"{path}: {error}") from error
    return parse_scenario(document or {}, str(path))


def parse_scenario(document: object, name: str = "scenario") -> Scenario:
    """Check a decoded scenario document. Raise `ScenarioError` with the reason."""
    try:
        raw = msgspec.convert(document, _RawScenario)
    except msgspec.ValidationError as error:
        raise ScenarioError(f"{name}: {error}") from error
    rules = []
    for position, rule in enumerate(raw.rules):
        fields = parse_faults(_as_text(rule.faults))
        if isinstance(fields, str):
            raise ScenarioError(f"{name}: rules[{position}].faults: {fields}")
        rules.append(Rule(rule.match, fields))
    return Scenario(tuple(rules), raw.accounts, raw.concurrency)


def _as_text(faults: str | list[str] | dict[str, str | int | float | bool | None]) -> str:
    if isinstance(faults, str):
        return faults
    if isinstance(faults, list):
        return ",".join(faults)
    values = {True: "true", False: "false", None: ""}
    parts = []
    for name, value in faults.items():
        text = values[value] if value is None or isinstance(value, bool) else str(value)
        parts.append(f"{name}={text}" if text else name)
    return ",".join(parts)


class RuleBook:
    """The rules and how often each has matched, for ``nth`` and ``every``."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self._rules = rules
        self._seen = [0] * len(rules)

    def apply(self, base: Faults, model: str, path: str, user_id: str) -> Faults:
        """Count the request for every rule that matches, and lay their faults over the base; later rules win."""
        for position, rule in enumerate(self._rules):
            match = rule.match
            if match.model not in (None, model) or match.path not in (None, path):
                continue
            if match.user_id not in (None, user_id):
                continue
            self._seen[position] += 1
            if _is_turn(match, self._seen[position]):
                base = with_fields(base, rule.fields)
        return base


def _is_turn(match: Match, number: int) -> bool:
    if match.nth is not None:
        wanted = match.nth if isinstance(match.nth, list) else [match.nth]
        if number not in wanted:
            return False
    return match.every is None or number % match.every == 0
