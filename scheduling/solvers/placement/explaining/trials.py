"""Which changes admit items that stand nowhere: each is solved anew and checked."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from scheduling.models.base import Status
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.rules import NodeTerm
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.board import Budget
from scheduling.solvers.driver import solve
from scheduling.solvers.explain import shrink
from scheduling.solvers.placement.explaining.changes import (
    Candidate,
    Setting,
    candidates,
    promising,
    stays,
)
from scheduling.solvers.placement.explaining.conflict import Conflict
from scheduling.solvers.placement.explaining.explanation import Change
from scheduling.solvers.placement.explaining.pools import more_nodes, shapes
from scheduling.solvers.placement.explaining.table import NodeTable

_TRIAL_SHARE = 0.3
_LEAST_SECONDS = 0.05
_LONGER = 1.5
_LARGE = 10**7
"""From so many pairs of item and node on, what one change admits freely needs no other."""


class _Trials:
    """Solves changed problems and keeps what each change brings."""

    def __init__(
        self, problem: PlacementProblem, solution: PlacementSolution, budget: Budget
    ) -> None:
        self.problem, self.budget, self._whole = problem, budget, budget
        self._plan = solution
        self._hosts = {entry.item: entry.node for entry in solution.placements}
        self.placed = set(self._hosts)
        self.found: dict[str, Change] = {}
        self._overrun = _LEAST_SECONDS
        # A change is solved in about the time that the problem itself took, or somewhat more.
        whole = budget.remaining() or 0.0
        self._least = max(_LEAST_SECONDS, min(_LONGER * solution.seconds, _TRIAL_SHARE * whole))

    def attempt(self, changed: PlacementProblem, share: float = _TRIAL_SHARE) -> Any:
        """Solve a changed problem; ``None``: no time left."""
        left = max(self.budget.part(share).remaining() or 0.0, self._least)
        if left + self._overrun > (self._whole.remaining() or 0.0) + _LEAST_SECONDS:
            return None
        started = time.monotonic()
        workers, seed = self.budget.workers, self.budget.seed
        found = solve(changed, time_limit=left, workers=workers, seed=seed, hint=self._plan)
        # In large clusters compiling and checking take longer than a short limit.
        self._overrun = max(self._overrun, time.monotonic() - started - left)
        return found

    def settled(self, members: tuple[Item, ...]) -> bool:
        """Tell whether, in a large cluster, a free change that admits all members is enough."""
        if len(self.problem.items) * len(self.problem.nodes) < _LARGE:
            return False
        names = {item.id for item in members}
        free = (c for c in self.found.values() if not c.displaced and not c.disturbed)
        return any(names <= set(change.admitted) for change in free)

    def keep(
        self, text: str, problem: PlacementProblem, solution: PlacementSolution, *, proven: bool
    ) -> None:
        """Keep a change that admits more than it displaces, by priority."""
        placed = {entry.item for entry in solution.placements}
        if self._unplaced(problem, placed) < self._unplaced(problem, self.placed):
            solution = self._as_planned(problem, solution)
            where = {entry.item: entry for entry in solution.placements}
            running = [item for item in problem.items if item.node is not None]
            self.found[text] = Change(
                text,
                admitted=tuple(sorted(where.keys() - self.placed)),
                displaced=tuple(sorted(self.placed - where.keys())),
                moved=tuple(
                    (item.id, where[item.id].node)
                    for item in running
                    if item.id in where and not stays(item, where[item.id])
                ),
                evicted=tuple(item.id for item in running if item.id not in where),
                proven=proven,
                problem=problem,
                solution=solution,
            )

    def _as_planned(self, problem: PlacementProblem, found: PlacementSolution) -> PlacementSolution:
        """Return an answer as good in which items stand where the plan that is explained has them.

        What differs is then due to the change, and not to another plan that is as good. Items that
        have to stand elsewhere are as few as can be left out one by one.
        """
        best = found
        hosts = {entry.item: entry.node for entry in found.placements}
        apart = [name for name, host in hosts.items() if self._hosts.get(name, host) != host]
        over = False

        def enough(loose: list[str]) -> bool | None:
            nonlocal best, over
            held = {name: host for name, host in self._hosts.items() if name not in loose}
            trial = self.attempt(_held(problem, held))
            over = over or trial is None
            if trial is None or _values(trial) != _values(found):
                return None if trial is None else False
            best = trial
            return True

        if apart and not enough([]):
            shrink(apart, enough, lambda: over)
        return found.model_copy(update={"placements": best.placements})

    def _unplaced(self, problem: PlacementProblem, placed: Any) -> tuple[int, ...]:
        counts = dict.fromkeys(problem.priorities, 0)
        for item in problem.items:
            counts[item.priority] += item.id not in placed
        return tuple(counts.values())


def _values(solution: PlacementSolution) -> tuple[object, ...]:
    return tuple(tier.objective for tier in solution.tiers)


def _held(problem: PlacementProblem, hosts: Mapping[str, str]) -> PlacementProblem:
    """Return a problem in which items stand on their hosts if they stand anywhere."""
    items = tuple(
        item.model_copy(update={"node_affinity": (NodeTerm(nodes=(hosts[item.id],)),)})
        if item.id in hosts
        else item
        for item in problem.items
    )
    return problem.model_copy(update={"items": items})


def try_changes(
    table: NodeTable,
    solution: PlacementSolution,
    groups: list[tuple[Item, ...]],
    conflicts: list[Conflict],
    budget: Budget,
) -> list[Change]:
    """Try the changes that follow from each conflict, and further nodes."""

    def expired() -> bool:
        return budget.remaining() == 0

    if expired():
        return []
    problem = table.problem
    pools = shapes(problem, [members[0] for members in groups], expired)
    trials = _Trials(problem, solution, budget)
    missing = [item for members in groups for item in members]
    settings = [
        Setting(table, members, conflict, trials.attempt)
        for members, conflict in zip(groups, conflicts, strict=True)
    ]
    queue = [(setting, need) for setting in settings for need in setting.conflict.needs]
    # In large clusters there is time for a few trials only.
    queue.sort(key=lambda pair: expired() or not promising(*pair))
    for number, (setting, need) in enumerate(queue):
        trials.budget = budget.part(1 / (len(queue) + len(pools) - number))
        if not trials.settled(setting.members):
            for candidate in candidates(setting, need):
                _try(trials, candidate)
    for number, shape in enumerate(pools):
        trials.budget = budget.part(1 / (len(pools) - number))
        more = more_nodes(problem, shape, missing, trials.attempt)
        if more is not None:
            trials.keep(more.text, more.problem, more.solution, proven=more.least)
    return sorted(
        trials.found.values(),
        key=lambda change: (-len(change.admitted), change.disturbed, change.change),
    )


def _try(trials: _Trials, candidate: Candidate) -> None:
    if candidate.text in trials.found:
        return
    solution = trials.attempt(candidate.problem)
    if solution is not None:
        proven = solution.status is Status.OPTIMAL
        trials.keep(candidate.text, candidate.problem, solution, proven=proven)
