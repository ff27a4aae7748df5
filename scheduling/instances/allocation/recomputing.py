"""Which steps of a process recompute under a budget, where the others reuse what was computed last.

Blocks of a diffusion policy, or chunks of a video, are computed step after step of the denoising;
a step that reuses the features of an earlier one is off by some loss. For each of them the least
loss with k computed steps is a shortest path, found by a dynamic program, so that sharing one
budget out over all of them is a problem of allocation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError
from scheduling.models.allocation.problem import AllocationProblem, Claim

Ints = NDArray[np.int64]

_FAR = 2**60


@dataclass(frozen=True)
class Recomputing:
    """The best ways to compute some steps of one process, by their number.

    Attributes
    ----------
    loss
        Least loss with 1, 2, … computed steps, the first step being one of them.
    """

    loss: tuple[int, ...]
    _before: Ints

    def steps(self, count: int) -> tuple[int, ...]:
        """Return which steps are computed at the least loss with ``count`` of them."""
        found = []
        end = len(self.loss)
        for number in range(count, 0, -1):
            end = int(self._before[number, end])
            found.append(end)
        return tuple(reversed(found))


def best_recomputing(loss: Ints) -> Recomputing:
    """Find the best steps to compute for every number of them.

    With ``D_k(e)`` the least loss of the steps before e with k computed ones,
    ``D_k(e) = min_s D_(k-1)(s) + sum_{s <= t < e} loss[s, t]``.

    Parameters
    ----------
    loss
        Loss of step t when it reuses step s, at ``[s, t]`` for ``s <= t``; 0 on the diagonal.

    Raises
    ------
    InputError
        When it is not square, or a loss is negative.
    """
    count = len(loss)
    if loss.shape != (count, count) or not count or int(loss.min()) < 0:
        raise InputError.single("loss", str(loss.shape), "a square table of losses, 0 or more")
    # Column e sums the steps s to e - 1, for each s from which they reuse.
    reused = np.concatenate((np.zeros((count, 1), np.int64), np.cumsum(np.triu(loss), axis=1)), 1)
    later = np.arange(count + 1)[None, :] > np.arange(count)[:, None]
    reused = np.where(later, reused, _FAR)
    best = np.full(count + 1, _FAR, np.int64)
    best[0] = 0
    before = np.zeros((count + 1, count + 1), np.int64)
    found = []
    for number in range(1, count + 1):
        value = np.minimum(best[:count, None] + reused, _FAR)
        before[number] = np.argmin(value, axis=0)
        best = value[before[number], np.arange(count + 1)]
        found.append(int(best[count]))
    return Recomputing(tuple(found), before)


def loss_of(loss: Ints, steps: tuple[int, ...]) -> int:
    """Sum the losses when these steps are computed, the first of all among them."""
    last = -1
    total = 0
    for step in range(len(loss)):
        last = step if step in steps else last
        total += int(loss[last, step])
    return total


def recomputing_problem(
    name: str, found: Mapping[str, Recomputing], cost: Mapping[str, int], budget: int
) -> AllocationProblem:
    """State how many steps each process computes, for the least loss in all.

    Parameters
    ----------
    name
        Name of the problem.
    found
        Processes by name.
    cost
        What one computed step of each takes of the budget.
    budget
        What there is for all computed steps, the first of each among them.

    Returns
    -------
    AllocationProblem
        Level k of a claim computes k + 1 steps and gains the loss that it avoids against one.
    """
    return AllocationProblem(
        name=name,
        budget=budget,
        claims=tuple(
            Claim(
                id=key,
                gains=tuple(entry.loss[0] - loss for loss in entry.loss),
                costs=tuple(cost[key] * count for count in range(1, len(entry.loss) + 1)),
            )
            for key, entry in found.items()
        ),
    )
