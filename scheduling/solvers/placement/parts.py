"""Solver ``parts``: nodes dealt into parts that are solved side by side, here or on a cluster."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from scheduling.backends.carrying import carry_out, check_engine
from scheduling.errors import InputError
from scheduling.models.base import Status
from scheduling.models.placement.aims import UNLIMITED
from scheduling.models.placement.arrays import NOWHERE, Ints
from scheduling.models.placement.bounds import unplaced_bound
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import Placement
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.placement.family import CompiledPlacement
from scheduling.solvers.placement.lns import Lns
from scheduling.solvers.placement.pools import Pools
from scheduling.solvers.placement.relaxation import raise_linear_bound

_NODES = 250
"""Nodes of a part, where their number is not given."""

_SHARE = 0.7
"""Share of the budget of the first tier for the parts; the rest improves across their borders."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part as it travels to whoever solves it; ``number`` is its place among the parts."""

    number: int
    problem: PlacementProblem
    seconds: float | None
    work: float | None
    seed: int


@dataclass(frozen=True, slots=True)
class _Solved:
    number: int
    placements: tuple[Placement, ...] | None


class Parts(NeedsCpSat):
    """Partitioned placement (POP: Narayanan and others, SOSP 2021).

    Nodes are dealt at random into parts of equal size. What runs belongs to the part of its node;
    pending items of each class are dealt evenly over the nodes that may take them. Solver ``auto``
    solves each part with one thread, so that it makes no difference to the answer who does; then
    large neighbourhood search improves the whole across the borders, with the bound of the whole.
    With a work limit each part has its share of it.

    Parameters
    ----------
    count
        Number of parts. Default: one for each 250 nodes, at least 2.
    backend
        Who solves them, as of :func:`~scheduling.backends.carrying.carry_out`.
    jobs
        Most parts side by side. Default: as many as workers on this machine, all that a cluster has
        room for.

    Raises
    ------
    InputError
        For a number of parts or jobs out of range, or an unknown backend.
    """

    name = "parts"
    summary = "nodes dealt into parts solved side by side, here or on a cluster: parts:NUMBER"

    def __init__(
        self, count: int | str | None = None, backend: str = "loky", jobs: int | None = None
    ) -> None:
        check_engine(jobs, backend)
        if count is not None and (not str(count).isdecimal() or int(count) < 1):
            raise InputError.single("solver", f"parts:{count}", "a number of parts, as parts:8")
        self._count = None if count is None else int(count)
        self._backend, self._jobs = backend, jobs
        self._data: CompiledPlacement | None = None

    def refusal(self, data: CompiledPlacement) -> str | None:
        """Refuse rules and limits that tie items of several nodes to each other."""
        arrays = data.arrays
        ties = (arrays.apart, arrays.together, arrays.even, arrays.gangs)
        limits = (arrays.budgets, arrays.quotas)
        bound = arrays.max_moves is not None or bool(arrays.patient.any())
        if any(ties) or any(limits) or bound or np.any(arrays.aims.tolerated != UNLIMITED):
            return "rules between items, gangs, budgets, quotas or limits on moves; use auto or lns"
        return None

    def search(
        self, data: CompiledPlacement, board: Board[Ints], budget: Budget, hint: Ints | None
    ) -> None:
        """Solve the parts once for all tiers, then improve the whole tier by tier."""
        arrays = data.arrays
        if self._data is not data:
            self._data = data
            best = arrays.now.copy()
            board.offer(best, data.values(best), self.name)
            if budget.remaining() != 0:
                # Offered as one, so that nothing depends on which part ended first.
                best = self._merged(data, board, budget)
                board.offer(best, data.values(best), self.name)
        if board.tier < arrays.n_priorities and not board.stopped:
            board.raise_bound(unplaced_bound(arrays, board.tier, board.caps), self.name)
            raise_linear_bound(Pools.of_nodes(arrays), board, budget, self.name)
        if not board.stopped:
            left = budget if budget.work is None else budget.part(1.0 - _SHARE)
            Lns().search(data, board, left, hint)

    def _merged(self, data: CompiledPlacement, board: Board[Ints], budget: Budget) -> Ints:
        """Return the places of all items by the parts that end before the board is stopped."""
        arrays = data.arrays
        nodes = {name: row for row, name in enumerate(arrays.node_ids)}
        items = {name: row for row, name in enumerate(arrays.item_ids)}
        best: Ints = arrays.now.copy()
        parts = self._parts(data, budget)
        for found in carry_out(_solve, parts, self._most(budget), self._backend):
            if found.placements is not None:
                best[[items[item.id] for item in parts[found.number].problem.items]] = NOWHERE
                for entry in found.placements:
                    item = items[entry.item]
                    place = arrays.place(item, nodes[entry.node], entry.parts)
                    best[item] = NOWHERE if place is None else place
            if board.stopped:
                break
        return best

    def _most(self, budget: Budget) -> int | None:
        here = self._jobs is None and self._backend == "loky"
        return budget.workers if here else self._jobs

    def _parts(self, data: CompiledPlacement, budget: Budget) -> list[_Part]:
        count = self._count or max(2, round(data.arrays.n_nodes / _NODES))
        problems = split(data, count, budget.seed)
        most = self._most(budget)
        rounds = 1 if most is None else -(-len(problems) // most)
        left = budget.remaining()
        return [
            _Part(
                number,
                problem,
                None if left is None else _SHARE * left / rounds,
                None if budget.work is None else _SHARE * budget.work / len(problems),
                budget.seed,
            )
            for number, problem in enumerate(problems)
        ]


def split(data: CompiledPlacement, count: int, seed: int) -> list[PlacementProblem]:
    """Return the problems of parts; each node and each item is in one of them.

    Parameters
    ----------
    data
        The whole.
    count
        Number of parts; of no more than there are nodes.
    seed
        Deals the nodes.
    """
    arrays, problem = data.arrays, data.problem
    count = max(1, min(count, arrays.n_nodes))
    of_node = np.empty(arrays.n_nodes, np.int64)
    order = np.random.default_rng(seed).permutation(arrays.n_nodes)
    of_node[order] = np.arange(arrays.n_nodes) % count
    of_item = np.empty(arrays.n_items, np.int64)
    for k, members in enumerate(arrays.members):
        open_nodes = np.bincount(of_node[arrays.eligible[k]], minlength=count)
        dealt = np.zeros(count, np.int64)
        for item in members.tolist():
            place = int(arrays.now[item])
            if place != NOWHERE:
                of_item[item] = of_node[arrays.places.node(place)]
                continue
            room = np.where(open_nodes > 0, (dealt + 1) / np.maximum(open_nodes, 1), np.inf)
            of_item[item] = int(room.argmin())
            dealt[of_item[item]] += 1
    return [
        problem.model_copy(
            update={
                "nodes": tuple(problem.nodes[row] for row in np.flatnonzero(of_node == part)),
                "items": tuple(problem.items[row] for row in np.flatnonzero(of_item == part)),
            }
        )
        for part in range(count)
    ]


def _solve(part: _Part) -> _Solved:
    """Solve a part, wherever this runs."""
    from scheduling.solvers.trials import solve_within

    deadline = None if part.seconds is None else time.monotonic() + part.seconds
    found = solve_within(part.problem, Budget(deadline, part.work, 1, part.seed))
    known = found.status in (Status.OPTIMAL, Status.FEASIBLE)
    return _Solved(part.number, found.placements if known else None)
