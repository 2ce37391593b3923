"""The gate: wide, cheap expressions over UTF-8, compiled into one hyperscan database.

Each rule has expressions that match wherever its judge may find something, in a text and in the JSON that the text is
written in, and as rarely as they can elsewhere. They are byte expressions, not hyperscan's UTF-8 mode, so no input can
be invalid. A match leads to a *window* around its end, in which the judge looks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from seekgate.stages.privacy.detect import addresses, credentials, documents, names, network, numbers
from seekgate.stages.privacy.detect.kinds import Span
from seekgate.stages.privacy.detect.surnames import COMPOUND, SINGLE

Judge = Callable[[str], Iterable[Span]]


class Rule(NamedTuple):
    """What opens a window, how many characters it has before and after the match's end, and who looks into it."""

    judge: Judge
    types: frozenset[str]
    expressions: tuple[bytes, ...]
    before: int
    after: int
    caseless: bool = False
    spoken: bool = False  # also judged with Chinese numerals read as digits


def _any(text: str) -> bytes:
    """An expression for one of the characters of ``text``."""
    return b"(?:" + b"|".join(re.escape(character.encode()) for character in text) + b")"


def _one(words: str | Iterable[str]) -> bytes:
    """An expression for one of ``words``, which are separated by ``|`` if they are one text."""
    listed = words.split("|") if isinstance(words, str) else sorted(words)
    return b"(?:" + b"|".join(word.encode() for word in listed) + b")"


def _fewest(expression: str) -> bytes:
    """``expression`` with its last repetition at its fewest: it matches wherever the whole one does."""
    return re.sub(r"\{(\d+),\d*\}\Z", r"{\1}", expression).encode()


_HAN = rb"[\xe4-\xe9][\x80-\xbf][\x80-\xbf]"
# What may stand between two digits: anything but letters, Chinese ones too, and what parts two numbers.
_BETWEEN = rb"[^0-9A-Za-z,:\xe4-\xe9]{0,3}"
_NUMERAL = _any("〇零○一壹幺弌二贰弍三叁弎四肆五伍六陆七柒八捌九玖")
_EITHER = rb"(?:[0-9]|" + _NUMERAL + rb")"
_HIDDEN = rb"(?:[*xX]|" + _any("●×•■＊ｘＸ") + rb")"
_HOUSE = rb"(?:[0-9]|" + _any("〇零一二三四五六七八九十百") + rb"){1,5}"
_SPACE = rb"(?:\\{1,2}[nrt\"]|[\s:=,.\"'(]|\xef\xbc[\x9a\x8c\x88]|\xe2\x80[\x98-\x9d])"
_SURNAME = _one([*SINGLE, *COMPOUND])
_NAME = _SURNAME + rb"(?:" + _HAN + rb"){1,2}"
_PLACES = _any("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")

# What the fold undoes: escapes, characters without width, full-width letters and digits and what stands among them.
FOLDED = (
    rb"\\u[0-9a-fA-F]{4}",
    rb"\xc2\xad|\xcd\x8f|\xd8\x9c|\xe1(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f])"
    rb"|\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf]|\x83[\x9d-\xa4])|\xe3\x85\xa4"
    rb"|\xef(?:\xb8[\x80-\x8f]|\xbb\xbf|\xbe\xa0|\xbf[\xb0-\xbb])|\xf0\x9d\x85[\xb3-\xba]|\xf3\xa0[\x80-\xbf]",
    rb"\xef\xbc[\x8b\x8d-\x99\xa0-\xba\xbf]|\xef\xbd[\x81-\x9a]",
    rb"\xf0\x9d\x9f[\x8e-\xbf]|\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9]",
)

NUMBERS = Rule(
    numbers.judge,
    frozenset(
        [
            "CN_ID",
            "CN_MOBILE",
            "CN_LANDLINE",
            "BANK_CARD",
            "USCC",
            "PASSPORT",
            "TRAVEL_PERMIT",
            "US_SSN",
            "PHONE",
        ]
    ),
    (
        rb"[0-9](?:" + _BETWEEN + rb"[0-9]){7}(?:[^0-9]|$)",
        rb"[A-Za-z][0-9]{6,7}(?:[^0-9A-Za-z_]|$)",
        rb"[ANYany][0-9]{7}[A-Za-z]",
    ),
    160,
    64,
)
RULES: tuple[Rule, ...] = (
    NUMBERS,
    NUMBERS._replace(
        types=frozenset(("CN_ID", "CN_MOBILE", "CN_LANDLINE", "BANK_CARD")),
        expressions=(
            _NUMERAL + rb"(?:[ .-]?" + _EITHER + rb"){6}",
            rb"[0-9]{4}[ .-]?" + _NUMERAL + _NUMERAL,
        ),
        spoken=True,
    ),
    Rule(
        documents.masked, frozenset(("CN_ID",)), (rb"[0-9]{2}[ -]?[0-9]{2}[ -]?" + _HIDDEN + rb"{4}",), 32, 32
    ),
    Rule(
        network.emails,
        frozenset(("EMAIL",)),
        (rb"[0-9A-Za-z_+-]@(?:[0-9A-Za-z-]{1,63}\.){1,8}[A-Za-z]{2}",),
        420,
        320,
    ),
    Rule(
        network.addresses,
        frozenset(("IP",)),
        (
            rb"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]",
            rb"[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:",
            rb"[0-9A-Fa-f]::[0-9A-Fa-f]|::[0-9A-Fa-f]{1,4}:",
        ),
        64,
        64,
    ),
    Rule(network.ibans, frozenset(("IBAN",)), (rb"[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]){11}",), 64, 64),
    Rule(
        network.plates,
        frozenset(("PLATE",)),
        (_PLACES + rb"[A-Za-z](?:[ .-]|\xc2\xb7|\xe2\x80\xa2|\xe3\x83\xbb)?[0-9A-Za-z]{4}",),
        16,
        16,
    ),
    Rule(credentials.keys, frozenset(("API_KEY",)), tuple(map(_fewest, credentials.PREFIXES)), 80, 600),
    Rule(
        credentials.keys,
        frozenset(("API_KEY",)),
        (
            _one(credentials.KEY_WORDS)
            + rb"(?:\\[nrt]|[^0-9A-Za-z]){0,14}(?:is |bearer )?[\"'`]?[0-9A-Za-z_+/=.~-]{16}",
        ),
        80,
        600,
        caseless=True,
    ),
    Rule(credentials.tokens, frozenset(("JWT",)), (rb"eyJ[0-9A-Za-z_-]{8}",), 32, 40_000),
    Rule(
        credentials.private_keys,
        frozenset(("PRIVATE_KEY",)),
        (rb"-----BEGIN [0-9A-Z ]{0,40}PRIVATE KEY", rb"PuTTY-User-Key-File-"),
        80,
        20_000,
    ),
    Rule(
        credentials.secrets,
        frozenset(("SECRET",)),
        (
            rb":\\?/\\?/[^\s:/@\"'<>]{0,64}:[^\s/\"'<>]{1,128}@",
            rb"(?:password|passwd|passphrase|passcode|pwd)[^0-9A-Za-z_]{1,10}[0-9A-Za-z!-~]",
            rb"(?:"
            + _one("密码|密碼|口令")
            + rb")(?:[\s!-~]|\xef\xbc\x9a|\xe2\x80|"
            + _any("是为设改重成")
            + rb")",
        ),
        240,
        400,
        caseless=True,
    ),
    Rule(
        names.chinese,
        frozenset(("NAME",)),
        (
            _one(names.LABELS) + rb"(?:" + _SPACE + rb"|" + _any("是为叫名") + rb"){0,4}" + _SURNAME,
            _NAME + rb"(?:" + _one(names.TITLES) + rb"|" + "的".encode() + _one(names.OWNED) + rb")",
            _NAME + rb"(?:[\s,(:]|" + _any(",、:（") + rb")" + _one(names.PERSONAL),
            b"@" + _HAN + _HAN,
        ),
        20,
        16,
    ),
    Rule(
        names.english,
        frozenset(("NAME",)),
        (
            rb"(?:[Mm]y name is|[Nn]amed|[Cc]alled|Mr|Mrs|Ms|Dr|Prof|Miss|Herr|Frau|Mme)"
            + _SPACE
            + rb"{1,3}[A-Z]",
            rb"(?:" + names.WEAK.encode() + rb")" + _SPACE + rb"{1,5}[A-Z][A-Za-z'-]{1,14} ",
        ),
        64,
        64,
    ),
    Rule(
        addresses.chinese,
        frozenset(("ADDRESS",)),
        (
            _one("路|街|道|巷|弄|里|条|段|胡同") + _HOUSE + rb"(?:-[0-9]{1,4})?" + _one("号|弄|巷"),
            "村".encode() + _HOUSE + _one("组|队|社|号"),
            _one(addresses.ESTATES)
            + rb"(?:"
            + _any("东西南北区期")
            + rb"|"
            + _HOUSE
            + rb"){0,2}(?:"
            + _HOUSE
            + rb"|[A-Z][0-9]?)"
            + _one("号楼|栋|幢|座|#|单元|层|室"),
        ),
        64,
        48,
    ),
    Rule(
        addresses.english,
        frozenset(("ADDRESS",)),
        (
            rb"[0-9][A-Z]? (?:[NSEW]\.? )?(?:[A-Z][A-Za-z'.-]{0,20} |[0-9]{1,3}(?:st|nd|rd|th) ){1,3}"
            + _one(addresses.STREETS),
        ),
        80,
        80,
    ),
)
