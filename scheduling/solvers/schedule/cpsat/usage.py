"""Costs, energy and setup times as linear expressions of the CP-SAT formulation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading
from scheduling.solvers.schedule.cpsat.holding import Holding

Terms = tuple[list[Any], list[int], int]
"""Expressions, their factors, and a constant."""


def usage_terms(
    core: Core,
    holding: Holding,
    occupied: dict[int, list[int]],
    setups: Iterable[tuple[Any, int]],
) -> dict[str, Terms]:
    """Return the measures of what is used, of those that the objective weighs.

    Parameters
    ----------
    core, holding
        The model.
    occupied
        Modes that may occupy each machine.
    setups
        Literals of direct neighbours on machines, with the setup times between them.
    """
    arrays = core.arrays
    found: dict[str, Terms] = {}
    if arrays.weighs("cost"):
        found["cost"] = _prices(core, arrays.cost)
    if arrays.weighs("energy"):
        parts, factors, shift = _prices(core, arrays.energy)
        for machine in arrays.idle_power.nonzero()[0].tolist():
            if occupied.get(machine):
                span, running, ran = _idle(core, holding, machine, occupied[machine])
                power = int(arrays.idle_power[machine])
                parts += [*span, *running]
                factors += [power, -power] + [-power * length for length in ran[0]]
                shift -= power * ran[1]
        found["energy"] = parts, factors, shift
    if arrays.weighs("total_setup"):
        rows = list(setups)
        found["total_setup"] = [literal for literal, _ in rows], [time for _, time in rows], 0
    return found


def _prices(core: Core, price: Ints) -> Terms:
    """Sum of the prices of the chosen modes."""
    several = np.array(list(core.literals), np.int64)
    single = np.ones(len(price), np.bool_)
    single[several] = False
    literals = [core.literals[mode] for mode in several.tolist()]
    return literals, price[several].tolist(), int(price[single].sum())


def _idle(
    core: Core, holding: Holding, machine: int, modes: list[int]
) -> tuple[list[Any], list[Any], tuple[list[int], int]]:
    """Last release and first start of a machine, and what runs on it in between."""
    model = core.model
    last = core.number(0, core.horizon, _turn(core, machine, last=True))
    first = core.number(0, core.horizon, _turn(core, machine, last=False))
    literals, lengths, fixed = [], [], 0
    for mode in modes:
        start, presence = core.starts[int(core.task_of_mode[mode])], holding.presence(mode)
        condition = [] if presence is None else [presence]
        model.add(first <= start).only_enforce_if(condition)
        model.add(last >= holding.left(mode)).only_enforce_if(condition)
        length = int(core.arrays.duration[mode])
        if core.arrays.elastic[mode]:
            literals.append(_time_taken(core, mode))
            lengths.append(1)
        elif mode in core.literals:
            literals.append(core.literals[mode])
            lengths.append(length)
        else:
            fixed += length
    total = sum(length * literal for length, literal in zip(lengths, literals, strict=True))
    model.add(last - first >= total + fixed)
    return [last, first], literals, (lengths, fixed)


def _time_taken(core: Core, mode: int) -> Any:
    """Time from start to end of a task in a mode, 0 in others."""
    task = int(core.task_of_mode[mode])
    taken = core.number(
        0,
        core.horizon,
        lambda r: r.end[task] - r.start[task] if r.mode[task] == mode else 0,
    )
    chosen = core.chosen(mode)
    size = core.ends[task] - core.starts[task]
    core.model.add(taken == size).only_enforce_if(chosen)
    if chosen:
        core.model.add(taken == 0).only_enforce_if(~chosen[0])
    return taken


def _turn(core: Core, machine: int, *, last: bool) -> Hint:
    """When a machine is first taken or last left; 0 when it never is."""

    def turn(reading: Reading) -> int:
        tasks = [int(core.task_of_mode[mode]) for mode in reading.sequences.get(machine, [])]
        times = reading.held if last else reading.start
        pick = max if last else min
        return pick((times[task] for task in tasks), default=0)

    return turn
