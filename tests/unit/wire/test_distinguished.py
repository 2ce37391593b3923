"""Distinguished names, compared with what a library writes."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from seekgate.wire.distinguished import common_name, normalised


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", ""),
        ("CN=a", "a"),
        ("O=x,CN=a", "a"),
        ("cn=a,CN=b", "a"),
        ("OU=x+CN=a,O=y", "a"),
        (r"CN=a\,O=b", "a,O=b"),
        (r"O=a\,CN=b", ""),
        (r"CN=\"quoted\"", '"quoted"'),
        (r"CN=\E5\BC\A0", "张"),
        (r"CN=a\\,CN=b", "a\\"),
        ("CN=#0c0161", ""),
        ("CN=", ""),
        ("CN", ""),
        ("CN=a\\", "a\\"),
        (r"CN=\FF", "\ufffd"),
    ],
)
def test_the_common_name(name: str, expected: str) -> None:
    assert common_name(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (r"CN=\E5\BC\A0\E4\B8\89,O=x", "CN=张三,O=x"),
        (r"CN=a\,b", r"CN=a\,b"),
        (r"CN=a\\E5\\BC", r"CN=a\\E5\\BC"),
        (r"CN=\FF", r"CN=\FF"),
        (r"CN=a\0Ab", r"CN=a\0Ab"),
        ("CN=a", "CN=a"),
    ],
)
def test_bytes_past_ascii_become_characters(name: str, expected: str) -> None:
    assert normalised(name) == expected


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=16), st.booleans())
def test_what_a_library_writes_is_read_back(value: str, escaped: bool) -> None:
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "o, CN=not"),
            x509.NameAttribute(NameOID.COMMON_NAME, value),
        ]
    ).rfc4514_string()
    if escaped:
        name = "".join(c if ord(c) < 128 else "".join(f"\\{b:02X}" for b in c.encode()) for c in name)
    assert common_name(name) == value
    assert common_name(normalised(name)) == value


@given(st.text())
def test_any_text_at_all(name: str) -> None:
    assert isinstance(common_name(normalised(name)), str)
