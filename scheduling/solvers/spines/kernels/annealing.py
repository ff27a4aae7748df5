"""The compiled annealing of whole flows on spines. Importing this module loads numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_EXCHANGES = 0.5
"""Share of the steps that exchange the spines of two flows."""

_HOT, _COLD = 0.3, 0.01
"""Heat at the beginning and at the end, in what a link carries."""

_EACH = 0.2
"""What a link that carries too much costs beside what is too much, as one flow is split for it."""

_FULL = 1.0 + 1e-9


@njit.entry
def anneal(
    size: Floats, ends: Ints, leaves: int, spines: int, place: Ints, steps: int, rng: Any
) -> Ints:
    """Anneal from whole flows on spines; return those found whose links are least overloaded.

    Parameters
    ----------
    size
        Of each flow, in what a link carries.
    ends
        Numbers of both leaves of each flow; sources and targets are counted as different leaves.
    leaves, spines
        Numbers of them.
    place
        The spine of each flow.
    steps
        Number of steps.
    rng
        Generator.
    """
    flows = len(size)
    load = np.zeros((leaves, spines))
    for flow in range(flows):
        for side in range(2):
            load[ends[side, flow], place[flow]] += size[flow]
    current, best = place.copy(), place.copy()
    change, least = 0.0, 0.0
    heat, cooling = _HOT, (_COLD / _HOT) ** (1.0 / max(1, steps))
    for _ in range(steps):
        heat *= cooling
        one, other = int(rng.random() * flows), -1
        here, there = current[one], int(rng.random() * spines)
        if rng.random() < _EXCHANGES:
            other = int(rng.random() * flows)
            there = current[other]
        if here == there:
            continue
        before = _excess(load, ends, one, other, here, there)
        _move(load, ends, size, one, here, there)
        if other >= 0:
            _move(load, ends, size, other, there, here)
        worse = _excess(load, ends, one, other, here, there) - before
        if worse <= 0.0 or rng.random() < np.exp(-worse / heat):
            change += worse
            current[one] = there
            if other >= 0:
                current[other] = here
            if change < least:
                least = change
                copy(best, current)
        else:
            _move(load, ends, size, one, there, here)
            if other >= 0:
                _move(load, ends, size, other, here, there)
    return best


@njit.lean
def _move(load: Floats, ends: Ints, size: Floats, flow: int, here: int, there: int) -> None:
    for side in range(2):
        load[ends[side, flow], here] -= size[flow]
        load[ends[side, flow], there] += size[flow]


@njit.lean
def _excess(load: Floats, ends: Ints, one: int, other: int, here: int, there: int) -> float:
    """Return what is too much on the links of both flows' leaves to two spines."""
    found = 0.0
    for flow in (one, other):
        if flow < 0:
            continue
        for side in range(2):
            if flow == other and ends[side, one] == ends[side, other]:
                continue
            for spine in (here, there):
                carried = load[ends[side, flow], spine]
                if carried > _FULL:
                    found += carried - 1.0 + _EACH
    return found
