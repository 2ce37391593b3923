"""Names that a test decides about: a hosts file that one process tree sees in place of the machine's own.

The tree runs in a mount namespace of its own (Linux), so that nothing outside of it notices. Changes are made in place,
because the file itself is what is mounted.
"""

from __future__ import annotations

import os
from pathlib import Path

_SIZE = 4096
_MOUNT = 'mount --bind "$1" /etc/hosts && shift && exec "$@"'


class Hosts:
    """A private ``/etc/hosts``. ``prefix`` is the command that runs the rest of its line with it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._names: dict[str, tuple[str, ...]] = {"localhost": ("127.0.0.1",)}
        path.write_bytes(b"\n" * _SIZE)
        path.chmod(0o644)
        self._write()

    @property
    def prefix(self) -> list[str]:
        """Who is not root becomes root of a user namespace first, which is enough to mount there."""
        flags = ["-m"] if os.geteuid() == 0 else ["-U", "-r", "-m"]
        return ["unshare", *flags, "sh", "-c", _MOUNT, "sh", str(self._path)]

    def say(self, name: str, *addresses: str) -> None:
        """From now on the name has these addresses; none: there is no such name."""
        self._names[name] = addresses
        self._write()

    def _write(self) -> None:
        lines = [f"{address} {name}\n" for name, found in self._names.items() for address in found]
        # In one write of always the same size: no reader ever finds a file that is half old or empty.
        data = "".join(lines).encode().ljust(_SIZE, b"\n")
        assert len(data) == _SIZE
        descriptor = os.open(self._path, os.O_WRONLY)
        try:
            os.pwrite(descriptor, data, 0)
        finally:
            os.close(descriptor)
