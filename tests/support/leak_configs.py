"""Configuration files with mistakes where secrets stand, each secret a mark: for the search for leaks."""

from __future__ import annotations

from tests.support.leaks import mark

_COUNT = 66


def marks() -> dict[str, str | bytes]:
    """The secrets that are in `files`, by name."""
    return {f"secret {number} of a wrong configuration": _secret(number) for number in range(_COUNT)}


def _secret(number: int) -> str:
    return mark(f"secret {number} of a wrong configuration")


# Values of the wrong form, secrets instead of references, secrets in URLs, under misspelt names, in place of sections.
_TYPES = """\
keys:
  - {name: a, secret: @}
  - @
  - {name: b, secret: [@]}
  - {name: c, secret: {@: x}}
  - {name: d, secret: "env:@ and more"}
  - {name: e, secrt: @}
  - {name: f, secret: "vault:@"}
  - {name: @, secret: 1, cidr: [@]}
identity:
  hash_secret: @
  jwt:
    - {issuer: "https://u:@@i", audience: [a], jwks: "https://u:@@i/keys"}
    - {issuer: i, audience: [a], jwks: "https://i/keys?token=@", proxy: "http://u:@@p:1"}
providers:
  a: {type: deepseek, key: @}
  b: @
  c: {type: openai, base_url: "https://u:@@h/v1"}
  d: {type: openai, base_url: "https://h/v1?key=@"}
  e: {type: openai, apikey: @}
  f: {type: deepseek, key: "env:UPSTREAM_KEY", proxy: "http://u:@@h:1"}
  g: {type: deepseek, key: [@], when: "@"}
  h: {type: @, tls: {key: "-----BEGIN PRIVATE KEY-----@", certificate: x}}
  @: x
valkey: {url: "valkey://u:@@h:1/0", password: @}
database: {url: "postgresql://u:@@h/db"}
audit: {content: {key: @, id: x}}
guard: {moderation: {url: "https://u:@@h", key: @, proxy: "http://u:@@h:1"}}
privacy: {tokens: {key: @}}
"""
_SECTIONS = """\
database: @
valkey: @
audit: {content: @}
privacy: {tokens: @}
guard: {moderation: @}
identity: @
providers: @
keys: @
stages: [{use: x, settings: @}]
@: x
"""
_URLS = """\
database: {url: "mysql://u:@@h/db"}
valkey: {url: "valkey://h:1/0?password=@"}
guard: {moderation: {url: "https://h/?key=@", key: "env:X @"}}
"""
# What is no YAML, or YAML that is not taken, at a secret.
_SYNTAX = (
    "keys: [{name: a, secret: x@, secret: y@}]",
    'keys:\n  - name: a\n    secret: "@',
    "keys:\n  - name: a\n    secret: x@: x: y",
    "keys:\n  - name: a\n    secret: '@",
    "keys:\n  - name: a\n    secret: *@",
    "keys:\n  - name: a\n    secret: !@ x",
    "keys:\n  - name: a\n    secret: !!@ x",
    'keys:\n  - name: a\n    secret: "\\q@"',
    "keys:\n  - name: a\n    secret: %@",
    "keys:\n  - name: a\n    secret: `@",
    "keys:\n  - name: a\n    secret: ${UNSET:-@}",
    "keys:\n  - name: a\n    secret: ${a b @}",
    "keys:\n  - name: a\n\tsecret: @",
    "keys:\n  - name: a\n    <<: @",
    "keys:\n  - name: a\n    secret: @\x01",
    "keys:\n  - name: a\n    secret: {@",
    "? [@]\n: x",
    "@",
)


def files() -> list[str]:
    """The files, every ``@`` of the texts above replaced by a mark of its own."""
    count = 0
    made = []
    for text in (_TYPES, _SECTIONS, _URLS, *_SYNTAX):
        filled = text.replace("@@", "@\0")  # the sign of a URL behind a password
        while "@" in filled:
            filled = filled.replace("@", _secret(count), 1)
            count += 1
        made.append(filled.replace("\0", "@") + "\n")
    assert count <= _COUNT, count
    return made
