"""Settings of metering: the operator's price file, and the check that each deployment's price is in the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from seekgate.config.context import Context
from seekgate.config.problems import Problem, did_you_mean, one_of
from seekgate.stages.metering import price_file

BUILTIN = FilePath(__file__).parents[2] / "data" / "prices.json"


def check(context: Context) -> Iterator[Problem]:
    """A price file that cannot be used; a deployment's price that no table has."""
    tree = context.tree
    layers = [("prices.json", BUILTIN.read_bytes())]
    override = tree.at(("prices",))
    if isinstance(override, str):
        if not context.outside:
            return
        unreadable = list(context.readable(("prices",), override))
        yield from unreadable
        if unreadable:
            return
        where = context.located(override)
        layers.append((where, FilePath(where).read_bytes()))
    try:
        known = price_file.read(layers).prices
    except price_file.PriceFileError as error:
        for problem in error.problems:
            yield tree.problem(("prices",), str(problem))
        return
    for path, price in tree.texts("models.*.deployments.*.price"):
        if price not in known:
            what = f"no price is called {tree.show(path, price)}"
            yield tree.problem(path, what, one_of(known), did_you_mean(price, known))
