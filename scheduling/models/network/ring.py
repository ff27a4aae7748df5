"""Rings of collectives over links of different speeds."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

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

    @model_validator(mode="after")
    def _square(self) -> Self:
        n = len(self.rates)
        faults = [
            Fault(f"rates[{number}]", f"{len(row)} rates", f"{n}, one for each node")
            for number, row in enumerate(self.rates)
            if len(row) != n
        ]
        if n < 2:
            faults.append(Fault("rates", f"{n} nodes", "at least 2"))
        if faults:
            raise InputError(faults)
        return self


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
    """Return a rate that no ring's slowest link exceeds: each node sends once and receives once."""
    rates, n = problem.rates, len(problem.rates)
    sends = min(max(rates[a][b] for b in range(n) if b != a) for a in range(n))
    receives = min(max(rates[a][b] for a in range(n) if a != b) for b in range(n))
    return min(sends, receives)
