"""Money: integer micro-units of a currency (1 USD = 1,000,000 micro-USD), never floats.

A price is a whole number of micro-units for 1,000,000 tokens. The cost of one answer is the exact sum of tokens
times price, rounded half up *once*, at the end: rounding each part would let three parts drift by three halves.
Each record keeps its own rounded cost, so a total is the sum of what the records say.
"""

from __future__ import annotations

MICRO = 1_000_000
_HALF = MICRO // 2


def per_million(product: int) -> int:
    """Divide a sum of (tokens x micro-units per 1M tokens) by 1,000,000, rounding half up, to micro-units.

    ``product`` must not be negative: half up and half away from zero would then differ.
    """
    return (product + _HALF) // MICRO


def format_micro(amount: int, currency: str) -> str:
    """An amount for people: ``1500`` micro-USD is ``0.001500 USD``. Six decimals always, so that columns align."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), MICRO)
    return f"{sign}{whole}.{fraction:06d} {currency}"
