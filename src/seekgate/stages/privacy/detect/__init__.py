"""Detectors of personal data and secrets in text.

`Detector.scan` says which characters of a text are what. It is pure: the same text gives the same spans, and nothing
of a text is kept. Two steps:

1. **The gate** (`gate.py`): one hyperscan database of cheap, wide expressions runs over the UTF-8 bytes. Where nothing
   matches, which is the common case, that is all: a microsecond or two a prompt (`Detector.scan_bytes`).
2. **The judges**: what the gate found is looked at again in Python, near the match only: the exact form, checksums,
   ranges, and the words around it (`numbers.py`, `network.py`, `credentials.py`, `names.py`, `addresses.py`).

Between them stands the **fold** (`fold.py`): full-width characters, zero-width characters and JSON's ``\\uXXXX`` are
undone before the judges look, and what they find is told in offsets of the text as it came.

A worker builds one `Detector` for each snapshot that uses it; building compiles the database (some tens of
milliseconds) and imports hyperscan.
"""

from seekgate.stages.privacy.detect.detector import Detector
from seekgate.stages.privacy.detect.kinds import KINDS, Action, Kind, Own, PatternError, Span

__all__ = ["KINDS", "Action", "Detector", "Kind", "Own", "PatternError", "Span"]
