"""Postal addresses: China's grammar from province to room, and English streets.

A place without a number is no address: 北京市朝阳区 says where a city is, and not where somebody lives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seekgate.stages.privacy.detect.kinds import Span

_NUMBER = r"[0-9〇零一二三四五六七八九十百]{1,5}"
# Characters of names of places. Words that lead to an address (在, 到, 住, 寄…) end at such a character's absence.
_A = r"[^\W\d_a-zA-Z在到至往于是为从住寄送去址的了和与请把将派你他她您们这那没和或及地搬]"
_R = r"[^\W\d_a-zA-Z在到至往于住寄送去址的了请派你他她您们这那没是]"
_ADMIN = (
    rf"(?>(?>{_A}{{2,8}}?(?:省|自治区|特别行政区))?)(?>(?>{_A}{{1,8}}?(?:市|自治州|地区|盟))?)"
    rf"(?>(?>{_A}{{1,7}}?(?:区|县|旗|市))?)(?>(?>{_A}{{1,6}}?(?:镇|乡|街道))?)"
)
# 思路, 电路, 铁路 … are no roads, and 3号线 is a line of the underground.
_ROAD = (
    rf"{_R}{{1,9}}?(?:(?<![思电链线网铁半套])路|街|道|巷|胡同|弄|里|条)(?:[东西南北中]?段)?"
    rf"{_NUMBER}(?:[-–]\d{{1,4}})?(?:号院?|弄|巷)(?:{_NUMBER}号)?(?!线|文件|公交|方案|接口|台风)"
)
ESTATES = (
    "小区|花园|花苑|苑|公寓|家园|大厦|广场|新村|名城|山庄|别墅|豪庭|华庭|国际|中心|大楼|写字楼|宿舍|园|城|府"
    "|湾|庭"
)
_ESTATE = rf"{_R}{{1,8}}?(?:{ESTATES})(?:[一二三四五六七八九东西南北\d]{{1,2}}[区期])?"
_BUILDING = rf"(?:{_NUMBER}(?:号楼|栋|幢|座|#楼?)|[A-Z]\d?(?:座|栋|幢))"
_ROOM = rf"(?:{_NUMBER}单元)?(?:{_NUMBER}(?:层|楼))?(?:{_NUMBER}(?:室|房|户|号)|\d{{3,4}}(?!\d))?"
_VILLAGE = rf"{_R}{{1,6}}?村(?:{_NUMBER}(?:组|队|社))?{_NUMBER}号"
_IN_ESTATE = rf"{_ESTATE}(?={_BUILDING}|{_NUMBER}(?:单元|室|层|楼)|\W|\Z)"
_CHINESE = re.compile(
    rf"{_ADMIN}(?:{_VILLAGE}|{_ROAD}(?:{_IN_ESTATE})?(?:{_BUILDING})?{_ROOM}"
    rf"|{_ESTATE}(?:{_BUILDING}|(?={_NUMBER}(?:单元|层|楼|室))){_ROOM})"
)
STREETS = (
    "Street|St|Avenue|Ave|Road|Rd|Drive|Dr|Lane|Ln|Boulevard|Blvd|Court|Ct|Place|Pl|Way|Terrace|Square|Sq|Parkway|Pkwy"
    "|Highway|Hwy"
)
_ENGLISH = re.compile(
    r"(?<![\w.,$-])\d{1,5}[A-Z]? (?:[NSEW]\.? )?(?:[A-Z][A-Za-z'.-]{0,20} |\d{1,3}(?:st|nd|rd|th) ){1,3}"
    rf"(?:{STREETS})\b\.?(?! [A-Z]?[a-z]+er\b)"
    r"(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Floor|#)\.? ?[\w-]{1,6})?"
    r"(?:, [A-Z][A-Za-z .'-]{1,25}, [A-Z]{2}(?: \d{5}(?:-\d{4})?)?)?"
)
_ADDRESS_WORDS = re.compile(r"\A(?:我|地址|住址|公司|门店|收货|家庭|现|家|户籍|位|人|新|老)+")


def chinese(text: str) -> Iterator[Span]:
    """Addresses in China down to a house, a building or a group of a village."""
    for match in _CHINESE.finditer(text):
        start = match.start()
        lead = _ADDRESS_WORDS.match(match[0])
        if lead and lead[0] not in ("人", "新", "老"):
            start += lead.end()
        if match.end() - start >= 5:
            yield Span(start, match.end(), "ADDRESS")


def english(text: str) -> Iterator[Span]:
    """English addresses: number, capitalised street, and perhaps flat, city, state and code."""
    for match in _ENGLISH.finditer(text):
        yield Span(match.start(), match.end(), "ADDRESS")
