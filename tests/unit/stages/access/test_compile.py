"""Settings into the snapshot."""

from __future__ import annotations

from pathlib import Path

from seekgate.compiler import compile_file
from seekgate.config.compiled.access import Access, FileBinding, FileRole
from seekgate.config.rows import BindingRow, Grant, Hours, RoleRow

FILE = """keys: [{name: me, secret: "env:KEY"}]
roles:
  analyst:
    grants:
      - allow: [chat]
        models: [pro]
        regions: [cn]
        hours: ["08:00-18:00"]
      - deny: ["*"]
        cidr: [10.0.0.0/8]
bindings:
  - {team: research, roles: [analyst]}
access: {default_roles: [analyst]}
"""


def test_rows_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "seekgate.yaml"
    file.write_text(FILE)
    compiled = compile_file(file, 1, home=tmp_path, environ={"KEY": "x"})
    grants = (
        Grant("allow", ("chat",), ("pro",), regions=("cn",), hours=(Hours(480, 1080),)),
        Grant("deny", ("*",), cidr=("10.0.0.0/8",)),
    )
    assert compiled.access == Access(
        str(file),
        (FileRole(RoleRow("analyst", grants), (5, 9)),),
        (FileBinding(BindingRow("team:research", "team", "research", ("analyst",)), 12),),
        ("analyst",),
    )


def test_nothing_is_written(tmp_path: Path) -> None:
    file = tmp_path / "seekgate.yaml"
    file.write_text(FILE.splitlines()[0])
    assert compile_file(file, 1, home=tmp_path, environ={"KEY": "x"}).access == Access()
