"""Typed problems of prompts: which are computed in time on a machine that may be interrupted.

Times are integers in the instance's own unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem
from scheduling.models.faults import repeated

if TYPE_CHECKING:
    from scheduling.models.prefill.solution import PrefillSolution

MOST_TIME = 10**18
"""Latest end of all prompts one after the other: times stay well below 2**63."""

Time = Annotated[int, Field(ge=0, le=10**15)]


class Prompt(Frozen):
    """A prompt: equal operators one after another, between which others may run."""

    id: Name
    release: Time = Field(default=0, description="Time from which on it may run.")
    operators: Annotated[int, Field(ge=1, le=10**6)] = Field(
        default=1, description="How many there are."
    )
    duration: Annotated[int, Field(ge=1, le=10**12)] = Field(description="Time of each operator.")
    due: Time = Field(description="Time by which its last operator is to end.")
    weight: Annotated[int, Field(ge=0, le=10**6)] = Field(
        default=1, description="What it counts when it is on time."
    )


class PrefillProblem(Problem):
    """Compute prompts on one machine so that most weight is done by the due times.

    One operator runs at a time, none is interrupted, and none starts before its prompt's release.
    A prompt is on time when all its operators have ended at ``due``; the others may run later or
    not at all. The problem ``1 | r_j, pmtn at operators | sum w_j U_j``.

    Source: FlowPrefill, arXiv 2602.16603.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["prefill"] = "prefill"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> PrefillSolution: ...

    prompts: Annotated[Many[Prompt], Field(min_length=1)]

    def _faults(self) -> Iterator[Fault]:
        yield from repeated("prompts", (prompt.id for prompt in self.prompts))
        work = sum(prompt.operators * prompt.duration for prompt in self.prompts)
        end = max(prompt.release for prompt in self.prompts) + work
        if end > MOST_TIME:
            found = f"{work} units of time in all, up to {end}"
            yield Fault("prompts", found, f"at most {MOST_TIME}: a coarser unit of time")
