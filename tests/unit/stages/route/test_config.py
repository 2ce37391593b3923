import pytest

from seekgate.stages.route.config import RESERVED
from tests.support.configuration import MINIMAL, loaded, messages

PROVIDERS = (
    "providers: {cloud: {type: deepseek, key: 'env:K'}, local: {type: openai, base_url: 'http://h/v1'}}\n"
)


def test_defaults() -> None:
    model = loaded(MINIMAL).settings.models["deepseek-v4-pro"]
    assert (model.aliases, model.owned_by) == ([], "seekgate")
    assert (model.deployments[0].weight, model.deployments[0].region) == (100, "")


def test_unknown_providers() -> None:
    assert messages(PROVIDERS + "models: {m: {deployments: [{provider: clod}]}}") == [
        "2: models.m.deployments[0].provider: no provider is called 'clod'; expected one of cloud, local; "
        "did you mean 'cloud'?"
    ]


def test_names_that_two_models_share() -> None:
    text = (
        PROVIDERS
        + """models:
  a:
    aliases: [b, x, x]
    deployments: [{provider: cloud}]
  b:
    aliases: [x]
    deployments: [{provider: cloud}]
"""
    )
    assert messages(text) == [
        "4: models.a.aliases[0]: 'b' is already a model (line 6); expected a name that no other model has",
        "4: models.a.aliases[2]: 'x' is already an alias (line 4); expected a name that no other model has",
        "7: models.b.aliases[0]: 'x' is already an alias (line 4); expected a name that no other model has",
    ]


def test_ids_only_once() -> None:
    text = (
        PROVIDERS
        + """models:
  a:
    deployments:
      - {provider: cloud, id: one}
      - {provider: local, id: one}
"""
    )
    assert messages(text) == [
        "6: models.a.deployments[1].id: the id 'one' is taken (line 5); expected another id"
    ]


def test_capabilities() -> None:
    text = PROVIDERS + "models: {a: {deployments: [{provider: cloud, capabilities: [chat, embedding]}]}}"
    assert messages(text) == [
        "2: models.a.deployments[0].capabilities[1]: 'embedding' is not known here; expected one of chat, "
        "completions, embeddings, fim, prefix; did you mean 'embeddings'?"
    ]


@pytest.mark.parametrize("prefix", ["/v1", "/v1/deepseek", "/beta", "/chat", "/models/x", "/embeddings"])
def test_reserved_prefixes(prefix: str) -> None:
    (found,) = messages(MINIMAL + f"routes: [{{prefix: {prefix}}}]")
    assert found.startswith(
        f"5: routes[0].prefix: the prefix '{prefix}' collides with a path that is served already"
    )


def test_a_prefix_may_contain_a_reserved_word_later() -> None:
    assert "v1" in RESERVED
    assert loaded(MINIMAL + "routes: [{prefix: /api/v1}]").settings.routes[0].prefix == "/api/v1"


def test_routes() -> None:
    text = MINIMAL + "routes:\n  - {prefix: /a, models: [deepseek-v4]}\n  - {prefix: /a}\n"
    assert messages(text) == [
        "6: routes[0].models[0]: no model is called 'deepseek-v4'; expected deepseek-v4-pro; "
        "did you mean 'deepseek-v4-pro'?",
        "7: routes[1].prefix: the prefix '/a' is taken (line 6); expected another prefix",
    ]
