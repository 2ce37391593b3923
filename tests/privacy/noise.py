"""Hard negatives: what looks like personal data or a secret and is none.

`COMMON` are for every type (order numbers, timestamps, prices, hashes, versions, tracking numbers, code); `NEAR` are
near-misses of one type: a wrong checksum, a length or a date that cannot be, a word that only begins like a name.
"""

from __future__ import annotations

import string
import uuid
from collections.abc import Callable
from random import Random

from tests.privacy import values
from tests.privacy.phrases import NOT_ADDRESSES, NOT_KEYS, NOT_NAMES, NOT_SECRETS
from tests.privacy.values import BASE62, HEX, digits, mixed, text_of

Make = Callable[[Random], str]
_UPPER = string.ascii_uppercase


def day(r: Random) -> str:
    return f"{r.randint(2015, 2027)}-{r.randint(1, 12):02}-{r.randint(1, 28):02}"


def time(r: Random) -> str:
    return f"{r.randint(0, 23):02}:{r.randint(0, 59):02}"


def stamp(r: Random) -> str:
    return day(r).replace("-", "") + time(r).replace(":", "") + f"{r.randint(0, 59):02}"


def price(r: Random) -> str:
    return f"{r.randint(1, 99999):,}.{r.randint(0, 99):02}"


def version(r: Random) -> str:
    return ".".join(str(r.randint(0, 40)) for _ in range(r.choice((3, 3, 4))))


WORDS: dict[str, Make] = {
    "n": lambda r: str(r.randint(1, 99)),
    "date": day,
    "time": time,
    "price": price,
}

COMMON: list[Make] = [
    lambda r: f"订单号{stamp(r)}{digits(r, r.randint(4, 8))}已发货",
    lambda r: f"订单编号:{digits(r, r.choice((8, 9, 12, 13, 14, 16, 17, 20)))},请尽快处理",
    lambda r: f"流水号 {stamp(r)}{digits(r, 6)} 交易成功",
    lambda r: f"order {digits(r, r.choice((7, 8, 9, 10, 12)))} was shipped on {day(r)}",
    lambda r: f"Order #{r.randint(100, 999)}-{digits(r, 7)}-{digits(r, 7)} is late",
    lambda r: f"时间戳{r.randint(1_400_000_000, 1_900_000_000)}对应哪一天?",
    lambda r: f'{{"ts": {r.randint(1_400_000_000_000, 1_900_000_000_000)}, "ok": true}}',
    lambda r: f"timestamp {r.randint(1_400_000_000, 1_900_000_000)}.{digits(r, 6)}",
    lambda r: (
        f"{day(r)} {time(r)}:00,{digits(r, 3)} INFO worker-{r.randint(1, 9)} took {r.randint(1, 9999)} ms"
    ),
    lambda r: f"总价¥{price(r)},折后{r.randint(10, 9999)}元",
    lambda r: f"the total is ${price(r)} for {r.randint(2, 90)} items",
    lambda r: (
        f"营业收入 {r.randint(10**7, 10**11)}.{digits(r, 2)} 元,同比增长{r.randint(1, 90)}.{digits(r, 1)}%"
    ),
    lambda r: f"md5 {text_of(r, HEX, 32)}",
    lambda r: f"commit {text_of(r, HEX, 40)}",
    lambda r: f"sha256:{text_of(r, HEX, 64)}",
    lambda r: f'etag "{text_of(r, HEX, 16)}-{r.randint(1, 9)}"',
    lambda r: f"升级到版本{version(r)}后报错",
    lambda r: f"pip install package=={version(r)}",
    lambda r: f"v{version(r)} fixes the bug",
    lambda r: f"Chrome/{r.randint(90, 140)}.0.{r.randint(1000, 7000)}.{r.randint(10, 200)} Safari/537.36",
    lambda r: f"快递单号SF{digits(r, 13)}到哪了",
    lambda r: f"运单号:YT{digits(r, 13)}",
    lambda r: f"tracking 1Z{text_of(r, _UPPER + string.digits, 16)} is lost",
    lambda r: f"EMS单号E{r.choice('ABCM')}{digits(r, 9)}CN",
    lambda r: f"request id {uuid.UUID(int=r.getrandbits(128), version=4)}",
    lambda r: f"ISBN 978-7-{digits(r, 3)}-{digits(r, 5)}-{digits(r, 1)}",
    lambda r: f"条形码69{digits(r, 11)}",
    lambda r: f"坐标 {r.randint(20, 40)}.{digits(r, 6)},{r.randint(100, 125)}.{digits(r, 6)}",
    lambda r: f"SELECT * FROM t WHERE id = {digits(r, r.randint(5, 9))} LIMIT {r.randint(1, 100)}",
    lambda r: f"for (int i = 0; i < {r.randint(10, 10**6)}; i++) a[i] += 0x{text_of(r, HEX, 8)};",
    lambda r: f"圆周率是3.14159265358979323846,精确到{r.randint(2, 20)}位",
    lambda r: (
        f"电压{r.randint(1, 400)}V,功率{r.randint(1, 9000)}W,型号{text_of(r, _UPPER, 2)}-{digits(r, 4)}"
    ),
    lambda r: f"第{r.randint(1, 99)}章 第{r.randint(1, 20)}节 共{r.randint(100, 999)}页",
    lambda r: f"{day(r)}至{day(r)}共{r.randint(1, 400)}天",
    lambda r: f"物料编码{text_of(r, _UPPER, 1)}{digits(r, 6)},库存{r.randint(0, 10**6)}",
    lambda r: f"error code 0x{text_of(r, HEX, 8).upper()} at line {r.randint(1, 5000)}",
    lambda r: f"合同编号HT-{day(r).replace('-', '')}-{digits(r, 4)}",
    lambda r: f"发票代码{digits(r, 12)} 发票号码{digits(r, 8)}",
    lambda r: f"QQ群{digits(r, 9)}",
    lambda r: f"雪花ID {r.randint(10**18, 15 * 10**17)}",
    lambda r: f"numbers: {', '.join(digits(r, r.randint(2, 6)) for _ in range(6))}",
    lambda r: "请根据会议记录写一份总结,重点说明第一季度的销售情况和下一步计划。",
    lambda r: "Please summarise the following report in three sentences for a busy reader.",
    lambda r: (
        f"三月份销量{r.randint(100, 9999)}台,四月份{r.randint(100, 9999)}台,五月份{r.randint(100, 9999)}台"
    ),
    lambda r: f"{r.randint(2, 99)}×{r.randint(2, 99)}+{digits(r, 7)}-{digits(r, 6)}=?",
    lambda r: f"from module_{r.randint(1, 99)} import handler as h{r.randint(1, 99)}",
    lambda r: f"data:image/png;base64,iVBORw0KGgo{text_of(r, BASE62 + '+/', 60)}==",
    lambda r: f"手册见 https://docs.example.com/a/{digits(r, 6)}?page={r.randint(1, 99)}",
]


def _bad_check_id(r: Random) -> str:
    whole = values.cn_id18(r)
    wrong = r.choice([c for c in "0123456789X" if c != whole[17].upper()])
    return whole[:17] + wrong


def _bad_date_id(r: Random) -> str:
    body = (
        r.choice(values.COUNTIES) + r.choice(("19901301", "20000230", "17880101", "20991231")) + digits(r, 3)
    )
    return body + values.id_check(body)


def _bad_region_id(r: Random) -> str:
    body = (
        r.choice(("00", "09", "19", "29", "39", "49", "59", "69", "79", "99"))
        + "0101"
        + values.born(r)
        + digits(r, 3)
    )
    return body + values.id_check(body)


def _bad_card(r: Random) -> str:
    body = r.choice(("622202", "621700", "400012", "510510")) + digits(r, r.choice((9, 12)))
    return body + r.choice([c for c in string.digits if c != values.luhn_digit(body)])


def _luhn_without_bin(r: Random) -> str:
    body = r.choice(("0", "1", "7", "8")) + digits(r, r.choice((14, 17)))
    return body + values.luhn_digit(body)


def _bad_uscc(r: Random) -> str:
    whole = values.uscc(r)
    return whole[:17] + r.choice([c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if c != whole[17]])


def _bad_iban(r: Random) -> str:
    whole = values.iban(r).replace(" ", "")
    return (
        whole[:2] + f"{(int(whole[2:4]) + r.randint(1, 90)) % 97 + 2:02}" + whole[4:]
        if r.random() < 0.7
        else whole[:-3]
    )


def _word(options: list[str]) -> Make:
    return lambda r: r.choice(options).replace("{n}", str(r.randint(1, 9)))


def _in(sentence: str, make: Make) -> Make:
    return lambda r: sentence.format(make(r))


def _both(chinese: str, english: str, make: Make) -> list[Make]:
    return [_in(chinese, make), _in(english, make), make]


NEAR: dict[str, list[Make]] = {
    "CN_ID": [
        *_both("身份证号{}", "id {}", _bad_check_id),
        *_both("证件{}", "id: {}", _bad_date_id),
        *_both("号码{}", "number {}", _bad_region_id),
        _in("编号{}", lambda r: values.cn_id18(r) + digits(r, 2)),
        _in("编号{}", lambda r: digits(r, 3) + values.cn_id18(r)),
    ],
    "CN_MOBILE": [
        *_both(
            "手机{}",
            "phone {}",
            lambda r: r.choice(("10", "11", "12", "140", "154", "160", "194")) + digits(r, 9),
        ),
        *_both(
            "手机{}", "phone {}", lambda r: r.choice(values.MOBILE) + digits(r, r.choice((6, 7, 9, 10, 12)))
        ),
        _in("金额{}元", lambda r: f"{r.choice(values.MOBILE)}{digits(r, 8)}.{digits(r, 2)}"),
        _in("单号A{}", lambda r: r.choice(values.MOBILE) + digits(r, 8)),
    ],
    "CN_LANDLINE": [
        *_both("区间{}", "range {}", lambda r: f"{r.randint(1000, 9999)}-{digits(r, 8)}"),
        _in("编号{}", lambda r: f"0{r.choice('01')}{digits(r, 1)}-{digits(r, 4)}"),
        _in("型号{}", lambda r: f"{r.choice(values.AREAS)}-{r.choice('01')}{digits(r, 7)}"),
        _in("日期 {}", lambda r: day(r)),
    ],
    "BANK_CARD": [*_both("卡号{}", "card {}", _bad_card), *_both("编号{}", "number {}", _luhn_without_bin)],
    "USCC": [
        *_both("信用代码{}", "code {}", _bad_uscc),
        _in("序列号{}", lambda r: text_of(r, _UPPER + string.digits, 18)),
    ],
    "PASSPORT": [
        _in("订单号E{}", lambda r: digits(r, 8)),
        _in("part number {}", lambda r: text_of(r, "BCFJKLNQRTUVWXYZ", 1) + digits(r, 8)),
        _in("护照{}", lambda r: "E" + digits(r, r.choice((5, 6, 10, 12)))),
        _in("passport office {}", lambda r: digits(r, 6)),
        _in("型号G{}", lambda r: digits(r, 4)),
    ],
    "TRAVEL_PERMIT": [
        _in("型号H{}", lambda r: digits(r, r.choice((5, 6, 7, 9)))),
        _in("通行证{}", lambda r: "H" + digits(r, r.choice((5, 6, 11)))),
        _in("part M{}", lambda r: digits(r, r.choice((4, 6, 7)))),
        _in("订单H{}", lambda r: digits(r, 8)),
        _in("通行证办理需要{}天", lambda r: digits(r, 1)),
    ],
    "PLATE": [
        _in("车牌{}", lambda r: r.choice("京沪粤浙") + r.choice("IO") + digits(r, 5)),
        _in("车牌{}", lambda r: r.choice("京沪粤浙") + r.choice("ABC") + digits(r, r.choice((3, 4, 7)))),
        _in("新{}上市", lambda r: "A" + digits(r, 3)),
        _in("{}", lambda r: r.choice("中大小上") + "A" + digits(r, 5)),
    ],
    "EMAIL": [
        _in("{}", lambda r: f"@{r.choice(values.FIRST).lower()} 请看一下"),
        _in(
            "{}", lambda r: f"{text_of(r, string.ascii_lowercase, 5)}@{text_of(r, string.ascii_lowercase, 6)}"
        ),
        _in("decorator {}", lambda r: f"@app.{r.choice(('get', 'post', 'route'))}"),
        _in("{}", lambda r: f"npm i @{text_of(r, string.ascii_lowercase, 5)}/core@{version(r)}"),
        _in("单价 {}", lambda r: f"{r.randint(1, 9)}@{price(r)}"),
    ],
    "IP": [
        _in(
            "版本 {}",
            lambda r: f"{r.randint(1, 20)}.{r.randint(0, 40)}.{r.randint(0, 99)}.{r.randint(0, 200)}",
        ),
        _in(
            "ip {}",
            lambda r: f"{r.randint(256, 999)}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(0, 255)}",
        ),
        _in("oid {}", lambda r: "1.3.6.1." + version(r)),
        _in(
            "firmware {}",
            lambda r: f"{r.randint(1, 9)}.{r.randint(0, 9)}.{r.randint(0, 9)}.{r.randint(100, 250)}",
        ),
        _in("at {}", lambda r: f"{time(r)}:{r.randint(0, 59):02}"),
        _in(
            "{}", lambda r: f"std::{r.choice(('vector', 'map', 'dec'))}::{r.choice(('add', 'begin', 'face'))}"
        ),
        _in("mac {}", lambda r: ":".join(text_of(r, HEX, 2) for _ in range(6))),
        _in("比例 {}", lambda r: f"{r.randint(1, 9)}:{r.randint(1, 9)}:{r.randint(1, 9)}"),
    ],
    "IBAN": [
        *_both("账户{}", "account {}", _bad_iban),
        _in("serial {}", lambda r: text_of(r, _UPPER, 2) + digits(r, 20)),
    ],
    "US_SSN": [
        *_both(
            "号码{}",
            "ssn {}",
            lambda r: f"{r.choice(('000', '666', '9' + digits(r, 2)))}-{digits(r, 2)}-{digits(r, 4)}",
        ),
        _in("ssn {}", lambda r: f"{r.randint(100, 600)}-00-{digits(r, 4)}"),
        _in("ssn {}", lambda r: f"{r.randint(100, 600)}-{r.randint(10, 99)}-0000"),
        _in("part {}", lambda r: f"{digits(r, 3)}-{digits(r, 3)}-{digits(r, 4)}".replace("-", "", 1)),
        _in("count {}", lambda r: digits(r, 9)),
    ],
    "PHONE": [
        *_both("编号{}", "ref {}", lambda r: f"{r.choice('01')}{digits(r, 2)}-{digits(r, 3)}-{digits(r, 4)}"),
        _in("range {}", lambda r: f"{digits(r, 4)}-{digits(r, 4)}"),
        _in("result +{}", lambda r: digits(r, r.randint(2, 6))),
        _in("id {}", lambda r: digits(r, 10)),
        _in("{}", lambda r: f"+{r.randint(1, 90)}.{digits(r, 2)}%"),
    ],
    "API_KEY": [
        _word(NOT_KEYS),
        _in("commit token {}", lambda r: mixed(r, HEX, 12)),
        _in("{}", lambda r: "sk-" + text_of(r, string.ascii_lowercase, 12)),
    ],
    "JWT": [
        _in("{}", lambda r: "eyJ" + text_of(r, BASE62, 40)),
        _in("string {}", lambda r: ".".join(text_of(r, BASE62, 20) for _ in range(3))),
        _in("{}", lambda r: f"eyJ.{text_of(r, BASE62, 5)}.{text_of(r, BASE62, 8)}"),
        _in("jwt {}", lambda r: f"eyJ{text_of(r, BASE62, 20)}.eyJ{text_of(r, BASE62, 20)}"),
    ],
    "PRIVATE_KEY": [
        lambda r: f"-----BEGIN CERTIFICATE-----\n{text_of(r, BASE62, 64)}\n-----END CERTIFICATE-----",
        lambda r: f"-----BEGIN PUBLIC KEY-----\n{text_of(r, BASE62, 64)}\n-----END PUBLIC KEY-----",
        lambda r: f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5{text_of(r, BASE62, 40)} me@host",
        lambda r: f"The private key of {r.randint(1, 9)} servers must be rotated.",
        lambda r: f"私钥文件长度{r.randint(1024, 4096)}位",
    ],
    "SECRET": [_word(NOT_SECRETS)],
    "NAME": [_word(NOT_NAMES)],
    "ADDRESS": [_word(NOT_ADDRESSES)],
}
