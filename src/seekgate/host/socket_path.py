"""Where a Unix socket of a node is. The kernel takes about 100 bytes of a path, and homes may be deeper than that."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path

LONGEST = 100


def socket_path(home: Path, name: str) -> Path:
    """``home/run/NAME.sock``, or where that is too long a path of this user's and this home's own below the system's
    folder for temporary files. Nothing is made here."""
    path = home / "run" / f"{name}.sock"
    if len(os.fsencode(path)) <= LONGEST:
        return path
    mark = sha256(os.fsencode(home.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"seekgate-{os.getuid()}-{mark}" / f"{name}.sock"


def make_folder(path: Path) -> None:
    """Make the folder of a socket for this user alone. Raises `OSError`; `PermissionError` where another owns it."""
    folder = path.parent
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise PermissionError(1, "the folder of a socket belongs to others, or is open to them", str(folder))
