"""Typed problems of allocation: one budget over many claims, each with a table of gains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.allocation.solution import AllocationSolution

MOST = 2**40

Amount = Annotated[int, Field(ge=0, le=MOST)]
Gain = Annotated[int, Field(ge=-MOST, le=MOST)]


class Claim(Frozen):
    """Something that gains by what it is granted: a layer, a category, a prompt, a block."""

    id: Name
    gains: Annotated[Many[Gain], Field(min_length=1)] = Field(
        description="Gain at each level, in any unit that all claims share."
    )
    costs: Many[Amount] | None = Field(
        default=None,
        description="What each level takes of the budget, rising; default: 0, 1, 2, ….",
    )

    def levels(self) -> tuple[int, ...]:
        """Return what each level takes of the budget."""
        return tuple(range(len(self.gains))) if self.costs is None else self.costs


class AllocationProblem(Problem):
    """A problem of allocation: which level each claim is granted, for the most gain in all.

    With ``c_ik`` and ``g_ik`` cost and gain of level k of claim i, one level ``k_i`` of each claim
    is chosen, ``sum_i c_i,k_i <= budget``, and ``sum_i g_i,k_i`` is maximised. Where gains are
    concave in their costs, and costs rise by ones, granting unit after unit where it gains most is
    best possible; in general it is a knapsack problem with multiple choice.

    Sources: Fox, "Discrete optimization via marginal analysis", Management Science 13, 1966;
    Ibaraki and Katoh, *Resource Allocation Problems*, MIT Press 1988; Kellerer, Pferschy and
    Pisinger, *Knapsack Problems*, Springer 2004, chapter 11.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["allocation"] = "allocation"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> AllocationSolution: ...

    budget: Amount = Field(description="What there is, in the unit of the costs.")
    claims: Annotated[Many[Claim], Field(min_length=1)]

    def _faults(self) -> list[Fault]:
        from scheduling.models.allocation.validation import find_faults

        return find_faults(self)
