import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seekgate.config import units
from seekgate.config.problems import Invalid


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("10s", 10),
        ("2m", 120),
        ("1h", 3600),
        ("1m30s", 90),
        ("0.5s", 0.5),
        ("0s", 0),
        ("1h1ms", 3600.001),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value", ["", "10", "s", "10 s", "-1s", "1d", "1s1m", "1e3s", "٣s", None, True, [], "1" * 99 + "s"]
)
def test_no_durations(value: object) -> None:
    with pytest.raises(Invalid, match="not a duration"):
        units.parse_duration(value)


@pytest.mark.parametrize("value", [10, 0, 1.5])
def test_a_bare_number_is_no_duration(value: float) -> None:
    with pytest.raises(Invalid) as caught:
        units.parse_duration(value)
    assert caught.value.hint == f"did you mean '{value}s'?"


@given(milliseconds=st.integers(min_value=0, max_value=10**9))
def test_a_formatted_duration_reads_back(milliseconds: int) -> None:
    text = units.format_duration(milliseconds / 1000)
    assert units.parse_duration(text) == pytest.approx(milliseconds / 1000)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0, 0),
        (1024, 1024),
        ("1024", 1024),
        ("32KiB", 32768),
        ("32kib", 32768),
        ("8MB", 8_000_000),
        ("1 GiB", 2**30),
        ("5B", 5),
    ],
)
def test_sizes(value: object, size: int) -> None:
    assert units.parse_size(value) == size


@pytest.mark.parametrize(
    "value", ["", "32 megabytes", "1.5MB", "-1", -1, True, None, 1.0, "1TiB", "KiB", "9" * 40]
)
def test_no_sizes(value: object) -> None:
    with pytest.raises(Invalid, match="not a size"):
        units.parse_size(value)


@given(size=st.integers(min_value=0, max_value=2**40))
def test_a_formatted_size_reads_back(size: int) -> None:
    assert units.parse_size(units.format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("[::1]:0", "::1", 0),
        ("[0:0::1]:65535", "::1", 65535),
        ("gate.example.com:443", "gate.example.com", 443),
        ("localhost:1", "localhost", 1),
    ],
)
def test_addresses(text: str, host: str, port: int) -> None:
    address = units.parse_address(text)
    assert address == (host, port)
    assert units.parse_address(units.format_address(*address)) == address


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("127.0.0.1", "the port is missing"),
        ("127.0.0.1:", "the port is missing"),
        ("[::1]", "the port is missing"),
        ("127.0.0.1:65536", "out of range"),
        ("h:" + "9" * 5000, "out of range"),
        (":8080", "the host is missing"),
        ("::1:8080", "without brackets"),
        ("[::g]:1", "not an IPv6 address"),
        ("999.0.0.1:1", "not an IPv4 address"),
        ("a b:1", "not a host name"),
        ("-a:1", "not a host name"),
        ("a..b:1", "not a host name"),
        ("h:١", "not an address"),
        (8080, "not an address"),
        ("*:80", "not a host name"),
    ],
)
def test_no_addresses(value: object, what: str) -> None:
    with pytest.raises(Invalid, match=what):
        units.parse_address(value)


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("https://api.deepseek.com", ("https", "api.deepseek.com", 443, "")),
        ("http://127.0.0.1:8000/v1/", ("http", "127.0.0.1", 8000, "/v1")),
        ("https://[2001:db8::1]:8443/api/v3", ("https", "2001:db8::1", 8443, "/api/v3")),
    ],
)
def test_bases(text: str, base: tuple[str, str, int, str]) -> None:
    assert units.parse_base(text) == base


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("https://user:pw@host/v1", "user or password"),
        ("https://user@host", "user or password"),
        ("ftp://host", "not an http:// or https://"),
        ("host/v1", "not an http:// or https://"),
        ("https:///v1", "not an http:// or https://"),
        ("https://host?x=1", "query"),
        ("https://host#x", "query"),
        ("https://host:99999", "not a URL"),
        ("https://[::1", "not a URL"),
        ("https://ho st", "not a URL"),
        ("https://host/\r\nX: 1", "not a URL"),
        ("https://:80", "not a host name"),
        (5, "not a URL"),
    ],
)
def test_no_bases(value: object, what: str) -> None:
    with pytest.raises(Invalid, match=what) as caught:
        units.parse_base(value)
    assert "pw" not in str(caught.value)


def test_networks() -> None:
    assert units.parse_network("10.0.0.0/8") == "10.0.0.0/8"
    assert units.parse_network("10.1.2.3") == "10.1.2.3/32"
    assert units.parse_network("2001:DB8::/32") == "2001:db8::/32"
    with pytest.raises(Invalid) as caught:
        units.parse_network("10.0.0.1/8")
    assert caught.value.hint == "did you mean '10.0.0.0/8'?"
    for value in ("", "x", "10.0.0.0/33", 5):
        with pytest.raises(Invalid, match="not a network"):
            units.parse_network(value)


@given(text=st.text(max_size=40))
def test_no_text_raises_anything_but_invalid(text: str) -> None:
    for parse in (
        units.parse_duration,
        units.parse_size,
        units.parse_address,
        units.parse_base,
        units.parse_network,
    ):
        with contextlib.suppress(Invalid):
            parse(text)
