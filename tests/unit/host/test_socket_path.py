"""Where a Unix socket of a node is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from seekgate.host.socket_path import LONGEST, make_folder, socket_path


def test_it_is_in_the_home_where_that_is_short_enough() -> None:
    assert socket_path(Path("/var/lib/sg"), "valkey") == Path("/var/lib/sg/run/valkey.sock")


def test_a_deep_home_has_a_short_path_of_its_own() -> None:
    one, other = (socket_path(Path("/deep" * 40) / name, "valkey") for name in ("a", "b"))
    assert one != other
    assert len(os.fsencode(one)) <= LONGEST
    assert one.name == "valkey.sock"


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own" / "valkey.sock"
    make_folder(path)
    make_folder(path)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.parent.chmod(0o755)
    with pytest.raises(PermissionError):
        make_folder(path)
