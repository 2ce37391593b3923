"""Write docs/reference/cli.md from the command line's own definitions; a test compares the page with `render`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from seekgate.cli.main import app

PAGE = Path(__file__).parents[1] / "docs/reference/cli.md"
_INTRODUCTION = """# Commands

This page is written by `make reference` from the definitions of the commands; `seekgate COMMAND --help` says the same.
"""


def render() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    return _INTRODUCTION + "".join(_sections(root, typer.Context(root, info_name="seekgate")))


def _sections(command: Any, context: typer.Context) -> Iterator[str]:
    yield f"\n## `{context.command_path}`\n\n{_prose(command.help)}\n"
    rows = [row for parameter in command.get_params(context) if (row := _row(parameter, context))]
    if hasattr(command, "list_commands"):
        yield f"\n```\n{context.command_path} [OPTIONS] COMMAND ...\n```\n"
    else:
        yield f"\n```\n{' '.join([context.command_path, *command.collect_usage_pieces(context)])}\n```\n"
    if rows:
        yield "\n| option | meaning |\n|---|---|\n" + "".join(rows)
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _sections(child, typer.Context(child, info_name=name, parent=context))


def _row(parameter: Any, context: typer.Context) -> str | None:
    record = parameter.get_help_record(context)
    if record is None or parameter.name in ("help", "install_completion", "show_completion"):
        return None
    name, meaning = (" ".join(text.split()).replace("|", "\\|") for text in record)
    return f"| `{name}` | {meaning} |\n"


def _prose(text: str | None) -> str:
    """A docstring as Markdown: its paragraphs, each on one line."""
    paragraphs = re.split(r"\n\s*\n", (text or "").replace("\b", "").strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


if __name__ == "__main__":
    PAGE.write_text(render())
