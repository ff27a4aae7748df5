"""Bounds of delays and energies by formula."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from scheduling.models.offload.arrays import Choice, OffloadArrays
from scheduling.models.offload.problem import MILLION


def delay_bound(arrays: OffloadArrays) -> int:
    """Return microseconds below which no sum of delays is: every task alone where it is fastest."""
    alone = (min(choice.upload + choice.work for choice in row) for row in arrays.tasks)
    return ceil(sum(alone, Fraction(0)) * MILLION)


def energy_bound(arrays: OffloadArrays) -> int:
    """Return microjoules below which no sum is: the least of every task, which one answer has."""
    return sum(min(choice.energy for choice in row) for row in arrays.tasks)


def shared_service(one: Choice, other: Choice) -> Fraction:
    """Return seconds of service that each of two tasks gets at least beside the other.

    On a server alone with it, the first to come has a rest when the second one comes, and they
    share until one is done. Further tasks only slow the first one, so that its rest is longer. The
    sum of delays is that of all works and twice what all pairs share.
    """
    first, second = sorted((one, other), key=lambda choice: choice.comes)
    rest = first.work - (second.comes - first.comes)
    return max(Fraction(0), min(rest, second.work))
