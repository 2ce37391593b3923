"""Guard: what may be asked and answered, by lists, by the look of a prompt, by its shape, by an external service.

It comes after privacy, so that lists and the moderation service see masked text only. What is found is named in the
record and in the refusal, never quoted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from seekgate.config.compiled.guard import Guard as Settings
from seekgate.config.compiled.guard import Moderation, PatternList
from seekgate.pipeline.exchange import Exchange, Stop
from seekgate.pipeline.stage import Reply, Stage, Verdict, Wait
from seekgate.stages.guard.answers import Watch, is_stream, plain
from seekgate.stages.guard.injection import Injection
from seekgate.stages.guard.lists import Lists
from seekgate.stages.guard.matcher import Matcher
from seekgate.stages.guard.moderation import Moderator, Outcome
from seekgate.stages.guard.quick import INJECTION, LISTS, Quick
from seekgate.stages.guard.shape import excess
from seekgate.stages.guard.signs import Sign
from seekgate.stages.guard.strings import ASSISTANT, ROLES, SYSTEM, TOOL, USER, Strings, collect
from seekgate.wire import errors

_ANSWERS = ("chat", "completions")

Count = Callable[[str, str], None]
"""``count(check, action)``: something was found (``list``, ``injection``, ``shape``, ``moderation``)."""


class Guard(Stage):
    """Refuse, report or let pass. Built only where there is something to check (`wanted`)."""

    __slots__ = (
        "_answers",
        "_blocks_injection",
        "_count",
        "_injection",
        "_lists",
        "_looks",
        "_moderation",
        "_moderator",
        "_quick",
        "_quick_answers",
        "_shape",
        "_threshold",
        "_watches",
        "_window",
        "_windows",
    )

    def __init__(
        self,
        settings: Settings,
        signs: Sequence[Sign],
        make: Callable[[Sequence[str]], Matcher],
        moderator: Moderator | None,
        count: Count,
    ) -> None:
        self._shape = settings.shape
        self._window = settings.window
        self._count = count
        asked = [one for one in settings.lists if one.request]
        self._lists = Lists(asked, make) if asked else None
        self._looks = _looks(asked)
        answered = [one for one in settings.lists if one.answer]
        self._answers = Lists(answered, make) if answered else None
        self._quick_answers = None
        if self._answers is not None:
            self._quick_answers = Quick(make, answered, self._answers.matcher, (), 1.0)
        injection = settings.injection
        self._injection = Injection(signs, make) if injection is not None else None
        self._threshold = injection.threshold if injection is not None else 1.0
        self._blocks_injection = injection is not None and injection.action == "block"
        self._quick = None
        if asked or injection is not None:
            held = self._lists.matcher if self._lists is not None else None
            self._quick = Quick(make, asked, held, signs if injection is not None else (), self._threshold)
        self._moderation = settings.moderation if moderator is not None else None
        self._moderator = moderator
        self._windows = self._moderation is not None and self._moderation.answer_window > 0
        self._watches = self._answers is not None or self._windows

    # -- requests -------------------------------------------------------------------------------------------------

    def on_request(self, x: Exchange) -> Verdict:
        """400 for what is not allowed; a wait where a service is asked."""
        tree = x.tree
        if tree is None:
            return None
        body = x.request.body
        if self._shape is not None:
            wrong = excess(self._shape, body, tree)
            if wrong is not None:
                return self._refuse(x, "shape", "shape", wrong)
        if self._quick is not None:
            seen = self._quick.look(body, tree)
            if seen and (reply := self._examined(x, seen, collect(tree))) is not None:
                return reply
        if self._watches and x.endpoint.operation in _ANSWERS:
            x.inspected = True
            x.guard = Watch(self._window, self._windows)
        if self._moderation is not None and self._moderator is not None:
            # The newest of what people wrote comes last, because the last is kept of what is too long.
            by_role = collect(tree).by_role
            texts = [text for role in (SYSTEM, TOOL, ASSISTANT, USER) for text in by_role[role]]
            return Wait(self._moderated(x, self._moderation, self._moderator.ask(texts)))
        return None

    def _examined(self, x: Exchange, seen: int, strings: Strings) -> Reply | None:
        """What the quick look saw, looked at string by string."""
        if seen & LISTS and self._lists is not None:
            reply = self._listed(x, self._lists, strings)
            if reply is not None:
                return reply
        if seen & INJECTION and self._injection is not None:
            return self._injected(x, self._injection, strings)
        return None

    def _listed(self, x: Exchange, lists: Lists, strings: Strings) -> Reply | None:
        for roles, looking in self._looks:
            texts = [text for role in roles for text in strings.by_role[role]]
            for number in sorted(lists.find_each(texts) & looking):
                one = lists.lists[number]
                if one.action == "block":
                    return self._refuse(
                        x,
                        "list",
                        f"list:{one.name}",
                        f"The request has something of the list '{one.name}' in it.",
                    )
                self._report(x, "list", f"list:{one.name}")
        return None

    def _injected(self, x: Exchange, injection: Injection, strings: Strings) -> Reply | None:
        by_role = strings.by_role
        said = by_role[USER] + by_role[ASSISTANT] if by_role[ASSISTANT] else by_role[USER]
        suspicion = injection.judge(said, False, self._threshold) if said else None
        if suspicion is None and by_role[TOOL]:
            suspicion = injection.judge(by_role[TOOL], True, self._threshold)
        if suspicion is None:
            return None
        name = f"injection:{suspicion.family}:{suspicion.score:.2f}"
        if self._blocks_injection:
            return self._refuse(
                x,
                "injection",
                name,
                f"The request looks like an attempt to take over the model ({suspicion.family}).",
            )
        self._report(x, "injection", name)
        return None

    async def _moderated(self, x: Exchange, settings: Moderation, asked: Awaitable[Outcome]) -> Reply | None:
        outcome = await asked
        if outcome.failure:
            if settings.on_failure == "refuse":
                self._note(x, "moderation", "block", "moderation:unavailable")
                return Reply(
                    error=errors.MODERATION_UNAVAILABLE,
                    message="The moderation service cannot be asked at the moment.",
                )
            self._report(x, "moderation", "moderation:unavailable")
        elif outcome.flagged:
            name = f"moderation:{','.join(outcome.categories)[:100]}"
            if settings.action == "block":
                return self._refuse(x, "moderation", name, _flagged("request", outcome))
            self._report(x, "moderation", name)
        return None

    def _refuse(self, x: Exchange, check: str, name: str, message: str) -> Reply:
        self._note(x, check, "block", name)
        return Reply(error=errors.CONTENT_BLOCKED, message=message)

    def _report(self, x: Exchange, check: str, name: str) -> None:
        self._note(x, check, "report", name)

    def _note(self, x: Exchange, check: str, action: str, name: str) -> None:
        x.decisions = (*x.decisions, f"guard:{action}:{name}")
        self._count(check, action)

    # -- answers --------------------------------------------------------------------------------------------------

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        """Look at what is about to go out; what is not allowed ends the answer."""
        watch: Watch | None = x.guard
        if watch is None:
            return data
        if not is_stream(data):
            return self._plain(x, watch, data)
        for view in watch.views(data):
            if self._found(x, watch, view):
                return b""
        moderation = self._moderation
        if moderation is None or not self._windows:
            return data
        return b"" if self._flagged(x, watch, moderation) else data

    def _plain(self, x: Exchange, watch: Watch, body: bytes) -> bytes:
        """A plain answer's body, or nothing if it is not allowed. (The moderation service is asked about streams.)"""
        if self._quick_answers is None or not self._quick_answers.may_hold(body):
            return body
        return b"" if any(self._found(x, watch, text) for text in plain(body) if text) else body

    def _found(self, x: Exchange, watch: Watch, text: str) -> bool:
        """Whether the answer must end because of a list."""
        if self._answers is None:
            return False
        found = self._answers.find(text)
        if not found:
            return False
        for number in sorted(found - watch.found):
            one = self._answers.lists[number]
            watch.found.add(number)
            if one.action == "block":
                self._note(x, "list", "block", f"answer:list:{one.name}")
                x.stop = Stop(
                    errors.CONTENT_BLOCKED, f"The answer has something of the list '{one.name}' in it."
                )
                return True
            self._report(x, "list", f"answer:list:{one.name}")
        return False

    def _flagged(self, x: Exchange, watch: Watch, moderation: Moderation) -> bool:
        """Ask about a window that is full; whether the answer must end because of one before."""
        if watch.unsent_size >= moderation.answer_window and self._moderator is not None:
            text = "".join(watch.unsent)
            watch.unsent.clear()
            watch.unsent_size = 0
            self._moderator.later([text], watch.tell)
        outcome, watch.outcome = watch.outcome, None
        if outcome is None:
            return False
        if outcome.failure:
            if moderation.on_failure == "allow":
                self._report(x, "moderation", "answer:moderation:unavailable")
                return False
            self._note(x, "moderation", "block", "answer:moderation:unavailable")
            x.stop = Stop(
                errors.MODERATION_UNAVAILABLE, "The moderation service cannot be asked at the moment."
            )
            return True
        if not outcome.flagged:
            return False
        name = f"answer:moderation:{','.join(outcome.categories)[:100]}"
        if moderation.action == "report":
            self._report(x, "moderation", name)
            return False
        self._note(x, "moderation", "block", name)
        x.stop = Stop(errors.CONTENT_BLOCKED, _flagged("answer", outcome))
        return True


def wanted(settings: Settings) -> bool:
    """Whether there is anything to check."""
    return bool(settings.lists or settings.injection or settings.shape or settings.moderation)


def _looks(lists: Sequence[PatternList]) -> list[tuple[tuple[int, ...], frozenset[int]]]:
    """Roles whose texts are scanned together, and the lists that look at them: mostly all at all of them at once."""
    by_role = [frozenset(n for n, one in enumerate(lists) if name in one.roles) for name in ROLES]
    together: dict[frozenset[int], list[int]] = {}
    for role, looking in enumerate(by_role):
        if looking:
            together.setdefault(looking, []).append(role)
    return [(tuple(roles), looking) for looking, roles in together.items()]


def _flagged(what: str, outcome: Outcome) -> str:
    named = ", ".join(outcome.categories)[:200]
    return f"The moderation service flagged the {what}{f' ({named})' if named else ''}."
