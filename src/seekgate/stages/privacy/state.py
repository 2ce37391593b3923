"""The policy as tables: which action a type gets, for whom, on which route, in whose company."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seekgate.config.compiled.privacy import Action, Rule
from seekgate.pipeline.principal import Principal

ANY = "*"
MAX_REMEMBERED = 1024


class Policy:
    """Decides what is done with each type that was found.

    ``types`` are (type, data class, default action). The first rule that fits the request and names the type, its data
    class or `ANY` (in this order of precedence within one rule) decides; then ``actions``; then the default.
    """

    __slots__ = ("_decided", "_defaults", "_rules", "classes")

    def __init__(
        self,
        types: Iterable[tuple[str, str, Action]],
        actions: Mapping[str, Action],
        rules: Iterable[Rule] = (),
    ) -> None:
        listed = list(types)
        #: Type -> data class.
        self.classes: dict[str, str] = {type: data_class for type, data_class, _ in listed}
        self._defaults: dict[str, Action] = {
            type: _named(actions, type, data_class) or default for type, data_class, default in listed
        }
        self._rules = tuple(
            (
                frozenset(rule.roles),
                frozenset(rule.routes),
                frozenset(rule.tiers),
                frozenset(rule.classes),
                rule.actions,
            )
            for rule in rules
        )
        self._decided: dict[tuple[object, ...], Mapping[str, Action]] = {}

    def actions(self, principal: Principal, route: str, found: frozenset[str]) -> Mapping[str, Action]:
        """Type -> action for a request of this caller on this route, in which these data classes were found."""
        if not self._rules:
            return self._defaults
        case = (principal.roles, principal.tier, route, found)
        decided = self._decided.get(case)
        if decided is None:
            if len(self._decided) >= MAX_REMEMBERED:
                self._decided.clear()
            decided = self._decided[case] = self._decide(principal, route, found)
        return decided

    def uses(self, action: Action) -> bool:
        """Whether any request could get this action."""
        return action in self._defaults.values() or any(
            action in actions.values() for *_, actions in self._rules
        )

    def _decide(self, principal: Principal, route: str, found: frozenset[str]) -> Mapping[str, Action]:
        fitting = [
            actions
            for roles, routes, tiers, classes, actions in self._rules
            if (not roles or not roles.isdisjoint(principal.roles))
            and (not routes or route in routes)
            and (not tiers or principal.tier in tiers)
            and (not classes or not classes.isdisjoint(found))
        ]
        decided: dict[str, Action] = {}
        for type, data_class in self.classes.items():
            named = (_named(actions, type, data_class) for actions in fitting)
            decided[type] = next((action for action in named if action), self._defaults[type])
        return decided


def _named(actions: Mapping[str, Action], type: str, data_class: str) -> Action | None:
    return actions.get(type) or actions.get(data_class) or actions.get(ANY)


def in_answers(actions: Mapping[str, str], types: Mapping[str, str]) -> dict[str, str]:
    """Type -> action for answers, of a table whose keys are types, data classes or `ANY`; ``types`` are type -> data
    class. What no key names is left out."""
    chosen = {
        type: actions.get(type) or actions.get(label) or actions.get(ANY) for type, label in types.items()
    }
    return {type: action for type, action in chosen.items() if action}
