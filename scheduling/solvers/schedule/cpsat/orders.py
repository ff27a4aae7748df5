"""Setups and common orders in the CP-SAT formulation.

Where several machines serve all jobs in the same order, one literal per pair of jobs says which of
them comes first on all of these. Setups are times between direct neighbours: a circuit through the
tasks of a machine, or, where no detour saves setup time (the triangle inequality with the
durations of tasks in between), disjunctions of pairs. Where setup times count in the objective, it
is always the circuit, whose arcs say what they are.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading
from scheduling.solvers.schedule.cpsat.holding import Holding
from scheduling.solvers.schedule.cpsat.idle import add_no_idle

_LARGEST_TABLE = 400
"""Up to so many states, a machine's setups are tried for the triangle inequality."""

_START = -1
"""Stands for the state before the first task, and for the place before it."""


class Orders:
    """Who comes before whom on machines."""

    def __init__(self, core: Core, holding: Holding, occupied: dict[int, list[int]]) -> None:
        """Take the modes that may occupy each machine.

        ``setup_times`` are literals of direct neighbours in circuits, with their setup times.
        """
        self._core = core
        self._holding = holding
        self._occupied = occupied
        self._pairs: dict[tuple[int, int, int], Any] = {}
        self.setup_times: list[tuple[Any, int]] = []
        self._group_of = {
            machine: number
            for number, group in reversed(list(enumerate(core.arrays.same_order)))
            for machine in group
        }

    def add_setups(self) -> None:
        """Add the setups of every machine that has any, and fill those that never stand still."""
        arrays = self._core.arrays
        for machine in sorted({*arrays.setups, *arrays.no_idle.nonzero()[0].tolist()}):
            table = arrays.setups.get(machine, {})
            modes = self._occupied.get(machine, [])
            if not modes:
                continue
            counted = bool(table) and arrays.weighs("total_setup")
            self._space_out(modes, table)
            if arrays.no_idle[machine]:
                self._add_no_idle(machine, modes, table)
            elif not counted and self._detours_cost(machine):
                self._add_pairs(machine, modes, table)
            else:
                self._add_circuit(machine, modes, table)

    def add_common_orders(self) -> None:
        """Let the machines of each group serve the jobs in the same order."""
        arrays = self._core.arrays
        for number, group in enumerate(arrays.same_order):
            for machine in group:
                visits = np.flatnonzero(arrays.machine == machine).tolist()
                for first, second in combinations(visits, 2):
                    if self._job(first) != self._job(second):
                        self._order(self._common(number, first, second), first, second)

    def _order(self, literal: Any, first: int, second: int) -> None:
        """Let the starts of two modes follow a literal if both are chosen."""
        core = self._core
        lasting = bool(np.all(core.arrays.duration[[first, second]] > 0))
        for one, other, way in ((first, second, literal), (second, first, ~literal)):
            if lasting:
                self._separate(one, other, 0, [way])
                continue
            here, there = (int(core.task_of_mode[mode]) for mode in (one, other))
            bound = core.model.add(core.starts[there] >= core.starts[here])
            bound.only_enforce_if([way, *core.chosen(one, other)])

    def _job(self, mode: int) -> int:
        return int(self._core.arrays.job[self._core.task_of_mode[mode]])

    def _common(self, number: int, first: int, second: int) -> Any:
        """Literal: the job of the first mode comes before that of the second in a whole group."""
        one, other = self._job(first), self._job(second)
        if one > other:
            return ~self._common(number, second, first)
        key = (-1 - number, one, other)
        if key not in self._pairs:
            self._pairs[key] = self._core.flag(_job_first(self._core, number, one, other))
        return self._pairs[key]

    def _before(self, machine: int, first: int, second: int) -> Any:
        """Literal: the task of the first mode comes before that of the second on a machine."""
        first, second = self._follow(first, second)
        machine = int(self._core.arrays.machine[first])
        number = self._group_of.get(machine)
        if number is not None and self._job(first) != self._job(second):
            return self._common(number, first, second)
        one, other = (int(self._core.task_of_mode[mode]) for mode in (first, second))
        if one > other:
            return ~self._before(machine, second, first)
        key = (machine, one, other)
        if key not in self._pairs:
            self._pairs[key] = self._core.flag(_task_first(one, other))
        return self._pairs[key]

    def _follow(self, first: int, second: int) -> tuple[int, int]:
        """Go on with two blocking jobs as long as both move to the same machine.

        They cannot pass each other there: who is first on this machine is first on the next one.
        """
        core, machine, duration = self._core, self._core.arrays.machine, self._core.arrays.duration
        while self._job(first) != self._job(second):
            here, there = (int(core.task_of_mode[mode]) for mode in (first, second))
            if here not in self._holding or there not in self._holding:
                break
            one, other = core.modes(here + 1), core.modes(there + 1)
            if len(one) > 1 or len(other) > 1 or machine[one[0]] != machine[other[0]]:
                break
            if not np.all(duration[[first, second, one[0], other[0]]] > 0):
                break
            first, second = one[0], other[0]
        return first, second

    def _setup(self, table: Any, first: int, second: int) -> int:
        """Look up the setup between two modes; the first may be ``_START``."""
        state = self._core.arrays.state
        after = int(state[second])
        before = _START if first == _START else int(state[first])
        if after < 0 or (first != _START and before < 0):
            return 0
        return int(table.get((before, after), 0))

    def _add_pairs(self, machine: int, modes: list[int], table: Any) -> None:
        core = self._core
        for mode in modes:
            least = self._setup(table, _START, mode)
            if least:
                start = core.starts[int(core.task_of_mode[mode])]
                core.model.add(start >= least).only_enforce_if(core.chosen(mode))
        for first, second in combinations(modes, 2):
            if core.task_of_mode[first] == core.task_of_mode[second]:
                continue
            there, back = self._setup(table, first, second), self._setup(table, second, first)
            if there or back:
                literal = self._before(machine, first, second)
                self._separate(first, second, there, [literal])
                self._separate(second, first, back, [~literal])

    def _separate(self, first: int, second: int, setup: int, literals: list[Any]) -> None:
        """Let the second of two modes start a setup after the first has left the machine."""
        core = self._core
        start = core.starts[int(core.task_of_mode[second])]
        gap = core.model.add(start >= self._holding.left(first) + setup)
        gap.only_enforce_if([*literals, *core.chosen(first, second)])

    def _space_out(self, modes: list[int], table: Any) -> None:
        """Let every task of blocking jobs also take the least setup that follows it.

        Where all setups are alike, as between the jobs of a robotic cell, this says everything
        about them, and bounds follow from it as from longer tasks. With 4 stations and 8 jobs,
        the bound reaches 522 of 559 in the time in which it stays at 516 without.
        """
        core, holding = self._core, self._holding
        if not table or not any(int(core.task_of_mode[mode]) in holding for mode in modes):
            return
        intervals = []
        for mode in modes:
            task = int(core.task_of_mode[mode])
            others = [other for other in modes if core.task_of_mode[other] != task]
            setup = min((self._setup(table, mode, other) for other in others), default=0)
            if task in holding:
                intervals.append(holding.interval(mode, setup))
                continue
            start, length = core.starts[task], int(core.arrays.shortest[mode]) + setup
            chosen = core.literals.get(mode)
            if chosen is None:
                intervals.append(core.model.new_fixed_size_interval_var(start, length, ""))
            else:
                intervals.append(
                    core.model.new_optional_fixed_size_interval_var(start, length, chosen, "")
                )
        core.model.add_no_overlap(intervals)

    def _add_no_idle(self, machine: int, modes: list[int], table: Any) -> None:
        core = self._core
        kept = any(int(core.task_of_mode[mode]) in self._holding for mode in modes)
        if table or kept or np.any(core.arrays.elastic[modes]):
            self._add_circuit(machine, modes, table, tight=True)
        else:
            add_no_idle(core, self._holding, machine, modes)

    def _add_circuit(
        self, machine: int, modes: list[int], table: Any, *, tight: bool = False
    ) -> None:
        """Chain the modes that occupy the machine; node 0 stands before and behind them.

        With ``tight`` no time beyond the setup passes between neighbours.
        """
        core = self._core
        empty = core.flag(lambda reading: machine not in reading.sequences)
        arcs: list[tuple[int, int, Any]] = [(0, 0, empty)]
        for node, mode in enumerate(modes, 1):
            first = core.flag(_adjacent(machine, _START, mode))
            arcs += [(0, node, first), (node, 0, core.flag(_adjacent(machine, mode, _START)))]
            start = core.starts[int(core.task_of_mode[mode])]
            least = self._setup(table, _START, mode)
            core.model.add(start >= least).only_enforce_if(first)
            self.setup_times.append((first, least))
            presence = self._holding.presence(mode)
            if presence is not None:
                arcs.append((node, node, ~presence))
            for other_node, other in enumerate(modes, 1):
                if core.task_of_mode[other] != core.task_of_mode[mode]:
                    arc = core.flag(_adjacent(machine, mode, other))
                    arcs.append((node, other_node, arc))
                    setup = self._setup(table, mode, other)
                    self._separate(mode, other, setup, [arc])
                    if tight:
                        left = self._holding.left(mode)
                        entry = core.starts[int(core.task_of_mode[other])]
                        core.model.add(entry <= left + setup).only_enforce_if(arc)
                    self.setup_times.append((arc, setup))
        core.model.add_circuit(arcs)

    def _detours_cost(self, machine: int) -> bool:
        """Whether no task in between shortens a setup on a machine.

        Requires that every task that occupies the machine always does: a task of no duration in a
        blocking job may not.
        """
        arrays, modes = self._core.arrays, self._occupied[machine]
        duration, state = arrays.shortest[modes], arrays.state[modes]
        if np.any(duration == 0):
            return False
        states = np.unique(state)
        count = len(states)
        if count > _LARGEST_TABLE:
            return False
        table = np.zeros((count + 1, count), np.int64)
        for (before, after), time in arrays.setups[machine].items():
            row = count if before == _START else int(np.searchsorted(states, before))
            column = int(np.searchsorted(states, after))
            known = before == _START or (row < count and states[row] == before)
            if known and column < count and states[column] == after:
                table[row, column] = time
        shortest = [int(duration[state == value].min()) for value in states]
        return _no_shortcut(table, shortest)


def _no_shortcut(table: Ints, duration: list[int]) -> bool:
    for middle, length in enumerate(duration):
        around = table[:, middle, None] + length + table[None, middle, :]
        if np.any(table > around):
            return False
    return True


def _adjacent(machine: int, first: int, second: int) -> Hint:
    return lambda reading: (first, second) in reading.neighbours.get(machine, ())


def _task_first(one: int, other: int) -> Hint:
    return lambda reading: reading.start[one] < reading.start[other]


def _job_first(core: Core, number: int, one: int, other: int) -> Hint:
    """Tell which of two jobs is first: no machine of the group starts it later."""
    arrays = core.arrays
    visits = []
    for machine in arrays.same_order[number]:
        on = np.unique(core.task_of_mode[np.flatnonzero(arrays.machine == machine)])
        first, second = on[arrays.job[on] == one], on[arrays.job[on] == other]
        if first.size and second.size:
            visits.append((machine, int(first[0]), int(second[0])))

    def is_first(reading: Reading) -> int:
        return not any(
            reading.start[first] > reading.start[second]
            for machine, first, second in visits
            if reading.on(first, machine) and reading.on(second, machine)
        )

    return is_first
