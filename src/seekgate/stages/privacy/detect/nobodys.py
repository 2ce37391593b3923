"""Numbers that are nobody's: where the gate has matched digits that no judge accepts, whatever the words around say.

A number stands *alone* when no other number is linked to it (`layouts.LINKS`): then its digits decide. Dates, amounts,
timestamps and most numbers of orders are of a length, or begin with digits, that nothing personal has (`numbers`,
`checks.bank_card`). Whatever is not certain goes to the judges.
"""

from __future__ import annotations

import re

_BEFORE = (
    rb"(?:[\x00-/:-@\[-^`{-\xff][A-Za-z]{2,20} |[\xe4-\xe9][\x80-\xbf]{2} ?|[,:\"] ?|\xef\xbc[\x8c\x9a])"
)
_BEHIND = (
    rb"(?=[,;:!?\"]|\.[ \"]| [A-Za-z]{2,20}[\x00-/:-@\[-^`{-\xff]"
    rb"| ?(?:[\xe4-\xe9]|\xef\xbc[\x8c\x9a\x9b]|\xe3\x80\x82))"
)
_DAY = rb"(?:19|20)[0-9]{2}([-/.])[01][0-9]\1[0-3][0-9](?:[T ][0-2][0-9]:[0-5][0-9](?::[0-5][0-9])?Z?)?"
_AMOUNT = rb"[1-9][0-9]{5,7}\.[0-9]{1,2}"
# By their lengths. Left out are the beginnings of mobile numbers, of numbers with China's code and of cards.
_RUN = (
    rb"[1-9][0-9]{7}|1[0-9]{9}|(?:1[0-2]|[2-79][0-9])[0-9]{9}|[1-79][0-9]{11}|[125-79][0-9]{12}|[1257][0-9]{13}"
    rb"|20[0-9]{13}|(?:1[0-9]|20|7[0-9])[0-9]{14,15}|(?:1[0-9]|20|7[0-9])[0-9]{17,18}"
)
_NOBODYS = re.compile(
    _BEFORE + rb"(" + b"|".join((_DAY, _AMOUNT, _RUN)).replace(rb"\1", rb"\2") + rb")" + _BEHIND
)
_REACH = 48
_BEYOND = 32
_PERMIT = "台胞证".encode()  # eight digits behind it may be one


def nobodys(data: bytes, end: int) -> bool:
    """Whether the number of which a match ends at ``end`` in UTF-8 ``data`` (or JSON text) is certainly nobody's."""
    low = max(end - _REACH, 0)
    for match in _NOBODYS.finditer(data, low, end + _BEYOND):
        # A match takes in the character behind its last digit.
        if match.start(1) < end - 1 <= match.end(1):
            return data.find(_PERMIT, max(end - 2 * _REACH, 0), end) < 0
    return False
