"""X-Forwarded-Client-Cert: what Envoy writes, and what somebody writes who wants to be taken for another."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seekgate.wire.xfcc import Element, XfccError, parse

HASH = "468ed33be74eee6556d90c0149c1309e9ba61d6425303443c0748a02dd8de688"


def test_elements_as_envoy_documents_them() -> None:
    value = (
        f'By=http://frontend.example.com;Hash={HASH};Subject="/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test Client";'
        f"URI=http://testclient.example.com,By=http://backend.example.com;Hash={HASH.upper()};"
        "URI=http://frontend.example.com;DNS=a.example;DNS=b.example"
    )
    first, last = parse(value.encode())
    assert first.by == ("http://frontend.example.com",)
    assert first.subject == "/C=US/ST=CA/L=San Francisco/OU=Lyft/CN=Test Client"
    assert last == Element(
        by=("http://backend.example.com",),
        hash=HASH,
        uris=("http://frontend.example.com",),
        dns=("a.example", "b.example"),
    )


def test_certificates_are_percent_encoded() -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMIIB+/=\n-----END CERTIFICATE-----\n"
    (element,) = parse(f'Cert="{quote(pem, safe="")}";Chain="{quote(pem * 2, safe="")}"'.encode())
    assert (element.cert, element.chain) == (pem, pem * 2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'Subject="";URI=spiffe://td/a', Element(uris=("spiffe://td/a",))),
        (b'subject="CN=a\\,b,O=\\"x\\""', Element(subject='CN=a\\,b,O=\\"x\\"')),
        (b'URI="https://a/?x=1;y,\\"z\\""', Element(uris=('https://a/?x=1;y,"z"',))),
        (b"URI=", Element()),
        (b"Unknown=x;DNS=a", Element(dns=("a",))),
        ("URI=spiffe://td/张".encode(), Element(uris=("spiffe://td/张",))),
        (b" URI=a ; DNS=b ", Element(uris=("a",), dns=("b",))),
    ],
)
def test_one_element(value: bytes, expected: Element) -> None:
    assert parse(value) == [expected]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b",",
        b"By=a,",
        b"By=a;",
        b"nonsense",
        b"=a",
        b'Subject="a',
        b'Subject="a"b',
        b'Subject="a";Subject="b"',
        b"Hash=12",
        b"Hash=" + b"g" * 64,
        f"Hash={HASH};hash={HASH}".encode(),
        b'URI=a"b',
        b"URI=\xff",
        b"Cert=%FF",
        b"By=" + b" " * 30_000 + b'"',  # in time in proportion to its length
        b'By="a"' + b" " * 30_000 + b'"',
    ],
    ids=lambda value: repr(value[:40]),
)
def test_what_is_malformed_is_refused_whole(value: bytes) -> None:
    with pytest.raises(XfccError):
        parse(value)


OWN = f'By=spiffe://td/gate;Hash={HASH};Subject="CN=caller,O=x";URI=spiffe://td/caller'
FIELDS = [
    "Subject",
    "URI",
    "By",
    "Hash",
    "DNS",
    "=",
    ";",
    ",",
    '"',
    "\\",
    "\\\\",
    '\\"',
    "spiffe://td/admin",
    HASH,
    " ",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(FIELDS)).map("".join)))
@example('Subject="')
@example('Subject="\\')
@example('URI=spiffe://td/admin;Subject="x')
def test_nothing_before_the_last_element_changes_it(written_by_the_caller: str) -> None:
    """A proxy that appends sends what its caller wrote, a comma, and its own element."""
    value = f"{written_by_the_caller},{OWN}".encode(errors="replace")
    try:
        last = parse(value)[-1]
    except XfccError:
        return
    assert last == parse(OWN.encode())[0]


texts = st.text(st.characters(codec="utf-8", exclude_characters="\\"), max_size=40)


@given(
    st.lists(
        st.tuples(texts, st.lists(texts, max_size=3), st.lists(texts, max_size=3)), min_size=1, max_size=4
    )
)
def test_what_is_written_is_read(written: list[tuple[str, list[str], list[str]]]) -> None:
    def quoted(value: str) -> str:
        return '"' + value.replace('"', '\\"') + '"'

    value = ",".join(
        ";".join(
            [
                f"Subject={quoted(subject)}",
                *(f"URI={quoted(uri)}" for uri in uris),
                *(f"DNS={quoted(name)}" for name in dns),
            ]
        )
        for subject, uris, dns in written
    )
    assert [(e.subject.replace('\\"', '"'), e.uris, e.dns) for e in parse(value.encode())] == [
        (subject, tuple(filter(None, uris)), tuple(filter(None, dns))) for subject, uris, dns in written
    ]


@given(st.binary(max_size=300))
def test_any_bytes_at_all(value: bytes) -> None:
    try:
        found = parse(value)
    except XfccError:
        return
    assert found
