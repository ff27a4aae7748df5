"""Dispatching by a learned priority function.

The shop is simulated in time. A machine that is free and has work waiting chooses among the
operations that wait and those known to arrive before any of these could end, which keeps the
schedules active (Giffler and Thompson, Operations Research 8, 1960); choosing one that has yet to
arrive keeps the machine idle until then. Every candidate is described by numbers that do not grow
with the size of the shop, and a small network of one hidden layer turns them into a score; the
highest goes first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.jobshop_dispatch import heap_pop, heap_push
from scheduling.solvers.schedule.kernels.jobshop_graph import (
    DURATION,
    HEAD,
    LAG,
    MACHINE,
    SUCC,
    IntArray,
    Shop,
)
from scheduling.solvers.schedule.learning.inputs import INPUTS, SITUATION

Floats = NDArray[np.float64]

N_SITUATION = len(SITUATION)
N_INPUTS = len(INPUTS)

#: Rows of the table of machines: end of the work in progress, work not yet started, work that
#: waits or is announced, and how many operations that is.
FREE, LOAD, QUEUED, COUNT = range(4)

_FAR = 1 << 60


class Simulation(NamedTuple):
    """State of a simulated shop.

    Attributes
    ----------
    arrive
        Moment at which each operation reaches its machine, once announced.
    queue
        Candidates of machine ``m`` from ``machine_ptr[m]`` on, in no order.
    machines
        A row per attribute; the last column stands for "no machine".
    rest
        Least time from the start of each operation to the end of its job.
    behind
        Operations of the job from each one on.
    flow
        Share of the job's flow that is over with the operation, as in FDD/MWKR.
    bottleneck
        Work of the job behind each operation, weighted by the load of its machines.
    numbers
        Mean duration, mean operations of a job, and a lower bound on the makespan.
    """

    arrive: IntArray
    queue: IntArray
    machines: IntArray
    rest: IntArray
    behind: IntArray
    flow: Floats
    bottleneck: Floats
    numbers: Floats


@njit.inner
def _start_simulation(shop: Shop) -> Simulation:
    """Describe the shop before anything has started."""
    n = shop.ops.shape[1] - 1
    count = shop.machine_ptr.shape[0] - 1
    machines = np.zeros((4, count + 1), np.int64)
    for v in range(n):
        machines[LOAD, shop.ops[MACHINE, v]] += shop.ops[DURATION, v]
    largest = max(1, machines[LOAD].max())
    rest = np.zeros(n + 1, np.int64)
    behind = np.zeros(n + 1, np.int64)
    flow = np.zeros(n, np.float64)
    bottleneck = np.zeros(n + 1, np.float64)
    numbers = np.array([0.0, 0.0, float(largest)])
    for j in range(shop.job_ptr.shape[0] - 1):
        first, end = shop.job_ptr[j], shop.job_ptr[j + 1]
        for v in range(end - 1, first - 1, -1):
            length = shop.ops[DURATION, v]
            numbers[0] += length / n
            rest[v] = length if v + 1 == end else shop.ops[LAG, v] + rest[v + 1]
            behind[v] = end - v
            share = machines[LOAD, shop.ops[MACHINE, v]] / largest
            bottleneck[v] = length * share**4 + (bottleneck[v + 1] if v + 1 < end else 0.0)
        for v in range(first, end):
            length = shop.ops[DURATION, v]
            flow[v] = (rest[first] - rest[v] + length) / max(1, rest[first] + length)
        if first < end:
            numbers[1] += 1.0
            numbers[2] = max(numbers[2], float(shop.ops[HEAD, first] + rest[first]))
    numbers[0] = max(numbers[0], 1e-9)
    numbers[1] = n / max(1.0, numbers[1])
    arrive = np.full(n + 1, np.int64(_FAR), np.int64)
    return Simulation(
        arrive, np.empty(n, np.int64), machines, rest, behind, flow, bottleneck, numbers
    )


@njit.lean
def _describe_situation(sim: Simulation, m: int, now: int, inputs: Floats) -> None:
    """Fill the first inputs, and raise the bound by what this machine has left to do."""
    work = float(sim.machines[LOAD, m])
    bound = max(sim.numbers[2], now + work)
    sim.numbers[2] = bound
    inputs[0] = now / max(bound, 1.0)
    inputs[1] = work / max(bound - now, 1.0)
    inputs[2] = min(sim.machines[COUNT, m], 20) * 0.1
    inputs[3] = sim.machines[QUEUED, m] / max(1.0, work)


@njit.lean
def _describe_candidate(
    shop: Shop, sim: Simulation, v: int, now: int, mean_length: float, mean_rest: float, x: Floats
) -> None:
    """Fill the inputs that describe operation ``v`` at a moment."""
    unit, bound = sim.numbers[0], sim.numbers[2]
    length, rest = float(shop.ops[DURATION, v]), float(sim.rest[v])
    left = max(bound - now, 1.0)
    early = float(sim.arrive[v] - now)
    following = shop.ops[SUCC, v]
    w = shop.ops[MACHINE, following]
    k = N_SITUATION
    x[k] = length / unit
    x[k + 1] = (length - mean_length) / unit
    x[k + 2] = rest / left
    x[k + 3] = (rest - mean_rest) / left
    x[k + 4] = sim.behind[v] / sim.numbers[1]
    x[k + 5] = max(-early, 0.0) / unit * 0.25
    x[k + 6] = max(early, 0.0) / unit
    x[k + 7] = sim.flow[v]
    x[k + 8] = (left - rest) / (unit * sim.numbers[1])
    x[k + 9] = shop.ops[DURATION, following] / unit
    x[k + 10] = sim.machines[QUEUED, w] / unit * 0.25
    x[k + 11] = max(0.0, sim.machines[FREE, w] - now - max(early, 0.0) - length) / unit
    x[k + 12] = sim.machines[LOAD, w] / left
    x[k + 13] = sim.bottleneck[v] / left
    x[k + 14] = 1.0 if rest == length else 0.0


@njit.lean
def _score(weights: Floats, base: Floats, x: Floats) -> float:
    """Evaluate the network: a linear part and a hidden layer of softsign units.

    The weights are those of the linear part and then, a row per unit, its inputs', its constant
    and its output's; ``base`` holds what the situation adds to each unit.
    """
    total = 0.0
    for i in range(N_SITUATION, N_INPUTS):
        total += weights[i] * x[i]
    width = N_INPUTS + 2
    for unit in range(base.shape[0]):
        at = N_INPUTS + unit * width
        value = base[unit]
        for i in range(N_SITUATION, N_INPUTS):
            value += weights[at + i] * x[i]
        total += weights[at + N_INPUTS + 1] * value / (1.0 + abs(value))
    return total


@njit.lean
def _prepare_units(weights: Floats, x: Floats, base: Floats) -> None:
    width = N_INPUTS + 2
    for unit in range(base.shape[0]):
        at = N_INPUTS + unit * width
        value = weights[at + N_INPUTS]
        for i in range(N_SITUATION):
            value += weights[at + i] * x[i]
        base[unit] = value


@njit.lean
def _survey(shop: Shop, sim: Simulation, m: int, now: int) -> tuple[int, float, float]:
    """Return the earliest end on a machine, and the means of the queue's durations and rests."""
    base, count = shop.machine_ptr[m], sim.machines[COUNT, m]
    earliest = np.int64(_FAR)
    rests = 0.0
    for k in range(base, base + count):
        v = sim.queue[k]
        earliest = min(earliest, max(now, sim.arrive[v]) + shop.ops[DURATION, v])
        rests += sim.rest[v]
    return int(earliest), sim.machines[QUEUED, m] / count, rests / count


@njit.lean
def _choose(
    shop: Shop, sim: Simulation, weights: Floats, m: int, now: int, x: Floats, base: Floats
) -> int:
    """Return the place in the queue of the candidate with the highest score."""
    place, count = shop.machine_ptr[m], sim.machines[COUNT, m]
    if count == 1:
        return place
    earliest, mean_length, mean_rest = _survey(shop, sim, m, now)
    _describe_situation(sim, m, now, x)
    _prepare_units(weights, x, base)
    best, chosen = 0.0, -1
    for k in range(place, place + count):
        v = sim.queue[k]
        if sim.arrive[v] > now and sim.arrive[v] >= earliest:
            continue
        _describe_candidate(shop, sim, v, now, mean_length, mean_rest, x)
        score = _score(weights, base, x)
        if chosen < 0 or score > best or (score == best and v < sim.queue[chosen]):
            best, chosen = score, k
    return chosen


@njit.lean
def _announce(shop: Shop, sim: Simulation, v: int, moment: int) -> None:
    """Let an operation join the queue of its machine, at which it arrives at a moment."""
    m = shop.ops[MACHINE, v]
    sim.arrive[v] = moment
    sim.queue[shop.machine_ptr[m] + sim.machines[COUNT, m]] = v
    sim.machines[COUNT, m] += 1
    sim.machines[QUEUED, m] += shop.ops[DURATION, v]


@njit.lean
def _start(shop: Shop, sim: Simulation, m: int, k: int, now: int) -> int:
    """Start the candidate at place ``k`` of a machine's queue as early as it can; return it."""
    v = sim.queue[k]
    sim.machines[COUNT, m] -= 1
    sim.queue[k] = sim.queue[shop.machine_ptr[m] + sim.machines[COUNT, m]]
    length = shop.ops[DURATION, v]
    sim.machines[QUEUED, m] -= length
    sim.machines[LOAD, m] -= length
    begin = max(now, sim.arrive[v])
    sim.machines[FREE, m] = begin + length
    sim.numbers[2] = max(sim.numbers[2], float(begin + sim.rest[v]))
    w = shop.ops[SUCC, v]
    if w < shop.ops.shape[1] - 1:
        _announce(shop, sim, w, max(shop.ops[HEAD, w], begin + shop.ops[LAG, v]))
    return v


@njit.lean
def _has_waiting(shop: Shop, sim: Simulation, m: int, now: int) -> bool:
    """Whether a machine is free and one of its candidates is there."""
    if sim.machines[FREE, m] > now:
        return False
    base = shop.machine_ptr[m]
    waiting = False
    for k in range(base, base + sim.machines[COUNT, m]):
        waiting = waiting or sim.arrive[sim.queue[k]] <= now
    return waiting


@njit.lean
def _record(
    shop: Shop, sim: Simulation, m: int, now: int, chosen: int, log: Floats, used: int
) -> int:
    """Append the candidates of a decision to the log; return how many rows it has then."""
    place, count = shop.machine_ptr[m], sim.machines[COUNT, m]
    earliest, mean_length, mean_rest = _survey(shop, sim, m, now)
    first = used
    for k in range(place, place + count):
        v = sim.queue[k]
        if (sim.arrive[v] > now and sim.arrive[v] >= earliest) or used == log.shape[0]:
            continue
        row = log[used]
        _describe_situation(sim, m, now, row)
        _describe_candidate(shop, sim, v, now, mean_length, mean_rest, row)
        row[N_INPUTS] = first
        row[N_INPUTS + 1] = 1.0 if k == chosen else 0.0
        used += 1
    return used


@njit.lean
def _taught(shop: Shop, sim: Simulation, v: int, m: int, now: int) -> int:
    """Return the place in the queue of the operation that comes next by a teacher's sequence.

    It is -1 when the operation arrives too late for the machine to wait for it now.
    """
    earliest = _survey(shop, sim, m, now)[0]
    base = shop.machine_ptr[m]
    for k in range(base, base + sim.machines[COUNT, m]):
        if sim.queue[k] == v and (sim.arrive[v] <= now or sim.arrive[v] < earliest):
            return k
    return -1


@njit.inner
def _simulate(
    shop: Shop, weights: Floats, units: int, sequence: IntArray, order: IntArray, log: Floats
) -> tuple[int, int]:
    """Simulate the shop by scores or, with a sequence, by that.

    Returns the makespan and how many rows of the log are filled.
    """
    n = order.shape[0]
    count = shop.machine_ptr.shape[0] - 1
    sim = _start_simulation(shop)
    x = np.zeros(N_INPUTS, np.float64)
    base = np.zeros(units, np.float64)
    # Events: operation v arrives (item v), machine m becomes free (item n + m).
    moment = np.zeros(n + count, np.int64)
    no_tie = np.zeros(n + count, np.uint64)
    events = np.empty(n + count, np.int64)
    touched = np.empty(n + count, np.int64)
    given = shop.machine_ptr.copy()
    size = done = used = 0
    for j in range(shop.job_ptr.shape[0] - 1):
        v = shop.job_ptr[j]
        if v < shop.job_ptr[j + 1]:
            _announce(shop, sim, v, shop.ops[HEAD, v])
            moment[v] = sim.arrive[v]
            heap_push(events, 0, size, v, moment, no_tie)
            size += 1
    while size > 0:
        now = moment[events[0]]
        awake = 0
        while size > 0 and moment[events[0]] == now:
            item = heap_pop(events, 0, size, moment, no_tie)
            size -= 1
            touched[awake] = shop.ops[MACHINE, item] if item < n else item - n
            awake += 1
        for index in range(awake):
            m = touched[index]
            if not _has_waiting(shop, sim, m, now):
                continue
            if sequence.shape[0]:
                k = _taught(shop, sim, sequence[given[m]], m, now)
                if k < 0:
                    continue
                if sim.machines[COUNT, m] > 1:
                    used = _record(shop, sim, m, now, k, log, used)
            else:
                k = _choose(shop, sim, weights, m, now, x, base)
            v = _start(shop, sim, m, k, now)
            order[done] = v
            done += 1
            given[m] += 1
            moment[n + m] = sim.machines[FREE, m]
            heap_push(events, 0, size, n + m, moment, no_tie)
            size += 1
            w = shop.ops[SUCC, v]
            if w < n:
                moment[w] = sim.arrive[w]
                heap_push(events, 0, size, w, moment, no_tie)
                size += 1
    return sim.machines[FREE].max(), used


@njit.entry
def learned_order(shop: Shop, weights: Floats, units: int, order: IntArray) -> int:
    """Fill ``order`` with the linear order of a schedule dispatched by a network.

    Parameters
    ----------
    weights
        Of the network, as ``n_weights`` in :mod:`scheduling.solvers.schedule.learning.inputs`
        lists them.
    units
        Hidden units of the network.

    Returns
    -------
    int
        Makespan.
    """
    nobody = np.zeros(0, np.int64)
    unlogged = np.zeros((0, N_INPUTS + 2), np.float64)
    return _simulate(shop, weights, units, nobody, order, unlogged)[0]


@njit.entry
def record_decisions(shop: Shop, sequence: IntArray, log: Floats) -> int:
    """Describe the decisions of a given schedule.

    Parameters
    ----------
    sequence
        Flat machine sequences of the schedule.
    log
        Filled with a row for each candidate: its inputs, the first row of its decision, and 1 for
        the candidate that the schedule starts. Decisions that do not fit are left out.

    Returns
    -------
    int
        Rows filled.
    """
    order = np.zeros(sequence.shape[0], np.int64)
    return _simulate(shop, np.zeros(N_INPUTS, np.float64), 0, sequence, order, log)[1]
