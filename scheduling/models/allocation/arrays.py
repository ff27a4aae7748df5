"""Allocation problems as arrays, for solvers and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduling.models.allocation.problem import AllocationProblem

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Steps:
    """Steps along the concave envelopes of all claims, steepest first.

    Attributes
    ----------
    claim
        Claim of each step; those of one claim are in the order of their levels.
    level
        Level that it leads to.
    cost, gain
        What it adds to the level that the step before it leads to.
    """

    claim: Ints
    level: Ints
    cost: Ints
    gain: Ints


@dataclass(frozen=True, eq=False)
class AllocationArrays:
    """Levels of all claims one after the other; a candidate has the level of each claim.

    Attributes
    ----------
    start
        Where the levels of each claim begin, and where the last one's end.
    cost, gain
        Of each level.
    budget
        What there is.
    """

    start: Ints
    cost: Ints
    gain: Ints
    budget: int

    @property
    def n_claims(self) -> int:
        """Number of claims."""
        return len(self.start) - 1

    @property
    def n_levels(self) -> int:
        """Number of levels of all claims together."""
        return len(self.cost)

    @property
    def owner(self) -> Ints:
        """Claim of each level."""
        return np.repeat(np.arange(self.n_claims), np.diff(self.start))

    @property
    def least(self) -> int:
        """Sum of what the lowest levels cost."""
        return int(self.cost[self.start[:-1]].sum())

    def spent(self, levels: Ints) -> int:
        """Sum of what the levels cost."""
        return int(self.cost[self.start[:-1] + levels].sum())

    def gained(self, levels: Ints) -> int:
        """Sum of what the levels gain."""
        return int(self.gain[self.start[:-1] + levels].sum())

    def fits(self, levels: Ints) -> bool:
        """Tell whether the levels keep within the budget."""
        return self.spent(levels) <= self.budget

    @property
    def concave(self) -> bool:
        """Whether no claim gains more by a unit of cost than by the ones before it."""
        tops = [int(np.argmax(gain)) for gain in np.split(self.gain, self.start[1:-1])]
        return len(self.steps.claim) == sum(tops)

    @cached_property
    def steps(self) -> Steps:
        """Steps along the upper concave envelopes, as far as they gain."""
        hulls = [
            _envelope(cost.tolist(), gain.tolist())
            for cost, gain in zip(
                np.split(self.cost, self.start[1:-1]),
                np.split(self.gain, self.start[1:-1]),
                strict=True,
            )
        ]
        claim = np.repeat(np.arange(self.n_claims), [len(hull) for hull in hulls])
        level = np.array([level for hull in hulls for level in hull], np.int64)
        at = self.start[claim] + level
        inner = np.flatnonzero(level > 0)
        cost = self.cost[at[inner]] - self.cost[at[inner - 1]]
        gain = self.gain[at[inner]] - self.gain[at[inner - 1]]
        # Quotients of such integers are rounded in their order, so equal ones keep that of levels.
        order = np.argsort(-(gain / cost), kind="stable")
        inner = inner[order]
        return Steps(claim[inner], level[inner], cost[order], gain[order])


def _envelope(costs: list[int], gains: list[int]) -> list[int]:
    """Return the levels on the upper concave envelope, from the lowest to the best one."""
    hull = [0]
    for level in range(1, gains.index(max(gains)) + 1):
        while len(hull) > 1 and _below(costs, gains, hull[-2], hull[-1], level):
            hull.pop()
        hull.append(level)
    return hull


def _below(costs: list[int], gains: list[int], first: int, middle: int, last: int) -> bool:
    """Tell whether the middle level is below the line between the other two."""
    rise = (gains[middle] - gains[first]) * (costs[last] - costs[first])
    return rise < (gains[last] - gains[first]) * (costs[middle] - costs[first])


def compile_allocation(problem: AllocationProblem) -> AllocationArrays:
    """Translate a problem into arrays."""
    sizes = [len(claim.gains) for claim in problem.claims]
    return AllocationArrays(
        start=np.concatenate(([0], np.cumsum(sizes))).astype(np.int64),
        cost=np.concatenate([np.array(claim.levels(), np.int64) for claim in problem.claims]),
        gain=np.concatenate([np.array(claim.gains, np.int64) for claim in problem.claims]),
        budget=problem.budget,
    )
