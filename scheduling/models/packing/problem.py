"""Sequences of training data that are cut and packed into chunks of one size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Many, Problem

if TYPE_CHECKING:
    from scheduling.models.packing.solution import PackingSolution

Tokens = Annotated[int, Field(ge=1, le=10**9)]

MOST_CHUNKS = 10**7
"""Most chunks that long sequences may be cut into."""


class PackingProblem(Problem):
    """Pack sequences into the fewest chunks.

    A sequence of at most ``chunk_tokens`` lies whole in one chunk, beside others while their tokens
    sum to at most that. A longer one is cut into chunks of its own, the last of which may be short:
    they depend on each other and hold nothing else (ChunkFlow, arXiv 2503.02356).

    Raises
    ------
    InputError
        With every fault of the input and its place.
    """

    kind: Literal["packing"] = "packing"

    if TYPE_CHECKING:

        @property
        def _solved(self) -> PackingSolution: ...

    chunk_tokens: Tokens
    kept_chunks: Annotated[int, Field(ge=1, le=10**6)] = Field(
        default=1,
        description="Chunks of a long sequence whose activations stay in memory; others are "
        "computed again for their backward pass.",
    )
    lengths: Annotated[Many[Tokens], Field(min_length=1)] = Field(
        description="Tokens of each sequence."
    )

    def _faults(self) -> Iterator[Fault]:
        chunks = self.own_chunks
        if chunks > MOST_CHUNKS:
            found = f"{chunks} chunks of long sequences"
            yield Fault("chunk_tokens", found, f"at most {MOST_CHUNKS}")

    @property
    def own_chunks(self) -> int:
        """Chunks of sequences that are too long for one."""
        size = self.chunk_tokens
        return sum(-(-length // size) for length in self.lengths if length > size)
