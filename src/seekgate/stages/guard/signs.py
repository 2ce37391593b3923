"""Signs of an attempt to take over a model: patterns by family, in English and Chinese, each with a weight.

A weight is how much a sign says alone, from 0 to 1; several signs add up as independent evidence does. Patterns are
about what such texts have in common (an order to drop rules, a role without limits, a question for what was said in
confidence, marks that only the template of a chat has, an order to whoever reads a document), and not about known
texts. They stand in ``data/guard-signs.txt``; the weights were set by the tuning part of ``tests/guard``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, NamedTuple, get_args

Family = Literal["override", "jailbreak", "extraction", "delimiter", "encoded", "indirect"]
FILE = Path(__file__).parents[2] / "data" / "guard-signs.txt"

_TOOL = 0.15
"""What a sign says more in the result of a tool, where nobody has reason to give orders."""
_MOST = 0.95
_NAMED = re.compile(r"([A-Z_]+) = (.+)")
_SIGN = re.compile(rf"({'|'.join(get_args(Family))}) (0\.\d+) (.+)")
_FRAGMENT = re.compile(r"@([A-Z_]+)@")


class Sign(NamedTuple):
    """One pattern. ``tool`` is its weight in results of tools."""

    family: Family
    pattern: str
    weight: float
    tool: float


def load(text: str) -> tuple[Sign, ...]:
    """The signs of a file. Raise `ValueError` with the line for one that cannot be read."""
    fragments: dict[str, str] = {}
    signs: list[Sign] = []

    def fragment(match: re.Match[str]) -> str:
        return fragments[match[1]]

    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        try:
            if named := _NAMED.fullmatch(line):
                fragments[named[1]] = _FRAGMENT.sub(fragment, named[2])
            elif sign := _SIGN.fullmatch(line):
                weight = float(sign[2])
                family: Family = sign[1]  # type: ignore[assignment]
                pattern = _FRAGMENT.sub(fragment, sign[3])
                signs.append(Sign(family, pattern, weight, min(_MOST, weight + _TOOL)))
            else:
                raise ValueError("neither a fragment nor a sign")
        except (KeyError, ValueError) as error:
            raise ValueError(f"line {number}: {error}") from None
    return tuple(signs)


def builtin() -> tuple[Sign, ...]:
    """The signs that come with SeekGate."""
    return load(FILE.read_text(encoding="utf-8"))


FOREIGN = {
    "odd": r"[\x{200b}-\x{200f}\x{2060}-\x{2064}\x{feff}\x{ad}\x{ff21}-\x{ff5a}\x{e0020}-\x{e007e}"
    r"\x{1d400}-\x{1d7ff}\x{24b6}-\x{24e9}]",
    "mixed": r"[a-z][\x{370}-\x{3ff}\x{400}-\x{52f}]|[\x{370}-\x{3ff}\x{400}-\x{52f}][a-z]",
}
"""What text with letters that look like others, or with invisible ones, has in it; never text that is all ASCII."""

HIDDEN = {
    "spaced": r"(?-i:[ ._*-]\w[ ._*-]{1,2}\w[ ._*-]{1,2}\w[ ._*-])",
    "leet": r"(?-i:[A-Za-z][013457$@8][A-Za-z])",
    "runs": r"(?-i:[A-Za-z0-9+/_-]{24})",
}
"""What other hidden text looks like. Each is a database of its own: together they would take many times as long, and
so would `runs` in letters of either case, because of the two that Unicode knows beyond ASCII's."""

PERCENT = r"(?-i:(?:%[0-9A-Fa-f]{2}[^%\s]{0,15}){4})"

NAMED = {
    "rot13": r"\brot[ -]?13\b|\bcaesar\b",
    "backwards": r"\bbackwards?\b|\brevers(?:e|ed|al)\b|倒序|倒过来|反过来|倒着",
}
"""Ways of hiding that a text has to name, so that it is understood."""
