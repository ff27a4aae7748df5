"""Precedences that some optimal order of one machine keeps.

Emmons (1969, Operations Research 17) for total tardiness, Rinnooy Kan, Lageweg and Lenstra (1975,
Operations Research 23) for weights: each precedence found sharpens the conditions for the next.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.tardiness.kernels.multipliers import Ints

Bools = NDArray[np.bool_]


def find_precedences(durations: Ints, dues: Ints, weights: Ints) -> Bools:
    """Return which jobs (rows) come before which (columns) in some optimal order."""
    n = len(durations)
    before = np.zeros((n, n), np.bool_)
    ahead, behind = durations.copy(), durations.sum() - durations
    close_pairs(durations, dues, weights, before, ahead, behind)
    return before


@njit.lean_entry
def close_pairs(
    duration: Ints, due: Ints, weight: Ints, before: Bools, ahead: Ints, until: Ints
) -> None:
    """Add precedences until no condition holds for another pair.

    ``ahead[j]`` is the work up to the end of j at least, ``until[j]`` that without j and without
    what must follow it.
    """
    n = duration.shape[0]
    changed = True
    while changed:
        changed = False
        for i in range(n):
            for j in range(n):
                if i == j or before[i, j] or before[j, i]:
                    continue
                if _goes_first(duration, due, weight, ahead, until, i, j):
                    _add(duration, before, ahead, until, i, j)
                    changed = True


@njit.lean
def _goes_first(
    duration: Ints, due: Ints, weight: Ints, ahead: Ints, until: Ints, i: int, j: int
) -> bool:
    """Whether one of the three conditions puts i before j."""
    latest = until[i] + duration[i]
    if weight[i] >= weight[j]:
        if duration[i] <= duration[j] and due[i] <= max(due[j], ahead[j]):
            return True
        if due[i] <= due[j] and due[j] >= latest - duration[j]:
            return True
    return due[j] >= latest


@njit.lean
def _add(duration: Ints, before: Bools, ahead: Ints, until: Ints, i: int, j: int) -> None:
    """Put i and all before it before j and all behind it."""
    n = duration.shape[0]
    for a in range(n):
        if a != i and not before[a, i]:
            continue
        for b in range(n):
            if (b == j or before[j, b]) and not before[a, b]:
                before[a, b] = True
                ahead[b] += duration[a]
                until[a] -= duration[b]
