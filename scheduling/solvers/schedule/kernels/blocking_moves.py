"""Moves in shops without buffers: turn one critical arc and follow what that forces.

Turning the arc between two tasks of different jobs on a machine usually closes cycles. All of
them run through the job that moves, so the other tasks of that job are passed by whatever they
would close a cycle with, until none is left: the closure of job insertion (Groeflin, Klinkert,
"A new neighborhood and tabu search for the blocking job shop", Discrete Applied Mathematics
157(17), 2009). At worst the job moves in front of, or behind, everything that it meets.
"""

from __future__ import annotations

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.blocking_graph import (
    AGAIN,
    COMPLETION,
    DUE,
    ENTER,
    ENTERS,
    FLOW,
    JOB,
    JOB_WEIGHT,
    LABEL,
    LATE,
    LEAVE,
    LEAVES,
    MACHINE,
    MAKESPAN,
    MAX_LATENESS,
    MAX_TARDINESS,
    NO_DUE,
    OWNER,
    PASS,
    PLACE,
    QUEUE,
    SEQUENCE,
    TARDINESS,
    TIME,
    WAITING,
    WEIGHT,
    BlockingShop,
    IntArray,
    WordArray,
)
from scheduling.solvers.schedule.kernels.jobshop_graph import random_below


@njit.lean
def _enqueue(at: IntArray, moment: int, tail: int) -> int:
    """Queue a moment unless it is there already; return the new end of the queue."""
    if at[WAITING, moment]:
        return tail
    at[WAITING, moment] = 1
    at[QUEUE, tail % at.shape[1]] = moment
    return tail + 1


@njit.lean
def _reach_later(at: IntArray, moment: int, label: int, tail: int) -> int:
    """Raise the label of a moment and queue it, if it can come before a moment of the job."""
    if label <= at[LABEL, moment]:
        return tail
    at[LABEL, moment] = label
    if at[TIME, moment] > at[TIME, label >> 1]:
        return tail
    return _enqueue(at, moment, tail)


@njit.lean
def move_before(shop: BlockingShop, at: IntArray, order: IntArray, task: int, other: int) -> None:
    """Put a task in front of one that precedes it on its machine, with all that this forces.

    The label of a moment is twice the last moment of the job from which a path leads to it, plus 1
    for a path of positive length. Only moments that now come before that one can close a cycle.
    """
    moments, tasks = shop.moments, shop.tasks
    job, strict = tasks[JOB, task], shop.swap * 1
    size = at.shape[1]
    at[LABEL, :] = -1
    at[WAITING, :] = 0
    first, behind = shop.moment_ptr[job], shop.moment_ptr[job + 1]
    _pass_nobody(shop, order, job)
    order[PASS, task] = other
    head = 0
    tail = _reach_later(at, tasks[ENTER, other], 2 * tasks[LEAVE, task], 0)
    while head < tail:
        v = at[QUEUE, head % size]
        head += 1
        at[WAITING, v] = 0
        label = at[LABEL, v]
        if v + 1 < size and moments[OWNER, v + 1] == moments[OWNER, v]:
            tail = _reach_later(at, v + 1, label | 1, tail)
        left = moments[LEAVES, v]
        if left < 0 or tasks[MACHINE, left] < 0:
            continue
        machine = tasks[MACHINE, left]
        mine = shop.first_on[job, machine]
        while mine >= 0:
            bar = order[PASS, mine]
            limit = order[PLACE, mine if bar < 0 else bar]
            if 2 * tasks[ENTER, mine] + strict <= label and order[PLACE, left] < limit:
                order[PASS, mine] = left
                tail = _reach_later(at, tasks[ENTER, left], 2 * tasks[LEAVE, mine], tail)
            mine = tasks[AGAIN, mine]
        place = order[PLACE, left] + 1
        end = shop.machine_ptr[machine + 1]
        while place < end and tasks[JOB, order[SEQUENCE, place]] == job:
            place += 1
        if place < end:
            tail = _reach_later(at, tasks[ENTER, order[SEQUENCE, place]], label, tail)
    for v in range(first, behind):
        mine = moments[ENTERS, v]
        if mine >= 0 and order[PASS, mine] >= 0:
            _shift(order, mine, order[PLACE, order[PASS, mine]])


@njit.lean
def _pass_nobody(shop: BlockingShop, order: IntArray, job: int) -> None:
    """Forget whom the tasks of a job pass."""
    for v in range(shop.moment_ptr[job], shop.moment_ptr[job + 1]):
        if shop.moments[ENTERS, v] >= 0:
            order[PASS, shop.moments[ENTERS, v]] = -1


@njit.lean
def _shift(order: IntArray, task: int, goal: int) -> None:
    """Move a task to another place of its machine's sequence."""
    place = order[PLACE, task]
    step = 1 if goal > place else -1
    while place != goal:
        shifted = order[SEQUENCE, place + step]
        order[SEQUENCE, place] = shifted
        order[PLACE, shifted] = place
        place += step
    order[SEQUENCE, goal] = task
    order[PLACE, task] = goal


@njit.lean
def _reach_earlier(at: IntArray, moment: int, label: int, tail: int) -> int:
    """Lower the label of a moment and queue it, if it can come after a moment of the job."""
    if label >= at[LABEL, moment]:
        return tail
    at[LABEL, moment] = label
    if at[TIME, moment] < at[TIME, (label + 1) >> 1]:
        return tail
    return _enqueue(at, moment, tail)


@njit.lean
def move_behind(shop: BlockingShop, at: IntArray, order: IntArray, task: int, other: int) -> None:
    """Put a task behind one that follows it on its machine, with all that this forces.

    The label of a moment is twice the first moment of the job to which a path leads from it, less
    1 for a path of positive length. Only moments that now come after that one can close a cycle.
    """
    moments, tasks = shop.moments, shop.tasks
    job, strict = tasks[JOB, task], shop.swap * 1
    size = at.shape[1]
    at[LABEL, :] = NO_DUE
    at[WAITING, :] = 0
    first, behind = shop.moment_ptr[job], shop.moment_ptr[job + 1]
    _pass_nobody(shop, order, job)
    order[PASS, task] = other
    head = 0
    tail = _reach_earlier(at, tasks[LEAVE, other], 2 * tasks[ENTER, task], 0)
    while head < tail:
        v = at[QUEUE, head % size]
        head += 1
        at[WAITING, v] = 0
        label = at[LABEL, v]
        if v > 0 and moments[OWNER, v - 1] == moments[OWNER, v]:
            tail = _reach_earlier(at, v - 1, label - 1 + (label & 1), tail)
        entering = moments[ENTERS, v]
        if entering < 0 or tasks[MACHINE, entering] < 0:
            continue
        machine = tasks[MACHINE, entering]
        mine = shop.first_on[job, machine]
        while mine >= 0:
            bar = order[PASS, mine]
            limit = order[PLACE, mine if bar < 0 else bar]
            if 2 * tasks[LEAVE, mine] - strict >= label and order[PLACE, entering] > limit:
                order[PASS, mine] = entering
                tail = _reach_earlier(at, tasks[LEAVE, entering], 2 * tasks[ENTER, mine], tail)
            mine = tasks[AGAIN, mine]
        place = order[PLACE, entering] - 1
        begin = shop.machine_ptr[machine]
        while place >= begin and tasks[JOB, order[SEQUENCE, place]] == job:
            place -= 1
        if place >= begin:
            tail = _reach_earlier(at, tasks[LEAVE, order[SEQUENCE, place]], label, tail)
    for v in range(behind - 1, first - 1, -1):
        mine = moments[ENTERS, v]
        if mine >= 0 and order[PASS, mine] >= 0:
            _shift(order, mine, order[PLACE, order[PASS, mine]])


@njit.lean
def _charged_job(shop: BlockingShop, at: IntArray, rng: WordArray) -> int:
    """Draw one of the jobs whose completion costs something; -1 if none does."""
    tier, jobs, ptr = shop.tier, shop.jobs, shop.moment_ptr
    latest = 0
    lateness = -NO_DUE
    for job in range(jobs.shape[1]):
        end = at[TIME, ptr[job + 1] - 1]
        latest = max(latest, end)
        if jobs[DUE, job] < NO_DUE:
            lateness = max(lateness, end - jobs[DUE, job])
    found = -1
    seen = 0
    for job in range(jobs.shape[1]):
        end = at[TIME, ptr[job + 1] - 1]
        late = end - jobs[DUE, job]
        weighty = jobs[JOB_WEIGHT, job] > 0
        costs = tier[MAKESPAN] > 0 and end == latest
        costs |= weighty and tier[COMPLETION] + tier[FLOW] > 0
        costs |= weighty and tier[TARDINESS] + tier[LATE] > 0 and late > 0
        costs |= tier[MAX_TARDINESS] > 0 and late == lateness and late > 0
        costs |= tier[MAX_LATENESS] > 0 and late == lateness
        if costs:
            seen += 1
            if random_below(rng, seen) == 0:
                found = job
    return found


@njit.lean
def draw_critical(shop: BlockingShop, at: IntArray, order: IntArray, rng: WordArray) -> int:
    """Draw a task whose entering waits for another job's leaving on a critical path; -1 if none.

    The path is traced backwards from the completion of a job that costs something.
    """
    moments, tasks = shop.moments, shop.tasks
    job = _charged_job(shop, at, rng)
    if job < 0:
        return -1
    v = shop.moment_ptr[job + 1] - 1
    found = -1
    seen = 0
    for _ in range(2 * moments.shape[1]):
        now = at[TIME, v]
        task = moments[ENTERS, v]
        before = -1
        if task >= 0 and tasks[MACHINE, task] >= 0:
            place = order[PLACE, task]
            if place > shop.machine_ptr[tasks[MACHINE, task]]:
                before = order[SEQUENCE, place - 1]
                leaving = tasks[LEAVE, before]
                if leaving == v or at[TIME, leaving] != now:
                    before = -1
        along = v > 0 and moments[OWNER, v - 1] == moments[OWNER, v]
        along = along and at[TIME, v - 1] + moments[WEIGHT, v] == now
        if before >= 0 and along and random_below(rng, 2) == 0:
            before = -1
        if before >= 0:
            if tasks[JOB, before] != tasks[JOB, task]:
                seen += 1
                if random_below(rng, seen) == 0:
                    found = task
            v = tasks[LEAVE, before]
        elif along:
            v -= 1
        else:
            break
    return found
