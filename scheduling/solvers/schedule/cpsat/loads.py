"""Loads of machines in the CP-SAT formulation.

A machine that starts no task before h and leaves at least q to do after each of them is busy
within the makespan: ``h + sum(d * x) + q <= makespan`` over the literals x of the modes that run on
it, with durations d. No-overlap implies it in every solution, but its relaxation does not, as the
intervals of a task that has not chosen its machine are all optional. The linear constraints carry
the bound of the relaxed assignment problem (Lawler and Labetoulle, 1978, without preemption).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.schedule.arrays import MACHINE
from scheduling.models.schedule.bounds.tails import Tails
from scheduling.models.schedule.windows import difference_edges
from scheduling.solvers.schedule.cpsat.core import Core

_CUTS = 3
"""Least heads and tails of a machine's tasks that make constraints of their own."""


def machine_loads(core: Core, earliest: list[int]) -> Iterator[Any]:
    """Make expressions below the makespan for each machine that tasks may choose.

    One holds all its tasks; others leave out the last tasks of the whole, which would hide how much
    is left to do after the rest, or the first ones.

    Parameters
    ----------
    core
        The model.
    earliest
        Earliest start of each task.
    """
    arrays = core.arrays
    # Counted from the end of each task: what follows only its start may pass beside a longer mode.
    rest = Tails.of(arrays, difference_edges(arrays), arrays.min_duration()).end
    for machine in np.flatnonzero(arrays.resource_type == MACHINE).tolist():
        modes = np.flatnonzero((arrays.machine == machine) & (arrays.duration > 0))
        tasks = core.task_of_mode[modes].tolist()
        free = any(mode in core.literals for mode in modes.tolist())
        if not free or arrays.optional[tasks].any():
            continue
        pairs = list(zip(modes.tolist(), tasks, strict=True))
        for head, tail in _cuts([earliest[task] for task in tasks], [rest[task] for task in tasks]):
            kept = [m for m, task in pairs if earliest[task] >= head and rest[task] >= tail]
            if kept:
                yield _load(core, kept) + (head + tail)


def _cuts(heads: list[int], rests: list[int]) -> set[tuple[int, int]]:
    """Pairs of a head and a tail that tasks are kept by: the least few of each."""
    firsts, lasts = sorted(set(heads))[:_CUTS], sorted(set(rests))[:_CUTS]
    return {(head, tail) for head in firsts for tail in lasts}


def _load(core: Core, modes: list[int]) -> Any:
    duration = core.arrays.shortest
    chosen = [mode for mode in modes if mode in core.literals]
    fixed = sum(int(duration[mode]) for mode in modes if mode not in core.literals)
    literals = [core.literals[mode] for mode in chosen]
    return cp_model.LinearExpr.weighted_sum(literals, [int(duration[m]) for m in chosen]) + fixed
