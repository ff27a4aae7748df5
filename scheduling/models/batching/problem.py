"""Typed problems of batching: when requests of known length start under one KV memory.

Times are numbers of iterations, which all take equally long; lengths and memory are tokens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Frozen, Many, Name, Problem

if TYPE_CHECKING:
    from scheduling.models.batching.solution import BatchingSolution

Slots = Annotated[int, Field(ge=0, le=10**7)]
Tokens = Annotated[int, Field(ge=0, le=10**9)]
Objective = Literal["flow", "on-time", "makespan"]


class BatchingRequest(Frozen):
    """A request: its prompt runs with its first token, each later token takes an iteration."""

    id: Name
    release: Slots = Field(default=0, description="Iteration from which on it may start.")
    prompt: Tokens = Field(description="Tokens of its prompt.")
    output: Annotated[int, Field(ge=1, le=10**5)] = Field(description="Tokens of its answer.")
    weight: Annotated[int, Field(ge=0, le=10**6)] = Field(
        default=1, description="In the sum of flow times, or when it is on time."
    )
    due: Slots | None = Field(default=None, description="Iteration by whose begin it is to end.")


class BatchingProblem(Problem):
    """Start requests in iterations of one length, one after another, under one KV memory.

    A request that starts at ``s >= release`` runs in iterations ``s, …, s + output - 1`` and holds
    ``prompt + j`` tokens in the j-th of them; it ends at ``C = s + output``. In every iteration
    those that run hold at most ``memory`` tokens, and are at most ``batch``. A request may be
    evicted and start again from nothing; that never helps, but policies do so.

    ``flow`` is minimised, the sum of ``weight * (C - release)``; ``makespan`` too, the latest end;
    of ``on-time`` most is best, the weight of those with ``C <= due``.

    Source: Jaillet et al., "Online scheduling for LLM inference with KV cache constraints", arXiv
    2502.07115.

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["batching"] = "batching"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> BatchingSolution: ...

    requests: Annotated[Many[BatchingRequest], Field(min_length=1)]
    memory: Annotated[int, Field(ge=1, le=10**12)] = Field(description="Tokens of KV memory.")
    batch: Annotated[int, Field(ge=1, le=10**6)] | None = Field(
        default=None, description="Most requests in one iteration; none: any number."
    )
    objective: Objective = "flow"

    def _faults(self) -> list[Fault]:
        from scheduling.models.batching.validation import find_faults

        return find_faults(self)
