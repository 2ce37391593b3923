"""The configuration file as a whole: every capability's settings in one type, and every check in one list.

Adding a capability's settings is adding its field here and its ``check`` to `CHECKS`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath

from pydantic import Field, ValidationError

from seekgate.config import database as database_file
from seekgate.config import engines as engine
from seekgate.config import front_door, upstreams
from seekgate.config import own_stages as own_stages_file
from seekgate.config.context import Context
from seekgate.config.fields import Automatic, Network, Section
from seekgate.config.fields import FilePath as FilePathText
from seekgate.config.home import home as default_home
from seekgate.config.problems import ConfigError, Problem, in_order
from seekgate.config.secrets import SecretResolver
from seekgate.config.translate import translate
from seekgate.config.tree import Tree
from seekgate.config.yaml_file import parse_tree, read_tree
from seekgate.stages.access import config as access_file
from seekgate.stages.access_log import config as access_log_file
from seekgate.stages.audit import config as audit_file
from seekgate.stages.guard import config as guard_file
from seekgate.stages.identity import config as identity_file
from seekgate.stages.metering import config as metering
from seekgate.stages.privacy import config as privacy_file
from seekgate.stages.quota import config as quota_file
from seekgate.stages.route import config as route

BUILTIN = FilePath(__file__).parent / "data" / "builtin.yaml"


class Settings(Section):
    """A SeekGate configuration file."""

    listen: front_door.ListenList = Field(
        default=[front_door.Listen(address="127.0.0.1:8080")],
        description="Where clients connect: one address or a list; each is text or `{address, tls}`.",
    )
    admin: front_door.AdminAddress = Field(
        default="127.0.0.1:9090", description="Where `/livez`, `/readyz` and `/metrics` are, or `off`."
    )
    workers: Automatic = Field(
        default=1,
        ge=0,
        le=1024,
        description="Worker processes; `auto` means one for each core that may be used.",
    )
    limits: front_door.Limits = Field(default=front_door.Limits(), description="Bounds of the front door.")
    trusted_proxies: list[Network] = Field(
        default=[],
        description="Networks of proxies whose `X-Forwarded-For` is believed. Nobody's by default.",
    )
    keys: list[identity_file.Key] = Field(default=[], description="API keys that callers present.")
    identity: identity_file.Identity = Field(
        default=identity_file.Identity(), description="Who callers are, beside the keys of this file."
    )
    providers: dict[str, upstreams.Provider] = Field(
        default={}, description="Accounts at upstreams, by name."
    )
    engines: dict[str, engine.Engine] = Field(default={}, description="Embedded inference servers, by name.")
    models: dict[str, route.Model] = Field(default={}, description="What clients can ask for, by name.")
    routes: list[route.Route] = Field(default=[], description="Further paths under which the API is served.")
    access_log: access_log_file.Target = Field(
        default="stdout",
        description="Where the access log goes: `stdout`, `stderr`, `off`, or a file's path.",
    )
    roles: dict[str, access_file.Role] = Field(
        default={},
        description="Roles by name; they win over the database's and built-in ones of the same name.",
    )
    bindings: list[access_file.Binding] = Field(default=[], description="Who has which roles.")
    access: access_file.Access = Field(default=access_file.Access(), description="What holds for every role.")
    database: database_file.Database | None = Field(
        default=None, description="The rows that `seekgate keys`, `teams`, `roles`, `limits` … manage."
    )
    quota: quota_file.Quota = Field(
        default=quota_file.Quota(), description="What callers may use: rates, tokens, concurrency, money."
    )
    valkey: quota_file.Valkey | None = Field(
        default=None,
        description="The Valkey server that workers and nodes share limits by. Without it, a node of several workers "
        "runs one of its own when there are limits.",
    )
    audit: audit_file.Audit | None = Field(
        default=None, description="Record every request in the audit ledger. Nothing is recorded without it."
    )
    guard: guard_file.Guard = Field(
        default=guard_file.Guard(), description="What requests and answers are checked for."
    )
    stages: list[own_stages_file.OwnStage] = Field(
        default=[], description="Own stages, of installed packages, in the order in which requests pass them."
    )
    privacy: privacy_file.Privacy | None = Field(
        default=None,
        description="Personal data and secrets in requests and answers. Nothing is looked for without it.",
    )
    prices: FilePathText | None = Field(
        default=None, description="A price file (JSON) laid over the built-in one, entry by entry."
    )


CHECKS = (
    front_door.check,
    database_file.check,
    engine.check,
    upstreams.check,
    identity_file.check,
    route.check,
    access_file.check,
    guard_file.check,
    own_stages_file.check,
    metering.check,
    quota_file.check,
    privacy_file.check,
    access_log_file.check,
    audit_file.check,
)


@dataclass(frozen=True)
class Loaded:
    """A file without errors: its settings, where relative paths start, the providers that exist here, the warnings."""

    settings: Settings
    context: Context
    absent: frozenset[str]
    warnings: tuple[Problem, ...]


def load(
    path: FilePath | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    home: FilePath | None = None,
    outside: bool = True,
) -> Loaded:
    """Read and check a file, or the built-in configuration. Raise `ConfigError` with every problem found.

    ``outside`` False leaves out the checks of files, secrets and environment variables of this machine.
    """
    environ = os.environ if environ is None else environ
    variables = _variables(environ, home)
    tree, problems = read_tree(path or BUILTIN, variables)
    return examine(tree, problems, FilePath(path or BUILTIN).absolute().parent, environ, outside)


def load_text(text: str, *, environ: Mapping[str, str], folder: FilePath, outside: bool = False) -> Loaded:
    """`load` for text that is not in a file."""
    tree, problems = parse_tree(text, "<text>", _variables(environ, None))
    return examine(tree, problems, folder, environ, outside)


def _variables(environ: Mapping[str, str], home: FilePath | None) -> dict[str, str]:
    return {**environ, "SEEKGATE_HOME": str(home or default_home(environ))}


def examine(
    tree: Tree,
    problems: Iterable[Problem],
    folder: FilePath,
    environ: Mapping[str, str],
    outside: bool = True,
) -> Loaded:
    """Check a tree; types and cross-references in one pass. Raise `ConfigError`."""
    context = Context(tree, environ, folder, outside, SecretResolver(environ=environ))
    found = list(problems)
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(tree.data)
    except ValidationError as error:
        found += _fresh(translate(tree, error, Settings), found)
    for check in CHECKS:
        found += _fresh(check(context), found)
    errors = [problem for problem in found if not problem.warning]
    if errors or settings is None:
        raise ConfigError(found)
    warnings = in_order(problem for problem in found if problem.warning)
    return Loaded(_completed(settings), context, context.absent_providers(), warnings)


def _fresh(new: Iterable[Problem], known: Iterable[Problem]) -> Iterator[Problem]:
    """Drop what is said about a value that an earlier step has already found wrong: one mistake, one message."""
    taken = {(problem.line, problem.path) for problem in known if problem.path and not problem.warning}
    return (problem for problem in list(new) if (problem.line, problem.path) not in taken)


def _completed(settings: Settings) -> Settings:
    """Fill in the defaults that depend on other settings: the effective configuration."""
    providers = {name: upstreams.completed(entry) for name, entry in settings.providers.items()}
    models = {
        name: model.model_copy(
            update={
                "deployments": [_deployment(settings, providers, name, entry) for entry in model.deployments]
            }
        )
        for name, model in settings.models.items()
    }
    return settings.model_copy(update={"providers": providers, "models": _with_ids(models)})


def _deployment(
    settings: Settings, providers: Mapping[str, upstreams.Provider], name: str, entry: route.Deployment
) -> route.Deployment:
    provider = providers[entry.provider]
    able: list[route.Capability] = ["chat"]
    if provider.type == "deepseek":
        able = ["chat", "completions", "fim", "prefix"]
    elif provider.type == "llamacpp":
        served = settings.engines.get(provider.engine or "")
        able = ["chat", "completions"]
        if served and served.embeddings:
            able.append("embeddings")
    return entry.model_copy(
        update={
            "model": entry.model or name,
            "tier": entry.tier or ("private" if provider.type == "llamacpp" else "public"),
            "capabilities": able if entry.capabilities is None else entry.capabilities,
        }
    )


def _with_ids(models: Mapping[str, route.Model]) -> dict[str, route.Model]:
    taken = {entry.id for model in models.values() for entry in model.deployments if entry.id}
    result = {}
    for name, model in models.items():
        deployments = []
        for entry in model.deployments:
            chosen, number = entry.id or f"{name}@{entry.provider}", 2
            while entry.id is None and chosen in taken:
                chosen, number = f"{name}@{entry.provider}-{number}", number + 1
            taken.add(chosen)
            deployments.append(entry.model_copy(update={"id": chosen}))
        result[name] = model.model_copy(update={"deployments": deployments})
    return result
