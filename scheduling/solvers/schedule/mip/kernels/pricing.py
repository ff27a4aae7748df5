"""Cheapest starts and modes of independent chains of tasks under prices per unit and time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.kernels.copying import copy

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@njit.inner
def _cheapest_modes(
    task: int,
    lag: int,
    rest: FloatArray,
    prices: FloatArray,
    first: IntArray,
    mode_ptr: IntArray,
    mode_length: IntArray,
    mode_last: IntArray,
    use_ptr: IntArray,
    use_resource: IntArray,
    use_amount: FloatArray,
    value: FloatArray,
    mode_at: NDArray[np.int32],
) -> None:
    """Fill in the least cost of a chain's end from each start of a task, and the mode for it."""
    horizon = prices.shape[1] - 1
    value[:] = np.inf
    mode_at[:] = -1
    for m in range(mode_ptr[task], mode_ptr[task + 1]):
        length = mode_length[m]
        for s in range(first[task], mode_last[m] + 1):
            after = max(s + length + lag, 0)
            if after > horizon:
                break
            cost = rest[after]
            for k in range(use_ptr[m], use_ptr[m + 1]):
                row = prices[use_resource[k]]
                cost += use_amount[k] * (row[s + length] - row[s])
            if cost < value[s]:
                value[s] = cost
                mode_at[s] = m


@njit.lean
def _add_use(
    tasks: IntArray,
    lags: IntArray,
    start_at: NDArray[np.int32],
    mode_at: NDArray[np.int32],
    mode_length: IntArray,
    use_ptr: IntArray,
    use_resource: IntArray,
    use_amount: FloatArray,
    load: FloatArray,
) -> None:
    """Add what a chain uses over time in its cheapest starts and modes."""
    moment = 0
    for depth in range(len(tasks)):
        s = start_at[depth, moment]
        m = mode_at[depth, s]
        for k in range(use_ptr[m], use_ptr[m + 1]):
            load[use_resource[k], s] += use_amount[k]
            load[use_resource[k], s + mode_length[m]] -= use_amount[k]
        moment = max(s + mode_length[m] + lags[depth], 0)


@njit.lean
def _no_earlier(value: FloatArray, rest: FloatArray, start_at: IntArray) -> None:
    """Write the least value of a start at or after each time, and which start that is."""
    last = len(value) - 1
    best, place = np.inf, last
    for s in range(last, -1, -1):
        if value[s] < best:
            best, place = value[s], s
        rest[s] = best
        start_at[s] = place


@njit.entry
def price_chains(
    prices: FloatArray,
    costs: FloatArray,
    chain_ptr: IntArray,
    chain_task: IntArray,
    chain_lag: IntArray,
    first: IntArray,
    mode_ptr: IntArray,
    mode_length: IntArray,
    mode_last: IntArray,
    use_ptr: IntArray,
    use_resource: IntArray,
    use_amount: FloatArray,
    load: FloatArray,
) -> float:
    """Sum over chains of the least cost, by dynamic programming from the last task backwards.

    Parameters
    ----------
    prices
        (resources, horizon + 1) sums of the prices of all earlier times.
    costs
        (chains, horizon + 1) cost of a chain by the end of its last task.
    chain_ptr, chain_task, chain_lag
        Tasks of each chain and the least time between the end of one and the start of the next.
    first, mode_ptr, mode_length, mode_last
        Windows of tasks and modes; a mode with ``mode_last`` below ``first`` is left out.
    use_ptr, use_resource, use_amount
        Units that each mode holds.
    load
        (resources, horizon + 1) receives the changes of the use over time.
    """
    horizon = prices.shape[1] - 1
    total = 0.0
    longest = 0
    for c in range(len(chain_ptr) - 1):
        longest = max(longest, chain_ptr[c + 1] - chain_ptr[c])
    start_at = np.empty((longest, horizon + 1), np.int32)
    mode_at = np.empty((longest, horizon + 1), np.int32)
    rest = np.empty(horizon + 1)
    value = np.empty(horizon + 1)
    load[:] = 0.0
    for c in range(len(chain_ptr) - 1):
        begin, end = chain_ptr[c], chain_ptr[c + 1]
        copy(rest, costs[c])
        for position in range(end - 1, begin - 1, -1):
            i, depth = chain_task[position], position - begin
            _cheapest_modes(
                i,
                chain_lag[position],
                rest,
                prices,
                first,
                mode_ptr,
                mode_length,
                mode_last,
                use_ptr,
                use_resource,
                use_amount,
                value,
                mode_at[depth],
            )
            _no_earlier(value, rest, start_at[depth])
        total += rest[0]
        if rest[0] == np.inf:
            return np.inf
        _add_use(
            chain_task[begin:end],
            chain_lag[begin:end],
            start_at,
            mode_at,
            mode_length,
            use_ptr,
            use_resource,
            use_amount,
            load,
        )
    return total
