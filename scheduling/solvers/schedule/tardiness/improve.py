"""Iterated dynasearch in slices, beside what else posts better orders."""

from __future__ import annotations

from scheduling.solvers.schedule.meter import SLICE, Meter
from scheduling.solvers.schedule.tardiness.kernels import dynasearch
from scheduling.solvers.schedule.tardiness.machine import OneMachine
from scheduling.solvers.schedule.tardiness.post import Post


class Improvement:
    """A search that can be continued.

    Parameters
    ----------
    machine, post, meter
        Jobs, where to post, and what may be spent.
    seed
        Seed of the random kicks.
    """

    def __init__(self, machine: OneMachine, post: Post, meter: Meter, seed: int) -> None:
        self._post, self._meter = post, meter
        jobs = machine.duration, machine.due, machine.weight
        self._search = dynasearch.make_search(*jobs, post.best, seed)
        self._looks = machine.size * self._search.reach
        self._steps = max(1, min(1000, SLICE // (8 * self._looks)))

    def run(self, patience: float, share: float) -> None:
        """Go on until nothing better came for ``patience`` steps, or a share is spent.

        Parameters
        ----------
        patience
            Steps without a better order.
        share
            Share of the whole budget that may be spent by then.
        """
        search = self._search
        quiet = 0
        while not self._meter.over and quiet < patience and self._meter.used < share:
            before = int(search.counter[dynasearch.BEST_VALUE])
            made = dynasearch.advance(search, self._steps, 0)
            self._meter.spend(8 * self._looks * max(1, made))
            if search.counter[dynasearch.BEST_VALUE] < before:
                self._post.order(dynasearch.best_order(search), "dynasearch")
                quiet = 0
            elif made == 0:
                return
            quiet += made
