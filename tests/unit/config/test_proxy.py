import pytest

from seekgate.config.problems import Invalid
from seekgate.config.proxy import bypassed, parse_proxy, proxy_for
from seekgate.config.units import Base

CLOUD = Base("https", "api.deepseek.com", 443, "")
PLAIN = Base("http", "10.0.0.7", 8000, "/v1")


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:3128"}, "http://p:3128"),
        ({"HTTPS_PROXY": "http://p:3128/"}, "http://p:3128"),
        ({"HTTPS_PROXY": "p:3128"}, "http://p:3128"),
        ({"HTTPS_PROXY": "http://p"}, "http://p:80"),
        ({"HTTPS_PROXY": "http://[::1]:3128"}, "http://[::1]:3128"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://big:1"}, "http://small:1"),
        ({"ALL_PROXY": "http://all:1"}, "http://all:1"),
        ({"HTTPS_PROXY": "", "ALL_PROXY": "http://all:1"}, "http://all:1"),
        ({"http_proxy": "http://p:1"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "localhost, .deepseek.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "example.com"}, "http://p:1"),
    ],
)
def test_for_https(environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(CLOUD, environ) == proxy


def test_for_http_capitals_are_not_read() -> None:
    assert proxy_for(PLAIN, {"HTTP_PROXY": "http://p:1"}) is None
    assert proxy_for(PLAIN, {"http_proxy": "http://p:1"}) == "http://p:1"


@pytest.mark.parametrize("value", ["https://p:1", "socks5://p:1", "http://p:1/path", "http://p:x", "http://"])
def test_other_proxies_are_refused_naming_the_variable(value: str) -> None:
    with pytest.raises(Invalid, match=r"^HTTPS_PROXY: "):
        proxy_for(CLOUD, {"HTTPS_PROXY": value})


def test_a_password_is_refused_and_not_repeated() -> None:
    with pytest.raises(Invalid, match="user or password") as caught:
        parse_proxy("http://me:hunter2@p:1")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "port", "no_proxy", "expected"),
    [
        ("api.deepseek.com", 443, "*", True),
        ("api.deepseek.com", 443, "deepseek.com", True),
        ("api.deepseek.com", 443, "*.deepseek.com", True),
        ("API.DeepSeek.com.", 443, "api.deepseek.COM", True),
        ("notdeepseek.com", 443, "deepseek.com", False),
        ("api.deepseek.com", 443, "deepseek.com:8443", False),
        ("api.deepseek.com", 443, "deepseek.com:443", True),
        ("10.1.2.3", 80, "10.0.0.0/8", True),
        ("10.1.2.3", 80, "10.1.2.3", True),
        ("11.1.2.3", 80, "10.0.0.0/8", False),
        ("::1", 80, "[::1]:80", True),
        ("::1", 80, "::1", True),
        ("10.1.2.3", 80, "example.com", False),
        ("host", 80, "", False),
        ("host", 80, " , ,.", False),
    ],
)
def test_no_proxy(host: str, port: int, no_proxy: str, expected: bool) -> None:
    assert bypassed(host, port, no_proxy) is expected
