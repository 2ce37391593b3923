"""What is wrong with the certificates of the listeners, and with whom they are to believe."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from typing import Any

from seekgate.config.context import Context
from seekgate.config.problems import Invalid, Problem
from seekgate.config.snapshot import ANY_PROXY
from seekgate.config.tree import Path


def check(context: Context) -> Iterator[Problem]:
    """Files that cannot be read, pairs that do not fit, settings that contradict each other, what has expired."""
    single = context.tree.at(("listen",))
    entries = [(("listen",), single)] if isinstance(single, dict) else context.tree.select("listen.*")
    for path, entry in entries:
        if not isinstance(entry, dict):
            continue
        tls = entry.get("tls")
        if isinstance(tls, dict):
            yield from _pairs(context, (*path, "tls"), tls)
            yield from _clients(context, (*path, "tls"), tls)
            if tls.get("min_version") == "1.2":
                yield context.tree.warning(
                    (*path, "tls", "min_version"),
                    "TLS 1.2 is spoken here too",
                    "leave it out once no client needs it",
                )
        yield from _believed(context, path, entry, tls if isinstance(tls, dict) else {})


def _pairs(context: Context, path: Path, tls: dict[str, Any]) -> Iterator[Problem]:
    yield from _pair(context, path, tls)
    further = tls.get("certificates")
    for position, entry in enumerate(further if isinstance(further, list) else []):
        if isinstance(entry, dict):
            yield from _pair(context, (*path, "certificates", position), entry)


def _pair(context: Context, path: Path, pair: dict[str, Any]) -> Iterator[Problem]:
    certificate, key = pair.get("certificate"), pair.get("key")
    problems: list[Problem] = []
    for name, value in (("certificate", certificate), ("key", key)):
        if isinstance(value, str):
            problems += context.readable((*path, name), value)
    yield from problems
    if context.outside and not problems and isinstance(certificate, str) and isinstance(key, str):
        unfit = list(pair_problem(context, (*path, "certificate"), certificate, key))
        yield from unfit or _expired(context, (*path, "certificate"), certificate)


def pair_problem(context: Context, path: Path, certificate: str, key: str) -> Iterator[Problem]:
    """Report a certificate and key that OpenSSL does not take together."""
    import ssl  # slow to import, and only needed where certificates are named

    def refuse_password() -> str:
        raise Invalid("the private key is encrypted", "a key without a password")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(
            context.located(certificate), context.located(key), refuse_password
        )
    except Invalid as error:
        yield context.tree.problem(path, error.what, error.expected)
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or "not PEM"
        yield context.tree.problem(
            path,
            f"this certificate and key cannot be used: {reason}",
            "a PEM certificate and the key that belongs to it",
        )


def _clients(context: Context, path: Path, tls: dict[str, Any]) -> Iterator[Problem]:
    asked = tls.get("client_certificates", "off") in ("optional", "required")
    if asked and tls.get("client_ca") is None:
        yield context.tree.problem(
            (*path, "client_certificates"),
            "client certificates are asked for, and nothing says whose are accepted",
            "client_ca beside it",
        )
    for name, kind in (("client_ca", "x509"), ("crl", "crl")):
        value = tls.get(name)
        if not isinstance(value, str):
            continue
        if not asked:
            yield context.tree.problem(
                (*path, name),
                "no client certificates are asked for here",
                "client_certificates: required or optional",
            )
        problems = list(context.readable((*path, name), value))
        yield from problems
        if context.outside and not problems:
            yield from _store(context, (*path, name), value, kind)


def _store(context: Context, path: Path, value: str, kind: str) -> Iterator[Problem]:
    import ssl

    store = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with contextlib.suppress(ssl.SSLError, OSError):  # then it holds nothing, which is said below
        store.load_verify_locations(context.located(value))
    if not store.cert_store_stats()[kind]:
        what = "revocation list" if kind == "crl" else "certificate"
        yield context.tree.problem(path, f"this file holds no {what} that can be read", f"{what}s in PEM")
    else:
        yield from _expired(context, path, value)


def _expired(context: Context, path: Path, value: str) -> Iterator[Problem]:
    from seekgate.config.expiry import expiries

    now = datetime.datetime.now(datetime.UTC)
    try:
        with open(context.located(value), "rb") as file:
            ended = [name for name, end in expiries(file.read()) if end <= now]
    except (OSError, ValueError):
        return  # OpenSSL has read it a moment ago; what it makes of it is what counts
    for name in ended:
        yield context.tree.warning(path, f"{name} has expired", "renew it")


def _believed(context: Context, path: Path, entry: dict[str, Any], tls: dict[str, Any]) -> Iterator[Problem]:
    names = entry.get("xfcc_from")
    if not isinstance(names, list) or not names:
        return
    where = (*path, "xfcc_from")
    asked = tls.get("client_certificates", "off") in ("optional", "required")
    if not context.tree.at(("trusted_proxies",)):
        yield context.tree.problem(
            where, "no proxy is trusted by its address", "trusted_proxies in this file"
        )
    if asked and ANY_PROXY in names:
        yield context.tree.problem(
            where,
            "client certificates are asked for here, so that a proxy can show its own",
            "what is in that certificate",
        )
    elif not asked and names != [ANY_PROXY]:
        yield context.tree.problem(
            where,
            "no client certificates are asked for here, so that no proxy can show one",
            f"[{ANY_PROXY}]",
        )
