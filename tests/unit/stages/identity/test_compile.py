"""Identity settings in the snapshot."""

from __future__ import annotations

from pathlib import Path

from seekgate.compiler import compile_settings
from seekgate.config.compiled import identity as compiled
from seekgate.config.snapshot import Key
from seekgate.settings import load_text

TEXT = """
keys:
  - {name: a, secret: "file:a.key", cidr: [10.0.0.0/8], organisation: acme, team: sales, application: shop, tier: core,
     roles: [user]}
identity:
  hash_secret: file:hash
  require: certificate+key
  jwt:
    - issuer: https://login.example
      audience: [seekgate]
      jwks: https://login.example/keys
      algorithms: [ES256]
      skew: 1m
      max_stale: 2h
      claims: {roles: realm.roles}
      role_map: {admin: [auditor]}
      team: sales
    - {issuer: local, audience: [x], jwks: keys.json, ca: ca.pem, proxy: "http://proxy:3128"}
  mtls:
    - {match: {spiffe: "spiffe://acme.example/**"}, name: mesh, organisation: acme, roles: [user]}
"""


def made(environ: dict[str, str] | None = None) -> tuple[compiled.Identity, Key]:
    snapshot = compile_settings(load_text(TEXT, environ=environ or {}, folder=Path("/etc/seekgate")), 1)
    return snapshot.identity, snapshot.keys[0]


def test_everything_arrives() -> None:
    identity, key = made()
    assert key == Key(
        "a", "file:/etc/seekgate/a.key", ("10.0.0.0/8",), "acme", "sales", "shop", "core", ("user",)
    )
    assert (identity.hash_secret, identity.require) == ("file:/etc/seekgate/hash", "certificate+key")
    first, second = identity.jwt
    assert first == compiled.Issuer(
        "https://login.example",
        ("seekgate",),
        "https://login.example/keys",
        ("ES256",),
        skew=60.0,
        max_stale=7200.0,
        claims=compiled.Claims(roles="realm.roles"),
        role_map={"admin": ("auditor",)},
        team="sales",
    )
    assert (second.jwks, second.ca, second.proxy) == ("/etc/seekgate/keys.json", "/etc/seekgate/ca.pem", None)
    assert identity.mtls == (
        compiled.Certificate(
            spiffe="spiffe://acme.example/**", name="mesh", organisation="acme", roles=("user",)
        ),
    )


def test_the_environments_proxy() -> None:
    identity, _ = made({"HTTPS_PROXY": "http://gate:3128"})
    assert [each.proxy for each in identity.jwt] == ["http://gate:3128", None]
    identity, _ = made({"HTTPS_PROXY": "http://gate:3128", "NO_PROXY": ".example"})
    assert identity.jwt[0].proxy is None
