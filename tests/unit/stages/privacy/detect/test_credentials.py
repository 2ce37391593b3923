"""Keys, tokens, private keys, passwords, connection strings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import pytest

from seekgate.stages.privacy.detect import credentials
from seekgate.stages.privacy.detect.kinds import Span
from tests.privacy import values

Judge = Callable[[str], Iterable[Span]]
RANDOM = Random(11)
KEY = values.mixed(RANDOM, values.BASE62, 32)


def _found(judge: Judge, text: str) -> list[str]:
    return [text[start:end] for start, end, _ in judge(text)]


def test_keys_by_their_prefix() -> None:
    for _ in range(200):
        key = values.api_key(RANDOM)
        assert key in _found(credentials.keys, f"的 {key},")


@pytest.mark.parametrize(
    "before",
    [
        "api_key=",
        'apiKey: "',
        "X-API-Key: ",
        "密钥:",
        "SECRET_ACCESS_KEY = '",
        "token is ",
        'client_secret\\": \\"',
    ],
)
def test_keys_by_the_word_before(before: str) -> None:
    assert _found(credentials.keys, before + KEY) == [KEY]


@pytest.mark.parametrize(
    "text",
    [
        f"md5 {KEY}",
        "api_key = os.environ['SERVICE_API_KEY_2024']",
        "secret=get_secret_from_vault_by_name_2(x)",
        "token: YOUR_TOKEN_GOES_HERE_12345",
        "api_key=xxxxxxxxxxxxxxxxxxxxxxxx",
        "sk-your-key-goes-here-please-replace",
        "token 12345678901234567890",
        "private_key: Ed25519PrivateKey",
        "the secret of antidisestablishmentarianism",
    ],
)
def test_no_keys(text: str) -> None:
    assert _found(credentials.keys, text) == []


def test_tokens() -> None:
    token = values.jwt(RANDOM)
    assert _found(credentials.tokens, f"Bearer {token}, 401") == [token]
    assert _found(credentials.tokens, "eyJub3QiOiJhIGhlYWRlciJ9.eyJhIjoxfQ.c2lnbmF0dXJl") == []
    assert _found(credentials.tokens, "eyJ%%%.a.b eyJhbGciOiJIUzI1NiJ9") == []


def test_private_keys() -> None:
    key = values.private_key(RANDOM)
    assert _found(credentials.private_keys, f"a\n{key}\nb\n{key}") == [key, key]
    escaped = key.replace("\n", "\\n")
    assert _found(credentials.private_keys, f'"{escaped}\\n"') == [escaped]
    cut = key[: key.index("-----END")].rstrip()
    assert _found(credentials.private_keys, f"{cut}\n为什么不行") == [cut]
    head = key[: key.index("\n")]
    assert _found(credentials.private_keys, f"{head} is how a key begins") == [head]
    assert _found(credentials.private_keys, key.replace("PRIVATE", "PUBLIC")) == []
    putty = "PuTTY-User-Key-File-3: ssh-ed25519\nPrivate-Lines: 1\nAAAA\nPrivate-MAC: " + "0a" * 32
    assert _found(credentials.private_keys, f"{putty}\n") == [putty]
    assert _found(credentials.private_keys, "PuTTY-User-Key-File-3: is a header") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("密码是Zhang@2024,别外传", ["Zhang@2024"]),
        ("密码:abc123。", ["abc123"]),
        ('"password": "correct horse"', ["correct"]),
        ('{\\"password\\": \\"hunter22\\"}', ["hunter22"]),
        ("Server=db;User Id=sa;Password=$Wy62Vf4;", ["$Wy62Vf4"]),
        ("MYSQL_ROOT_PASSWORD=s3cret!", ["s3cret!"]),
        ("my password is hunter2.", ["hunter2"]),
        ("初始密码为123456", ["123456"]),
        ("密码重置为Abc@123", ["Abc@123"]),
        ("password must be at least 8 characters", []),
        ("password: required", []),
        ("密码长度8位以上, 密码错误", []),
        ("password=${DB_PASSWORD} PASSWORD=<yours> password=$DB_PASSWORD password=******", []),
        ("password = os.environ['DB']", []),
        ("the password is wrong", []),
        ("password = request.url.password; self.key_password = key_password", []),
        ("def check(password: str) -> bool:", []),
        ("mysql://root:P@ss/w0rd@db:3306/x", ["mysql://root:P@ss/w0rd"]),  # a slash must be escaped
        ("连mysql://root:P@ssw0rd@10.0.0.1:3306/db?a=b。", ["mysql://root:P@ssw0rd@10.0.0.1:3306/db?a=b"]),
        ("redis://:secret1@cache:6379/0", ["redis://:secret1@cache:6379/0"]),
        ("postgres:\\/\\/app:pw12@db\\/x", ["postgres:\\/\\/app:pw12@db\\/x"]),
        ("postgres://localhost:5432/db http://user@host/ https://a.com/b:c@d", []),
        ("postgres://app:${PW}@db/x", []),
    ],
)
def test_secrets(text: str, found: list[str]) -> None:
    assert _found(credentials.secrets, text) == found
