from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.configuration import loaded, messages, problems


def test_keys() -> None:
    (key,) = loaded("keys: [{name: app, secret: 'env:K', cidr: [10.0.0.0/8, '::1']}]").settings.keys
    assert (key.name, key.secret, key.cidr) == ("app", "env:K", ["10.0.0.0/8", "::1/128"])


def test_a_name_or_a_reference_that_two_keys_share() -> None:
    text = """keys:
  - {name: app, secret: "env:A"}
  - {name: app, secret: "env:B"}
  - {name: other, secret: "env:A"}
"""
    assert messages(text) == [
        "3: keys[1].name: the name 'app' is taken (line 2); expected another name",
        "4: keys[2].secret: the same secret as the key on line 2; expected a secret of its own",
    ]


def test_two_references_to_one_secret_are_found_without_showing_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame\n")
    (tmp_path / "key").chmod(0o600)
    text = "keys:\n  - {name: a, secret: 'env:A'}\n  - {name: b, secret: 'file:key'}\n"
    found = messages(text, {"A": "sesame"}, tmp_path, outside=True)
    assert found == ["3: keys[1].secret: the same secret as the key on line 2; expected a secret of its own"]
    assert messages(text, {"A": "other"}, tmp_path, outside=True) == []


def test_secrets_that_cannot_be_read(tmp_path: Path) -> None:
    text = "keys:\n  - {name: a, secret: 'env:A'}\n  - {name: b, secret: 'file:gone'}\n"
    assert messages(text, {}, tmp_path, outside=True) == [
        "2: keys[0].secret: the environment variable A is not set; "
        "expected a secret that can be read when the gateway starts",
        f"3: keys[1].secret: cannot read {tmp_path}/gone: No such file or directory; "
        "expected a secret that can be read when the gateway starts",
    ]


def test_a_file_that_everybody_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sesame")
    (tmp_path / "key").chmod(0o644)
    (warning,) = problems("keys: [{name: a, secret: 'file:key'}]", {}, tmp_path, outside=True)
    assert warning.warning
    assert warning.what.endswith("(mode 0644)")


def test_a_literal_secret_is_refused_and_not_repeated() -> None:
    (found,) = messages("keys: [{name: a, secret: sesame}]")
    assert found.startswith("1: keys[0].secret: a secret must not stand in this file; expected a reference")
    assert "sesame" not in found


def test_where_a_key_belongs() -> None:
    where = "organisation: acme, team: sales, application: shop, tier: core, roles: [user]"
    text = f"keys: [{{name: a, secret: 'env:A', {where}}}]"
    (key,) = loaded(text).settings.keys
    assert (key.organisation, key.team, key.application, key.tier, key.roles) == (
        "acme", "sales", "shop", "core", ["user"],
    )  # fmt: skip


JWT = """identity:
  jwt:
    - issuer: https://login.example
      audience: [seekgate]
      jwks: {jwks}
"""


def test_an_issuer_with_its_defaults() -> None:
    (issuer,) = loaded(JWT.format(jwks="https://login.example/keys")).settings.identity.jwt
    assert (issuer.algorithms, issuer.skew, issuer.claims.user) == (["RS256", "ES256", "EdDSA"], 30.0, "sub")


@pytest.mark.parametrize(
    ("jwks", "what"),
    [
        ("http://login.example/keys", "keys that come without TLS can be anybody's"),
        ("https://u:p@login.example/keys", "a URL with credentials in it"),
        ("https:///keys", "not the URL of a document"),
        ("https://login.example:x/keys", "not a URL"),
        ("ftp://login.example/keys", "keys that come without TLS can be anybody's"),
        ("http://127.0.0.1:8000/keys", ""),
        ("https://login.example:8443/keys?a=b", ""),
        ("keys.json", ""),
    ],
)
def test_where_keys_come_from(jwks: str, what: str) -> None:
    found = [line for line in messages(JWT.format(jwks=jwks)) if "jwks" in line]
    assert [what in line for line in found] == ([True] if what else [])
    assert "u:p" not in "".join(found)


def test_only_signatures_can_be_allowed() -> None:
    text = JWT.format(jwks="k.json") + "      algorithms: [HS256, none]\n"
    assert len([line for line in messages(text) if "algorithms" in line]) == 2


def test_an_audience_must_be_named() -> None:
    assert any("audience" in line for line in messages(JWT.format(jwks="k").replace("[seekgate]", "[]")))


def test_an_issuer_that_stands_there_twice() -> None:
    text = JWT.format(jwks="k.json") + JWT.format(jwks="k.json").split("jwt:\n")[1]
    assert "this issuer is there already (line 3)" in "".join(messages(text))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    text = JWT.format(jwks="gone.json") + "      ca: gone.pem\n"
    found = messages(text, {}, tmp_path, outside=True)
    assert len([line for line in found if "No such file or directory" in line]) == 2


def test_a_proxy_of_the_environment_that_cannot_be_used(tmp_path: Path) -> None:
    text = JWT.format(jwks="https://login.example/keys")
    assert "HTTPS_PROXY" in "".join(messages(text, {"HTTPS_PROXY": "socks5://p"}, tmp_path, outside=True))
    assert "HTTPS_PROXY" not in "".join(
        messages(text + "      proxy: none\n", {"HTTPS_PROXY": "socks5://p"}, tmp_path, outside=True)
    )


@pytest.mark.parametrize(
    ("match", "what"),
    [
        ("{}", "would match every certificate"),
        ("{san: '**'}", "** stands somewhere else"),
        ("{san: 'a/**/b'}", "** stands somewhere else"),
        ("{spiffe: '*'}", "not a pattern of SPIFFE ids"),
        ("{spiffe: 'spiffe://*/x'}", "not a pattern of SPIFFE ids"),
        ("{san: ''}", "not a pattern"),
        ("{spiffe: 'spiffe://acme.example/ns/*/**'}", ""),
        ("{subject: 'CN=*,O=Acme', san: '*.acme.example'}", ""),
    ],
)
def test_patterns_of_certificates(match: str, what: str) -> None:
    found = [line for line in messages(f"identity:\n  mtls:\n    - match: {match}\n") if "mtls" in line]
    assert [what in line for line in found] == ([True] if what else [])


def test_a_hash_secret_must_be_long_enough(tmp_path: Path) -> None:
    text = "identity: {hash_secret: 'env:H'}"
    assert "at least 32 characters" in "".join(messages(text, {"H": "short"}, tmp_path, outside=True))
    assert "hash_secret" not in "".join(messages(text, {"H": "x" * 32}, tmp_path, outside=True))


@pytest.mark.parametrize(
    "text", ["database: {}", JWT.format(jwks="k.json"), "identity: {mtls: [{match: {san: a.example}}]}"]
)
def test_keys_are_missed_only_where_nothing_else_says_who_calls(text: str) -> None:
    assert not [each for each in problems(text) if "there is no API key" in each.what]
    assert [each for each in problems("workers: 1") if "there is no API key" in each.what]
