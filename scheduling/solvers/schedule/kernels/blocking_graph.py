"""Shops without buffers: moments of jobs, machine sequences and earliest times, compiled.

A job is a chain of *moments*; a task holds its machine from the moment at which it enters it to
the one at which it leaves it. In a blocking job a task leaves at the very moment at which the next
one enters its machine, otherwise at a moment of its own. Machine sequences say that a task leaves
no later than the next one enters: arcs of length 0, so a selection of sequences is feasible
exactly when no cycle has a positive length (the alternative graph of Mascis and Pacciarelli,
2002). A cycle of machine arcs alone is a swap: its jobs move at the same time. Cycles through tasks
that take no time are not followed, so such schedules are missed.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.solvers.jit import njit

IntArray = NDArray[np.int64]
WordArray = NDArray[np.uint64]

#: Rows of ``BlockingShop.moments``: least time since the job's moment before, earliest time, task
#: that enters a machine, task that leaves one (-1 if none), job, least time until the job is over.
WEIGHT, HEAD, ENTERS, LEAVES, OWNER, REST = range(6)

#: Rows of ``BlockingShop.tasks``: machine (-1 if none), moments of entering and leaving, job, next
#: task of the job on the same machine (-1 if none).
MACHINE, ENTER, LEAVE, JOB, AGAIN = range(5)

#: Rows of ``BlockingShop.jobs``: due date (large if none), weight, release.
DUE, JOB_WEIGHT, RELEASE = range(3)

#: Entries of ``BlockingShop.tier``, the order of the model's measures.
MAKESPAN, COMPLETION, FLOW, TARDINESS, MAX_TARDINESS, MAX_LATENESS, LATE = range(7)

#: Rows of a state's table of moments: times of the present schedule and of one on trial, arcs
#: still to come, queue, label of a closure.
TIME, TRIAL, WAITING, QUEUE, LABEL = range(5)

#: Rows of a state's table of tasks: flat machine sequences on trial, their inverse, those of the
#: present schedule, and whom to pass.
SEQUENCE, PLACE, KEPT, KEPT_PLACE, PASS = range(5)

NO_DUE = 2**60
INFEASIBLE = 2**62


class BlockingShop(NamedTuple):
    """A shop as dense arrays; made by :func:`make_blocking_shop`.

    Attributes
    ----------
    moment_ptr
        Moments of job ``j`` are ``moment_ptr[j] .. moment_ptr[j + 1] - 1``; the last one is its
        completion.
    machine_ptr
        Machine ``m`` owns the places ``machine_ptr[m] .. machine_ptr[m + 1] - 1`` of a sequence.
    moments, tasks, jobs
        Tables, a row per attribute.
    first_on
        ``(jobs, machines)``: first task of a job on a machine, -1 if none.
    tier
        Weights of the measures.
    swap
        Whether swaps are allowed.
    """

    moment_ptr: IntArray
    machine_ptr: IntArray
    moments: IntArray
    tasks: IntArray
    jobs: IntArray
    first_on: IntArray
    tier: IntArray
    swap: bool


def make_blocking_shop(
    job_ptr: IntArray,
    route: IntArray,
    blocking: NDArray[np.bool_],
    jobs: IntArray,
    tier: IntArray,
    swap: bool,
) -> BlockingShop:
    """Build a :class:`BlockingShop`.

    Parameters
    ----------
    job_ptr
        Tasks of job ``j`` are ``job_ptr[j] .. job_ptr[j + 1] - 1``, a chain.
    route
        Four rows over tasks: machine, counted from 0 (-1 for none; one may recur within a job);
        processing time; least time from its end to the start of the job's next task; release.
    blocking
        Whether each job keeps a machine until it enters the next one.
    jobs
        Table of due dates, weights and releases.
    tier
        Weights of the measures.
    swap
        Whether jobs may exchange machines in a cycle at one moment.
    """
    machine, duration, delay, head = (row.tolist() for row in route)
    n = len(machine)
    tasks = np.full((5, n), -1, np.int64)
    tasks[MACHINE] = machine
    rows: list[tuple[int, int, int, int, int]] = []
    moment_ptr = [0]
    first_on = np.full((len(job_ptr) - 1, max(machine, default=-1) + 1), -1, np.int64)
    for job, (first, behind) in enumerate(pairwise(job_ptr.tolist())):
        leaving, gap = -1, 0
        for task in range(first, behind):
            tasks[JOB, task], tasks[ENTER, task] = job, len(rows)
            rows.append((gap, head[task], task, leaving, job))
            tasks[LEAVE, task] = len(rows)
            if blocking[job] and task + 1 < behind:
                leaving, gap = task, duration[task] + delay[task]
            else:
                rows.append((duration[task], 0, -1, task, job))
                leaving, gap = -1, delay[task]
        moment_ptr.append(len(rows))
        for task in reversed(range(first, behind)):
            if machine[task] >= 0:
                tasks[AGAIN, task] = first_on[job, machine[task]]
                first_on[job, machine[task]] = task
    used = tasks[MACHINE, tasks[MACHINE] >= 0]
    counts = np.bincount(used, minlength=first_on.shape[1])
    return BlockingShop(
        moment_ptr=np.array(moment_ptr, np.int64),
        machine_ptr=np.concatenate(([0], np.cumsum(counts))).astype(np.int64),
        moments=_with_rest(rows),
        tasks=tasks,
        jobs=jobs,
        first_on=first_on,
        tier=tier,
        swap=swap,
    )


def _with_rest(rows: list[tuple[int, int, int, int, int]]) -> IntArray:
    """Turn rows into a table with the least time until the job of each moment is over."""
    rest = [0] * len(rows)
    for v in reversed(range(len(rows) - 1)):
        if rows[v][OWNER] == rows[v + 1][OWNER]:
            rest[v] = rest[v + 1] + rows[v + 1][WEIGHT]
    return np.array([*zip(*rows, strict=True), rest], np.int64)


@njit.lean
def _awaited(shop: BlockingShop, order: IntArray, moment: int) -> int:
    """Moment at which the task before leaves the machine that this moment enters.

    The moment itself if a job goes on on the same machine.
    """
    place = order[PLACE, shop.moments[ENTERS, moment]]
    return shop.tasks[LEAVE, order[SEQUENCE, place - 1]]


@njit.lean
def _first_open(shop: BlockingShop, at: IntArray, job: int) -> int:
    """First moment of a job that still waits; the end of its moments if none does."""
    v = shop.moment_ptr[job]
    while v < shop.moment_ptr[job + 1] and at[WAITING, v] <= 0:
        v += 1
    return v


@njit.lean
def _release_swap(shop: BlockingShop, at: IntArray, order: IntArray, tail: int) -> int:
    """Let the jobs of a swap move at once when all moments left wait; return the new queue end.

    Every job then waits with its first open moment for a machine. Following who waits for whom
    leads to a cycle; it is a swap if each one's machine is freed by that very moment of the next.
    An unchanged end says that there is none: the cycle has a positive length.
    """
    at[LABEL, :] = 0
    job = 0
    v = _first_open(shop, at, job)
    while v == shop.moment_ptr[job + 1]:
        job += 1
        v = _first_open(shop, at, job)
    while at[LABEL, v] == 0:
        at[LABEL, v] = 1
        v = _first_open(shop, at, shop.moments[OWNER, _awaited(shop, order, v)])
    begin = v
    latest = at[TRIAL, v]
    while True:
        leaving = _awaited(shop, order, v)
        v = _first_open(shop, at, shop.moments[OWNER, leaving])
        if v != leaving:
            return tail
        latest = max(latest, at[TRIAL, v])
        if v == begin:
            break
    while True:
        following = _awaited(shop, order, v)
        at[TRIAL, v] = latest
        at[WAITING, v] = 0
        at[QUEUE, tail] = v
        tail += 1
        v = following
        if v == begin:
            return tail


@njit.lean
def _count_arcs(shop: BlockingShop, at: IntArray, order: IntArray) -> int:
    """Set what every moment waits for; queue those that wait for nothing and count them."""
    moments, tasks, places = shop.moments, shop.tasks, shop.machine_ptr
    tail = 0
    for v in range(moments.shape[1]):
        task = moments[ENTERS, v]
        waiting = 0
        if v > 0 and moments[OWNER, v - 1] == moments[OWNER, v]:
            waiting = 1
        machine = tasks[MACHINE, task] if task >= 0 else -1
        if machine >= 0 and order[PLACE, task] > places[machine] and _awaited(shop, order, v) != v:
            waiting += 1
        at[TRIAL, v] = moments[HEAD, v]
        at[WAITING, v] = waiting
        if waiting == 0:
            at[QUEUE, tail] = v
            tail += 1
    return tail


@njit.lean
def _reach(at: IntArray, moment: int, time: int, tail: int) -> int:
    """Let a moment come no earlier than a time; queue it if that was its last arc."""
    at[TRIAL, moment] = max(at[TRIAL, moment], time)
    at[WAITING, moment] -= 1
    if at[WAITING, moment] == 0:
        at[QUEUE, tail] = moment
        return tail + 1
    return tail


@njit.lean
def earliest_times(shop: BlockingShop, at: IntArray, order: IntArray, limit: int) -> bool:
    """Set the trial time of every moment to the earliest one.

    False, with the rest undone, if the sequences cannot be kept or a job ends after ``limit``.
    """
    moments, tasks, places = shop.moments, shop.tasks, shop.machine_ptr
    count = moments.shape[1]
    tail = _count_arcs(shop, at, order)
    k = 0
    while k < count:
        if k == tail:
            if not shop.swap:
                return False
            tail = _release_swap(shop, at, order, tail)
            if k == tail:
                return False
        v = at[QUEUE, k]
        k += 1
        now = at[TRIAL, v]
        if now + moments[REST, v] > limit:
            return False
        if v + 1 < count and moments[OWNER, v + 1] == moments[OWNER, v]:
            tail = _reach(at, v + 1, now + moments[WEIGHT, v + 1], tail)
        task = moments[LEAVES, v]
        if task >= 0 and tasks[MACHINE, task] >= 0:
            place = order[PLACE, task] + 1
            if place < places[tasks[MACHINE, task] + 1]:
                after = tasks[ENTER, order[SEQUENCE, place]]
                if after != v:
                    tail = _reach(at, after, now, tail)
    return True


@njit.lean
def value_of(shop: BlockingShop, at: IntArray) -> int:
    """Value of the tier at the trial times."""
    tier, jobs, ptr = shop.tier, shop.jobs, shop.moment_ptr
    latest = 0
    tardiest = 0
    lateness = -NO_DUE
    total = 0
    for job in range(jobs.shape[1]):
        end = at[TRIAL, ptr[job + 1] - 1]
        weight = jobs[JOB_WEIGHT, job]
        latest = max(latest, end)
        total += weight * (tier[COMPLETION] * end + tier[FLOW] * (end - jobs[RELEASE, job]))
        if jobs[DUE, job] < NO_DUE:
            late = end - jobs[DUE, job]
            lateness = max(lateness, late)
            if late > 0:
                tardiest = max(tardiest, late)
                total += weight * (tier[TARDINESS] * late + tier[LATE])
    if lateness == -NO_DUE:
        lateness = 0
    total += tier[MAKESPAN] * latest + tier[MAX_TARDINESS] * tardiest
    return total + tier[MAX_LATENESS] * lateness
