from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seekgate.config.problems import ConfigError
from seekgate.settings import BUILTIN, CHECKS, Settings, load, load_text
from seekgate.settings_reference import effective
from tests.support.configuration import MINIMAL, loaded, messages, problems


def test_types_and_references_are_reported_in_one_pass() -> None:
    text = "workers: -1\nproviders: {a: {type: deepseek, key: 'env:K'}}\nmodels: {m: {deployments: [{provider: b}]}}"
    assert [line.partition(":")[0] for line in messages(text)] == ["1", "3"]


def test_one_mistake_has_one_message() -> None:
    assert len(messages("keys: [{name: a, secret: 'env:K'}, {name: a, secret: 'env:J'}]")) == 1
    assert len(messages("listen: ${GONE}")) == 1


def test_the_builtin_configuration(tmp_path: Path) -> None:
    (tmp_path / "demo.key").write_text("demo")
    local = load(environ={}, home=tmp_path)
    assert local.absent == {"deepseek"}
    assert local.settings.listen[0].address == "127.0.0.1:8080"
    assert local.settings.keys[0].cidr == ["127.0.0.0/8", "::1/128"]
    both = load(environ={"DEEPSEEK_API_KEY": "x", "SEEKGATE_LISTEN": "127.0.0.1:0"}, home=tmp_path)
    assert both.absent == frozenset()
    assert both.settings.listen[0].address == "127.0.0.1:0"


def test_the_builtin_configuration_needs_its_demo_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(environ={}, home=tmp_path)
    (problem,) = caught.value.problems
    assert (problem.file, problem.path) == (str(BUILTIN), "keys[0].secret")


def test_defaults_that_follow_from_the_provider() -> None:
    text = """
keys: [{name: app, secret: "env:K"}]
engines: {small: {model: smollm2-135m, embeddings: true}}
providers:
  cloud: {type: deepseek, key: "env:K"}
  other: {preset: qianfan, key: "env:K"}
  local: {type: llamacpp, engine: small}
models:
  m:
    deployments:
      - {provider: cloud}
      - {provider: other, model: m-on-qianfan, capabilities: [chat, completions]}
      - {provider: local, tier: public}
      - {provider: local, id: mine}
      - {provider: cloud, weight: 0}
"""
    deployments = loaded(text).settings.models["m"].deployments
    assert [one.id for one in deployments] == ["m@cloud", "m@other", "m@local", "mine", "m@cloud-2"]
    assert [one.model for one in deployments] == ["m", "m-on-qianfan", "m", "m", "m"]
    assert [one.tier for one in deployments] == ["public", "public", "public", "private", "public"]
    assert deployments[0].capabilities == ["chat", "completions", "fim", "prefix"]
    assert deployments[1].capabilities == ["chat", "completions"]
    assert deployments[2].capabilities == ["chat", "completions", "embeddings"]


def test_no_key_is_a_warning() -> None:
    assert [str(one) for one in problems("")] == [
        "<text>:1: keys: warning: there is no API key, so every request is refused with 401"
    ]


def test_what_is_shown_can_be_loaded_and_means_the_same() -> None:
    one = loaded(MINIMAL)
    again = loaded(effective(one))
    assert again.settings == one.settings


def test_every_capability_has_its_check_in_the_list() -> None:
    modules = {check.__module__ for check in CHECKS}
    stages = Path(BUILTIN).parents[1] / "stages"
    for path in stages.glob("*/config.py"):
        assert f"seekgate.stages.{path.parent.name}.config" in modules


names = st.sampled_from(
    [*Settings.model_fields, "type", "key", "provider", "deployments", "name", "secret", "tls"]
)
words = st.sampled_from(["env:K", "cloud", "10s", "127.0.0.1:1", "deepseek"])
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), words)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=12,
)


@given(tree=st.dictionaries(names, trees, max_size=5))
def test_no_structure_raises_anything_but_our_error(tree: object) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True)
    try:
        one = load_text(text, environ={}, folder=Path("/conf"))
    except ConfigError as error:
        found = error.problems
    else:
        found = one.warnings
    assert all(str(problem) for problem in found)


@given(text=st.text(max_size=100))
def test_no_text_raises_anything_but_our_error(text: str) -> None:
    assert isinstance(problems(text), tuple)
