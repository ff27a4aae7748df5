"""The CP-SAT formulation of a scheduling problem.

One integer variable per task for its start; one literal per mode only where a task has several.
Intervals have fixed sizes: a task with one mode is a mandatory interval, a mode among several an
optional one that shares the task's start. Machines are no-overlap constraints, renewables
cumulative ones in which steps of the capacity are fixed intervals; a task that has to fit between
breaks gets them as holes in its domain. Tasks of duration zero occupy nothing. Blocking, setups,
common orders, reservoirs and times between machines are modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.schedule.arrays import (
    CONSUMABLE,
    END_END,
    END_START,
    MACHINE,
    NEVER,
    RESERVOIR,
    START_END,
    Ints,
    ScheduleArrays,
)
from scheduling.solvers.schedule.cpsat.batches import add_batches
from scheduling.solvers.schedule.cpsat.blocks import add_tour
from scheduling.solvers.schedule.cpsat.choices import add_choices, job_presence
from scheduling.solvers.schedule.cpsat.core import Core
from scheduling.solvers.schedule.cpsat.holding import Holding
from scheduling.solvers.schedule.cpsat.loads import machine_loads
from scheduling.solvers.schedule.cpsat.moves import add_common_modes, add_moves
from scheduling.solvers.schedule.cpsat.objective import ObjectivePart
from scheduling.solvers.schedule.cpsat.occupations import Occupations
from scheduling.solvers.schedule.cpsat.orders import Orders
from scheduling.solvers.schedule.cpsat.overtaking import limit_overtaking
from scheduling.solvers.schedule.cpsat.reservoirs import add_reservoir
from scheduling.solvers.schedule.cpsat.swaps import forbid_swaps
from scheduling.solvers.schedule.cpsat.usage import Terms, usage_terms
from scheduling.solvers.schedule.cpsat.windows import (
    Windows,
    changing_profiles,
    forbidden_starts,
    levels,
    start_windows,
    subtract,
)
from scheduling.solvers.schedule.cpsat.worktimes import add_working_times
from scheduling.solvers.schedule.family import Candidate

_FOLDED_HOLES = 200_000
"""Up to so many holes, breaks go into domains; beyond, fixed intervals say the same in less."""

_PULSE = 2048


class OutOfTimeError(Exception):
    """The time ran out while the model was built."""


class Formulation:
    """A CP-SAT model of one tier, with the way back to schedules.

    Parameters
    ----------
    arrays
        The problem.
    tier
        Tier that is minimised.
    caps
        Values that the tiers before it may not exceed.
    ceiling
        Value of the tier that is reached already; only schedules at least as good are kept.
        ``None``: none known.
    floor
        Proven lower bound of the tier; ``None``: none known.
    pulse
        Called every few thousand steps; it raises :class:`OutOfTimeError` to end the building.

    Attributes
    ----------
    model : cp_model.CpModel
        The model. Its first variables are the starts of the tasks, in their order.
    infeasible : bool
        Windows alone show that no schedule exists; the model is empty then.
    """

    def __init__(
        self,
        arrays: ScheduleArrays,
        tier: int,
        caps: tuple[int, ...] = (),
        ceiling: int | None = None,
        floor: int | None = None,
        pulse: Callable[[], None] = lambda: None,
    ) -> None:
        self.arrays = arrays
        self.model = cp_model.CpModel()
        self._pulse = pulse
        limits = [*enumerate(caps), *([] if ceiling is None else [(tier, ceiling)])]
        windows = start_windows(arrays, limits)
        self.infeasible = windows is None or not self._add_starts(windows)
        if windows is None or self.infeasible:
            return
        self._windows = windows
        self._add_modes()
        self._core = Core(
            self.model,
            arrays,
            windows.horizon,
            self.starts,
            self.ends,
            self._literals,
            self._task_of_mode,
        )
        sizes = add_working_times(self._core, windows)
        self._occupations = Occupations(self._core, sizes, self._tick)
        self._add_links()
        add_moves(self._core)
        add_common_modes(self._core)
        add_choices(self._core)
        self._holding = Holding(self._core)
        usage = self._add_resources()
        presence = job_presence(self._core)
        bounds = [*machine_loads(self._core, windows.earliest.tolist())]
        tour = add_tour(self._core)
        self._objective = ObjectivePart(self.model, arrays, windows, self.ends, usage, presence)
        self._objective.limit(caps)
        self._objective.minimize(tier, floor, ceiling)
        if tour is not None:
            bounds.append(tour)
        for bound in bounds:
            self._objective.bound_makespan(bound)

    def decode(self, values: list[int]) -> Candidate:
        """Read the schedule from the values of all variables."""
        arrays = self.arrays
        n = arrays.n_tasks
        mode = arrays.mode_ptr[:-1].copy()
        several = np.array(self._mode_of_literal, np.int64)
        chosen = np.array(values[n : n + len(several)], bool)
        picked = several[chosen]
        mode[self._task_of_mode[picked]] = picked
        return Candidate(np.array(values[:n], np.int64), mode)

    def encode(self, candidate: Candidate) -> list[int]:
        """Give the value of every variable under a candidate, for a complete hint."""
        arrays = self.arrays
        completion = arrays.completions(candidate.start, candidate.mode)
        several = np.array(self._mode_of_literal, np.int64)
        literals = candidate.mode[self._task_of_mode[several]] == several
        return [
            *candidate.start.tolist(),
            *literals.astype(np.int64).tolist(),
            *self._core.values(candidate),
            *self._objective.values(completion),
        ]

    def add_names(self) -> None:
        """Name the variables of tasks and modes, for people who read the model."""
        arrays, variables = self.arrays, self.model.proto.variables
        for task, name in enumerate(arrays.task_ids):
            variables[task].name = f"start {name}"
        for number, mode in enumerate(self._mode_of_literal):
            task = int(self._task_of_mode[mode])
            local = mode - int(arrays.mode_ptr[task])
            variables[arrays.n_tasks + number].name = f"mode {local} of {arrays.task_ids[task]}"

    def _add_starts(self, windows: Windows) -> bool:
        """Make the start variables; False when a domain is empty."""
        arrays, model = self.arrays, self.model
        self._profiles = changing_profiles(arrays, windows.horizon)
        self._folded = self._fold(windows)
        self.starts: list[Any] = []
        bounds = zip(windows.earliest.tolist(), windows.latest.tolist(), strict=True)
        for task, (low, high) in enumerate(bounds):
            self._tick(task)
            holes = self._folded.get(task)
            if not holes:
                self.starts.append(model.new_int_var(low, high, ""))
                continue
            intervals = subtract(low, high, holes)
            if not intervals:
                return False
            domain = cp_model.Domain.from_intervals(intervals)
            self.starts.append(model.new_int_var_from_domain(domain, ""))
        return True

    def _fold(self, windows: Windows) -> dict[int, list[tuple[int, int]]]:
        """Collect, task by task, the starts that breaks forbid, while they are few."""
        arrays = self.arrays
        folded: dict[int, list[tuple[int, int]]] = {}
        if not self._profiles:
            return folded
        left = _FOLDED_HOLES
        for task in np.flatnonzero(np.diff(arrays.mode_ptr) == 1).tolist():
            self._tick(task)
            mode = int(arrays.mode_ptr[task])
            if arrays.elastic[mode]:
                continue
            low, high = int(windows.earliest[task]), int(windows.latest[task])
            holes = [
                hole
                for hole in forbidden_starts(arrays, mode, self._profiles)
                if hole[1] >= low and hole[0] <= high
            ]
            left -= len(holes)
            if left < 0:
                break
            folded[task] = holes
        return folded

    def _add_modes(self) -> None:
        """Make literals and the ends of tasks."""
        arrays, model = self.arrays, self.model
        counts = np.diff(arrays.mode_ptr)
        self._task_of_mode: Ints = np.repeat(np.arange(arrays.n_tasks), counts)
        self._literals: dict[int, Any] = {}
        low, high = (
            part.reduceat(arrays.duration, arrays.mode_ptr[:-1]).tolist()
            for part in (np.minimum, np.maximum)
        )
        elastic = np.logical_or.reduceat(arrays.elastic, arrays.mode_ptr[:-1]).tolist()
        pointer, duration = arrays.mode_ptr.tolist(), arrays.duration.tolist()
        last_end = np.minimum(arrays.deadline, self._windows.horizon).tolist()
        self.ends: list[Any] = []
        for task, start in enumerate(self.starts):
            self._tick(task)
            first, stop = pointer[task], pointer[task + 1]
            if stop - first > 1:
                literals = [model.new_bool_var("") for _ in range(first, stop)]
                self._literals.update(zip(range(first, stop), literals, strict=True))
                model.add_exactly_one(literals)
            if low[task] == high[task] or elastic[task]:
                # Where the time varies with the start, the working times put their own end here.
                self.ends.append(start + low[task])
            else:
                chosen = cp_model.LinearExpr.weighted_sum(literals, duration[first:stop])
                self.ends.append(start + chosen)
                model.add(self.ends[-1] <= last_end[task])
        self._mode_of_literal = list(self._literals)

    def _add_links(self) -> None:
        arrays, model = self.arrays, self.model
        rows = zip(
            arrays.link_before.tolist(),
            arrays.link_after.tolist(),
            arrays.link_kind.tolist(),
            arrays.link_min.tolist(),
            arrays.link_max.tolist(),
            (arrays.firm & ~arrays.passing).tolist(),
            strict=True,
        )
        for number, (before, after, kind, low, high, firm) in enumerate(rows):
            self._tick(number)
            conditions = [] if firm else self._core.binding(number)
            if conditions is None:
                continue
            x = self.ends[before] if kind in (END_START, END_END) else self.starts[before]
            y = self.ends[after] if kind in (END_END, START_END) else self.starts[after]
            if low > -NEVER and high < NEVER:
                bound = model.add_linear_constraint(y - x, low, high)
            elif low > -NEVER:
                bound = model.add(y >= x + low)
            else:
                bound = model.add(y <= x + high)
            bound.only_enforce_if(conditions)

    def _add_resources(self) -> dict[str, Terms]:
        """Add machines and resources; return the measures of their use."""
        arrays = self.arrays
        users = self._users()
        occupied: dict[int, list[int]] = {}
        for resource in range(arrays.n_resources):
            self._pulse()
            mine = users[resource]
            kind = int(arrays.resource_type[resource])
            if kind == CONSUMABLE:
                self._add_consumable(int(arrays.capacity[resource]), mine)
            elif kind == RESERVOIR:
                add_reservoir(self._core, resource, mine, self._suppliers(resource))
            elif kind == MACHINE:
                occupied[resource] = self._occupying([mode for mode, _ in mine])
                self._add_machine(resource, occupied[resource])
            else:
                self._add_renewable(resource, mine)
        orders = Orders(self._core, self._holding, occupied)
        orders.add_setups()
        orders.add_common_orders()
        add_batches(self._core)
        limit_overtaking(self._core, self._holding, occupied)
        if not arrays.swap:
            forbid_swaps(self._core, self._holding, occupied)
        return usage_terms(self._core, self._holding, occupied, orders.setup_times)

    def _suppliers(self, resource: int) -> list[tuple[int, int]]:
        """Modes that put into a reservoir, and amounts."""
        arrays = self.arrays
        rows = np.flatnonzero(arrays.supply_resource == resource)
        modes = np.searchsorted(arrays.supply_ptr, rows, side="right") - 1
        return list(zip(modes.tolist(), arrays.supply_amount[rows].tolist(), strict=True))

    def _occupying(self, modes: list[int]) -> list[int]:
        """Those of some modes that may occupy their machine for some time."""
        duration, owner = self.arrays.duration, self._task_of_mode
        return [mode for mode in modes if duration[mode] > 0 or int(owner[mode]) in self._holding]

    def _users(self) -> list[list[tuple[int, int]]]:
        """Modes and amounts, resource by resource, in the order of the modes."""
        arrays = self.arrays
        users: list[list[tuple[int, int]]] = [[] for _ in range(arrays.n_resources)]
        for mode, machine in enumerate(arrays.machine.tolist()):
            if machine >= 0:
                users[machine].append((mode, 1))
        owners = np.repeat(np.arange(len(arrays.duration)), np.diff(arrays.demand_ptr))
        rows = zip(
            owners.tolist(),
            arrays.demand_resource.tolist(),
            arrays.demand_amount.tolist(),
            strict=True,
        )
        for mode, resource, amount in rows:
            users[resource].append((mode, amount))
        return users

    def _add_machine(self, machine: int, modes: list[int]) -> None:
        holding = [mode for mode in modes if int(self._task_of_mode[mode]) in self._holding]
        lasting = [mode for mode in modes if self.arrays.duration[mode] > 0]
        running = [interval for interval, _ in self._occupations.of([(m, 1) for m in lasting])]
        breaks = self._breaks(machine, lasting)
        if holding:
            held = [self._holding.interval(mode) for mode in holding]
            kept = set(modes).difference(holding)
            others = self._occupations.of([(mode, 1) for mode in modes if mode in kept])
            self._no_overlap([*held, *(interval for interval, _ in others)])
        if breaks or not holding:
            self._no_overlap([*running, *breaks])

    def _no_overlap(self, intervals: list[Any]) -> None:
        if len(intervals) > 1:
            self.model.add_no_overlap(intervals)

    def _breaks(self, machine: int, modes: list[int]) -> list[Any]:
        """Make intervals of a machine's breaks, unless all tasks have them in their domains."""
        if all(int(self._task_of_mode[mode]) in self._folded for mode in modes):
            return []
        profile = levels(self.arrays, machine, self._windows.horizon)
        return [self._fixed(level.start, level.end) for level in profile if level.capacity == 0]

    def _add_renewable(self, resource: int, users: list[tuple[int, int]]) -> None:
        running = [(mode, amount) for mode, amount in users if self.arrays.duration[mode] > 0]
        if not running:
            return
        profile = levels(self.arrays, resource, self._windows.horizon)
        occupations = self._occupations.of(running)
        full = max((level.capacity for level in profile), default=0)
        intervals = [interval for interval, _ in occupations]
        demands = [amount for _, amount in occupations]
        for level in profile:
            if level.capacity < full:
                intervals.append(self._fixed(level.start, level.end))
                demands.append(full - level.capacity)
        if full == 1 and max(demands) == 1:
            self._no_overlap(intervals)
        else:
            self.model.add_cumulative(intervals, demands, full)

    def _fixed(self, start: int, end: int) -> Any:
        return self.model.new_fixed_size_interval_var(start, end - start, "")

    def _add_consumable(self, capacity: int, users: list[tuple[int, int]]) -> None:
        literals, amounts, fixed = [], [], 0
        for mode, amount in users:
            literal = self._literals.get(mode)
            if literal is None:
                fixed += amount
            else:
                literals.append(literal)
                amounts.append(amount)
        used = cp_model.LinearExpr.weighted_sum(literals, amounts)
        self.model.add_linear_constraint(used + fixed, 0, capacity)

    def _tick(self, number: int) -> None:
        if number % _PULSE == 0:
            self._pulse()
