"""Email, IP addresses, IBANs, number plates."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from seekgate.stages.privacy.detect import network
from seekgate.stages.privacy.detect.kinds import Span

Judge = Callable[[str], Iterable[Span]]


def _found(judge: Judge, text: str) -> list[str]:
    return [text[start:end] for start, end, _ in judge(text)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("发到zhang.san+a@mail.example.com.cn吧", ["zhang.san+a@mail.example.com.cn"]),
        ("<a@b.io>, (c_d@e-f.org).", ["a@b.io", "c_d@e-f.org"]),
        ("logo@2x.png", []),
        ("git@example.com:team/repo.git", []),
        ("@app.get and user@host", []),
        ("a..b@example.com", []),
        ("core@3.2.1", []),
    ],
)
def test_emails(text: str, found: list[str]) -> None:
    assert _found(network.emails, text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("从192.168.1.1到8.8.8.8", ["192.168.1.1", "8.8.8.8"]),
        ("root@10.0.0.7:22, http://172.16.0.1/x", ["10.0.0.7", "172.16.0.1"]),
        ("127.0.0.1 0.0.0.0 255.255.255.0", []),
        ("1.2.3.4版本,版本号是1.2.3.4,版本 1.2.3.4, v5.6.7.8, pkg==1.2.3.4, Chrome/120.0.99.109", []),
        ("npm i @scope/core@34.15.12.36", []),
        ("1.2.3.4.5 and 256.1.1.1", []),
        ("2001:db8:85a3::8a2e:370:7334 和 fe80::1", ["2001:db8:85a3::8a2e:370:7334", "fe80::1"]),
        ("::ffff:10.1.2.3", ["::ffff:10.1.2.3"]),
        ("::1 :: 12:30:45 00:1A:2B:3C:4D:5E std::dec::add face::b00c", ["face::b00c"]),
    ],
)
def test_addresses(text: str, found: list[str]) -> None:
    assert _whole(_found(network.addresses, text)) == found


def _whole(found: list[str]) -> list[str]:
    """Without what stands inside another finding."""
    return [one for one in found if not any(one != other and one in other for other in found)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DE89 3704 0044 0532 0130 00 ok", ["DE89 3704 0044 0532 0130 00"]),
        ("至GB29NWBK60161331926819。", ["GB29NWBK60161331926819"]),
        ("NO9386011117947 2024", ["NO9386011117947"]),
        ("DE88370400440532013000", []),
        ("DE893704004405320130001", []),
        ("ID12 IS THE BEST OF THEM ALL", []),
    ],
)
def test_ibans(text: str, found: list[str]) -> None:
    assert _found(network.ibans, text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("京A12345和粤B·D12345", ["京A12345", "粤B·D12345"]),
        ("沪AD12345 苏E1234学", ["沪AD12345", "苏E1234学"]),
        ("浙 A12345 川A1234 京I12345 中A12345 京A123456789", []),
        ("京ABCDEF", []),
    ],
)
def test_plates(text: str, found: list[str]) -> None:
    assert _found(network.plates, text) == found
