"""Rings of collectives over links of different speeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Many, Problem

if TYPE_CHECKING:
    from scheduling.models.ring.solution import RingSolution

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

    if TYPE_CHECKING:

        @property
        def _solved(self) -> RingSolution: ...

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
