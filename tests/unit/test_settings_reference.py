import re
from pathlib import Path
from typing import Any

import yaml

from seekgate.config.yaml_file import parse_tree
from seekgate.settings import BUILTIN
from seekgate.settings_reference import SECTIONS, effective, json_schema, markdown
from tests.support.configuration import MINIMAL, loaded

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"


def fits(schema: dict[str, Any], value: object, root: dict[str, Any]) -> bool:
    """As much of JSON Schema as our own schema uses."""
    if "$ref" in schema:
        return fits(root["$defs"][schema["$ref"].rpartition("/")[2]], value, root)
    if "anyOf" in schema:
        return any(fits(option, value, root) for option in schema["anyOf"])
    kind = schema.get("type")
    kinds = {
        "string": str,
        "integer": int,
        "array": list,
        "object": dict,
        "boolean": bool,
        "null": type(None),
    }
    if kind and (not isinstance(value, kinds[kind]) or (kind == "integer" and isinstance(value, bool))):
        return False
    if "const" in schema and value != schema["const"]:
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        return False
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return False
    if isinstance(value, list):
        return all(fits(schema.get("items", {}), item, root) for item in value)
    return not isinstance(value, dict) or fits_object(schema, value, root)


def fits_object(schema: dict[str, Any], value: dict[str, Any], root: dict[str, Any]) -> bool:
    if not set(schema.get("required", ())) <= value.keys():
        return False
    rest = schema.get("additionalProperties", {})
    for key, item in value.items():
        inner = schema.get("properties", {}).get(key, rest)
        if inner is False or (isinstance(inner, dict) and not fits(inner, item, root)):
            return False
    return True


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == markdown(), "run: seekgate config reference > docs/reference/configuration.md"


def test_the_example_of_the_page_is_without_errors() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", markdown(), re.DOTALL)
    assert loaded(example).warnings == ()


def test_examples_fit_the_schema() -> None:
    schema = json_schema()
    (example,) = re.findall(r"```yaml\n(.*?)```", markdown(), re.DOTALL)
    for text in (
        MINIMAL,
        example,
        BUILTIN.read_text(),
        effective(loaded(MINIMAL)),
        "listen: [{address: 'h:1'}]",
        "{}",
    ):
        tree, _ = parse_tree(text, "f", {"SEEKGATE_HOME": "/h"})
        assert fits(schema, tree.data, schema), text


def test_mistakes_do_not_fit_the_schema() -> None:
    schema = json_schema()
    for text in ("admn: off", "workers: many", "limits: {idle_timeout: 5}", "keys: [{name: a}]", "listen: [5]",
                 "keys: [{name: a, secret: literal}]", "providers: {p: {type: gopher}}"):  # fmt: skip
        tree, _ = parse_tree(text, "f", {})
        assert not fits(schema, tree.data, schema), text


def test_every_setting_is_described() -> None:
    documented = {model for _, model in SECTIONS}
    definitions = json_schema()["$defs"]
    page = markdown()
    assert definitions.keys() <= {model.__name__ for model in documented}, "a section is missing in SECTIONS"
    for _, model in SECTIONS:
        assert model.__doc__
        for name, field in model.model_fields.items():
            assert field.description, f"{model.__name__}.{name} has no description"
            assert f"| `{name}` |" in page


def test_effective_shows_secrets_as_references_only() -> None:
    shown = yaml.safe_load(effective(loaded(MINIMAL, {"APP_KEY": "sesame"})))
    assert shown["keys"][0]["secret"] == "env:APP_KEY"
    assert shown["limits"]["header_timeout"] == "10s"
    assert shown["workers"] == 1
