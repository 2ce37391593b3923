"""The stage of one snapshot. Building compiles the detectors' database or reads the one that was compiled before; a
snapshot with the same detectors takes over the ones that are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from seekgate.config.compiled import privacy as compiled
from seekgate.stages.privacy.key import own_key, shared_key
from seekgate.stages.privacy.stage import Privacy
from seekgate.stages.privacy.state import Policy, in_answers
from seekgate.stages.privacy.tokens import Mint
from seekgate.stages.privacy.window import Scanning

if TYPE_CHECKING:
    from seekgate.stages.privacy.detect import Detector

_Asked = tuple[tuple[str, ...], tuple[compiled.Own, ...]]


class Builder:
    """Builds the stage for each snapshot of a worker."""

    __slots__ = ("_asked", "_detector")

    def __init__(self) -> None:
        self._asked: _Asked | None = None
        self._detector: Detector | None = None

    def stages(
        self, settings: compiled.Privacy | None, home: Path, resolve: Callable[[str], str]
    ) -> list[Privacy]:
        """The stage, or nothing where the snapshot asks for nothing. ``home`` has the installation's own token key.

        Raise `ValueError` or `OSError` where the token key cannot be had.
        """
        if settings is None:
            return []
        policy = make_policy(settings)
        detector = self._detectors(settings, home / "detectors")
        key = bytes(32)  # no token is made with it
        if policy.uses("token"):
            key = own_key(home) if settings.key is None else shared_key(settings.key, resolve)
        scanning = None
        if settings.answers is not None:
            actions = in_answers(settings.answers.actions, policy.classes)
            scanning = Scanning(detector.scan, actions, settings.answers.window)
        mint = Mint(key, settings.numbering)
        return [Privacy(detector.look, detector.scan_bytes, detector.scan, policy, mint, scanning)]

    def _detectors(self, settings: compiled.Privacy, cache: Path) -> Detector:
        asked = (settings.types, settings.own)
        if self._detector is None or self._asked != asked:
            self._detector = make_detector(settings, cache)
            self._asked = asked
        return self._detector


def make_detector(settings: compiled.Privacy, cache: Path | None = None) -> Detector:
    """The detector that these settings ask for. With ``cache`` its compiled database is kept in that folder."""
    from seekgate.stages.privacy import detect  # imports hyperscan: for workers whose snapshot uses it only

    own = [detect.Own(one.type, one.patterns, one.words, one.cased) for one in settings.own]
    return detect.Detector(settings.types, own, cache)


def make_policy(settings: compiled.Privacy) -> Policy:
    """The policy that these settings ask for."""
    from seekgate.stages.privacy.detect.kinds import KINDS

    own = {one.type: one for one in settings.own}
    types: list[tuple[str, str, compiled.Action]] = []
    for type in settings.types:
        if type not in own:
            kind = KINDS[type]
            types.append((type, kind.data_class, kind.action))
    types += [(one.type, one.data_class, one.action) for one in own.values()]
    return Policy(types, settings.actions, settings.rules)
