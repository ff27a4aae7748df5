"""List scheduling for the flexible job shop: a queue at every machine, one pass over time.

Whenever a machine is free it looks at the most urgent operation waiting for it; the operation
goes to the machine that completes it first, and stays in that machine's queue if it is busy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.flexible_graph import (
    FAR,
    FlexibleShop,
    FloatArray,
    IntArray,
    RngArray,
    draw,
)


@njit.lean
def _push(keys: FloatArray, items: IntArray, base: int, size: int, key: float, item: int) -> None:
    """Add an entry to the binary heap of ``size`` entries that begins at cell ``base``."""
    at = size
    while at > 0:
        up = (at - 1) >> 1
        above = keys[base + up]
        if above < key or (above == key and items[base + up] <= item):
            break
        keys[base + at] = above
        items[base + at] = items[base + up]
        at = up
    keys[base + at] = key
    items[base + at] = item


@njit.lean
def _pop(keys: FloatArray, items: IntArray, base: int, size: int) -> None:
    """Remove the least entry of a heap of ``size`` entries (ties: least item)."""
    last = size - 1
    key = keys[base + last]
    item = items[base + last]
    at = 0
    while True:
        down = 2 * at + 1
        if down >= last:
            break
        if down + 1 < last:
            a = keys[base + down]
            b = keys[base + down + 1]
            if b < a or (b == a and items[base + down + 1] < items[base + down]):
                down += 1
        below = keys[base + down]
        if key < below or (key == below and item <= items[base + down]):
            break
        keys[base + at] = below
        items[base + at] = items[base + down]
        at = down
    keys[base + at] = key
    items[base + at] = item


@njit.inner
def remaining_work(shop: FlexibleShop) -> FloatArray:
    """Return the longest path from each operation's start to the end, with mean durations."""
    n = shop.head.size
    work = np.zeros(n, np.float64)
    for i in range(n - 1, -1, -1):
        v = shop.topological[i]
        after = float(shop.tail[v])
        for e in range(shop.succ_ptr[v], shop.succ_ptr[v + 1]):
            after = max(after, shop.succ_lag[e] + work[shop.succ[e]])
        total = 0.0
        for a in range(shop.alt_ptr[v], shop.alt_ptr[v + 1]):
            total += shop.alt_duration[a]
        work[v] = after + total / (shop.alt_ptr[v + 1] - shop.alt_ptr[v])
    return work


@njit.inner
def _expected_load(shop: FlexibleShop) -> FloatArray:
    """Return each machine's work if every operation were shared evenly by its machines."""
    load = np.zeros(shop.seq_ptr.size - 1, np.float64)
    for v in range(shop.head.size):
        share = 1.0 / (shop.alt_ptr[v + 1] - shop.alt_ptr[v])
        for a in range(shop.alt_ptr[v], shop.alt_ptr[v + 1]):
            load[shop.alt_machine[a]] += share * shop.alt_duration[a]
    return load


class _Dispatch(NamedTuple):
    """State of one pass: event heap, a heap per machine, and what is free or ready when."""

    event_key: FloatArray
    event: IntArray
    key: FloatArray
    item: IntArray
    queued: IntArray
    waiting: IntArray
    owner: IntArray
    missing: IntArray
    ready: IntArray
    free: IntArray
    load: FloatArray
    touched: IntArray
    touch_mark: IntArray
    tally: IntArray


_EVENTS, _RANK, _TOUCHED = range(3)


@njit.inner
def _new_dispatch(shop: FlexibleShop) -> _Dispatch:
    """Allocate a pass, with the operations that have no predecessor as events."""
    n = shop.head.size
    machines = shop.seq_ptr.size - 1
    cells = shop.alt_machine.size
    d = _Dispatch(
        np.empty(2 * n + 1, np.float64),
        np.empty(2 * n + 1, np.int64),
        np.empty(cells, np.float64),
        np.empty(cells, np.int64),
        np.zeros(machines, np.int64),
        np.zeros(cells, np.int64),
        np.empty(cells, np.int64),
        np.empty(n, np.int64),
        shop.head.copy(),
        np.full(machines, -FAR, np.int64),
        _expected_load(shop),
        np.empty(machines, np.int64),
        np.zeros(machines, np.int64),
        np.zeros(3, np.int64),
    )
    for v in range(n):
        d.owner[shop.alt_ptr[v] : shop.alt_ptr[v + 1]] = v
        d.missing[v] = shop.pred_ptr[v + 1] - shop.pred_ptr[v]
        if d.missing[v] == 0:
            _push(d.event_key, d.event, 0, d.tally[_EVENTS], d.ready[v], v)
            d.tally[_EVENTS] += 1
    return d


@njit.lean
def _touch(d: _Dispatch, k: int) -> None:
    """Note that machine k may start something now."""
    if d.touch_mark[k] == 0:
        d.touch_mark[k] = 1
        d.touched[d.tally[_TOUCHED]] = k
        d.tally[_TOUCHED] += 1


@njit.lean
def _choose(shop: FlexibleShop, d: _Dispatch, v: int, now: int) -> int:
    """Return the alternative that completes v first (ties: the machine with less work)."""
    chosen = shop.alt_ptr[v]
    k = shop.alt_machine[chosen]
    best = max(now, d.free[k]) + shop.alt_duration[chosen]
    best_load = d.load[k]
    for a in range(chosen + 1, shop.alt_ptr[v + 1]):
        k = shop.alt_machine[a]
        end = max(now, d.free[k]) + shop.alt_duration[a]
        if end < best or (end == best and d.load[k] < best_load):
            best = end
            best_load = d.load[k]
            chosen = a
    return chosen


@njit.lean
def _assign(
    shop: FlexibleShop,
    d: _Dispatch,
    a: int,
    now: int,
    alternative: IntArray,
    position: IntArray,
) -> None:
    """Append the owner of alternative ``a`` to its machine and announce what follows."""
    v = d.owner[a]
    k = shop.alt_machine[a]
    alternative[v] = a
    position[v] = d.tally[_RANK]
    d.tally[_RANK] += 1
    end = max(now, d.free[k]) + shop.alt_duration[a]
    d.free[k] = end
    _push(d.event_key, d.event, 0, d.tally[_EVENTS], end, shop.head.size + k)
    d.tally[_EVENTS] += 1
    for e in range(shop.succ_ptr[v], shop.succ_ptr[v + 1]):
        w = shop.succ[e]
        d.ready[w] = max(d.ready[w], end + shop.succ_lag[e])
        d.missing[w] -= 1
        if d.missing[w] == 0:
            _push(d.event_key, d.event, 0, d.tally[_EVENTS], d.ready[w], w)
            d.tally[_EVENTS] += 1


@njit.lean
def _serve(
    shop: FlexibleShop,
    d: _Dispatch,
    k: int,
    now: int,
    alternative: IntArray,
    position: IntArray,
) -> None:
    """Let machine k take work from its queue while it is free."""
    base = shop.seq_ptr[k]
    while d.queued[k] > 0 and d.free[k] <= now:
        a = d.item[base]
        _pop(d.key, d.item, base, d.queued[k])
        d.queued[k] -= 1
        d.waiting[a] = 0
        v = d.owner[a]
        if alternative[v] >= 0:
            continue
        chosen = _choose(shop, d, v, now)
        busy = d.free[shop.alt_machine[chosen]] > now
        if not (busy and d.waiting[chosen] == 1):
            _assign(shop, d, chosen, now, alternative, position)


@njit.entry
def list_schedule(
    shop: FlexibleShop,
    ready_weight: float,
    work_weight: float,
    noise: float,
    rng: RngArray,
    alternative: IntArray,
    position: IntArray,
) -> None:
    """Build a schedule, writing each operation's alternative and rank in a topological order.

    The most urgent operation has the least ``ready_weight * ready - work_weight * remaining
    work``, the latter multiplied by 1 plus a random share of ``noise``.
    """
    n = shop.head.size
    work = remaining_work(shop)
    if noise > 0.0:
        for v in range(n):
            work[v] *= 1.0 + noise * draw(rng, 1 << 20) / (1 << 20)
    alternative[:] = -1
    d = _new_dispatch(shop)
    while d.tally[_EVENTS] > 0:
        now = int(d.event_key[0])
        d.tally[_TOUCHED] = 0
        while d.tally[_EVENTS] > 0 and d.event_key[0] == now:
            v = d.event[0]
            _pop(d.event_key, d.event, 0, d.tally[_EVENTS])
            d.tally[_EVENTS] -= 1
            if v >= n:
                _touch(d, v - n)
                continue
            key = ready_weight * d.ready[v] - work_weight * work[v]
            for a in range(shop.alt_ptr[v], shop.alt_ptr[v + 1]):
                k = shop.alt_machine[a]
                _push(d.key, d.item, shop.seq_ptr[k], d.queued[k], key, a)
                d.queued[k] += 1
                d.waiting[a] = 1
                _touch(d, k)
        for i in range(d.tally[_TOUCHED]):
            k = d.touched[i]
            d.touch_mark[k] = 0
            _serve(shop, d, k, now, alternative, position)
