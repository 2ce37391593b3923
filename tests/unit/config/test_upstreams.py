from pathlib import Path

import pytest
import trustme

from seekgate.config import units
from seekgate.config.upstreams import Provider, completed, presets
from tests.support.configuration import loaded, messages

REST = "keys: [{name: app, secret: 'env:APP_KEY'}]\nengines: {small: {model: smollm2-135m}}\n"
ENVIRON = {"APP_KEY": "a", "KEY": "b"}


def one(entry: str) -> Provider:
    return loaded(f"{REST}providers: {{p: {entry}}}").settings.providers["p"]


def wrong(entry: str, folder: Path = Path("/conf"), outside: bool = False, **environ: str) -> list[str]:
    found = messages(f"{REST}providers: {{p: {entry}}}", {**ENVIRON, **environ}, folder, outside)
    return [line.removeprefix("3: providers.p") for line in found]


def test_deepseek_needs_a_key_only() -> None:
    provider = one("{type: deepseek, key: 'env:KEY'}")
    assert provider.base_url == "https://api.deepseek.com"
    assert provider.beta_path == "/beta"
    assert provider.asks_usage is False


def test_a_preset_is_overridden_by_what_is_set() -> None:
    provider = one("{preset: volcengine, key: 'env:KEY'}")
    assert (provider.type, provider.base_url) == ("openai", "https://ark.cn-beijing.volces.com/api/v3")
    assert provider.asks_usage is True
    provider = one(
        "{preset: volcengine, key: 'env:KEY', base_url: 'https://elsewhere/v1', asks_usage: false}"
    )
    assert (provider.base_url, provider.asks_usage) == ("https://elsewhere/v1", False)


def test_every_preset_is_complete() -> None:
    assert {"qianfan", "volcengine", "bailian", "lke", "siliconflow"} <= presets().keys()
    for preset in presets().values():
        assert units.parse_base(preset.base_url).scheme == "https"
        assert preset.source.startswith("https://")


def test_completing_twice_changes_nothing() -> None:
    once = completed(Provider(type="deepseek", key="env:K"))
    assert completed(once) == once


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{key: 'env:KEY'}", ": 'type' is missing; expected one of deepseek, openai, llamacpp, or a preset"),
        (
            "{type: openai, key: 'env:KEY'}",
            ": 'base_url' is missing; expected where its API begins, or a preset",
        ),
        ("{type: deepseek}", ": 'key' is missing; expected a secret reference such as env:NAME"),
        ("{preset: qianfan}", ": 'key' is missing; expected a secret reference such as env:NAME"),
        ("{type: llamacpp}", ": where it is served is missing; expected 'engine' or 'base_url'"),
        ("{type: llamacpp, engine: smal}", ".engine: no engine is called 'smal'; expected small; did"),
        (
            "{type: deepseek, key: 'env:KEY', engine: small}",
            ".engine: a provider of type deepseek has no engine",
        ),
        ("{type: llamacpp, engine: small, base_url: 'http://h'}", ".base_url: both an engine and a base URL"),
        ("{preset: volcengin, key: 'env:KEY'}", ".preset: no preset is called 'volcengin'"),
        ("{type: openai, base_url: 'https://u:p@h'}", ".base_url: a user or password inside a URL"),
        ("{type: deepseek, key: 'env:KEY', when: KEY}", ".when: 'KEY' is not a condition"),
        ("{type: deepseek, key: 'env:KEY', proxy: 'socks5://p:1'}", ".proxy: not a proxy"),
        (
            "{type: deepseek, key: 'env:KEY', proxy: 'http://u:secret@p:1'}",
            ".proxy: a proxy with a user or password",
        ),
        ("{type: deepseek, key: 'env:KEY', beta_path: beta}", ".beta_path: 'beta' is not a path"),
        ("{type: deepseek, key: 'env:KEY', tls: {certificate: c.pem}}", ".tls: 'key' is missing"),
        (
            "{type: deepseek, key: 'env:KEY', timeouts: {connect: 1ms}}",
            ".timeouts.connect: '1ms' is too small; expected at least 50ms",
        ),
    ],
)
def test_what_is_wrong(entry: str, message: str) -> None:
    (found,) = wrong(entry)
    assert found.startswith(message)
    assert "secret@" not in found


def test_an_openai_provider_without_a_key_is_fine() -> None:
    assert wrong("{type: openai, base_url: 'http://127.0.0.1:8000/v1'}") == []


def test_a_key_that_is_not_set_matters_only_where_the_provider_exists() -> None:
    assert wrong("{type: deepseek, key: 'env:GONE'}", outside=True)[0].startswith(
        ".key: the environment variable GONE"
    )
    assert wrong("{type: deepseek, key: 'env:GONE', when: 'env:GONE'}", outside=True) == []


def test_a_proxy_from_the_environment_is_checked() -> None:
    entry = "{type: deepseek, key: 'env:KEY'}"
    assert wrong(entry, outside=True, HTTPS_PROXY="http://p:1") == []
    (found,) = wrong(entry, outside=True, HTTPS_PROXY="socks5://p:1")
    assert found.startswith(".proxy: HTTPS_PROXY: not a proxy")
    assert (
        wrong("{type: deepseek, key: 'env:KEY', proxy: none}", outside=True, HTTPS_PROXY="socks5://p:1") == []
    )


def test_certificates(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued = authority.issue_cert("client")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "c.pem")
    issued.private_key_pem.write_to_path(tmp_path / "c.key")
    (tmp_path / "junk.pem").write_text("junk")

    def check(tls: str) -> list[str]:
        return wrong(f"{{type: deepseek, key: 'env:KEY', tls: {tls}}}", tmp_path, outside=True)

    assert check("{ca: ca.pem, certificate: c.pem, key: c.key}") == []
    assert check("{ca: junk.pem}") == [
        ".tls.ca: holds no certificate that can be used; expected a PEM bundle of authorities"
    ]
    assert check("{certificate: c.pem, key: junk.pem}")[0].startswith(
        ".tls.certificate: this certificate and key"
    )
    assert check("{ca: gone.pem}")[0].startswith(f".tls.ca: cannot read {tmp_path}/gone.pem")


def test_forwarded_headers_are_names_that_the_gateway_does_not_need_itself() -> None:
    entry = "{type: openai, base_url: 'https://a/v1', forward_headers: [%s]}"
    assert one(entry % "X-Tenant, x-emulate").forward_headers == ["x-tenant", "x-emulate"]
    for name in ("Authorization", "content-length", "HOST", "transfer-encoding"):
        (line,) = wrong(entry % name)
        assert "the gateway's own" in line
    (line,) = wrong(entry % "'a b'")
    assert "not the name of a header" in line
