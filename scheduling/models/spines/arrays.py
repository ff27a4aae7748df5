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
        links: dict[tuple[int, int, int], list[float]] = defaultdict(list)
        for part in parts:
            for side in (0, 1):
                links[side, self.ends[side][part.flow], part.spine].append(part.size)
        return round(Fraction(max(map(math.fsum, links.values()))) / self.step)


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
