"""Audit settings as workers see them."""

from __future__ import annotations

from pathlib import Path

from seekgate.compiler import compile_settings
from seekgate.config.compiled.audit import Audit, Content, Heads
from seekgate.settings import load_text


def compiled(text: str, folder: Path) -> Audit | None:
    return compile_settings(load_text(text, environ={}, folder=folder), 1).audit


def test_off_and_defaults(tmp_path: Path) -> None:
    assert compiled("", tmp_path) is None
    assert compiled("audit: {}\n", tmp_path) == Audit()


def test_paths_are_located(tmp_path: Path) -> None:
    text = (
        'audit: {retention: 2d, content: {key: "file:key", id: k}, export_heads: {file: h, command: [c]}}\n'
    )
    assert compiled(text, tmp_path) == Audit(
        retention=172_800.0,
        content=Content(f"file:{tmp_path}/key", "k"),
        heads=Heads(f"{tmp_path}/h", ("c",)),
    )
