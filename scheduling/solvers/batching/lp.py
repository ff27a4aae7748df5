"""Solver ``lp``: the bound of the time-indexed relaxation, and the plan that its starts suggest."""

from __future__ import annotations

from math import ceil

from scheduling.models.batching.arrays import BatchingArrays, Plan
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.batching.family import CompiledBatching, offer
from scheduling.solvers.batching.policies import RULES
from scheduling.solvers.batching.timeline import in_order
from scheduling.solvers.board import Board, Budget

LARGEST_CELLS = 3_000_000
"""Most iterations of all possible starts together."""

_TOLERANCE = 1e-5
_QUESTIONS = 1000


class TimeIndexed(NeedsNothing):
    """Base of solvers that state the time-indexed program."""

    def refusal(self, data: CompiledBatching) -> str | None:
        """Refuse the makespan, of which the program says little, and programs out of reach."""
        arrays = data.arrays
        if arrays.objective == "makespan":
            return "the time-indexed program does not bound a makespan; use cp-sat"
        cells = reach(arrays) * int(arrays.output.sum())
        if cells > LARGEST_CELLS:
            return f"{cells} iterations of possible starts, above {LARGEST_CELLS}"
        return None


def reach(arrays: BatchingArrays) -> int:
    """Return an iteration by which good plans end; programs tell starts apart up to it."""
    ends = [int((rule.plan(arrays).starts + arrays.output).max()) for rule in RULES]
    return min(ends) + int(arrays.output.max())


class LinearBound(TimeIndexed):
    """The relaxation on HiGHS; its bound holds whatever the last iteration that it looks at."""

    name = "lp"
    summary = "time-indexed linear relaxation (HiGHS): the bound, and a plan by its mean starts"

    def search(
        self,
        data: CompiledBatching,
        board: Board[Plan],
        budget: Budget,
        hint: Plan | None,
    ) -> None:
        """Post the plans of the rules, the bound, then the plan of the relaxation."""
        from scheduling.solvers.batching.program import program
        from scheduling.solvers.linear.highs import relax
        from scheduling.solvers.linear.result import Limits, Listener

        arrays = data.arrays
        for rule in RULES:
            rule.search(data, board, budget, hint)
        stated = program(arrays, reach(arrays))
        work = None if budget.work is None else max(1, int(budget.work * _QUESTIONS))
        # On more threads HiGHS takes several times as long for these programs.
        limits = Limits(budget.remaining(), 1, budget.seed, work)
        ears = Listener(lambda _: None, lambda _: None, lambda: board.stopped)
        result = relax(stated.model, limits, ears)
        if result.values is not None:
            offer(data, board, in_order(arrays, stated.order(arrays, result.values)), self.name)
        if result.bound is not None:
            slack = _TOLERANCE + 1e-9 * abs(result.bound)
            board.raise_bound(ceil(result.bound - slack), self.name)
