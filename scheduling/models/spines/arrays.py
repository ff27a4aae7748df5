"""Flows over spines by their leaves, for solvers and bounds."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.spines.problem import LeafSpine

_ROUNDING = 1e-9
"""Share of a load that its rounding is far below."""


class Part(NamedTuple):
    """A part of a flow on one spine."""

    flow: int
    spine: int
    size: float


Parts = tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class SpineArrays:
    """Flows by their leaves.

    Attributes
    ----------
    spines
        Number of spines.
    size
        Of each flow.
    ends
        Number of the leaf that each flow comes from, and of that it goes to.
    leaves
        The flows of each leaf, as source and as target.
    step
        In which the congestion counts.
    least
        The least congestion, in steps. Spraying every flow evenly reaches it.
    """

    spines: int
    size: NDArray[np.float64]
    ends: tuple[list[int], list[int]]
    leaves: tuple[list[list[int]], list[list[int]]]
    step: Fraction
    least: int

    @property
    def limit(self) -> float:
        """The least congestion."""
        return float(self.least * self.step)

    def congestion(self, parts: Parts) -> int:
        """Return the load of the busiest link in steps."""
        flow = np.array([part.flow for part in parts])
        spine = np.array([part.spine for part in parts])
        size = np.array([part.size for part in parts])
        loads, busiest = [], 0.0
        for ends in self.ends:
            link = np.array(ends)[flow] * self.spines + spine
            loads.append((link, np.bincount(link, size)))
            busiest = max(busiest, float(loads[-1][1].max()))
        # Rounded sums tell which links may be the busiest; those are summed exactly.
        most = 0.0
        for link, load in loads:
            near = load[link] >= busiest * (1.0 - _ROUNDING)
            held: dict[int, list[float]] = defaultdict(list)
            for number, amount in zip(link[near].tolist(), size[near].tolist(), strict=True):
                held[number].append(amount)
            most = max(most, *map(math.fsum, held.values()), 0.0)
        return round(Fraction(most) / self.step)


def compile_spines(problem: LeafSpine) -> SpineArrays:
    """Give leaves numbers and gather their flows."""
    names = [flow.source for flow in problem.flows], [flow.target for flow in problem.flows]
    sides = [_grouped(side) for side in names]
    step, least = problem.steps
    return SpineArrays(
        spines=problem.spines,
        size=np.array([flow.size for flow in problem.flows]),
        ends=(sides[0][0], sides[1][0]),
        leaves=(sides[0][1], sides[1][1]),
        step=step,
        least=least,
    )


def _grouped(names: list[str]) -> tuple[list[int], list[list[int]]]:
    """Return the number of each name, and the positions of each number."""
    number: dict[str, int] = {}
    found = [number.setdefault(name, len(number)) for name in names]
    held: list[list[int]] = [[] for _ in number]
    for position, place in enumerate(found):
        held[place].append(position)
    return found, held
