"""Schedules without pauses on machines that never stand still, from the orders of another one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scheduling.models.schedule.arrays import (
    END_END,
    END_START,
    NEVER,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.models.schedule.windows import Edges, longest_paths
from scheduling.solvers.schedule.family import Candidate
from scheduling.solvers.schedule.neighbourhood.compaction import order_links

_Rows = list[tuple[int, int, int]]
"""``(i, j, w)``: task j starts at least w after task i."""


def close_pauses(arrays: ScheduleArrays, candidate: Candidate) -> Candidate | None:
    """Start every task as early as links, modes and all orders of a schedule allow, without pauses.

    With modes and orders fixed, both are differences of starts: a task on a machine that never
    stands still starts no later than the one before leaves plus the setup, which delays the one
    before where it must. Closing times and reservoirs are not looked at.

    Returns
    -------
    Candidate or None
        ``None`` when the orders allow no such schedule.
    """
    length = arrays.ends(candidate.start, candidate.mode) - candidate.start
    rows = [*_links(arrays, candidate, length)]
    tasks = np.arange(arrays.n_tasks)
    rows += [(i, j, int(length[i])) for i, j in order_links(arrays, candidate, tasks)]
    held = arrays.held(candidate.start, candidate.mode)
    running = np.flatnonzero((arrays.machine[candidate.mode] >= 0) & (held > candidate.start))
    order = running[np.lexsort((held[running], candidate.start[running]))]
    machine = arrays.machine[candidate.mode]
    # A task that is skipped stands at 0, whatever its release.
    release = np.where(arrays.absent[candidate.mode], 0, arrays.release)
    for number in np.unique(machine[order]).tolist():
        sequence = order[machine[order] == number].tolist()
        rows += _sequence(arrays, candidate, number, sequence, length.tolist())
        state = int(arrays.state[candidate.mode[sequence[0]]])
        opening = arrays.setups.get(number, {}).get((-1, state), 0)
        release[sequence[0]] = max(release[sequence[0]], opening)
    edges = Edges(*np.array(rows, np.int64).reshape(-1, 3).T)
    start = longest_paths(arrays.n_tasks, edges, release)
    return None if start is None else Candidate(start, candidate.mode)


def _links(arrays: ScheduleArrays, candidate: Candidate, length: Ints) -> _Rows:
    machine = arrays.site[candidate.mode]
    before, after, kind = arrays.link_before, arrays.link_after, arrays.link_kind
    offset = np.where((kind == END_START) | (kind == END_END), length[before], 0)
    offset -= np.where((kind == END_END) | (kind == START_END), length[after], 0)
    extra = np.where(machine[before] != machine[after], arrays.link_transfer, 0)
    if arrays.transport.size:
        paid = arrays.chained & (machine[before] >= 0) & (machine[after] >= 0)
        extra[paid] += arrays.transport[machine[before][paid], machine[after][paid]]
    runs = ~arrays.absent[candidate.mode]
    both = runs[before] & runs[after]
    least, most = both & (arrays.link_min > -NEVER), both & (arrays.link_max < NEVER)
    low, high = offset + arrays.link_min + extra, -offset - arrays.link_max
    forward = zip(before[least].tolist(), after[least].tolist(), low[least].tolist(), strict=True)
    backward = zip(after[most].tolist(), before[most].tolist(), high[most].tolist(), strict=True)
    return [*forward, *backward]


def _sequence(
    arrays: ScheduleArrays,
    candidate: Candidate,
    machine: int,
    order: list[int],
    length: list[int],
) -> _Rows:
    """Return the differences between neighbours of a machine."""
    table = arrays.setups.get(machine, {})
    state = arrays.state[candidate.mode].tolist()
    rows: _Rows = []
    for task, follower in pairwise(order):
        known = state[task] >= 0 and state[follower] >= 0
        setup = table.get((state[task], state[follower]), 0) if known else 0
        # A blocking job leaves a machine when its next task starts.
        job = arrays.job[task]
        moves = arrays.blocking[job] and task + 1 < arrays.job_ptr[job + 1]
        leaver, stay = (task + 1, 0) if moves else (task, length[task])
        if leaver != follower:
            rows.append((leaver, follower, stay + setup))
            if arrays.no_idle[machine]:
                rows.append((follower, leaver, -stay - setup))
    return rows
