"""What a constructed schedule decides before it places anything: which tasks run, in which modes.

Where tasks are optional, modes have rules or prices count, orders of insertion alone do not reach
every schedule. A plan names the routes that are taken, the other optional tasks that run, and how
much later a task may end for the sake of a mode.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scheduling.models.schedule.arrays import Fork, Ints, ScheduleArrays
from scheduling.models.schedule.objective import MEASURES

_FORCED = 2**40
"""Price of the modes that are not to be taken, beyond every time."""


@dataclass(frozen=True, eq=False)
class Plan:
    """Decisions of one schedule.

    Attributes
    ----------
    routes
        Index of the route that each alternative takes, if its task runs.
    extra
        Optional tasks outside all alternatives that run.
    price : (M,) array
        Time that is worth avoiding each mode.
    """

    routes: tuple[int, ...]
    extra: frozenset[int]
    price: Ints


class Plans:
    """Makes plans of a problem.

    Parameters
    ----------
    arrays
        The problem.
    tier
        The tier that is minimised.
    """

    def __init__(self, arrays: ScheduleArrays, tier: int) -> None:
        self._arrays = arrays
        weight = dict(zip(MEASURES, arrays.weights[tier].tolist(), strict=True))
        self._value = weight["cost"] * arrays.cost + weight["energy"] * arrays.energy
        first = arrays.mode_ptr[:-1]
        runs = ~arrays.absent
        self._run = np.minimum.reduceat(np.where(runs, self._value, _FORCED), first)
        self._skip = np.minimum.reduceat(np.where(runs, _FORCED, self._value), first)
        self._work = np.minimum.reduceat(np.where(runs, arrays.duration, _FORCED), first)
        inside = {task for fork in arrays.forks for route in fork.routes for task in route}
        self._forks = _parents_first(arrays.forks)
        self._free = [t for t in np.flatnonzero(arrays.optional).tolist() if t not in inside]
        priced = bool(np.any(self._value)) or bool(arrays.banned.size)
        counts = np.diff(arrays.mode_ptr) - arrays.optional
        self._choosers = np.flatnonzero(counts > 1).tolist() if priced else []
        self._ways = [fork for fork in range(len(self._forks)) if self._several(fork)]

    @property
    def several(self) -> bool:
        """Whether there is anything to decide."""
        return bool(self._ways or self._free or self._choosers)

    def first(self) -> list[Plan]:
        """Return the plans to begin with: routes of least value, then of least work."""
        plain = np.zeros(len(self._value), np.int64)
        worth = self._skip > self._run
        extra = frozenset(task for task in self._free if worth[task])
        quick = tuple(self._best(fork, valued=False) for fork in self._forks)
        found = [Plan(quick, extra, plain)]
        if np.any(self._value):
            cheap = tuple(self._best(fork, valued=True) for fork in self._forks)
            most = int(self._arrays.duration.sum()) + 1
            found.append(Plan(cheap, extra, self._value * most))
        return found

    def moved(self, plan: Plan, rng: np.random.Generator) -> Plan:
        """Return the plan with one decision changed."""
        kinds = [self._ways, self._free, self._choosers]
        open_ = [number for number, members in enumerate(kinds) if members]
        kind = open_[int(rng.integers(len(open_)))]
        chosen = kinds[kind][int(rng.integers(len(kinds[kind])))]
        if kind == 0:
            routes = list(plan.routes)
            routes[chosen] = int(rng.integers(len(self._forks[chosen].routes)))
            return replace(plan, routes=tuple(routes))
        if kind == 1:
            return replace(plan, extra=plan.extra ^ {chosen})
        return replace(plan, price=self._forced(plan.price, chosen, rng))

    def running(self, plan: Plan) -> list[bool]:
        """Tell of each task whether it runs."""
        runs: list[bool] = (~self._arrays.optional).tolist()
        for task in plan.extra:
            runs[task] = True
        for fork, number in zip(self._forks, plan.routes, strict=True):
            if fork.within < 0 or runs[fork.within]:
                for task in fork.routes[number]:
                    runs[task] = True
        return runs

    def _several(self, fork: int) -> bool:
        return len(self._forks[fork].routes) > 1

    def _best(self, fork: Fork, *, valued: bool) -> int:
        """Route of least value or, where that is equal, of least work."""
        keys = []
        for route in fork.routes:
            tasks = list(route)
            value = int((self._run - self._skip)[tasks].sum()) if valued else 0
            keys.append((value, int(self._work[tasks].sum())))
        return keys.index(min(keys))

    def _forced(self, price: Ints, task: int, rng: np.random.Generator) -> Ints:
        """Force a task into one of its modes, or leave it free again."""
        rows = slice(int(self._arrays.mode_ptr[task]), int(self._arrays.mode_ptr[task + 1]))
        own = np.flatnonzero(~self._arrays.absent[rows])
        changed = price.copy()
        pick = int(rng.integers(len(own) + 1))
        changed[rows] = 0
        if pick < len(own):
            changed[rows] = _FORCED
            changed[rows.start + int(own[pick])] = 0
        return changed


def _parents_first(forks: tuple[Fork, ...]) -> list[Fork]:
    """Order alternatives so that one within a task of another comes after it."""
    owner = {
        task: number for number, fork in enumerate(forks) for route in fork.routes for task in route
    }

    def depth(fork: Fork) -> int:
        steps = 0
        while fork.within in owner:
            fork, steps = forks[owner[fork.within]], steps + 1
        return steps

    return sorted(forks, key=depth)
