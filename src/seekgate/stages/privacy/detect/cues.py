"""Words around a finding that speak for it or against it."""

from __future__ import annotations

import re

_AGAINST = (
    r"订单|单号|运单|快递|流水|编号|编码|序列|型号|版本|金额|价格|总价|合计|数量|条形?码|批次|批号|工号|学号|发票|合同|群|坐标"
    r"|时间戳|物料|货号|料号|雪花|区间|版号|书号|QQ"
    r"|\b(?:order|serial|sku|part|model|ref|invoice|tracking|batch|version|timestamp|ts|trace|build|error|code|count|result"
    r"|line|page|port|offset|size|bytes|isbn|ean|upc|parcel|ticket|case|item|product|lot|range)\b"
)
_FOR = (
    r"电话|手机|号码|座机|固话|传真|热线|总机|致电|拨打|联系|微信|短信|银行|卡号|账号|帐号|账户|帐户|户名|转账|还款|退款|信用卡|证件|证号|身份证|护照|通行证"
    r"|回乡证|台胞证|车牌|社保|社会安全|尾号|WhatsApp"
    r"|\b(?:phones?|tel|telephone|mobile|cell|call|fax|whatsapp|contact|dial|ssn|social security|card|visa"
    r"|passport|permit|account|iban|sms|text me)\b"
)
_WORD = re.compile(rf"(?P<against>{_AGAINST})|(?P<for>{_FOR})", re.IGNORECASE)
_CLAUSE = re.compile(r"[\n。;;!?!?|]|[,,](?! ?\d)|\d{3,}[^0-9]")
_REACH = 24

NOTHING, AGAINST, FOR = 0, -1, 1


def before(text: str, start: int) -> int:
    """What the clause before ``start`` says of a number there: `FOR`, `AGAINST`, `NOTHING`. The nearest counts."""
    lowest = max(start - _REACH, 0)
    for clause in _CLAUSE.finditer(text, lowest, start):
        lowest = clause.end()
    said = NOTHING
    for word in _WORD.finditer(text, lowest, start):
        said = AGAINST if word["against"] else FOR
    return said


def near(text: str, start: int, end: int, words: re.Pattern[str], reach: int = 40, after: int = 12) -> bool:
    """Whether one of ``words`` stands within ``reach`` characters before or ``after`` characters after a finding."""
    return bool(words.search(text, max(start - reach, 0), start) or words.search(text, end, end + after))
