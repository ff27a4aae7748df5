"""Solver ``tardiness``: weighted tardiness of one machine, by rules, local search and proofs."""

from __future__ import annotations

import math

from scheduling.solvers.bases import NeedsNumba
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.features import feature_refusal
from scheduling.solvers.schedule.meter import SLICE, Meter
from scheduling.solvers.schedule.tardiness import heuristics
from scheduling.solvers.schedule.tardiness.machine import OneMachine, machine_refusal
from scheduling.solvers.schedule.tardiness.post import Post
from scheduling.solvers.schedule.warming import TARDINESS as KERNELS
from scheduling.solvers.warmup import Kernels, ready

_LARGEST_RULED = 300
_LARGEST_QUADRATIC = 3_000
_DECOMPOSED_SHARE = 0.4
_IMPROVED_SHARE = 0.2
_PATIENCE = 2_000


class Tardiness(NeedsNumba):
    """Total weighted tardiness of one machine.

    First the rules of :mod:`~.heuristics`; then equal weights are solved by decomposition; others,
    or what is left open, by iterated dynasearch, whose best order relaxations then prove best or
    bound. A unit of work is :data:`~scheduling.solvers.schedule.meter.LOOKS_PER_UNIT` looks. It
    uses one thread.
    """

    name = "tardiness"
    summary = "weighted tardiness of one machine: rules, dynasearch, decomposition, sublimation"

    def refusal(self, data: CompiledSchedule) -> str | None:
        """Tell why the problem is not weighted tardiness on one machine."""
        return feature_refusal(data.arrays) or machine_refusal(data.arrays)

    def kernels(self, data: CompiledSchedule, budget: Budget) -> tuple[Kernels, ...]:  # noqa: ARG002
        """Name the one group that serves all."""
        return (KERNELS,)

    def search(
        self,
        data: CompiledSchedule,
        board: Board[Candidate],
        budget: Budget,
        hint: Candidate | None,
    ) -> None:
        """Post rules' orders, then better ones and bounds until the gap is closed."""
        machine = OneMachine.of(data.arrays)
        meter = Meter(board, budget)
        post = Post(data, machine, board, self.name)
        _construct(machine, post, meter, hint)
        if meter.over:
            return
        if machine.size < 2:
            post.bound(post.value, "order")
            return
        if not ready((KERNELS,), board, budget):
            return
        from scheduling.solvers.schedule.tardiness.exact import decompose, prove
        from scheduling.solvers.schedule.tardiness.improve import Improvement

        if decompose(machine, post, meter, _DECOMPOSED_SHARE) or meter.over:
            return
        improvement = Improvement(machine, post, meter, budget.seed)
        improvement.run(_PATIENCE, meter.used + _IMPROVED_SHARE)
        if not meter.over:
            prove(machine, post, meter)
        improvement.run(math.inf, 1.0)


def _construct(machine: OneMachine, post: Post, meter: Meter, hint: Candidate | None) -> None:
    """Post the orders of the rules and what exchanges of neighbours make of the best one."""
    n = machine.size
    post.order(heuristics.earliest_due(machine), "EDD")
    if hint is not None:
        post.order(machine.order(hint), "hint")
    if n < 2 or n > _LARGEST_QUADRATIC:
        return
    equal = machine.common_weight is not None
    methods = {
        "MDDC": heuristics.mddc,
        "PSK": heuristics.psk,
        "EDDC": heuristics.eddc,
    }
    for name, method in methods.items() if equal else ():
        post.order(method(machine), name)
        meter.spend(n * n)
    rules = ("MDD",) if equal else ("ATC", "COVERT", "WSPT", "MDD")
    for name in rules if n <= _LARGEST_RULED else rules[:1]:
        if meter.over:
            return
        post.order(heuristics.dispatched(machine, name), name)
        meter.spend(n * n)
    if n <= _LARGEST_RULED:
        post.order(heuristics.adjacent_pairwise(machine, post.best), "adjacent pairs")
        meter.spend(SLICE)
