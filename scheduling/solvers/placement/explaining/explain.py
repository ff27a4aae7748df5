"""Why items stand nowhere, and what would admit them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from scheduling.models.base import Solution, Status
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.board import Budget
from scheduling.solvers.driver import solve
from scheduling.solvers.explain import Label
from scheduling.solvers.placement.explaining.changes import (
    Candidate,
    Setting,
    candidates,
    promising,
    stays,
)
from scheduling.solvers.placement.explaining.conflict import (
    Conflict,
    in_the_cluster,
    on_empty_nodes,
)
from scheduling.solvers.placement.explaining.pools import more_nodes, shapes
from scheduling.solvers.placement.explaining.table import NodeTable
from scheduling.solvers.placement.explaining.words import labels_of

_EQUAL = {
    "demands",
    "tolerations",
    "node_selector",
    "node_affinity",
    "volumes",
    "affinity",
    "anti_affinity",
    "spread",
    "ports",
    "namespace",
    "priority",
    "shares",
    "together",
    "preempts",
}
"""Fields in which items that are explained together agree."""

_SOLVE_SHARE, _CONFLICT_SHARE = 0.3, 0.5
"""Shares of what is left of the time for the placement, and then for the conflicts."""

_TRIAL_SHARE = 0.3
_SHOWN = 3
_LEAST_SECONDS = 0.05
_LONGER = 1.5
_LARGE = 10**7
"""From so many pairs of item and node on, what one change admits freely needs no other."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change and what it brings: solved with it, and checked.

    Attributes
    ----------
    change
        In words.
    admitted
        Items that stand nowhere without the change and somewhere with it.
    displaced
        Items that stand somewhere without it and nowhere with it.
    moved
        ``(item, node)``: running items that change their place with it, and where they go.
    evicted
        Running items that stand nowhere with it.
    proven
        Whether the placement with the change is proven best; for further nodes, whether fewer are
        proven not to be enough.
    problem, solution
        The changed problem, and its placement.
    """

    change: str
    admitted: tuple[str, ...]
    displaced: tuple[str, ...]
    moved: tuple[tuple[str, str], ...]
    evicted: tuple[str, ...]
    proven: bool
    problem: PlacementProblem = field(repr=False, compare=False)
    solution: PlacementSolution = field(repr=False, compare=False)

    @property
    def disturbed(self) -> int:
        """Number of running items that are moved or evicted with it."""
        return len(self.moved) + len(self.evicted)

    def __str__(self) -> str:
        moves = [f"{item} moves to {node}" for item, node in self.moved[:_SHOWN]]
        evictions = [f"{item} is evicted" for item in self.evicted[:_SHOWN]]
        more = self.disturbed - len(moves) - len(evictions)
        rest = [f"{more} more are moved or evicted"] if more else []
        effects = ", ".join((*moves, *evictions, *rest))
        return f"{self.change} ({effects})" if effects else self.change

    def record(self) -> dict[str, Any]:
        """Return plain values, without problem and solution."""
        return {
            "change": self.change,
            "admitted": list(self.admitted),
            "displaced": list(self.displaced),
            "moved": [{"item": item, "node": node} for item, node in self.moved],
            "evicted": list(self.evicted),
            "disturbed": self.disturbed,
            "proven": self.proven,
        }


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Equal items, or a gang, that stand nowhere.

    Attributes
    ----------
    items
        Their names.
    reasons
        ``(number of nodes, why)`` for one of them, the commonest first: what excludes the nodes, as
        kube-scheduler says it.
    proven
        Whether it is proven that no placement holds one of them beside all other items of their
        priority or higher ones that are placed.
    conflict
        Constraints that cannot all be met, in words.
    is_minimal
        Whether the conflict vanishes as soon as any one of its members is left out.
    remedy
        The cheapest change that admits one of them: fewest items displaced, then disturbed, most
        admitted; ``None`` where none was found.
    """

    items: tuple[str, ...]
    reasons: tuple[tuple[int, str], ...]
    proven: bool = False
    conflict: tuple[Label, ...] = ()
    is_minimal: bool = False
    remedy: Change | None = None

    def record(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "items": list(self.items),
            "reasons": [{"nodes": count, "reason": why} for count, why in self.reasons],
            "proven": self.proven,
            "conflict": [asdict(label) for label in self.conflict],
            "is_minimal": self.is_minimal,
            "remedy": None if self.remedy is None else self.remedy.record(),
        }


@dataclass(frozen=True, slots=True)
class PlacementExplanation:
    """Why items stand nowhere, or that all have a place.

    Attributes
    ----------
    status
        ``FEASIBLE``: ``solution`` places every item. ``INFEASIBLE``: for some items that it leaves
        out this is proven. ``UNKNOWN``: neither was shown in time.
    left_out
        The items that ``solution`` leaves out, those of high priority first.
    changes
        What would admit some of them, that which admits most first.
    solution
        The placement that is explained.
    seconds
        Wall time.
    """

    status: Status
    left_out: tuple[LeftOut, ...] = ()
    changes: tuple[Change, ...] = ()
    solution: Solution | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.status is Status.FEASIBLE:
            return "Every item has a place."
        lines: list[str] = []
        for group in self.left_out:
            more = f" and {len(group.items) - 1} like it" if len(group.items) > 1 else ""
            proof = "cannot be placed" if group.proven else "found no place"
            lines.append(f"{group.items[0]}{more} {proof}:")
            lines += [f"  {count} nodes: {why}" for count, why in group.reasons]
            if group.conflict:
                lines.append("  These cannot all hold:")
                lines += [f"  - {label}" for label in group.conflict]
            if group.remedy is not None:
                lines.append(f"  Cheapest change that admits it: {group.remedy}")
        return "\n".join(lines) or "Not settled within the time limit."

    def record(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        solution = self.solution
        return {
            "status": self.status,
            "unplaced": [group.record() for group in self.left_out],
            "changes": [change.record() for change in self.changes],
            "solution": None if solution is None else solution.model_dump(mode="json"),
            "seconds": self.seconds,
        }


def explain_placement(problem: PlacementProblem, budget: Budget) -> PlacementExplanation:
    """Solve a problem and explain what its placement leaves out."""
    started = time.monotonic()
    left = budget.part(_SOLVE_SHARE).remaining()
    solution: PlacementSolution = solve(
        problem, time_limit=left, workers=budget.workers, seed=budget.seed
    )
    found = explain_solution(problem, solution, budget)
    return replace(found, seconds=time.monotonic() - started)


def left_out(problem: PlacementProblem, solution: PlacementSolution) -> list[LeftOut]:
    """Group what a solution leaves out, with the reasons of the nodes; no search."""
    table = NodeTable(problem, solution)
    return [_group(table, members) for members in _groups(problem, solution)]


def explain_solution(
    problem: PlacementProblem, solution: PlacementSolution, budget: Budget
) -> PlacementExplanation:
    """Explain what a solution leaves out, and try what would admit it.

    Parameters
    ----------
    problem, solution
        The problem and its answer.
    budget
        For everything together; conflicts and changes for which no time is left are not found.
    """
    started = time.monotonic()
    groups = list(_groups(problem, solution))
    if not groups:
        return PlacementExplanation(Status.FEASIBLE, solution=solution)
    table = NodeTable(problem, solution)
    explained = []
    searching = budget.part(_CONFLICT_SHARE)
    for number, members in enumerate(groups):
        part = searching.part(1 / (len(groups) - number))
        explained.append(_explained(table, solution, members, part))
    changes = _changes(table, solution, groups, [conflict for _, conflict in explained], budget)
    named = [replace(group, remedy=_cheapest(group, changes)) for group, _ in explained]
    proven = any(group.proven for group in named)
    return PlacementExplanation(
        Status.INFEASIBLE if proven else Status.UNKNOWN,
        tuple(named),
        tuple(changes),
        solution,
        time.monotonic() - started,
    )


def _groups(problem: PlacementProblem, solution: PlacementSolution) -> Iterator[tuple[Item, ...]]:
    """Yield the items that are left out, equal ones and gangs together, by falling priority."""
    placed = {entry.item for entry in solution.placements}
    found: dict[str, list[Item]] = {}
    for item in problem.items:
        if item.id not in placed:
            key = item.gang or item.model_dump_json(include=_EQUAL)
            found.setdefault(key, []).append(item)
    yield from map(tuple, sorted(found.values(), key=lambda group: -group[0].priority))


def _group(table: NodeTable, members: tuple[Item, ...]) -> LeftOut:
    item = members[0]
    reasons = table.reasons(item, table.node_needs(item))
    return LeftOut(tuple(entry.id for entry in members), reasons)


def _explained(
    table: NodeTable, solution: PlacementSolution, members: tuple[Item, ...], budget: Budget
) -> tuple[LeftOut, Conflict]:
    group, item = _group(table, members), members[0]
    conflict = on_empty_nodes(table, item, table.node_needs(item))
    if conflict is None:
        kin = frozenset(group.items if item.gang else (item.id,))
        conflict = in_the_cluster(table.problem, solution, item, kin, budget)
    named = labels_of(table, item, list(conflict.needs), empty=conflict.empty)
    proven = bool(conflict.needs) or _settled(table.problem, solution, item)
    return replace(group, proven=proven, conflict=named, is_minimal=conflict.is_minimal), conflict


def _settled(problem: PlacementProblem, solution: PlacementSolution, item: Item) -> bool:
    """Tell whether the bounds prove that no more items of a priority can be placed."""
    tiers = [tier for tier in problem.priorities if tier >= item.priority]
    return all(tier.closed for tier in solution.tiers[: len(tiers)])


def _cheapest(group: LeftOut, changes: Sequence[Change]) -> Change | None:
    wanted = set(group.items)
    useful = [change for change in changes if wanted & set(change.admitted)]
    return min(
        useful,
        key=lambda c: (len(c.displaced), c.disturbed, -len(wanted & set(c.admitted))),
        default=None,
    )


# ------------------------------------------------------------------------------------- trials


class _Trials:
    """Solves changed problems and keeps what each change brings."""

    def __init__(
        self, problem: PlacementProblem, solution: PlacementSolution, budget: Budget
    ) -> None:
        self.problem, self.budget, self._whole = problem, budget, budget
        self.placed = {entry.item for entry in solution.placements}
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
        found = solve(changed, time_limit=left, workers=workers, seed=seed)
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
        where = {entry.item: entry for entry in solution.placements}
        running = [item for item in problem.items if item.node is not None]
        if self._unplaced(problem, where.keys()) < self._unplaced(problem, self.placed):
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

    def _unplaced(self, problem: PlacementProblem, placed: Any) -> tuple[int, ...]:
        counts = dict.fromkeys(problem.priorities, 0)
        for item in problem.items:
            counts[item.priority] += item.id not in placed
        return tuple(counts.values())


def _changes(
    table: NodeTable,
    solution: PlacementSolution,
    groups: list[tuple[Item, ...]],
    conflicts: list[Conflict],
    budget: Budget,
) -> list[Change]:
    """Try the changes that follow from each conflict, and further nodes."""
    problem = table.problem
    kinds = [members[0] for members in groups]
    pools = shapes(problem, kinds)
    trials = _Trials(problem, solution, budget)
    missing = [item for members in groups for item in members]
    settings = [
        Setting(table, members, conflict, trials.attempt)
        for members, conflict in zip(groups, conflicts, strict=True)
    ]
    queue = [(setting, need) for setting in settings for need in setting.conflict.needs]
    # In large clusters there is time for a few trials only.
    queue.sort(key=lambda pair: not promising(*pair))
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
