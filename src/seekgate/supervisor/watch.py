"""See that files have changed, by looking at them every second.

Polling sees what file-system notifications miss: the symbolic links that Kubernetes swaps, network file systems,
editors that replace a file. A change counts once it has stood still for one look, so that no half-written file is read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from seekgate.config.snapshot import Snapshot

INTERVAL = 1.0
"""Seconds between two looks."""

Signature = tuple[tuple[int, int, int, int] | None, ...]


class FileWatch:
    """Watches a set of files; one that does not exist is watched for its appearance."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = tuple(paths)
        self._known = self._look()
        self._seen = self._known

    def again(self, paths: Iterable[str]) -> None:
        """Watch these files instead. A change of a file that was watched before is not forgotten by this."""
        known = dict(zip(self._paths, self._known, strict=True))
        self._paths = tuple(dict.fromkeys(paths))
        self._seen = self._look()
        self._known = tuple(known.get(p, now) for p, now in zip(self._paths, self._seen, strict=True))

    def changed(self) -> bool:
        """Look. True once for each change, at the first look that finds it standing still."""
        now = self._look()
        still, self._seen = now == self._seen, now
        if now == self._known or not still:
            return False
        self._known = now
        return True

    def _look(self) -> Signature:
        return tuple(_signature(path) for path in self._paths)


def files_of(config: str | None, snapshot: Snapshot | None) -> list[str]:
    """The files whose change asks for a reload: the configuration, certificates, revocation lists, and
    secrets kept in files."""
    paths = [config] if config else []
    if snapshot is not None:
        for listener in snapshot.listeners:
            if listener.tls is not None:
                paths += listener.tls.files()
        paths += [snapshot.prices] if snapshot.prices else []
        secrets = [snapshot.identity.hash_secret or "", *(key.secret for key in snapshot.keys)]
        paths += [issuer.ca for issuer in snapshot.identity.jwt if issuer.ca]
        for provider in snapshot.providers.values():
            secrets.append(provider.authorization or "")
            paths += [p for p in (provider.tls.ca, provider.tls.certificate, provider.tls.key) if p]
        paths += [secret.removeprefix("file:") for secret in secrets if secret.startswith("file:")]
    return list(dict.fromkeys(paths))


def _signature(path: str) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
