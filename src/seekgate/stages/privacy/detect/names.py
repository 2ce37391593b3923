"""Names of people: a surname, one or two characters that can be a given name, and a word beside them that says so.

A surname alone proves nothing (王 is a name, a king and half of 王国), so a name is believed only beside a label (姓名,
收件人), a way to introduce oneself, a title, or what belongs to somebody (…的身份证). English names likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seekgate.stages.privacy.detect.kinds import Span
from seekgate.stages.privacy.detect.surnames import COMPOUND, FIRST, FOLLOWS, NOT_GIVEN, SINGLE, WORDS

LABELS = (
    "姓名|名字|主持人|记录人|记录|主讲人|讲师|作者|导师|我叫|他叫|她叫|名叫|叫做|我是|本人|联系人|收件人|收货人|寄件人"
    "|发件人|经办人|负责人|申请人|持卡人|户名|开户人|投保人|被保险人|受益人"
    "|法定代表人|法人代表|法人|患者|病人|客户|员工|同事|同学|乘机人|乘客|司机|车主"
    "|业主|租客|房东|原告|被告|嫌疑人|证人|受害人|当事人|委托人|代理人|甲方|乙方"
    "|签字人|签名|家属|监护人|学生|老师|发给|转告|通知|联系|致电|会员|用户|机主"
    "|借款人|担保人|死者|伤者|候选人|面试者|教授|医生|主任|经理|护士|律师|先生"
    "|女士"
)
_LABEL = re.compile(
    rf"(?:{LABELS})(?P<tie>[\s::\"“'(（]{{0,3}}(?:是|为|叫|名叫)?[\s::\"“'(（]{{0,3}})(?=[\u4e00-\u9fff]{{2}})"
)
TITLES = (
    "先生|女士|小姐|同学|老师|医生|大夫|经理|总监|主任|教授|律师|同志|师傅|阿姨|护士|警官|法官|院长|校长|处长|局长"
    "|科长"
)
OWNED = (
    "身份证|电话|手机|邮箱|银行卡|卡号|账号|地址|住址|护照|生日|工资|病历|简历|合同|密码|车牌|微信|号码|社保"
)
_TITLE_SET = frozenset(TITLES.split("|"))
PERSONAL = "男|女|性别|身份证|电话|手机|生于|联系方式|住址|地址|邮箱|微信|出生"
_PERSONAL = re.compile(rf"(?<![\u4e00-\u9fff])([\u4e00-\u9fff]{{2,4}})[\s,,、:：(（](?={PERSONAL})")
_CALLED = re.compile(r"(?<=@)[\u4e00-\u9fff]{2,4}(?![\u4e00-\u9fff])")
_TITLE = re.compile(rf"(?:{TITLES})|的(?:{OWNED})")
_BEFORE_NUMBER = re.compile(r"(?<![\u4e00-\u9fff])([\u4e00-\u9fff]{2,4})[\s,,::、(（]{1,3}\Z")
_BLOCKERS = frozenset(
    ("感谢", "多谢", "答谢", "致谢", "今年", "全国", "主任", "新任", "现任", "前任", "各位", "我们", "王国")
)

_WORD = r"[A-Z][a-zà-öø-ÿ]+(?:[-'’][A-Z][a-zà-öø-ÿ]+)?|[A-Z]['’][A-Z][a-z]+"
_FULL = rf"(?P<first>{_WORD})"
_FULL += rf"(?P<rest>(?: [A-Z]\.?)?(?: (?:van|de|von|der|la|di|bin|al))?(?: (?:{_WORD})){{1,2}})(?![a-zA-Z])"
_STRONG = re.compile(
    rf"(?:[Mm]y name is|[Nn]amed|[Cc]alled|\b(?:Mr|Mrs|Ms|Dr|Prof|Miss|Herr|Frau|Mme)\b\.?)\s{{1,2}}{_FULL}"
)
WEAK = (
    r"[Nn]ame|I am|I'm|[Tt]his is|Dear|[Pp]atient|[Cc]ustomer|[Cc]lient|[Ee]mployee|[Cc]ontact|[Rr]egards|[Ss]incerely"
    r"|[Ss]igned(?: by)?|Attn|[Uu]ser|[Hh]older|[Ff]rom|[Tt]o|[Bb]y|[Mm]anager|[Aa]uthor|[Aa]pplicant|[Tt]hanks"
    r"|[Cc]heers"
    r"|[Ss]tudent|[Tt]enant|[Dd]river|[Pp]assenger|[Hh]i|[Hh]ello|[Mm]eet|[Aa]sk|[Ee]mail|[Cc]all"
)
_WEAK = re.compile(rf"\b(?:{WEAK})(?:\s?[:=,]\s{{0,2}}|\s)(?:\\?[\"'])?{_FULL}")
_NOBODY = frozenset(
    re.findall(
        r"\w+",
        "Support Team Manager Department Street Service Customer Madam Sir Catalog Page Login Portal Success Company "
        "Inc Ltd "
        "The And Not Group University Bank Office Late",
    )
)


def chinese(text: str) -> Iterator[Span]:
    """Chinese names beside a label, a title, what belongs to somebody, or after an `@`."""
    for match in _LABEL.finditer(text):
        start = match.end()
        end = _name(text, start)
        if end and not (
            match["tie"] == "" and match[0] in ("联系", "通知", "先生", "女士") and end - start < 3
        ):
            yield Span(start, end, "NAME")
    for match in _TITLE.finditer(text):
        head = _name_before(text, match.start())
        if head is not None:
            yield Span(head, match.start(), "NAME")
    yield from _listed(text)
    for match in _CALLED.finditer(text):
        if _name(text, match.start()) == match.end():
            yield Span(match.start(), match.end(), "NAME")


def _listed(text: str) -> Iterator[Span]:
    """Chinese names at the head of a list of what belongs to a person: `王小明,男,1990年…`."""
    for match in _PERSONAL.finditer(text):
        if _name(text, match.start(1)) == match.end(1):
            yield Span(match.start(1), match.end(1), "NAME")


def before_number(text: str, start: int) -> Span | None:
    """The name that stands alone right before a number at ``start``: `张三 138…`."""
    match = _BEFORE_NUMBER.search(text, max(start - 8, 0), start)
    if match and _name(text, match.start(1)) == match.end(1):
        return Span(match.start(1), match.end(1), "NAME")
    return None


def _surname(text: str, start: int) -> int:
    """How many characters of a surname ``text`` has at ``start``; 0 if none."""
    if text[start : start + 2] in COMPOUND:
        return 2
    return 1 if text[start : start + 1] in SINGLE and text[start : start + 2] not in WORDS else 0


def _given(character: str) -> bool:
    return "\u4e00" <= character <= "\u9fff" and character not in NOT_GIVEN


def _name(text: str, start: int) -> int:
    """Where the name that begins at ``start`` ends; 0 if there is none."""
    first = start + _surname(text, start)
    if first == start or text[first : first + 2] in _TITLE_SET or not _given(text[first : first + 1] or " "):
        return 0
    second, after = text[first + 1 : first + 2], text[first + 2 : first + 3]
    if not second or not _given(second):
        return first + 1 if not second or second in FOLLOWS or not "\u4e00" <= second <= "\u9fff" else 0
    if second in FOLLOWS and after not in FOLLOWS and after:
        return first + 1
    if not after or after in FOLLOWS or not "\u4e00" <= after <= "\u9fff" or after in NOT_GIVEN:
        return first + 2
    return first + 2 if text[first + 2 : first + 4] in _VERBS else 0


_VERBS = frozenset(
    re.findall("..", "先生女士小姐同学老师签字表示认为来电咨询反映要求申请报名确认参加负责提供住院")
)


def _name_before(text: str, end: int) -> int | None:
    """Where the name that ends at ``end`` begins."""
    for length in (4, 3, 2):
        start = end - length
        if start < 0:
            continue
        size = _surname(text, start)
        if size == 0 or length - size not in (1, 2) or (length == 4 and size == 1):
            continue
        whole = text[start:end]
        if all(_given(character) for character in whole[size:]) and not _blocked(text, start, whole):
            return start
    return None


def _blocked(text: str, start: int, whole: str) -> bool:
    return whole in _BLOCKERS or text[max(start - 1, 0) : start + 1] in _BLOCKERS or whole[:2] in WORDS


def english(text: str) -> Iterator[Span]:
    """English names, two words or three: after a title or an introduction; after weaker words if the first is known."""
    for match in _STRONG.finditer(text):
        if match["first"] not in _NOBODY and not _NOBODY.intersection(match["rest"].split()):
            yield Span(match.start("first"), match.end("rest"), "NAME")
    for match in _WEAK.finditer(text):
        if match["first"] in FIRST and not _NOBODY.intersection(match["rest"].split()):
            yield Span(match.start("first"), match.end("rest"), "NAME")
