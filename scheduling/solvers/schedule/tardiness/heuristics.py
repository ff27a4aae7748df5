"""Heuristics for the total tardiness of one machine, as orders of jobs.

EDD, MDD, ATC, COVERT and the other rules of
:mod:`scheduling.solvers.schedule.dispatch_rules` through :func:`dispatched`; PSK (Panwalkar, Smith
and Koulamas, 1993, European Journal of Operational Research 70); EDDC and MDDC, found with language
models (arXiv 2510.24013); and exchanges of neighbours.
"""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.schedule.dispatch_rules import DUE_RULES, RULES, Waiting
from scheduling.solvers.schedule.tardiness.machine import OneMachine


def dispatched(machine: OneMachine, rule: str) -> Ints:
    """Order in which a rule would start the jobs, all of them there from the beginning.

    Parameters
    ----------
    machine
        The jobs.
    rule
        Name of a dispatching rule, such as ``"EDD"`` or ``"ATC"``.
    """
    priority = {**RULES, **DUE_RULES}[rule]
    mean = float(machine.duration.mean())
    rows = list(
        zip(
            range(machine.size),
            machine.duration.tolist(),
            machine.due.tolist(),
            machine.weight.tolist(),
            strict=True,
        )
    )
    order: list[int] = []
    now = 0
    while rows:
        scores = [
            priority(Waiting(j, j, 0, now, length, length, 0, 0, due, weight, mean))
            for j, length, due, weight in rows
        ]
        job, length, _, _ = rows.pop(scores.index(min(scores)))
        order.append(job)
        now += length
    return np.array(order, np.int64)


def earliest_due(machine: OneMachine) -> Ints:
    """Order of due dates (EDD), ties by duration."""
    return np.lexsort((machine.duration, machine.due))


def shortest_first(machine: OneMachine) -> Ints:
    """Order of durations (SPT), ties by due date."""
    return np.lexsort((machine.due, machine.duration))


def eddc(machine: OneMachine) -> Ints:
    """EDD Challenger: insertion by due date from the order of durations, kept where it is late.

    From the left each job moves forward past jobs with later due dates as long as the job passed
    is due after all jobs before the present position are done, or the position is the last one.
    This is the reading that gives the published results; the printed pseudo-code never moves a job.
    """
    order = shortest_first(machine).tolist()
    due, duration = machine.due.tolist(), machine.duration.tolist()
    for end in range(1, len(order)):
        k = end
        ahead = sum(duration[job] for job in order[:k])
        while k > 0 and due[order[k]] < due[order[k - 1]]:
            passed = duration[order[k - 1]]
            if k == len(order) - 1 or due[order[k - 1]] > ahead:
                order[k - 1], order[k] = order[k], order[k - 1]
            ahead -= passed
            k -= 1
    return np.array(order, np.int64)


def mddc(machine: OneMachine) -> Ints:
    """MDD Challenger: modified due dates that favour short jobs.

    With t the time, p the durations and both means over the jobs left, the next job minimises
    ``max(1.1 p_j + t, d_j) (1 + r / (1 + r)) + p_j / (t + mean p)`` where
    ``r = min(p_j / (t + max p), 1)^2``.
    """
    left = shortest_first(machine)
    duration, due = machine.duration[left].astype(float), machine.due[left].astype(float)
    order = np.empty(machine.size, np.int64)
    now = 0.0
    for position in range(machine.size):
        share = np.minimum(duration / (now + duration.max()), 1.0) ** 2
        modified = np.maximum(1.1 * duration + now, due) * (1.0 + share / (1.0 + share))
        chosen = int(np.argmin(modified + duration / (now + duration.mean())))
        order[position] = left[chosen]
        now += float(duration[chosen])
        left, duration, due = (np.delete(row, chosen) for row in (left, duration, due))
    return order


def psk(machine: OneMachine) -> Ints:
    """Return the order of Panwalkar, Smith and Koulamas.

    The shortest job left is next if it is late anyway; otherwise a job of earlier due date takes
    its place as long as the job could still be on time behind it.
    """
    left = shortest_first(machine).tolist()
    due, duration = machine.due.tolist(), machine.duration.tolist()
    order: list[int] = []
    now = 0
    while left:
        chosen = 0
        for k in range(1, len(left)):
            active, rival = left[chosen], left[k]
            if now + duration[active] >= due[active] or due[active] <= now + duration[rival]:
                break
            if due[rival] < due[active]:
                chosen = k
        job = left.pop(chosen)
        order.append(job)
        now += duration[job]
    return np.array(order, np.int64)


def adjacent_pairwise(machine: OneMachine, order: Ints) -> Ints:
    """Exchange neighbours as long as that lowers the weighted tardiness of an order.

    Sweeps from the left, a job moving on as far as it gains; ends when a sweep changes nothing, or
    after as many sweeps as jobs.
    """
    jobs = order.tolist()
    duration, due = machine.duration.tolist(), machine.due.tolist()
    weight = machine.weight.tolist()

    def cost(job: int, end: int) -> int:
        late: int = weight[job] * max(0, end - due[job])
        return late

    for _ in jobs:
        now, moved = 0, False
        for k in range(len(jobs) - 1):
            one, two = jobs[k], jobs[k + 1]
            end = now + duration[one] + duration[two]
            kept = cost(one, now + duration[one]) + cost(two, end)
            if cost(two, now + duration[two]) + cost(one, end) < kept:
                jobs[k], jobs[k + 1] = two, one
                moved = True
            now += duration[jobs[k]]
        if not moved:
            break
    return np.array(jobs, np.int64)
