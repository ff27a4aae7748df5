"""A way to run one replica: its batch, its rate and its waits, or why there is none."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from math import inf

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Batch, Provenance
from scheduling.planner.ceilings import Floats, Wait


@dataclass(frozen=True, slots=True)
class Sized:
    """A way to run a replica that keeps the targets of its loads.

    Parameters
    ----------
    sequences, token_budget
        Most requests in a batch, and most tokens in one iteration.
    rates
        Requests a second of each demand, served alone.
    waits
        The queues that requests of each demand pass.
    firsts
        Seconds to the first token of each demand without waiting, at the percentile of its target;
        none where it computes no prompts.
    tpot_seconds
        The same of later tokens, the most of any demand; ``None`` where it makes no answers.
    typical
        A batch that stands for its work.
    provenance
        Where the times come from.
    watts
        Power of the replica, where the cost model knows it.
    binds
        What keeps its batch from growing; empty where that is not known.
    """

    sequences: int
    token_budget: int | None
    rates: dict[str, float]
    waits: dict[str, tuple[Wait, ...]]
    firsts: dict[str, float]
    tpot_seconds: float | None
    typical: Batch
    provenance: Provenance = Provenance.ANALYTIC
    watts: float | None = None
    binds: str = ""

    def ceilings(self, most: int) -> Floats:
        """Return how busy 1, 2, …, ``most`` replicas may be, as shares of their rates."""
        return self.within(np.arange(1, most + 1))

    def within(self, replicas: NDArray[np.int64]) -> Floats:
        """Return how busy pools of so many replicas may be."""
        waits = chain.from_iterable(self.waits.values())
        return np.asarray(np.min([wait.ceilings(replicas) for wait in waits], axis=0))

    def first_token(self, replicas: int, busy: float, demands: Collection[str]) -> float | None:
        """Return within what time the first tokens of all these demands come.

        Parameters
        ----------
        replicas, busy
            Size of the pool, and how busy it is.
        demands
            Those that it serves, each of which counts at the percentile of its target.

        Returns
        -------
        float or None
            Seconds; ``None`` without prompts, or where queues are endless.
        """
        found = []
        for demand, first in self.firsts.items():
            if demand in demands:
                waits = [one.quantile(replicas, busy, one.share) for one in self.waits[demand]]
                known = [wait for wait in waits if wait is not None]
                found.append(first + sum(known) if len(known) == len(waits) else inf)
        longest = max(found, default=inf)
        return None if longest == inf else longest


@dataclass(frozen=True, slots=True)
class Floor:
    """The least that a replica can do of a latency that has a target.

    Parameters
    ----------
    metric
        ``ttft``, ``tpot`` or ``e2e``.
    demand
        Whose target it is.
    seconds, target
        What is reached, and what is asked for.
    """

    metric: str
    demand: str
    seconds: float
    target: float

    @property
    def excess(self) -> float:
        """Factor by which the target is missed."""
        return self.seconds / self.target

    def __str__(self) -> str:
        reached, asked = duration(self.seconds), duration(self.target)
        return f"{self.metric.upper()} floor {reached} above the target of {asked}"


class Unfit(Exception):  # noqa: N818 - it is an outcome, not an error
    """No way to run the replica keeps the targets; the message says why."""

    def __init__(self, reason: str, floor: Floor | None = None) -> None:
        super().__init__(reason)
        self.floor = floor


def duration(seconds: float) -> str:
    """Write a time for people."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
