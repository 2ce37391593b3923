"""What clients call things, fit to be written down.

A name that nobody here has given may be anything: people paste keys and questions where a model or a path is expected.
So what an error or a log repeats of it must look like a name; everything else is shown as ``…``.
"""

from __future__ import annotations

import re

HIDDEN = "…"
LONGEST = 96

# Names are made of words and versions: deepseek, qwen2vl, 235b, 20260101. Text of a key changes between letters and
# digits more often, or goes on for longer; text of a prompt has spaces or other letters.
_WORD = "(?:[0-9]{1,8}|[A-Za-z]{1,20}(?:[0-9]{1,4}[A-Za-z]{0,3})?|[0-9]{1,4}[A-Za-z]{1,3})"
_NAME = re.compile(f"[._:/@-]*{_WORD}(?:[._:/@-]+{_WORD})*[._:/@-]*").fullmatch


def name(text: str) -> str:
    """``text`` if it looks like a name, otherwise ``…`` (empty text stays empty)."""
    return text if not text or (len(text) <= LONGEST and _NAME(text)) else HIDDEN


def path(text: str) -> str:
    """``text`` with each part between slashes that does not look like a name replaced by ``…``."""
    return "/".join(map(name, text[: 4 * LONGEST].split("/")))
