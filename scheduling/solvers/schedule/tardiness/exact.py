"""Proofs for one machine: decomposition for equal weights, relaxations for all."""

from __future__ import annotations

import numpy as np

from scheduling.models.schedule.arrays import Ints
from scheduling.solvers.schedule.meter import SLICE, Meter
from scheduling.solvers.schedule.tardiness.kernels import (
    decomposition,
    multipliers,
    parts,
    relaxation,
    splitting,
)
from scheduling.solvers.schedule.tardiness.kernels import network as networks
from scheduling.solvers.schedule.tardiness.kernels.precedence import find_precedences
from scheduling.solvers.schedule.tardiness.machine import OneMachine
from scheduling.solvers.schedule.tardiness.post import Post

_MOST_SLOTS = 1 << 25
_MOST_RUNS = 2 * 10**8
_MOST_ARCS = 2 * 10**7
_LARGEST_VALUE = 1 << 50
_STEPS_WITHOUT_GAIN = 60
_SPLIT_AT_ONCE = 4


def decompose(machine: OneMachine, post: Post, meter: Meter, share: float) -> bool:
    """Solve equal weights exactly; False when the share of the budget or memory ran out.

    Memory ends at a table of some 600 megabytes.
    """
    if machine.common_weight is None or not parts.fits(machine.duration):
        return False
    order = np.lexsort((machine.duration, machine.due))
    part = parts.make_decomposition(machine.duration[order], machine.due[order])
    looks = 1 + machine.size // 2
    while part.counter[parts.STATE] != parts.DONE:
        meter.spend(looks * decomposition.advance(part, max(1, SLICE // looks)))
        if part.counter[parts.STATE] == parts.FULL:
            if len(part.key) >= _MOST_SLOTS:
                return False
            part = parts.grown(part)
        if meter.over or meter.used > share:
            return False
    post.order(order[decomposition.best_order(part)], "decomposition")
    post.bound(machine.common_weight * int(part.counter[parts.VALUE]), "decomposition")
    return True


def prove(machine: OneMachine, post: Post, meter: Meter) -> None:
    """Raise the bound by relaxations until it meets the best value or no room is left."""
    horizon = int(machine.duration.sum())
    largest = int(machine.weight.sum()) * max(1, horizon)
    if machine.size * horizon > _MOST_RUNS or largest > _LARGEST_VALUE:
        return
    _Proof(machine, post, meter).run()


def _worth(machine: OneMachine, order: Ints) -> Ints:
    """Guess what each job is worth, from a good order.

    That is its own cost and, for each unit of its time, the weight of the late jobs behind it,
    which a unit less would make so much cheaper.
    """
    duration, weight = machine.duration[order], machine.weight[order]
    late = np.cumsum(duration) - machine.due[order]
    urgent = weight * (late > 0)
    behind = urgent.sum() - np.cumsum(urgent)
    worth = np.empty(machine.size, np.int64)
    worth[order] = weight * np.maximum(0, late) + duration * behind
    return worth


class _Proof:
    """One proof: the time-indexed relaxation, then its network refined step by step.

    Jobs are renumbered so that precedences lead from lower to higher numbers.
    """

    def __init__(self, machine: OneMachine, post: Post, meter: Meter) -> None:
        self.machine, self.post, self.meter = machine, post, meter
        before = find_precedences(machine.duration, machine.due, machine.weight)
        self.label = np.lexsort((machine.due, before.sum(axis=0)))
        self.before = before[np.ix_(self.label, self.label)]
        self.relaxation = relaxation.make_relaxation(
            machine.duration[self.label],
            machine.due[self.label],
            machine.weight[self.label],
            self.before,
        )
        guess = multipliers.SCALE * _worth(machine, post.best)
        self.prices = multipliers.make_multipliers(guess[self.label])

    def run(self) -> None:
        if not self._ascend():
            return
        network = networks.make_network(self.relaxation, _MOST_ARCS)
        path = np.zeros(int(self.machine.duration.sum()) + 1, np.int64)
        settled = np.zeros(self.machine.size, bool)
        while network is not None:
            network = self._climb(network, path)
            if network is None:
                return
            network = self._refine(network, settled)

    def _ceiling(self) -> int:
        """Scaled cost, prices taken off, of the dearest path that would beat the best value."""
        best = (self.post.value - 1) * multipliers.SCALE
        return best - int(self.prices.best_price.sum())

    def _post_bound(self) -> bool:
        """Post the relaxation's bound; True when it closes the gap.

        Paths that do not beat the best schedule were cut off, so the bound ends at its value.
        """
        bound = -(-int(self.prices.state[multipliers.BOUND]) // multipliers.SCALE)
        self.post.bound(min(bound, self.post.value), "relaxation")
        return bound >= self.post.value

    def _ascend(self) -> bool:
        """Move the prices of the relaxation while that pays; False when all is done."""
        looks = self.relaxation.open.size
        steps = max(1, min(25, SLICE // looks))
        known = -multipliers.INFINITE
        quiet = 0
        while quiet < _STEPS_WITHOUT_GAIN:
            target = self.post.value * multipliers.SCALE
            if not relaxation.ascend(self.relaxation, self.prices, steps, target):
                self.post.bound(self.post.value, "relaxation")
                return False
            if self._post_bound():
                return False
            looks = relaxation.cut(self.relaxation, self.prices.best_price, self._ceiling())
            self.meter.spend((steps + 2) * self.relaxation.open.size)
            if self.meter.over:
                return False
            bound = int(self.prices.state[multipliers.BOUND])
            open_gap = self.post.value * multipliers.SCALE - bound
            quiet = 0 if bound - known > 0.01 * open_gap else quiet + steps
            known = bound
        return looks > 0

    def _climb(self, network: networks.Network, path: Ints) -> networks.Network | None:
        """Move the prices on a network and thin it; ``None`` when all is done."""
        self.prices = multipliers.make_multipliers(self.prices.best_price)
        known = -multipliers.INFINITE
        for _ in range(30):
            arcs = len(network.source)
            steps = max(1, min(10, SLICE // max(1, arcs)))
            target = self.post.value * multipliers.SCALE
            self.meter.spend((steps + 3) * arcs)
            if not arcs or not networks.climb(network, self.prices, steps, target, path):
                self.post.bound(self.post.value, "sublimation")
                return None
            if self.prices.state[multipliers.FINISHED]:
                order = self.label[path[: self.machine.size][::-1]]
                self.post.order(order, "sublimation")
            if self._post_bound() or self.meter.over:
                return None
            network = networks.thinned(network, self.prices.best_price, self._ceiling())
            bound = int(self.prices.state[multipliers.BOUND])
            if bound - known <= 0.02 * (target - bound):
                break
            known = bound
        return network

    def _refine(
        self, network: networks.Network, settled: np.ndarray[tuple[int], np.dtype[np.bool_]]
    ) -> networks.Network | None:
        """Split by the jobs that the cheapest path visits most wrongly; ``None`` without room."""
        wrong = np.abs(self.prices.visits - 1) + 0.5 * (self.prices.visits > 1)
        wrong[settled] = -1.0
        ranked = np.argsort(-wrong, kind="stable")
        number = min(_SPLIT_AT_ONCE, int(np.sum(~settled)))
        price = self.prices.best_price
        networks.label_ahead(network, price)
        networks.label_after(network, price)
        while number > 0 and not self.meter.over:
            jobs = ranked[:number].astype(np.int64)
            self.meter.spend(len(network.source))
            finer = splitting.refined(
                network, price, self._ceiling(), jobs, self.before, _MOST_ARCS
            )
            if finer is not None:
                settled[jobs] = True
                return finer
            number //= 2
        return None
