"""Keys, tokens, private keys, passwords and connection strings."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error
from collections import Counter
from collections.abc import Iterator
from math import log2

from seekgate.stages.privacy.detect.kinds import Span

# What services put in front of their keys, and how such keys go on.
PREFIXES = (
    r"sk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{2,8}-|or-v1-|sg-)?[0-9A-Za-z_-]{20,}",
    r"(?:AKIA|ASIA)[0-9A-Z]{16}",
    r"gh[pousr]_[0-9A-Za-z]{30,}",
    r"github_pat_[0-9A-Za-z_]{40,}",
    r"gl(?:pat|dt|rt|cbt|ptt)-[0-9A-Za-z_-]{20,}",
    r"xox[abeprs]-[0-9A-Za-z-]{10,}",
    r"xapp-[0-9]-[0-9A-Za-z-]{20,}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"ya29\.[0-9A-Za-z_-]{20,}",
    r"LTAI[0-9A-Za-z]{12,30}",
    r"AKID[0-9A-Za-z]{13,40}",
    r"hf_[0-9A-Za-z]{30,}",
    r"[srp]k_(?:live|test)_[0-9A-Za-z]{16,}",
    r"whsec_[0-9A-Za-z+/=]{24,}",
    r"npm_[0-9A-Za-z]{36}",
    r"SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}",
    r"do[opr]_v1_[0-9a-f]{64}",
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    r"pypi-[0-9A-Za-z_-]{50,}",
    r"sq0[a-z]{3}-[0-9A-Za-z_-]{22,}",
    r"nvapi-[0-9A-Za-z_-]{40,}",
    r"gsk_[0-9A-Za-z]{40,}",
    r"xai-[0-9A-Za-z]{40,}",
    r"dckr_pat_[0-9A-Za-z_-]{20,}",
    r"AGE-SECRET-KEY-1[0-9A-Z]{50,}",
    r"AKLT[0-9A-Za-z_-]{20,}",
    r"bce-v3/ALTAK-[0-9A-Za-z]{10,40}/[0-9a-f]{30,}",
    r"GOCSPX-[0-9A-Za-z_-]{28}",
    r"(?:AC|SK)[0-9a-f]{32}",
    r"key-[0-9a-f]{32}",
    r"[0-9]{8,10}:AA[0-9A-Za-z_-]{33}",
)
_KEY = re.compile(rf"(?<![0-9A-Za-z_-])(?:{'|'.join(PREFIXES)})(?![0-9A-Za-z_])")

# Words after which a random-looking value is a key.
KEY_WORDS = (
    r"(?:api|access|secret|private|app|auth|account|encryption|service|subscription)[ _-]?(?:access[_-]?)?key"
    r"(?:[_-]?(?:id|secret))?"
    r"|(?:client|app|api|key|webhook)[ _-]?secret|(?:auth|access|refresh|api|bot|id|session)[ _-]?token"
    r"|token|secret|bearer|密钥|秘钥|令牌|私钥|口令"
)
_KEYED = re.compile(
    rf"(?:{KEY_WORDS})(?:\\?[\"'”’`])?\s{{0,3}}(?:[:=：]{{1,2}}|=>|是|为|is)?\s{{0,3}}(?:bearer\s)?(?:\\?[\"'“‘`])?"
    r"([0-9A-Za-z_+/=.~-]{16,512})(?![0-9A-Za-z_(\[])",
    re.IGNORECASE,
)

_JWT = re.compile(
    r"(?<![0-9A-Za-z_-])(eyJ[0-9A-Za-z_-]{8,})(?:\.[0-9A-Za-z_-]{0,16384}){2,4}(?![0-9A-Za-z_-])"
)
_PEM = re.compile(r"-----BEGIN (?:[0-9A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END (?:[0-9A-Z]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----")
_BASE64 = re.compile(
    r"(?>(?:(?>(?:\s|\\[nr])*)[0-9A-Za-z+/=]{16,}+)*)(?:(?>(?:\s|\\[nr])*)[0-9A-Za-z+/]{1,64}={1,2})?"
)
_PUTTY = re.compile(r"PuTTY-User-Key-File-\d: ")
_PUTTY_END = re.compile(r"Private-MAC: [0-9a-f]{40,64}")
_LONGEST_KEY = 16_384

_URL = re.compile(
    r"(?<![0-9A-Za-z+.-])[A-Za-z][0-9A-Za-z+.-]{1,30}:\\?/\\?/[^\s:/@\"'<>\\]{0,64}:([^\s/\"'<>\\]{1,128})@"
    r"[0-9A-Za-z._:,\[\]-]{1,200}(?:\\?/[0-9A-Za-z._~%/-]*)?(?:\?[0-9A-Za-z._~%/=&-]*)?(?<![.,:])"
)
_PASSWORD = re.compile(
    r"(?:password|passwd|passphrase|passcode|pwd|密码|密碼|口令)(?:\\?[\"'”’`])?"
    r"(?:\s{0,3}(?P<strong>[:=：]{1,2}|=>)\s{0,3}|\s{0,2}(?:设置|设|改|重置)?(?:是|为|成|is|was)[:：]?\s{0,2}|\s)"
    r"(?:\\?(?P<quote>[\"'“‘`]))?(?P<value>[!-~]{4,128})",
    re.IGNORECASE,
)
_HOLDERS = re.compile(
    r"(?:(?:your|my|the|some|example|new|old|db|user)[_ -]?)?(?:x{3,}|null|none|nil|true|false|str|string|text"
    r"|password|passwd"
    r"|pwd|secret|required|optional|empty|not|changeme|undefined|hidden|redacted|unset|input|value)(?:[_-]?here)?\W*\Z"
    r"|(?:os|env|process|config|settings|self|this|app|ctx)[.\[(]|[<{\[(]|\*\*|\$[{(]|\$[A-Z_]+\W*\Z|%[sd(]|%\w+%|\W*\Z|(.)\1+\Z",
    re.IGNORECASE,
)


def keys(text: str) -> Iterator[Span]:
    """Keys with a prefix of a known service, and random-looking values after a word that says what they are."""
    for match in _KEY.finditer(text):
        if _random(match[0]):
            yield Span(match.start(), match.end(), "API_KEY")
    for match in _KEYED.finditer(text):
        if _random(match[1], 1) and _drawn(match[1]):
            yield Span(match.start(1), match.start(1) + len(match[1].rstrip(".")), "API_KEY")


def _random(text: str, least: int = 2) -> bool:
    """Whether ``text`` looks drawn, not written: letters and ``least`` digits, and not words for the most part."""
    digits = sum(character.isdigit() for character in text)
    if digits < least or digits == len(text):
        return False
    words = [part for part in re.split(r"[_./-]", text) if part]
    plain = sum(len(part) for part in words if part.isalpha() and (part.islower() or part.isupper()))
    return plain * 2 < len(text)


def _drawn(text: str) -> bool:
    """Whether ``text`` is unlike a name in a program, in which at most one number stands."""
    return (len(text) >= 32 or len(re.findall(r"\d+", text)) > 1) and _entropy(text) >= 3.0


def _entropy(text: str) -> float:
    """Shannon's entropy, bits a character."""
    return -sum(count / len(text) * log2(count / len(text)) for count in Counter(text).values())


def tokens(text: str) -> Iterator[Span]:
    """JSON Web Tokens (RFC 7519), signed or encrypted: the header must decode to JSON with ``alg``."""
    for match in _JWT.finditer(text):
        head = match[1]
        try:
            decoded = urlsafe_b64decode(head + "=" * (-len(head) % 4))
        except (Error, ValueError):
            continue
        if b'"alg"' in decoded:
            yield Span(match.start(), match.end(), "JWT")


def private_keys(text: str) -> Iterator[Span]:
    """Private keys: PEM (RFC 7468), OpenSSH, PGP and PuTTY. Of a key that is cut off, what is there."""
    for match in _PEM.finditer(text):
        dashes = text.find("-----", match.end(), match.end() + _LONGEST_KEY)
        last = _PEM_END.match(text, dashes) if dashes >= 0 else _BASE64.match(text, match.end())
        last = last or _BASE64.match(text, match.end())
        yield Span(match.start(), last.end() if last else match.end(), "PRIVATE_KEY")
    for match in _PUTTY.finditer(text):
        following = _PUTTY.search(text, match.end(), match.end() + _LONGEST_KEY)
        last = _PUTTY_END.search(
            text, match.end(), following.start() if following else match.end() + _LONGEST_KEY
        )
        if last:
            yield Span(match.start(), last.end(), "PRIVATE_KEY")


def secrets(text: str) -> Iterator[Span]:
    """Connection strings with a password in them (the whole string) and passwords after their word (the value)."""
    for match in _URL.finditer(text):
        if not _HOLDERS.match(match[1]) or match[1].lower() in ("password", "secret", "pwd"):
            yield Span(match.start(), match.end(), "SECRET")
    for match in _PASSWORD.finditer(text):
        start, value = match.start("value"), _value(match)
        if len(value) < 4 or _HOLDERS.match(value):
            continue
        if _telling(value, bool(match["strong"]), bool(match["quote"])):
            yield Span(start, start + len(value), "SECRET")


def _value(match: re.Match[str]) -> str:
    """The password without what ends it: its quote, or the punctuation of the sentence around it."""
    value, quote = match["value"], match["quote"]
    if quote:
        closing = {"“": "”", "‘": "’"}.get(quote, quote)
        return value.partition(closing)[0].rstrip("\\")
    value = re.split(r"[\"'`;,&<>|\\]", value, maxsplit=1)[0]
    return value.rstrip(".:?)]}")


def _telling(value: str, strong: bool, quoted: bool) -> bool:
    digit = any(character.isdigit() for character in value)
    letter = any(character.isalpha() for character in value)
    symbol = any(not character.isalnum() for character in value)
    if "(" in value or "[" in value:
        return False
    if strong and quoted:
        return True
    if strong:
        return digit or (symbol and not re.fullmatch(r"[A-Za-z_][A-Za-z_.-]*", value))
    return (digit and (letter or symbol)) or (value.isdigit() and len(value) >= 6)
