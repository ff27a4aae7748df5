"""Schedule generation by dispatching rules.

Non-delay schedules by event simulation, active ones by Giffler and Thompson, Operations
Research 8 (1960).
"""

from __future__ import annotations

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.jobshop_graph import (
    DURATION,
    HEAD,
    LAG,
    MACHINE,
    SUCC,
    TAIL,
    IntArray,
    Shop,
    WordArray,
    next_random,
)

#: Rules by number: the smallest key goes first.
RULES = ("SPT", "LPT", "FIFO", "MWKR", "LWKR", "MOPNR", "FDD/MWKR", "EDD", "SLACK", "RANDOM")


@njit.inner
def _uniform(rng: WordArray) -> float:
    """Uniform float in [0, 1)."""
    return float(next_random(rng) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit.inner
def _rule_keys(shop: Shop, rule: int, noise: float, rng: WordArray) -> np.ndarray:
    """Compute the priority of every operation under a rule, blurred by relative ``noise``.

    FIFO has key 0 here: its key is the time at which the operation becomes ready.
    """
    n = shop.ops.shape[1] - 1
    keys = np.zeros(n, np.float64)
    for j in range(shop.job_ptr.shape[0] - 1):
        first, end = shop.job_ptr[j], shop.job_ptr[j + 1]
        for v in range(end - 1, first - 1, -1):
            keys[v] = shop.ops[DURATION, v] + (keys[v + 1] if v + 1 < end else 0.0)
        total = keys[first] if first < end else 0.0
        for v in range(first, end):
            work = keys[v]
            length = float(shop.ops[DURATION, v])
            if rule == 0:
                key = length
            elif rule == 1:
                key = -length
            elif rule == 2:
                key = 0.0
            elif rule == 3:
                key = -work
            elif rule == 4:
                key = work
            elif rule == 5:
                key = -float(end - v)
            elif rule == 6:
                key = (shop.ops[HEAD, first] + total - work + length) / max(work, 1.0)
            elif rule == 7:
                key = -float(shop.ops[TAIL, end - 1])
            elif rule == 8:
                key = -float(shop.ops[TAIL, v]) - length
            else:
                key = _uniform(rng)
            keys[v] = key * (1.0 + noise * _uniform(rng)) if noise > 0.0 else key
    return keys


@njit.inner
def _precedes(key: np.ndarray, tie: np.ndarray, a: int, b: int) -> bool:
    """Lexicographic order by key, tie word and index."""
    if key[a] != key[b]:
        return key[a] < key[b]
    if tie[a] != tie[b]:
        return tie[a] < tie[b]
    return a < b


@njit.inner
def heap_push(
    heap: IntArray, base: int, size: int, item: int, key: np.ndarray, tie: np.ndarray
) -> None:
    """Push ``item`` on the binary heap ``heap[base : base + size]``."""
    k = size
    while k > 0:
        parent = (k - 1) >> 1
        other = heap[base + parent]
        if not _precedes(key, tie, item, other):
            break
        heap[base + k] = other
        k = parent
    heap[base + k] = item


@njit.inner
def heap_pop(heap: IntArray, base: int, size: int, key: np.ndarray, tie: np.ndarray) -> int:
    """Remove and return the smallest item of the heap ``heap[base : base + size]``."""
    top = heap[base]
    item = heap[base + size - 1]
    size -= 1
    k = 0
    while 2 * k + 1 < size:
        child = 2 * k + 1
        if child + 1 < size and _precedes(key, tie, heap[base + child + 1], heap[base + child]):
            child += 1
        if not _precedes(key, tie, heap[base + child], item):
            break
        heap[base + k] = heap[base + child]
        k = child
    if size > 0:
        heap[base + k] = item
    return top


@njit.inner
def _first_events(shop: Shop, events: IntArray, event_time: IntArray, no_tie: WordArray) -> int:
    """Queue the releases of all first operations; return how many there are."""
    size = 0
    for j in range(shop.job_ptr.shape[0] - 1):
        v = shop.job_ptr[j]
        if v < shop.job_ptr[j + 1]:
            event_time[v] = shop.ops[HEAD, v]
            heap_push(events, 0, size, v, event_time, no_tie)
            size += 1
    return size


@njit.inner
def _non_delay(shop: Shop, keys: np.ndarray, fifo: bool, tie: np.ndarray, order: IntArray) -> None:
    """Simulate the shop in time: a machine that can start something does so by priority."""
    n = order.shape[0]
    machines = shop.machine_ptr.shape[0] - 1
    # Events: operation v becomes ready (item v), machine m becomes free (item n + m).
    event_time = np.zeros(n + machines, np.int64)
    no_tie = np.zeros(n + machines, np.uint64)
    events = np.empty(n + machines, np.int64)
    waiting = np.empty(n, np.int64)
    queued = np.zeros(machines, np.int64)
    busy = np.zeros(machines, np.bool_)
    touched = np.empty(n + machines, np.int64)
    size = _first_events(shop, events, event_time, no_tie)
    done = 0
    while size > 0:
        now = event_time[events[0]]
        count = 0
        while size > 0 and event_time[events[0]] == now:
            item = heap_pop(events, 0, size, event_time, no_tie)
            size -= 1
            if item < n:
                m = shop.ops[MACHINE, item]
                if fifo:
                    keys[item] = now
                heap_push(waiting, shop.machine_ptr[m], queued[m], item, keys, tie)
                queued[m] += 1
            else:
                m = item - n
                busy[m] = False
            touched[count] = m
            count += 1
        for k in range(count):
            m = touched[k]
            if busy[m] or queued[m] == 0:
                continue
            v = heap_pop(waiting, shop.machine_ptr[m], queued[m], keys, tie)
            queued[m] -= 1
            busy[m] = True
            order[done] = v
            done += 1
            end = now + shop.ops[DURATION, v]
            event_time[n + m] = end
            heap_push(events, 0, size, n + m, event_time, no_tie)
            size += 1
            w = shop.ops[SUCC, v]
            if w < n:
                event_time[w] = max(
                    shop.ops[HEAD, w], end + shop.ops[LAG, v] - shop.ops[DURATION, v]
                )
                heap_push(events, 0, size, w, event_time, no_tie)
                size += 1


@njit.inner
def _active(shop: Shop, keys: np.ndarray, fifo: bool, tie: np.ndarray, order: IntArray) -> None:
    """Giffler-Thompson: branch only where the earliest completion leaves a real conflict."""
    jobs = shop.job_ptr.shape[0] - 1
    upcoming = shop.job_ptr[:-1].copy()
    start = np.empty(jobs, np.int64)
    free = np.full(shop.machine_ptr.shape[0] - 1, np.int64(-(1 << 60)), np.int64)
    for j in range(jobs):
        start[j] = shop.ops[HEAD, upcoming[j]]
    for done in range(order.shape[0]):
        chosen = -1
        earliest = np.int64(0)
        for j in range(jobs):
            v = upcoming[j]
            if v < shop.job_ptr[j + 1]:
                begin = max(start[j], free[shop.ops[MACHINE, v]])
                if chosen < 0 or begin + shop.ops[DURATION, v] < earliest:
                    earliest = begin + shop.ops[DURATION, v]
                    chosen = j
        m = shop.ops[MACHINE, upcoming[chosen]]
        for j in range(jobs):
            v = upcoming[j]
            if v < shop.job_ptr[j + 1] and shop.ops[MACHINE, v] == m:
                if fifo:
                    keys[v] = start[j]
                if max(start[j], free[m]) < earliest and _precedes(keys, tie, v, upcoming[chosen]):
                    chosen = j
        v = upcoming[chosen]
        order[done] = v
        end = max(start[chosen], free[m]) + shop.ops[DURATION, v]
        free[m] = end
        upcoming[chosen] = v + 1
        if v + 1 < shop.job_ptr[chosen + 1]:
            start[chosen] = max(
                shop.ops[HEAD, v + 1], end + shop.ops[LAG, v] - shop.ops[DURATION, v]
            )


@njit.entry
def dispatch_order(
    shop: Shop, rule: int, active: bool, noise: float, order: IntArray, rng: WordArray
) -> None:
    """Fill ``order`` with the linear order of a dispatched schedule.

    Parameters
    ----------
    rule
        Index into :data:`RULES`. FDD/MWKR is flow due date over most work remaining, EDD the
        job's largest ``-tail``, SLACK the largest remaining time to the end of the delivery.
    active
        Giffler-Thompson (active) generation instead of non-delay.
    noise
        Keys are multiplied by ``1 + noise * U[0, 1)``; ties are always broken at random.
    rng
        Generator state, advanced in place.
    """
    keys = _rule_keys(shop, rule, noise, rng)
    tie = np.empty(keys.shape[0], np.uint64)
    for v in range(keys.shape[0]):
        tie[v] = next_random(rng)
    if active:
        _active(shop, keys, rule == 2, tie, order)
    else:
        _non_delay(shop, keys, rule == 2, tie, order)
