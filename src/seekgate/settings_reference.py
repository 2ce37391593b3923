"""What can be said about settings from their types alone: the JSON Schema, the reference page, the effective values."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel

from seekgate.config import database, front_door, own_stages, units, upstreams
from seekgate.config import engines as engine
from seekgate.config.translate import inner_type
from seekgate.settings import Loaded, Settings
from seekgate.stages.access import config as access
from seekgate.stages.audit import config as audit
from seekgate.stages.guard import config as guard
from seekgate.stages.identity import config as identity
from seekgate.stages.privacy import config as privacy
from seekgate.stages.quota import config as quota
from seekgate.stages.route import config as route

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", Settings),
    ("listen", front_door.Listen),
    ("listen.tls", front_door.ListenTls),
    ("listen.tls.certificates", front_door.CertificatePair),
    ("limits", front_door.Limits),
    ("keys", identity.Key),
    ("identity", identity.Identity),
    ("identity.jwt", identity.Issuer),
    ("identity.jwt.claims", identity.Claims),
    ("identity.mtls", identity.Certificate),
    ("identity.mtls.match", identity.Match),
    ("providers", upstreams.Provider),
    ("providers.tls", upstreams.UpstreamTls),
    ("providers.timeouts", upstreams.Timeouts),
    ("engines", engine.Engine),
    ("models", route.Model),
    ("models.deployments", route.Deployment),
    ("routes", route.Route),
    ("roles", access.Role),
    ("roles.grants", access.Grant),
    ("bindings", access.Binding),
    ("access", access.Access),
    ("privacy", privacy.Privacy),
    ("privacy.own", privacy.Own),
    ("privacy.rules", privacy.Rule),
    ("privacy.tokens", privacy.Tokens),
    ("privacy.answers", privacy.Answers),
    ("quota", quota.Quota),
    ("quota.queue", quota.Queue),
    ("quota.limits", quota.Limit),
    ("quota.limits.requests", quota.Windows),
    ("quota.limits.budgets", quota.Budget),
    ("valkey", quota.Valkey),
    ("database", database.Database),
    ("audit", audit.Audit),
    ("audit.content", audit.Content),
    ("audit.export_heads", audit.ExportHeads),
    ("guard", guard.Guard),
    ("guard.lists", guard.PatternList),
    ("guard.injection", guard.Injection),
    ("guard.limits", guard.Shape),
    ("guard.tools", guard.Tools),
    ("guard.moderation", guard.Moderation),
    ("stages", own_stages.OwnStage),
)

_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list"}

_INTRODUCTION = """# Configuration

<!-- Made by `seekgate config reference`; a test compares. Change the types' descriptions, then run it again. -->

One YAML file, read by `seekgate serve --config FILE`. Without it the built-in configuration is used, which
`seekgate config show --source` prints. `seekgate check FILE` reports every mistake at once, with its line;
`seekgate config show FILE` prints the effective settings; `seekgate config schema` prints a JSON Schema for editors.

```yaml
listen: 127.0.0.1:8080
keys:
  - {name: app, secret: "env:APP_KEY"}
providers:
  cloud: {type: deepseek, key: "env:DEEPSEEK_API_KEY"}
  local: {type: llamacpp, engine: small}
engines:
  small: {model: smollm2-135m}
models:
  deepseek-v4-pro:
    deployments:
      - {provider: cloud, region: cn, price: deepseek/deepseek-v4-pro}
  smollm2-135m:
    deployments: [{provider: local}]
routes:
  - prefix: /api/v1/deepseek
```

## How values are written

- **YAML** is read as version 1.2's core schema: `true`, `false`, `null` and numbers are typed, everything else is text
  (so `off` and `no` are text). A repeated key is an error. Aliases work; merge keys (`<<`) and tags do not.
- **Variables**: `${NAME}` in a value is replaced by an environment variable, `${NAME:-default}` gives a default for
  one that is unset or empty, `$${` writes `${`; within `{…}` and `[…]` put quotes around. `${SEEKGATE_HOME}` always
  has a value. Variables are not for secrets: what they put in is written to the snapshot on disk.
- **Secrets** are references, never values: `env:NAME` is an environment variable, `file:/path` a file (one line break
  at its end is dropped). A package can add a scheme by an entry point of the group `seekgate.secret_sources`.
- **Durations** need a unit: `500ms`, `10s`, `2m`, `1h`, `1m30s`. **Sizes** may have one: `1024`, `32KiB` (1024 each),
  `8MB` (1000 each).
- **Addresses** are `host:port`, with IPv6 in brackets. **Networks** are in CIDR notation.
- **Relative paths** start at the folder of the configuration file.
"""


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the file. In the place of a number or a truth value a text with a variable is valid."""
    schema = Settings.model_json_schema()
    several = schema["properties"]["listen"]
    one = several.pop("items")
    outer = {key: several.pop(key) for key in ("default", "description", "title") if key in several}
    schema["properties"]["listen"] = {**outer, "anyOf": [one, {**several, "items": one, "minItems": 1}]}
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "SeekGate configuration"
    result: dict[str, Any] = _with_variables(schema)
    return result


def _with_variables(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_variables(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") in ("integer", "number", "boolean") or (
        "enum" in node and node.get("type") == "string"
    ):
        outer = {key: node[key] for key in ("default", "description", "title") if key in node}
        value = {key: entry for key, entry in node.items() if key not in outer}
        return {**outer, "anyOf": [value, {"type": "string", "pattern": r"\$\{"}]}
    return {key: _with_variables(value) for key, value in node.items()}


def effective(loaded: Loaded) -> str:
    """The settings in force as YAML: defaults filled in, secrets as references."""
    data = loaded.settings.model_dump(mode="json")
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=110))


def markdown() -> str:
    """The reference page."""
    schema = json_schema()
    return "\n".join(
        [_INTRODUCTION, *(_section(title, model, schema) for title, model in SECTIONS), _presets()]
    )


def _section(title: str, model: type[BaseModel], schema: dict[str, Any]) -> str:
    own = schema if model is Settings else schema["$defs"][model.__name__]
    own = own if "properties" in own else own["anyOf"][-1]
    own = own if "properties" in own else schema["$defs"][own["$ref"].rpartition("/")[2]]
    lines = [f"## {title}" if "." not in title else f"### {title}", "", str(model.__doc__).strip(), ""]
    lines += ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field in model.model_fields.items():
        kind = _kind(own["properties"][name], inner_type(field.annotation))
        default = (
            "*required*" if field.is_required() else _default(own["properties"][name], field.get_default())
        )
        lines.append(f"| `{name}` | {kind} | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


def _kind(schema: dict[str, Any], annotation: object) -> str:
    """A word for the type of a setting, from its schema."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping"
    options = [option for option in schema.get("anyOf", [schema]) if option.get("pattern") != r"\$\{"]
    kinds = [_kind_of(option) for option in options if option.get("type") != "null"]
    return " or ".join(dict.fromkeys(kinds))


def _kind_of(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return _kind(schema, None)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "string" and "ms" in schema.get("pattern", ""):
        return "duration"
    if schema.get("type") == "string" and "KMG" in schema.get("pattern", ""):
        return "size"
    if "minimum" in schema and "maximum" in schema:
        word = "number" if schema.get("type") == "number" else "whole number"
        return f"{word}, {schema['minimum']} to {schema['maximum']}"
    words = {
        "string": "text",
        "integer": "whole number",
        "number": "number",
        "boolean": "true or false",
        "array": "list",
        "object": "mapping",
    }
    return words.get(schema.get("type", "object"), "mapping")


def _default(schema: dict[str, Any], value: object) -> str:
    if value in (None, [], {}, ""):
        return "none"
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, list):
        return ", ".join(f"`{getattr(entry, 'address', entry)}`" for entry in value)
    if isinstance(value, float) and _kind(schema, None) == "duration":
        return f"`{units.format_duration(value)}`"
    if schema.get("examples", [""])[0] == "32KiB" and isinstance(value, int):
        return f"`{units.format_size(value)}`"
    if value == 0 and "`auto`" in _kind(schema, None):
        return "`auto`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _presets() -> str:
    lines = [
        "## Presets",
        "",
        "Other clouds that serve DeepSeek's models; what a provider sets itself wins.",
        "",
    ]
    lines += ["| preset | cloud | base URL |", "| --- | --- | --- |"]
    lines += [
        f"| `{name}` | [{one.title}]({one.source}) | `{one.base_url}` |"
        for name, one in upstreams.presets().items()
    ]
    return "\n".join(lines) + "\n"
