"""Random projects with scarce resources, controlled as in ProGen.

Network complexity is the mean number of precedences per task; there are more where every task needs
one to be tied to the others. The resource factor is the mean share
of the resources that a task needs. The resource strength RS sets each capacity between the least
that is of use and the most: ``K = K_min + RS (K_max - K_min)``, where K_min is the largest
single demand and K_max the peak of the schedule that starts every task as early as precedences
allow. Kolisch, Sprecher, Drexl (1995), "Characterization and generation of a general class of
resource-constrained project scheduling problems", Management Science 41(10), 1693-1703.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scheduling.models.schedule.problem import ScheduleProblem

_HIGHEST = 10


@dataclass(frozen=True, slots=True)
class _Mode:
    """A duration with its demands of renewable and of consumable resources."""

    duration: int
    renewables: list[int]
    consumables: list[int]


def project(
    *,
    tasks: int = 30,
    resources: int = 4,
    complexity: float = 1.5,
    factor: float = 0.5,
    strength: float = 0.5,
    longest: int = 10,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a project with one mode per task (RCPSP).

    Parameters
    ----------
    tasks, resources
        Size.
    complexity
        Precedences per task.
    factor
        Resource factor, 0 to 1.
    strength
        Resource strength, 0 (as scarce as can be) to 1 (no conflicts).
    longest
        Durations are uniform on 1 … ``longest``.
    seed
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    arcs = _network(rng, tasks, complexity)
    durations = rng.integers(1, longest, tasks, endpoint=True).tolist()
    modes = [[_Mode(duration, _demands(rng, resources, factor), [])] for duration in durations]
    return _project(f"project {tasks} seed {seed}", modes, arcs, strength, 1.0)


def multi_mode_project(
    *,
    tasks: int = 20,
    modes: int = 3,
    renewables: int = 2,
    consumables: int = 2,
    complexity: float = 1.5,
    factor: float = 0.5,
    strength: float = 0.5,
    stock: float = 0.5,
    longest: int = 10,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a project whose tasks have several modes (MRCPSP).

    Slower modes of a task need no more of any resource than faster ones. The stocks leave room for
    each consumable alone, but may be too small for all of them at once.

    Parameters
    ----------
    tasks, modes, renewables, consumables
        Size; ``modes`` counts per task.
    complexity
        Precedences per task.
    factor
        Resource factor, 0 to 1.
    strength
        Resource strength of the renewable resources, 0 to 1.
    stock
        The same for the consumable ones: from the sum of the least demands to that of the greatest.
    longest
        Durations are distinct on 1 … ``longest``, as far as that has enough values.
    seed
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    arcs = _network(rng, tasks, complexity)
    rows = []
    for _ in range(tasks):
        drawn = rng.choice(longest, modes, replace=modes > longest) + 1
        needs = _falling(rng, renewables, modes, factor)
        uses = _falling(rng, consumables, modes, factor)
        durations = sorted(drawn.tolist())
        rows.append([_Mode(*row) for row in zip(durations, needs, uses, strict=True)])
    return _project(f"multi-mode project {tasks} seed {seed}", rows, arcs, strength, stock)


def project_with_lags(
    *,
    tasks: int = 20,
    resources: int = 4,
    complexity: float = 1.5,
    factor: float = 0.5,
    strength: float = 0.5,
    cycles: float = 0.2,
    slack: float = 0.3,
    longest: int = 10,
    seed: int = 0,
) -> ScheduleProblem:
    """Generate a project with minimal and maximal time lags between starts (RCPSP/max).

    Its lags alone can always be kept; together with the resources they may be infeasible.

    Parameters
    ----------
    tasks, resources
        Size.
    complexity
        Minimal lags per task; a lag is uniform on 0 … 1.5 times the duration of the first task.
    factor, strength
        Resource factor and strength, 0 to 1.
    cycles
        Maximal lags per task, each between two tasks that minimal lags tie together.
    slack
        A maximal lag exceeds the longest path between its tasks by this share.
    longest
        Durations are uniform on 1 … ``longest``.
    seed
        Seed of the random numbers.
    """
    rng = np.random.default_rng(seed)
    arcs = _network(rng, tasks, complexity)
    durations = rng.integers(1, longest, tasks, endpoint=True).tolist()
    lags = {(i, j): int(rng.integers(0, 1.5 * durations[i], endpoint=True)) for i, j in arcs}
    far = _longest_paths(tasks, lags)
    tied = np.argwhere(np.triu(far > 0, 1))
    count = min(len(tied), round(cycles * tasks))
    links = [_lag(i, j, lag, None) for (i, j), lag in lags.items()]
    for i, j in tied[np.sort(rng.permutation(len(tied))[:count])].tolist():
        most = int(np.ceil((1 + slack) * far[i, j]))
        links.append(_lag(i, j, None, most))
        # The new arc from j back to i lengthens paths; a later maximal lag must allow for that.
        far = np.maximum(far, far[:, [j]] - most + far[[i], :])
    modes = [[_Mode(duration, _demands(rng, resources, factor), [])] for duration in durations]
    starts = np.maximum(far.max(axis=0), 0).astype(int).tolist()
    name = f"project with lags {tasks} seed {seed}"
    return _problem(name, modes, links, _capacities(modes, starts, strength))


def _network(rng: np.random.Generator, tasks: int, complexity: float) -> list[tuple[int, int]]:
    """Draw arcs between tasks in topological order, none implied by the others.

    Every task but the last few gets a successor and every one but the first few a predecessor; then
    further arcs are drawn until there are enough or no more fit.
    """
    before = [0] * tasks
    after = [0] * tasks
    arcs: list[tuple[int, int]] = []
    wide = max(1, tasks // 10)

    def add(i: int, j: int) -> None:
        """Add the arc unless it is implied or would make another one so."""
        if before[j] >> i & 1 or any(_implies(before, after, i, j, *arc) for arc in arcs):
            return
        arcs.append((i, j))
        heads = before[i] | 1 << i
        tails = after[j] | 1 << j
        for node in range(tasks):
            if tails >> node & 1:
                before[node] |= heads
            if heads >> node & 1:
                after[node] |= tails

    for j in range(wide, tasks):
        add(int(rng.integers(0, j)), j)
    for i in range(tasks - wide):
        if not after[i]:
            add(i, int(rng.integers(i + 1, tasks)))
    wanted = round(complexity * tasks)
    for _ in range(20 * wanted):
        if len(arcs) >= wanted or tasks < 2:
            break
        i, j = np.sort(rng.choice(tasks, 2, replace=False)).tolist()
        add(i, j)
    return sorted(arcs)


def _implies(before: list[int], after: list[int], i: int, j: int, a: int, b: int) -> bool:
    """Tell whether the new arc (i, j) gives a second way from a to b."""
    reaches_i = a == i or before[i] >> a & 1
    leaves_j = b == j or after[j] >> b & 1
    return bool(reaches_i and leaves_j)


def _demands(rng: np.random.Generator, resources: int, factor: float) -> list[int]:
    used = rng.random(resources) < factor
    drawn = rng.integers(1, _HIGHEST, resources, endpoint=True)
    return [int(amount) for amount in np.where(used, drawn, 0)]


def _falling(
    rng: np.random.Generator, resources: int, modes: int, factor: float
) -> list[list[int]]:
    """Return demands per mode that never rise from one mode to the next."""
    used = rng.random(resources) < factor
    drawn = rng.integers(1, _HIGHEST, (modes, resources), endpoint=True)
    falling = np.where(used, -np.sort(-drawn, axis=0), 0)
    return [[int(amount) for amount in row] for row in falling]


def _longest_paths(tasks: int, lags: dict[tuple[int, int], int]) -> np.ndarray[Any, Any]:
    """Return the longest path between tasks, -inf where there is none."""
    far = np.full((tasks, tasks), -np.inf)
    np.fill_diagonal(far, 0)
    for (i, j), lag in sorted(lags.items(), key=lambda item: item[0][1]):
        far[:, j] = np.maximum(far[:, j], far[:, i] + lag)
    return far


def _project(
    name: str, modes: list[list[_Mode]], arcs: list[tuple[int, int]], strength: float, stock: float
) -> ScheduleProblem:
    starts = [0] * len(modes)
    for i, j in sorted(arcs, key=lambda arc: arc[1]):
        starts[j] = max(starts[j], starts[i] + modes[i][0].duration)
    links = [{"before": str(i + 1), "after": str(j + 1)} for i, j in arcs]
    resources = _capacities(modes, starts, strength) + _stocks(modes, stock)
    return _problem(name, modes, links, resources)


def _capacities(
    modes: list[list[_Mode]], starts: list[int], strength: float
) -> list[dict[str, Any]]:
    """Set the capacities between the largest demand and the peak of the earliest schedule."""
    rows = []
    for index in range(len(modes[0][0].renewables)):
        least = max(min(mode.renewables[index] for mode in task) for task in modes)
        events: dict[int, int] = {}
        for task, start in zip(modes, starts, strict=True):
            amount, end = task[0].renewables[index], start + task[0].duration
            events[start] = events.get(start, 0) + amount
            events[end] = events.get(end, 0) - amount
        peak = max(np.cumsum([events[time] for time in sorted(events)]).max(), least)
        capacity = round(least + strength * (int(peak) - least))
        rows.append({"type": "renewable", "id": f"R{index + 1}", "capacity": capacity})
    return rows


def _stocks(modes: list[list[_Mode]], stock: float) -> list[dict[str, Any]]:
    rows = []
    for index in range(len(modes[0][0].consumables)):
        least = sum(min(mode.consumables[index] for mode in task) for task in modes)
        most = sum(max(mode.consumables[index] for mode in task) for task in modes)
        capacity = round(least + stock * (most - least))
        rows.append({"type": "consumable", "id": f"N{index + 1}", "capacity": capacity})
    return rows


def _lag(i: int, j: int, least: int | None, most: int | None) -> dict[str, Any]:
    return {
        "before": str(i + 1),
        "after": str(j + 1),
        "kind": "start-start",
        "min_lag": least,
        "max_lag": most,
    }


def _problem(
    name: str,
    modes: list[list[_Mode]],
    links: list[dict[str, Any]],
    resources: list[dict[str, Any]],
) -> ScheduleProblem:
    tasks = [
        {"id": str(number), "modes": [_fields(mode) for mode in rows]}
        for number, rows in enumerate(modes, start=1)
    ]
    jobs = [{"id": "project", "tasks": tasks}]
    fields = {"name": name, "resources": resources, "jobs": jobs, "precedences": links}
    return ScheduleProblem.model_validate(fields)


def _fields(mode: _Mode) -> dict[str, Any]:
    named = [(f"R{index}", amount) for index, amount in enumerate(mode.renewables, start=1)]
    named += [(f"N{index}", amount) for index, amount in enumerate(mode.consumables, start=1)]
    demands = {name: amount for name, amount in named if amount}
    return {"duration": mode.duration, "demands": demands}
