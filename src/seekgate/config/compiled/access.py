"""Access in the snapshot: roles and bindings of the configuration file, with the lines that they stand on."""

from __future__ import annotations

import msgspec

from seekgate.config.rows import BindingRow, RoleRow


class FileRole(msgspec.Struct, frozen=True, omit_defaults=True):
    """A role of the file. ``lines`` has the line of each of its rules."""

    row: RoleRow
    lines: tuple[int, ...]


class FileBinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A binding of the file and its line."""

    row: BindingRow
    line: int


class Access(msgspec.Struct, frozen=True, omit_defaults=True):
    """``file`` is what the lines are counted in. ``default_roles`` are those of a caller who has none."""

    file: str = ""
    roles: tuple[FileRole, ...] = ()
    bindings: tuple[FileBinding, ...] = ()
    default_roles: tuple[str, ...] = ("user",)
    separate_duties: bool = True
