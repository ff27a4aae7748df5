"""Decimal numbers of documents without rounding: sums and comparisons that are exact."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import lcm


def exact(value: float) -> Fraction:
    """Return a number as it is written in decimals: 0.1 is a tenth, three of them are 0.3."""
    return Fraction(repr(float(value)))


def whole(values: Iterable[float]) -> tuple[list[int], Fraction]:
    """Return numbers as whole multiples of the largest unit that measures them all.

    Parameters
    ----------
    values
        Numbers, taken as :func:`exact` does.

    Returns
    -------
    tuple
        A whole number for each, and the unit.
    """
    parts = [exact(value) for value in values]
    scale = lcm(*(part.denominator for part in parts))
    return [part.numerator * (scale // part.denominator) for part in parts], Fraction(1, scale)
