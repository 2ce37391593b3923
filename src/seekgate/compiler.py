"""Configuration to snapshot: the short-lived process that the supervisor starts, and the function inside it.

``python -m seekgate.compiler --number N --output PATH [--config FILE] [--home HOME]`` writes the snapshot and exits
with 0, or prints every problem to standard error, writes nothing and exits with 1. A process of its own because it
imports pydantic and YAML, which the supervisor must not carry, and because a bad file must not be able to hurt it.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from seekgate.config import snapshot, units
from seekgate.config.compiled.own_stages import OwnStage
from seekgate.config.database import compile_database
from seekgate.config.engines import Engine, is_path
from seekgate.config.front_door import Listen
from seekgate.config.home import home as default_home
from seekgate.config.home import pattern_folder
from seekgate.config.problems import ConfigError
from seekgate.config.proxy import parse_proxy, proxy_for
from seekgate.config.snapshot_file import sealed, write_snapshot
from seekgate.config.upstreams import Provider
from seekgate.settings import Loaded, Settings, load
from seekgate.stages.access.compile import compile_access
from seekgate.stages.audit.compile import compile_audit
from seekgate.stages.guard.compile import compile_guard, warm
from seekgate.stages.identity.compile import compile_identity, compile_key
from seekgate.stages.privacy.compile import compile_privacy
from seekgate.stages.quota.compile import compile_quota, compile_valkey


def compile_file(
    path: Path | None, number: int, *, home: Path | None = None, environ: Mapping[str, str] | None = None
) -> snapshot.Snapshot:
    """Load, check and compile a file, or the built-in configuration. Raise `ConfigError` with every problem."""
    return compile_settings(load(path, home=home, environ=environ), number)


def compile_settings(loaded: Loaded, number: int) -> snapshot.Snapshot:
    """Resolve names, paths, proxies and counts into what workers run on. What `load` returned cannot fail here."""
    settings = loaded.settings
    providers = {
        name: _provider(loaded, name, entry)
        for name, entry in settings.providers.items()
        if name not in loaded.absent
    }
    deployments, models = _models(settings, providers)
    engines = {entry.engine for entry in providers.values() if entry.engine}
    return sealed(
        snapshot.Snapshot(
            number=number,
            digest="",
            listeners=tuple(_listener(loaded, entry) for entry in settings.listen),
            admin=None
            if settings.admin == "off"
            else snapshot.Listener(*units.parse_address(settings.admin)),
            workers=settings.workers or _cores(),
            limits=snapshot.Limits(
                **{name: getattr(settings.limits, name) for name in snapshot.Limits.__struct_fields__}
            ),
            providers=providers,
            deployments=deployments,
            models=models,
            routes=tuple(_route(settings, models, entry.prefix, entry.models) for entry in settings.routes),
            keys=tuple(compile_key(loaded.context, key) for key in settings.keys),
            identity=compile_identity(loaded.context, settings.identity),
            engines={
                name: _engine(loaded, name, entry)
                for name, entry in settings.engines.items()
                if name in engines
            },
            trusted_proxies=tuple(settings.trusted_proxies),
            access_log=snapshot.AccessLog(_log_target(loaded, settings.access_log)),
            guard=compile_guard(loaded.context, settings.guard),
            stages=tuple(OwnStage(one.use, one.settings) for one in settings.stages),
            access=compile_access(loaded.context.tree, settings.roles, settings.bindings, settings.access),
            database=compile_database(loaded.context, settings.database),
            quota=compile_quota(settings.quota),
            valkey=compile_valkey(settings.valkey, loaded.context),
            audit=compile_audit(loaded.context, settings.audit),
            privacy=compile_privacy(settings.privacy, loaded.context),
            prices=None if settings.prices is None else loaded.context.located(settings.prices),
        )
    )


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _log_target(loaded: Loaded, target: str) -> str:
    return loaded.context.located(target) if "/" in target else target


def _listener(loaded: Loaded, entry: Listen) -> snapshot.Listener:
    located = loaded.context.located
    host, port = units.parse_address(entry.address)
    tls = entry.tls
    if tls is None:
        return snapshot.Listener(host, port, None, tuple(entry.xfcc_from))
    compiled = snapshot.Tls(
        certificate=located(tls.certificate),
        key=located(tls.key),
        certificates=tuple(
            snapshot.Pair(located(one.certificate), located(one.key)) for one in tls.certificates
        ),
        min_version=tls.min_version,
        client_certificates=tls.client_certificates,
        client_ca=None if tls.client_ca is None else located(tls.client_ca),
        crl=None if tls.crl is None else located(tls.crl),
        crl_check=tls.crl_check,
    )
    return snapshot.Listener(host, port, compiled, tuple(entry.xfcc_from))


def _engine(loaded: Loaded, name: str, entry: Engine) -> snapshot.Engine:
    model = loaded.context.located(entry.model) if is_path(entry.model) else entry.model
    return snapshot.Engine(name, model, entry.context, entry.slots, entry.threads, entry.embeddings)


def _provider(loaded: Loaded, name: str, entry: Provider) -> snapshot.Provider:
    if entry.engine:
        base, proxy = units.Base("http", "127.0.0.1", 0, "/v1"), None
    else:
        base = units.parse_base(entry.base_url)
        proxy = _proxy(loaded, base, entry.proxy)
    tls = {
        part: None if getattr(entry.tls, part) is None else loaded.context.located(getattr(entry.tls, part))
        for part in ("ca", "certificate", "key")
    }
    beta = entry.beta_path
    return snapshot.Provider(
        name=name,
        type=entry.type or "openai",
        scheme="https" if base.scheme == "https" else "http",
        host=base.host,
        port=base.port,
        path=base.path,
        beta_path=None if beta is None else base.path.removesuffix("/v1") + beta,
        authorization=None if entry.key is None else loaded.context.located_reference(entry.key),
        engine=entry.engine,
        asks_usage=bool(entry.asks_usage),
        proxy=proxy,
        tls=snapshot.UpstreamTls(**tls, verify=entry.tls.verify),
        timeouts=snapshot.Timeouts(entry.timeouts.connect, entry.timeouts.first_event, entry.timeouts.idle),
        max_idle_connections=entry.max_idle_connections,
        forward_headers=tuple(entry.forward_headers),
    )


def _proxy(loaded: Loaded, base: units.Base, chosen: str) -> str | None:
    if chosen == "none":
        return None
    return proxy_for(base, loaded.context.environ) if chosen == "env" else parse_proxy(chosen)


def _models(
    settings: Settings, providers: Mapping[str, snapshot.Provider]
) -> tuple[tuple[snapshot.Deployment, ...], dict[str, snapshot.Model]]:
    deployments: list[snapshot.Deployment] = []
    models: dict[str, snapshot.Model] = {}
    for name, entry in settings.models.items():
        first = len(deployments)
        deployments += [
            snapshot.Deployment(
                id=one.id or name,
                provider=one.provider,
                model=one.model or name,
                tier=one.tier or "public",
                region=one.region,
                zone=one.zone,
                weight=one.weight,
                capabilities=tuple(one.capabilities or ()),
                price=one.price,
            )
            for one in entry.deployments
            if one.provider in providers
        ]
        if len(deployments) > first:
            model = snapshot.Model(name, tuple(range(first, len(deployments))), entry.owned_by)
            models |= dict.fromkeys((name, *entry.aliases), model)
    return tuple(deployments), models


def _route(
    settings: Settings, models: Mapping[str, snapshot.Model], prefix: str, names: Sequence[str] | None
) -> snapshot.Route:
    """A route that lists a model, by any of its names, allows all of its names."""
    if names is None:
        return snapshot.Route(prefix)
    wanted = {models[name].name for name in names if name in models}
    return snapshot.Route(prefix, tuple(name for name, model in models.items() if model.name in wanted))


def main(arguments: Sequence[str] | None = None) -> int:
    """The process's entry; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m seekgate.compiler", description="Compile a configuration."
    )
    parser.add_argument("--config", type=Path, help="the configuration file; the built-in one without it")
    parser.add_argument("--number", type=int, required=True, help="the number of the snapshot")
    parser.add_argument("--output", type=Path, required=True, help="where to write the snapshot")
    parser.add_argument("--home", type=Path, help="SEEKGATE_HOME")
    options = parser.parse_args(arguments)
    try:
        loaded = load(options.config, home=options.home)
        compiled = compile_settings(loaded, options.number)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for warning in loaded.warnings:
        print(warning, file=sys.stderr)
    warm(compiled.guard, pattern_folder(options.home or default_home()))
    try:
        write_snapshot(options.output, compiled)
    except OSError as error:
        print(f"cannot write {options.output}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
