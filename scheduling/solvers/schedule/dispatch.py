"""Dispatching: build a schedule forwards, letting each machine choose among waiting tasks.

Giffler and Thompson (1960) generate active schedules; the non-delay variant never keeps a machine
idle while a task waits for it.
"""

from __future__ import annotations

from scheduling.errors import UnsupportedError
from scheduling.models.schedule.objective import MEASURES
from scheduling.solvers.bases import NeedsNothing
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.dispatch_rules import DUE_RULES, RULES, Rule
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import SETUPS
from scheduling.solvers.schedule.learned import LEARNED, LearnedDispatch
from scheduling.solvers.schedule.learning.rule import LearnedRule
from scheduling.solvers.schedule.shop import Shop, shop_refusal


class Dispatch(NeedsNothing):
    """Non-delay dispatching by priority rules.

    Parameters
    ----------
    rule
        Name of a rule in any case, or a function from :class:`~.dispatch_rules.Waiting` to a
        number, lowest first; default: all named rules in turn, best kept. A unit of work is one
        rule.
    """

    name = "dispatch"
    summary = "non-delay schedules by priority rules (SPT, MWKR, ATC, ATCS, … or your own)"
    patience = 0.0
    _others: tuple[str, ...] = (LEARNED,)

    def __init__(self, rule: str | Rule | None = None) -> None:
        self._rules = {**RULES, **DUE_RULES}
        if callable(rule):
            self._rules = {"own rule": rule}
        elif rule is not None:
            name = rule.upper()
            if name not in self._rules:
                known = [*self._rules, *self._others]
                raise UnsupportedError.unknown("dispatching rule", rule, known)
            self._rules = {name: self._rules[name]}

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is no shop."""
        return shop_refusal(data.arrays, frozenset((SETUPS,)))

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,  # noqa: ARG002 - dispatching starts from nothing
    ) -> None:
        """Post one schedule a rule."""
        shop = Shop(data.arrays)
        dated = data.arrays.weights[board.tier, MEASURES.index("makespan")] == 0
        names = sorted(self._rules, key=lambda name: (name in DUE_RULES) != dated)
        if data.arrays.setups:
            names.sort(key=lambda name: name != "ATCS")
        for count, name in enumerate(names):
            left = budget.remaining()
            out_of_work = budget.work is not None and count >= max(1.0, budget.work)
            if board.stopped or out_of_work or (count and left is not None and left <= 0):
                return
            candidate = shop.schedule(self._rules[name], self.patience)
            if candidate is not None:
                board.offer(candidate, data.values(candidate), f"{self.name} {name}")


class GifflerThompson(Dispatch):
    """Active schedules by priority rules (Giffler and Thompson, 1960).

    Takes the same rules as :class:`Dispatch`.
    """

    name = "giffler-thompson"
    summary = "active schedules by priority rules"
    patience = 1.0
    _others = ()


def dispatcher(rule: str | None = None) -> Dispatch | LearnedDispatch:
    """Return the solver that ``dispatch:RULE`` names.

    Parameters
    ----------
    rule
        Name of a rule in any case, ``learned`` for the learned rule that comes with the library,
        or a file of a learned rule, whose name ends with ``.json``; default: all named rules.

    Raises
    ------
    UnsupportedError
        For a rule that there is not.
    InputError
        For a file that holds no learned rule.
    """
    if rule is not None and rule.upper() == LEARNED:
        return LearnedDispatch()
    if rule is not None and rule.endswith(".json"):
        return LearnedDispatch(LearnedRule.read(rule))
    return Dispatch(rule)
