"""The order of passes over the chunks of one long sequence, with few activations in memory."""

from __future__ import annotations

from typing import Literal, NamedTuple

Pass = Literal["forward", "backward"]


class Step(NamedTuple):
    """A pass over a chunk; ``keeps``: whether a forward pass leaves its activations in memory."""

    action: Pass
    chunk: int
    keeps: bool = False


def state_aware_order(chunks: int, kept: int) -> list[Step]:
    """Return the passes of a sequence cut into chunks (ChunkFlow's state-aware order).

    Forward passes go through all chunks, since each needs what those before it leave to attend to;
    only the last ``kept`` leave their activations. Backward passes go from the last chunk to the
    first; a chunk whose activations are gone is computed again just before. At the first backward
    pass at most ``kept`` chunks can have activations, so that no order computes fewer again.

    Parameters
    ----------
    chunks
        Chunks of the sequence.
    kept
        Most chunks with activations in memory at once.

    Examples
    --------
    >>> [f"{step.action[0]}{step.chunk}" for step in state_aware_order(3, 1)]
    ['f0', 'f1', 'f2', 'b2', 'f1', 'b1', 'f0', 'b0']
    """
    first = max(0, chunks - kept)
    steps = [Step("forward", chunk, chunk >= first) for chunk in range(chunks)]
    for chunk in reversed(range(chunks)):
        if chunk < first:
            steps.append(Step("forward", chunk, True))
        steps.append(Step("backward", chunk))
    return steps


def passes_again(chunks: int, kept: int) -> int:
    """Return the forward passes of a sequence that are computed twice."""
    return max(0, chunks - kept)


def most_kept(steps: list[Step]) -> int:
    """Return the most chunks with activations in memory at once.

    Parameters
    ----------
    steps
        Any order of passes; a backward pass frees what the forward pass of its chunk has kept.
    """
    live: set[int] = set()
    most = 0
    for step in steps:
        if step.action == "forward" and step.keeps:
            live.add(step.chunk)
        most = max(most, len(live))
        if step.action == "backward":
            live.discard(step.chunk)
    return most
