"""Prompts that pass the layers of a model in parts: by groups of layers, or until they give way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.models.cost.protocol import Batch
from scheduling.simulator.requests.live import Live, State

Chunks = list[tuple[Live, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """How the prompts of one iteration pass the layers.

    Parameters
    ----------
    seconds
        Time of the iteration.
    finishes
        Its prompt tokens are computed at its end; otherwise a later iteration goes on with them.
    operators
        Operators that it consists of, all equally long, after each of which it may give way; 0: it
        runs to its end.
    share
        Share of the layers that the prompts pass in it.
    """

    seconds: float
    finishes: bool = True
    operators: int = 0
    share: float = 1.0


class Cohort:
    """Prompts that pass the layers together, in more than one iteration.

    A request that is evicted on the way has left it, even when it is admitted again.

    Parameters
    ----------
    chunks
        The requests, with the prompt tokens of each.
    """

    def __init__(self, chunks: Sequence[tuple[Live, int]]) -> None:
        self._members = [(request, tokens, request.restarts) for request, tokens in chunks]

    @property
    def chunks(self) -> Chunks:
        """Those that are still on their way."""
        return [
            (request, tokens)
            for request, tokens, restarts in self._members
            if request.state is State.PREFILLING and request.restarts == restarts
        ]


def mixed_batch(chunks: Chunks, decodes: int, context: int) -> Batch:
    """Return the work of prompt tokens beside so many decodes with ``context`` tokens in sum."""
    new = cached = 0
    pairs = 0.0
    for request, tokens in chunks:
        new += tokens
        cached += request.done
        pairs += tokens * (request.done + (tokens + 1) / 2)
    return Batch(new, len(chunks), cached, pairs, decodes, context)


def next_batch(batch: Batch) -> Batch:
    """Return the work of the next equal chunk of a prompt, and the next tokens of the decodes."""
    new, prefills, cached, pairs, decodes, context = batch
    return Batch(new, prefills, cached + new, pairs + new * new, decodes, context + decodes)
