"""Dispatching: whenever something can start, the waiting task of least priority value does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from scheduling.errors import UnsupportedError
from scheduling.simulator.schedule.policy import Option
from scheduling.simulator.schedule.view import View
from scheduling.solvers.schedule.dispatch_rules import DUE_RULES, RULES, Rule

OnlineRule = Callable[[View, Option], float]
"""Priority of a way to start a task, lowest first, from what is known by now."""


class Dispatching:
    """Non-delay dispatching by a priority rule.

    Each task that can start competes with its way that ends first; the rule's lowest value wins,
    then the shortest duration, then the order of the document.

    Parameters
    ----------
    rule
        Name of a rule of :mod:`scheduling.solvers.schedule.dispatch_rules`, or a function from
        :class:`~scheduling.solvers.schedule.dispatch_rules.Waiting` to a number, lowest first.

    Raises
    ------
    UnsupportedError
        When there is no rule of that name.
    """

    relaxation = "it starts tasks that are ready on machines that are free, as any schedule may"

    def __init__(self, rule: str | Rule) -> None:
        if isinstance(rule, str):
            known = {**RULES, **DUE_RULES}
            if rule not in known:
                raise UnsupportedError.unknown("dispatching rule", rule, known)
            self.name, self._rule = rule, known[rule]
        else:
            self.name, self._rule = "own rule", rule
        self.summary = f"dispatching by {self.name}"

    def begin(self, view: View) -> None:
        """Nothing to forget."""

    def decide(self, view: View) -> list[Option]:
        """Start the task of least value; none when nothing can start."""
        best: dict[int, Option] = {}
        for option in view.startable():
            other = best.get(option.task)
            if other is None or option.duration < other.duration:
                best[option.task] = option
        ranked = ((self.value(view, o), o.duration, o.task, o) for o in best.values())
        chosen = min(ranked, default=None)
        return [] if chosen is None else [chosen[-1]]

    def value(self, view: View, option: Option) -> float:
        """Priority of a way to start a task, lowest first."""
        return self._rule(view.waiting(option))


class Ranked(Dispatching):
    """Dispatching by a rule that sees the whole view.

    Parameters
    ----------
    name, summary
        Shown to people.
    rule
        Priority, lowest first.
    """

    def __init__(self, name: str, summary: str, rule: OnlineRule) -> None:
        self.name, self.summary, self._view_rule = name, summary, rule

    def value(self, view: View, option: Option) -> float:
        """Priority of a way to start a task, lowest first."""
        return self._view_rule(view, option)


class RandomPriority(Dispatching):
    """Dispatching by priorities drawn at random, one a task.

    Parameters
    ----------
    seed
        Seed of the priorities.
    """

    name = "random"
    summary = "dispatching by random priorities"
    relaxation = "whatever the priorities, only starts of ready tasks on free machines come of them"

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rng = np.random.default_rng(seed)
        self._drawn: dict[int, float] = {}

    def begin(self, view: View) -> None:  # noqa: ARG002 - nothing is known yet
        """Draw anew."""
        self._rng = np.random.default_rng(self._seed)
        self._drawn = {}

    def value(self, view: View, option: Option) -> float:  # noqa: ARG002
        """Priority of the task."""
        return self._drawn.setdefault(option.task, float(self._rng.random()))


class GivenPriority(Dispatching):
    """Dispatching by priorities that the user gives.

    Parameters
    ----------
    priorities
        Task or job id to its priority, highest first; others have the weight of their job.
    """

    name = "priority"
    summary = "dispatching by given priorities, by default the weights of the jobs"

    def __init__(self, priorities: Mapping[str, float] | None = None) -> None:
        self._given = dict(priorities or {})

    def value(self, view: View, option: Option) -> float:
        """Priority of the task, negated."""
        waiting = view.waiting(option)
        job = view.job_name(waiting.job)
        default = self._given.get(job, float(waiting.weight))
        return -self._given.get(view.name(option.task), default)


class OneByOne(Dispatching):
    """One task at a time, in the order of the rule: what an engine without parallel steps does.

    Parameters
    ----------
    rule
        As of :class:`Dispatching`.
    """

    relaxation = "it only waits more than others do, and the offline problem may wait as well"

    def __init__(self, rule: str | Rule = "FIFO") -> None:
        super().__init__(rule)
        self.summary = f"one task at a time, by {self.name}"
        self.name = "sequential"

    def decide(self, view: View) -> list[Option]:
        """Start the task of least value when nothing runs."""
        return [] if view.running() else super().decide(view)
