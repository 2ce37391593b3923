"""The plot of the README: CPU time per request or event, by case and system, as a small SVG.

It has no background of its own and follows the reader's colour scheme, light or dark.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.rows import Row

_COLOURS = {
    "seekgate": "#2f81f7",
    "nginx": "#3fa35c",
    "envoy": "#b083f0",
    "floor": "#9aa4af",
    "litellm": "#d9822b",
    "portkey": "#d6506f",
}
_LABELS = {
    "unary": "unary\n(µs a request)",
    "unary_tls": "unary, TLS 1.3\n(µs a request)",
    "mtls": "everything on,\nmTLS (µs a request)",
    "governed": "everything on\n(µs a request)",
    "sse": "SSE\n(µs an event)",
    "sse_restore": "SSE, restored\n(µs an event)",
}
_INK = "#57606a"
_STYLE = (
    "<style>text{fill:#1f2328 !important}"
    "@media (prefers-color-scheme:dark){text{fill:#e6edf3 !important}}</style>"
)


def _values(rows: Sequence[Row]) -> tuple[list[str], list[str], dict[tuple[str, str], float]]:
    cases = [case for case in _LABELS if any(row.case == case for row in rows)]
    values = {(row.case, row.system): row.cpu_us for row in rows if row.case in cases}
    return cases, list(dict.fromkeys(system for _, system in values)), values


def draw(rows: Sequence[Row], path: Path) -> None:
    """Write the plot; nothing is written when no row has a case that it shows."""
    cases, systems, values = _values(rows)
    if not cases:
        return
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    # Text stays text (small, and coloured by the style sheet); a fixed salt keeps the file equal for equal figures.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seekgate", "font.family": "sans-serif"}):
        figure, axes = plt.subplots(figsize=(1.2 * max(6, len(cases)), 2.9))
        width = 0.8 / len(systems)
        for index, system in enumerate(systems):
            places = [at for at, case in enumerate(cases) if (case, system) in values]
            heights = [values[cases[at], system] for at in places]
            offset = (index - (len(systems) - 1) / 2) * width
            bars = axes.bar([at + offset for at in places], heights, width * 0.92, label=system)
            for bar in bars:
                bar.set_color(_COLOURS.get(system, _INK))
            axes.bar_label(bars, fmt="%.0f", fontsize=8, padding=1)
        _dress(axes, cases, logarithmic=max(values.values()) > 20 * min(values.values()))
        figure.tight_layout()
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(figure)
    text = buffer.getvalue()
    head = text.index(">", text.index("<svg")) + 1
    path.write_text(text[:head] + _STYLE + text[head:])


def _dress(axes: Any, cases: list[str], *, logarithmic: bool) -> None:
    axes.set_xticks(range(len(cases)), [_LABELS[case] for case in cases])
    axes.set_title("CPU time of every process of the node (lower is better)", fontsize=10, loc="left")
    if logarithmic:
        axes.set_yscale("log")
    axes.tick_params(length=0)
    axes.yaxis.grid(True, color=_INK, alpha=0.25, linewidth=0.6)
    axes.set_axisbelow(True)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.margins(y=0.12)
    axes.legend(frameon=False, ncols=6, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.2))
