"""Rings of collectives over links of different speeds."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from scheduling.errors import Fault, InputError
from scheduling.models.base import Many, Problem

Rate = Annotated[float, Field(ge=0, le=10**15)]


class RingProblem(Problem):
    """Order nodes in a ring so that its slowest link is as fast as possible.

    In a ring of n nodes each link carries ``2 (n - 1) / n`` of the data of an all-reduce, so that
    the slowest one determines its time.

    Raises
    ------
    InputError
        When the table of rates is not square or smaller than two nodes.
    """

    kind: Literal["ring"] = "ring"
    rates: Many[Many[Rate]] = Field(
        description="Rate of the link from each node to each; the diagonal does not matter."
    )

    def _faults(self) -> list[Fault]:
        n = len(self.rates)
        faults = [
            Fault(f"rates[{number}]", f"{len(row)} rates", f"{n}, one for each node")
            for number, row in enumerate(self.rates)
            if len(row) != n
        ]
        if n < 2:
            faults.append(Fault("rates", f"{n} nodes", "at least 2"))
        return faults


def slowest(problem: RingProblem, order: list[int]) -> float:
    """Return the rate of a ring's slowest link.

    Parameters
    ----------
    problem
        The rates.
    order
        Every node once; the last one sends to the first.
    """
    if sorted(order) != list(range(len(problem.rates))):
        raise InputError.single("order", repr(order), "each node once")
    following = [*order[1:], order[0]]
    return min(problem.rates[a][b] for a, b in zip(order, following, strict=True))


def fastest_bound(problem: RingProblem) -> float:
    """Return a rate that no ring's slowest link exceeds.

    The links of a ring lead from every node to every other, and connect the others, in one way at
    least, when any one node is taken away; the fastest links that do so all are no slower.
    """
    rates = np.array(problem.rates)
    levels = np.unique(rates[~np.eye(len(rates), dtype=bool)])
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _stays_whole(rates >= levels[middle]):
            low = middle
        else:
            high = middle - 1
    return float(levels[low])


def _stays_whole(links: NDArray[np.bool_]) -> bool:
    """Return whether links lead from all nodes to all, and connect the others without any one."""
    all_nodes = np.ones((1, len(links)), dtype=bool)
    return (
        _all_reached(links, all_nodes)
        and _all_reached(links.T, all_nodes)
        and _all_reached(links | links.T, ~np.eye(len(links), dtype=bool))
    )


def _all_reached(links: NDArray[np.bool_], there: NDArray[np.bool_]) -> bool:
    """Return whether, in each row of nodes that are there, the first one reaches all others."""
    reached = np.zeros_like(there)
    reached[np.arange(len(there)), there.argmax(axis=1)] = True
    steps = links.astype(np.float32)
    while True:
        more = reached | ((reached.astype(np.float32) @ steps > 0) & there)
        if (more == reached).all():
            return bool((reached == there).all())
        reached = more
