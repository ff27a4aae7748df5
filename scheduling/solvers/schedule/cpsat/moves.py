"""Times between machines, and common modes, in the CP-SAT formulation."""

from __future__ import annotations

import numpy as np
from ortools.sat.python import cp_model

from scheduling.solvers.schedule.cpsat.core import Core, Hint


def add_moves(core: Core) -> None:
    """Add the times that links take on top of their lags: transfers and transports.

    With ``m`` a mode of the task before and ``x`` the literals of the modes of the task after, the
    start of the one after is at least that of the one before plus the duration of ``m`` plus the
    lag plus ``sum(extra(m, n) * x[n])``, if ``m`` is chosen.
    """
    arrays = core.arrays
    moved = arrays.link_transfer > 0
    if arrays.transport.size:
        moved |= arrays.chained
    for row in moved.nonzero()[0].tolist():
        _add_move(core, row)


def _add_move(core: Core, row: int) -> None:
    arrays = core.arrays
    before, after = int(arrays.link_before[row]), int(arrays.link_after[row])
    conditions = core.binding(row)
    if conditions is None:
        return
    targets = core.modes(after)
    for mode in core.modes(before):
        extras = [_extra(core, row, mode, target) for target in targets]
        if not any(extras):
            continue
        least = int(arrays.link_min[row])
        gap = core.starts[after] - core.end(mode)
        if len(set(extras)) == 1:
            bound = core.model.add(gap >= least + extras[0])
        else:
            literals = core.chosen(*targets)
            total = cp_model.LinearExpr.weighted_sum(literals, extras)
            bound = core.model.add(gap >= least + total)
        bound.only_enforce_if([*core.chosen(mode), *conditions])


def _extra(core: Core, row: int, mode: int, target: int) -> int:
    arrays = core.arrays
    first, second = int(arrays.site[mode]), int(arrays.site[target])
    extra = int(arrays.link_transfer[row]) if first != second else 0
    if arrays.transport.size and arrays.chained[row] and first >= 0 and second >= 0:
        extra += int(arrays.transport[first, second])
    return extra


def add_common_modes(core: Core) -> None:
    """Let the tasks of the jobs that ask for it run in the mode of the same index."""
    arrays = core.arrays
    for job in arrays.same_mode.nonzero()[0].tolist():
        tasks = range(int(arrays.job_ptr[job]), int(arrays.job_ptr[job + 1]))
        modes = [mode for task in tasks for mode in core.modes(task) if not arrays.absent[mode]]
        names = np.unique(arrays.local[modes]).tolist()
        flags = {local: core.flag(_is_shared(core, tasks, local)) for local in names}
        core.model.add_at_most_one(flags.values())
        for mode in modes:
            shared = flags[int(arrays.local[mode])]
            core.model.add(shared == 1).only_enforce_if(core.chosen(mode))


def _is_shared(core: Core, tasks: range, local: int) -> Hint:
    arrays = core.arrays
    return lambda reading: any(
        reading.runs(task) and arrays.local[reading.mode[task]] == local for task in tasks
    )
