"""Values of the labelled set that are what they seem: one function a type, from a seeded generator.

Checksums are computed here a second time on purpose: a mistake in the detectors' own arithmetic must show. The people,
numbers and keys are made up; numbers are valid in form only.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import string
from random import Random


def words(text: str) -> list[str]:
    """The words of a list that is written as text."""
    return text.split()


SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
COMPOUND = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "令狐", "夏侯")
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰梅玲红建国志文辉力健永学友德诚浩宇轩子涵欣怡梓睿"
    "博雅思琪嘉俊佳雨晨曦一诺梦瑶若彤天翔鹏飞晓东海燕春雪婷宁波凯旋立新庆云峰松柏岩"
)
FIRST = words("""
James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara
Richard Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Lisa Anthony
Betty Mark Sandra Paul Ashley Steven Emily Andrew Donna Joshua Michelle Kenneth Carol Kevin
Amanda Brian Melissa Laura Peter Anna Sophie Lucas Oliver Hannah
""")
LAST = words("""
Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez
Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Clark
Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill Flores Green Adams
Nelson Baker Hall Rivera Campbell Mitchell O'Brien Schneider Dubois
""")
COUNTIES = words("""
110101 110105 110108 120101 120104 130102 130203 140105 150102 210102 210211 220102 230103
310101 310104 310115 320102 320505 330102 330203 340102 350203 360102 370102 370202 410102
420106 430102 440103 440305 450102 460105 500103 510104 520102 530102 540102 610102 620102
630102 640104 650102
""")
MOBILE = words("""
130 131 132 133 134 135 136 137 138 139 145 147 149 150 151 152 153 155 156 157 158 159 162
165 166 167 170 171 172 173 175 176 177 178 180 181 182 183 184 185 186 187 188 189 190 191
192 193 195 196 197 198 199
""")
AREAS = words("""
010 021 022 023 024 025 027 028 029 0311 0351 0371 0411 0431 0451 0510 0512 0531 0532 0551
0571 0574 0591 0592 0731 0755 0757 0769 0771 0791 0851 0871 0898 0931 0991
""")
BASE62 = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def digits(r: Random, count: int) -> str:
    return "".join(r.choices(string.digits, k=count))


def text_of(r: Random, alphabet: str, count: int) -> str:
    return "".join(r.choices(alphabet, k=count))


def chinese_name(r: Random) -> str:
    surname = r.choice(COMPOUND) if r.random() < 0.04 else r.choice(SURNAMES)
    return surname + text_of(r, GIVEN, 1 if r.random() < 0.3 else 2)


def english_name(r: Random) -> str:
    middle = f" {r.choice(string.ascii_uppercase)}." if r.random() < 0.15 else ""
    return f"{r.choice(FIRST)}{middle} {r.choice(LAST)}"


def born(r: Random) -> str:
    return f"{r.randint(1940, 2019)}{r.randint(1, 12):02}{r.randint(1, 28):02}"


def id_check(seventeen: str) -> str:
    weights = [pow(2, 17 - i, 11) for i in range(17)]
    return "10X98765432"[sum(int(d) * w for d, w in zip(seventeen, weights, strict=True)) % 11]


def cn_id18(r: Random) -> str:
    body = r.choice(COUNTIES) + born(r) + digits(r, 3)
    check = id_check(body)
    return body + (check.lower() if check == "X" and r.random() < 0.3 else check)


def cn_id(r: Random) -> str:
    """The 18-digit form, sometimes in groups; the 15-digit form; a form that somebody has masked in part."""
    whole, way = cn_id18(r), r.random()
    if way < 0.08:
        return whole[:6] + f"{r.randint(30, 99)}{whole[10:14]}" + digits(r, 3)
    if way < 0.14:
        return whole[:14] + r.choice(("XXXX", "****", "xxxx", "●●●●"))
    if way < 0.20:
        return whole[:6] + "*" * 8 + whole[14:]
    if way < 0.23:
        return whole[:4] + "*" * 10 + whole[14:]
    if way < 0.30:
        gap = r.choice(" -")
        return gap.join((whole[:6], whole[6:14], whole[14:]))
    return whole


def cn_mobile(r: Random) -> str:
    number, way = r.choice(MOBILE) + digits(r, 8), r.random()
    if way < 0.15:
        gap = r.choice(" -.")
        number = gap.join((number[:3], number[3:7], number[7:]))
    elif way < 0.18:
        number = " ".join((number[:4], number[4:8], number[8:]))
    if r.random() < 0.12:
        number = r.choice(("+86 ", "+86", "86-", "+86-", "(+86)", "0086 ")) + number
    return number


def cn_landline(r: Random) -> str:
    area = r.choice(AREAS)
    local = r.choice("2345678") + digits(r, 7 if len(area) == 3 or r.random() < 0.6 else 6)
    way = r.random()
    if way < 0.6:
        number = f"{area}-{local}"
    elif way < 0.75:
        number = f"({area}){local}"
    elif way < 0.85:
        number = f"{area} {local}"
    elif way < 0.95:
        number = f"+86 {area[1:]} {local}"
    else:
        number = f"{area}-{local[:-4]} {local[-4:]}"
    return number + (f"-{digits(r, 4)}" if way < 0.6 and r.random() < 0.1 else "")


def luhn_digit(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return str(-total % 10)


def bank_card(r: Random) -> str:
    prefix, length = r.choice(
        (
            *(("622202", 19), ("622848", 19), ("621700", 19), ("621226", 19), ("622588", 16), ("625800", 16)),
            *(("4" + digits(r, 5), 16), (f"5{r.randint(1, 5)}" + digits(r, 4), 16), ("34", 15), ("37", 15)),
            *(("2300", 16), ("3566", 16), ("6011", 16), ("36", 14)),
        )
    )
    body = prefix + digits(r, length - 1 - len(prefix))
    number = body + luhn_digit(body)
    if r.random() < 0.3 and length >= 16:
        gap = r.choice("  -")
        return gap.join(number[i : i + 4] for i in range(0, length, 4))
    return number


def uscc_check(seventeen: str) -> str:
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    total = sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(seventeen))
    return alphabet[-total % 31]


def uscc(r: Random) -> str:
    kind = r.choice(["91"] * 6 + ["92", "93", "11", "12", "51", "52"])
    organisation = "MA" + text_of(r, "0123456789ABCDEFGH", 6) if r.random() < 0.5 else digits(r, 8)
    body = kind + r.choice(COUNTIES) + organisation + r.choice("0123456789X")
    return body + uscc_check(body)


def passport(r: Random) -> str:
    if r.random() < 0.3:
        return "E" + r.choice("ABCDEFGHJKLMNPQ") + digits(r, 7)
    return r.choice("EEEEGDSP") + digits(r, 8)


def travel_permit(r: Random) -> str:
    return r.choice(("H", "M")) + digits(r, r.choice((8, 10))) if r.random() < 0.7 else "C" + digits(r, 8)


def plate(r: Random) -> str:
    province = r.choice("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼")
    city = r.choice("ABCDEFGHJKLMNP")
    dot = r.choice(("", "", "", "·", " "))
    if r.random() < 0.35:
        return f"{province}{city}{dot}{r.choice('DF')}{r.choice('ABCDEFGHJK0123456789')}{digits(r, 4)}"
    body = list(digits(r, 5))
    for place in r.sample(range(5), r.choice((0, 0, 1, 1, 2))):
        body[place] = r.choice("ABCDEFGHJKLMNPQRSTUVWXYZ")
    if r.random() < 0.05:
        body[4] = r.choice("挂学警港澳")
    return f"{province}{city}{dot}{''.join(body)}"


def email(r: Random) -> str:
    local = r.choice(
        (
            f"{r.choice(FIRST)}.{r.choice(LAST)}".lower().replace("'", ""),
            digits(r, r.randint(6, 10)),
            text_of(r, string.ascii_lowercase, r.randint(4, 9)) + digits(r, r.randint(0, 3)),
            text_of(r, string.ascii_lowercase, 5) + r.choice("_+-") + text_of(r, string.ascii_lowercase, 4),
        )
    )
    host = text_of(r, string.ascii_lowercase, r.randint(3, 9))
    end = r.choice(("com", "cn", "com.cn", "org", "io", "edu.cn", "de"))
    return f"{local}@{r.choice(('', '', 'mail.'))}{host}.{end}"


def ip(r: Random) -> str:
    if r.random() < 0.3:
        address = ipaddress.IPv6Address((0x2001 << 112) | r.getrandbits(112))
        if r.random() < 0.4:
            address = ipaddress.IPv6Address((0xFE80 << 112) | r.getrandbits(32))
        return address.compressed if r.random() < 0.8 else address.exploded
    first = r.choice((10, 172, 192, r.randint(1, 126), r.randint(128, 223)))
    return f"{first}.{r.randint(0, 255)}.{r.randint(0, 255)}.{r.randint(1, 254)}"


def iban(r: Random) -> str:
    country, body = r.choice(
        (
            ("DE", digits(r, 18)),
            ("FR", digits(r, 10) + text_of(r, string.digits + string.ascii_uppercase, 11) + digits(r, 2)),
            ("GB", text_of(r, string.ascii_uppercase, 4) + digits(r, 14)),
            ("NL", text_of(r, string.ascii_uppercase, 4) + digits(r, 10)),
            ("ES", digits(r, 20)),
            ("IT", r.choice(string.ascii_uppercase) + digits(r, 22)),
            ("CH", digits(r, 17)),
            ("PL", digits(r, 24)),
        )
    )
    number = "".join(str(int(c, 36)) for c in body + country + "00")
    whole = f"{country}{98 - int(number) % 97:02}{body}"
    return " ".join(whole[i : i + 4] for i in range(0, len(whole), 4)) if r.random() < 0.4 else whole


def us_ssn(r: Random) -> str:
    area = r.choice([n for n in range(1, 900) if n != 666])
    gap = r.choice("--- ")
    return f"{area:03}{gap}{r.randint(1, 99):02}{gap}{r.randint(1, 9999):04}"


def phone(r: Random) -> str:
    area, exchange, line = f"{r.randint(201, 989)}", f"{r.randint(200, 999)}", digits(r, 4)
    area = area[0] + r.choice("012345678") + area[2]
    if r.random() < 0.55:
        return r.choice(
            (
                f"({area}) {exchange}-{line}",
                f"{area}-{exchange}-{line}",
                f"{area}.{exchange}.{line}",
                f"+1 {area} {exchange} {line}",
                f"+1-{area}-{exchange}-{line}",
                f"+1{area}{exchange}{line}",
            )
        )
    return r.choice(
        (
            f"+44 20 {r.choice('378')}{digits(r, 3)} {digits(r, 4)}",
            f"+44 7{digits(r, 3)} {digits(r, 6)}",
            f"+49 30 {digits(r, 8)}",
            f"+49 15{r.choice('1257')} {digits(r, 8)}",
            f"+33 {r.choice('1234567')} " + " ".join(digits(r, 2) for _ in range(4)),
            f"+34 6{digits(r, 2)} {digits(r, 3)} {digits(r, 3)}",
            f"+39 06 {digits(r, 4)} {digits(r, 4)}",
            f"0044 20 7{digits(r, 3)} {digits(r, 4)}",
        )
    )


def mixed(r: Random, alphabet: str, count: int) -> str:
    """Random text with a letter and several digits in it, as a key has."""
    while True:
        text = text_of(r, alphabet, count)
        if sum(c.isdigit() for c in text) >= 2 and any(c.isalpha() for c in text):
            return text


def api_key(r: Random) -> str:
    """A key that its prefix gives away."""
    return r.choice(
        (
            lambda: "sk-" + mixed(r, HEX, 32),
            lambda: "sk-proj-" + mixed(r, BASE62 + "_-", 64),
            lambda: "sk-ant-api03-" + mixed(r, BASE62 + "_-", 80),
            lambda: "AKIA" + mixed(r, string.ascii_uppercase + "234567", 16),
            lambda: "ghp_" + mixed(r, BASE62, 36),
            lambda: "github_pat_" + mixed(r, BASE62, 22) + "_" + mixed(r, BASE62, 59),
            lambda: "glpat-" + mixed(r, BASE62, 20),
            lambda: f"xoxb-{digits(r, 12)}-{digits(r, 12)}-{mixed(r, BASE62, 24)}",
            lambda: "AIza" + mixed(r, BASE62 + "_-", 35),
            lambda: "LTAI5t" + mixed(r, BASE62, 18),
            lambda: "AKID" + mixed(r, BASE62, 32),
            lambda: "hf_" + mixed(r, string.ascii_letters + "0123", 34),
            lambda: "sk_live_" + mixed(r, BASE62, 24),
            lambda: "npm_" + mixed(r, BASE62, 36),
            lambda: f"SG.{mixed(r, BASE62, 22)}.{mixed(r, BASE62, 43)}",
            lambda: "sk-sg-" + mixed(r, BASE62, 40),
        )
    )()


def anonymous_key(r: Random) -> str:
    """A key that only the word before it gives away."""
    return mixed(r, r.choice((HEX, BASE62, BASE62 + "_-")), r.choice((24, 32, 40, 64)))


def jwt(r: Random) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head = {"alg": r.choice(("HS256", "RS256", "ES256")), "typ": "JWT"}
    claims = {"sub": digits(r, 8), "iat": r.randint(1_600_000_000, 1_800_000_000), "name": r.choice(FIRST)}
    return f"{part(head)}.{part(claims)}.{text_of(r, BASE62 + '_-', 43)}"


def private_key(r: Random) -> str:
    kind = r.choice(("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED ", "DSA "))
    lines = [text_of(r, BASE62 + "+/", 64) for _ in range(r.randint(3, 12))]
    lines.append(text_of(r, BASE62 + "+/", 22) + "==")
    body = "\n".join(lines)
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def password(r: Random) -> str:
    word = r.choice(FIRST) + r.choice("@#!_$") + digits(r, r.randint(3, 6))
    return r.choice(
        (word, mixed(r, BASE62 + "!@#$%^*", r.randint(8, 16)).strip("!*"), "Qw" + digits(r, 6) + "!")
    )


def connection_string(r: Random) -> str:
    scheme, port, path = r.choice(
        (
            ("postgresql", 5432, "/orders"),
            ("mysql", 3306, "/shop"),
            ("mongodb", 27017, "/admin"),
            ("redis", 6379, "/0"),
            ("amqp", 5672, "/vhost"),
            ("https", 443, "/git/repo.git"),
            ("mongodb+srv", 0, "/app"),
        )
    )
    host = text_of(r, string.ascii_lowercase, 6) + r.choice((".internal", ".example.com", ""))
    secret = mixed(r, BASE62 + "_-!$", r.randint(8, 20))
    return f"{scheme}://{r.choice(('app', 'root', 'admin', 'svc'))}:{secret}@{host}{f':{port}' if port else ''}{path}"
