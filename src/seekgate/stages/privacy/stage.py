"""Privacy: what of a request may leave as it is, what is masked, what is replaced by a token until the answer is back.

Where the detectors' quick look at the body's bytes finds nothing, which is the common case, that look is all. Otherwise
every string of the request is scanned, the policy decides about each finding, and the body is changed at exactly the
bytes of the findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from seekgate.pipeline.exchange import Exchange, Stop
from seekgate.pipeline.stage import Reply, Stage, Verdict
from seekgate.stages.privacy.answer import Answer
from seekgate.stages.privacy.budget import MAX_PLACES, Budget, TooMuch
from seekgate.stages.privacy.state import Policy
from seekgate.stages.privacy.substitute import MAX_LOOK_ALIKES, Finding, Others, substitute, suspects
from seekgate.stages.privacy.tokens import Mint
from seekgate.stages.privacy.window import Found, Scanning
from seekgate.wire import errors, texts
from seekgate.wire.envelope import read as read_envelope
from seekgate.wire.errors import Refusal

MAX_STRINGS = 50_000
MAX_FINDINGS = 10_000
"""Of one request. More would keep the worker from everybody else's requests for longer than a tenth of a second."""

_decode = msgspec.json.Decoder().decode
_JSON_MODES = ("json_object", "json_schema")
_STREAM_STOPPED = "The answer was stopped: it contained what the gateway's policy does not let through: {}."


class Privacy(Stage):
    """Set ``data_classes``, ``detected``, ``private_only`` and ``decisions``; replace ``request.body`` and ``tree``.

    ``look`` is the quick look at a body: before which offsets something may stand (none is certain; None: anywhere),
    and ``may_hold`` the one at a part of it: False is certain. ``scan`` finds what a text holds, and raises `TooMuch`
    when the request's budget is spent. ``mint`` makes tokens. ``scanning`` says what is looked for in answers (None:
    nothing).
    """

    __slots__ = ("_look", "_may_hold", "_mint", "_policy", "_scan", "_scanning")

    def __init__(
        self,
        look: Callable[[bytes], Sequence[int] | None],
        may_hold: Callable[[bytes], bool],
        scan: Callable[[str, Budget], Sequence[Found]],
        policy: Policy,
        mint: Mint,
        scanning: Scanning | None = None,
    ) -> None:
        self._look = look
        self._may_hold = may_hold
        self._scan = scan
        self._policy = policy
        self._mint = mint
        self._scanning = scanning

    def on_request(self, x: Exchange) -> Verdict:
        """400 for content that the policy blocks; otherwise let the request pass, changed where it must be."""
        places = self._look(x.request.body)
        if (places is None or places) and x.tree is not None:
            return self._examine(x, places)
        if self._scanning is not None and x.tree is not None:
            self._await_answer(x, Answer(self._mint.vault(""), False, self._scanning))
        return None

    def on_chunk(self, x: Exchange, data: bytes) -> bytes:
        """Put values back, and keep back what may still become a token or a finding."""
        answer: Answer | None = x.privacy
        if answer is None:
            return data
        # No line of an event stream begins with a brace, and no JSON object with anything else.
        if data[:1] == b"{" or data.lstrip()[:1] == b"{":
            said = answer.body(data)
        else:
            said = answer.events(data)
        if answer.findings.blocked:
            self._stop(x, answer)
        return said

    def on_last(self, x: Exchange) -> bytes:
        """What a stream that has ended still held back."""
        answer: Answer | None = x.privacy
        if answer is None:
            return b""
        said = answer.last()
        if answer.findings.blocked:
            self._stop(x, answer)
        return said

    def on_end(self, x: Exchange) -> None:
        """Note what was found in the answer, and forget the tokens."""
        answer: Answer | None = x.privacy
        if answer is None:
            return
        x.privacy = None
        counts = answer.findings.counts
        if counts and self._scanning is not None:
            found = dict(x.detected or {})
            found.update({f"answer:{kind}": count for kind, count in counts.items()})
            x.detected = found
            actions = self._scanning.actions
            x.decisions += tuple(f"privacy:answer:{actions[kind]}:{kind}" for kind in counts)

    # -- a request that may hold something -------------------------------------------------------------------------

    def _examine(self, x: Exchange, places: Sequence[int] | None) -> Verdict:
        body = x.request.body
        # Roughly, and quickly: what is counted too much are quotes at the end of a string behind a backslash.
        if body.count(b'"') - body.count(b'\\"') > 2 * MAX_STRINGS:
            return _too_much("strings", MAX_STRINGS)
        try:
            near = texts.contents(body, places) if places else None
            if near is None:
                found, others = self._search(texts.read(body, x.tree), body)
            else:
                found, others = self._near(near), partial(_others, body, x.tree)
        except TooMuch:
            return _too_much("places that may be personal data", MAX_PLACES)
        vault = self._mint.vault(x.principal.organisation)
        json_mode = _is_json_mode(x)
        if found:
            if sum(len(finding.spans) for finding in found) > MAX_FINDINGS:
                return _too_much("findings", MAX_FINDINGS)
            actions = self._decide(x, found)
            blocked = sorted(kind for kind in x.detected or () if actions.get(kind) == "block")
            if blocked:
                return _refusal(blocked)
            changed = substitute(body, found, actions, vault, others)
            if changed is None:
                return _too_much("words that look like tokens", MAX_LOOK_ALIKES)
            if changed is not body:
                if isinstance(read_envelope(changed), Refusal):
                    # Two keys of one object have become the same.
                    return Reply(error=errors.CONTENT_BLOCKED, message=_SAME_KEYS)
                if x.received is None:
                    x.received = body
                x.request.body = changed
                x.tree = _decode(changed)
        if len(vault) or self._scanning is not None:
            self._await_answer(x, Answer(vault, json_mode, self._scanning))
        return None

    def _near(self, strings: Sequence[texts.Text]) -> list[Finding]:
        """What was found in the strings that the quick look points at; the others hold nothing. Raise `TooMuch`."""
        budget = Budget()
        found = [Finding(text, self._scan(text.value, budget)) for text in strings]
        return [finding for finding in found if finding.spans]

    def _search(self, strings: Sequence[texts.Text], body: bytes) -> tuple[list[Finding], Others]:
        """The strings in which something was found, and the others. Raise `TooMuch`."""
        budget = Budget()
        found: list[Finding] = []
        others: list[texts.Text] = []
        for suspect, group in suspects(strings, body, self._may_hold):
            if not suspect:
                others += group
                continue
            for text in group:
                spans = self._scan(text.value, budget)
                if spans:
                    found.append(Finding(text, spans))
                else:
                    others.append(text)
        return found, lambda _: others

    def _decide(self, x: Exchange, found: Sequence[Finding]) -> Mapping[str, str]:
        """Label the request, note the decisions; type -> action."""
        counts: dict[str, int] = {}
        for finding in found:
            for span in finding.spans:
                counts[span.type] = counts.get(span.type, 0) + 1
        classes = self._policy.classes
        labels = frozenset(classes[kind] for kind in counts)
        actions = self._policy.actions(x.principal, x.endpoint.route, labels)
        x.detected = counts
        x.data_classes = x.data_classes | labels
        x.decisions += tuple(f"privacy:{actions[kind]}:{kind}" for kind in counts)
        if any(actions[kind] == "private" for kind in counts):
            x.private_only = True
        return actions

    def _await_answer(self, x: Exchange, answer: Answer) -> None:
        x.privacy = answer
        x.inspected = True

    def _stop(self, x: Exchange, answer: Answer) -> None:
        x.stop = Stop(errors.CONTENT_BLOCKED, _STREAM_STOPPED.format(answer.findings.blocked))


_SAME_KEYS = (
    "Two keys of one object in the request would become the same when personal data in them is masked."
)


def _others(body: bytes, tree: dict[str, object], found: Sequence[Finding]) -> list[texts.Text]:
    """The strings in which nothing was found."""
    starts = {finding.text.start for finding in found}
    return [text for text in texts.read(body, tree) if text.start not in starts]


def _too_much(what: str, limit: int) -> Reply:
    return Reply(
        error=errors.BODY_TOO_LARGE,
        message=f"The request has more than {limit} {what}: it cannot be examined for personal data.",
    )


def _refusal(blocked: Sequence[str]) -> Reply:
    return Reply(
        error=errors.CONTENT_BLOCKED,
        message=f"The request contains what the gateway's policy does not let through: {', '.join(blocked)}.",
    )


def _is_json_mode(x: Exchange) -> bool:
    """The client was promised that the content is JSON text."""
    form = x.tree.get("response_format")
    return isinstance(form, dict) and form.get("type") in _JSON_MODES
