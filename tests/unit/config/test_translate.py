import pytest

from seekgate.config.front_door import Limits
from seekgate.config.translate import inner_type
from seekgate.settings import Settings
from tests.support.configuration import MINIMAL, messages


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("limits: 5", "5: limits: 5 is not a mapping; expected a mapping"),
        (
            "limits: {header_count: x}",
            "5: limits.header_count: 'x' is not a whole number; expected a whole number",
        ),
        (
            "limits: {header_count: 1.5}",
            "5: limits.header_count: 1.5 is not a whole number; expected a whole number",
        ),
        ("limits: {header_count: 1}", "5: limits.header_count: 1 is too small; expected at least 8"),
        ("limits: {body_bytes: 3GiB}", "5: limits.body_bytes: '3GiB' is too large; expected at most 2GiB"),
        ("limits: {idle_timeout: 48h}", "5: limits.idle_timeout: '48h' is too large; expected at most 24h"),
        (
            "limits: {header_count: }",
            "5: limits.header_count: nothing is written here; expected a whole number",
        ),
        ("limits:", "5: limits: nothing is written here; expected a mapping"),
        ("limits: secret", "5: limits: text is not a mapping; expected a mapping"),
        ("routes: secret", "5: routes: text is not a list; expected a list"),
        ("routes: {a: 1}", "5: routes: a mapping is not a list; expected a list"),
        ("engines: []", "5: engines: a list is not a mapping; expected a mapping of names"),
        ("engines: {e: {}}", "5: engines.e: 'model' is missing"),
        (
            "engines: {e: {model: 5}}",
            "5: engines.e.model: 5 is not text; expected text (put quotes around it)",
        ),
        (
            "engines: {e: {model: m, embeddings: 'no'}}",
            "5: engines.e.embeddings: 'no' is neither true nor false; expected true or false",
        ),
        (
            "admn: off",
            f"5: admn: unknown key; expected one of {', '.join(Settings.model_fields)}; did you mean 'admin'?",
        ),
        (
            "trusted_proxies: [10.0.0.1/8]",
            "5: trusted_proxies[0]: the address has bits beyond the length of its prefix; expected a network such as "
            "10.0.0.0/8, 2001:db8::/32, or one address; did you mean '10.0.0.0/8'?",
        ),
    ],
)
def test_messages(text: str, message: str) -> None:
    assert messages(MINIMAL + text) == [message]


def test_deployments() -> None:
    text = """providers: {p: {type: deepseek, key: 'env:K'}}
models:
  a: {deployments: []}
  b:
    deployments:
      - provider: p
        tier: privat
        region: LONG
""".replace("LONG", "x" * 65)
    assert messages(text) == [
        "3: models.a.deployments: too few entries; expected at least one",
        "7: models.b.deployments[0].tier: 'privat' is not known here; expected one of public, private; "
        "did you mean 'private'?",
        "8: models.b.deployments[0].region: too long; expected at most 64 characters",
    ]


def test_a_secret_of_another_type_is_not_repeated() -> None:
    (found,) = messages("keys: [{name: a, secret: 12345678}]")
    assert "12345678" not in found


def test_a_variables_value_is_not_repeated() -> None:
    found = messages(MINIMAL + "workers: ${N}", {"N": "very secret"})
    assert found == ["5: workers: '${N}' is not a count; expected a whole number, or auto"]


def test_types_are_found_through_their_wrappers() -> None:
    assert inner_type(Limits | None) is Limits
    assert inner_type(Settings.model_fields["limits"].annotation) is Limits
