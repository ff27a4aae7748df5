"""What no policy can beat on equal replicas: latencies, makespan, requests that keep limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scheduling.models.cost.protocol import Minorant
from scheduling.models.preemptive import mean_busy_sum, span, srpt_sum
from scheduling.models.requests.crowding import crowded_sum
from scheduling.models.requests.needs import Floors, Limits, Needs, floors, needs, works
from scheduling.models.requests.table import RequestTable
from scheduling.solvers.prefill.intervals import most_on_time

Floats = NDArray[np.float64]

MOST_SORTED = 200_000
"""Requests up to which bounds look at all of them together; beyond, each counts by itself."""

MOST_CROWDED = 20_000
"""Requests up to which bounds look at what they cost each other on one replica."""

_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_TRIED = 3
_CROWDS = 2
_SAMPLED = 20_000
_TOGETHER = 300
_CLOCK = 2e-9
_NS = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Promises:
    """Seconds that each request may take, shape (n,); infinite where there is no limit.

    Parameters
    ----------
    first, whole
        From its arrival to its first and to its last token.
    each
        Between its tokens on average.
    """

    first: Floats
    whole: Floats
    each: Floats


class FleetBounds:
    """Bounds on every run of requests on equal replicas.

    They hold for all that an instance may do: any order, chunks, preemption, eviction and restart,
    any choice of the replica, and knowledge of all that is to come. They count on every prompt
    being computed beyond ``cached_tokens``, and on whole blocks of KV memory being held while a
    request is in a batch. Where prefixes are kept, a token is to cost no more to find than to
    compute; then requests that find more or less than ``cached_tokens`` take as much in sum.

    Parameters
    ----------
    table
        The requests, all of which are served.
    minorants
        Functions that no iteration undercuts; at least one.
    limits
        What a replica holds.
    replicas
        How many there are.
    """

    def __init__(
        self,
        table: RequestTable,
        minorants: Sequence[Minorant],
        limits: Limits,
        replicas: int,
    ) -> None:
        self._table = table
        self._minorants = minorants
        self._limits = limits
        self._replicas = replicas
        self._release = table.arrival_ns.astype(np.float64) * _NS
        self._floors: Floors = floors(table, minorants, keeps=limits.keeps)

    def mean_e2e(self) -> float:
        """Return a lower bound of the mean of the seconds from arrival to the last token.

        The greatest of: each request alone; shortest remaining work first; the least mean busy
        times with what each request takes from then to its end; the bound for first tokens with
        the later ones of each request alone; and on one replica what requests cost each other.
        """
        own = float((self._floors.first + self._floors.rest).mean())
        whole = self._mean(own, lambda one: one.total, lambda one: one.tail)
        apart = self._first_tokens + float(self._floors.rest.mean())
        return max(whole, apart * (1 - 1e-12), self._crowded())

    def mean_ttft(self) -> float:
        """Return a lower bound of the mean of the seconds from arrival to the first token."""
        return self._first_tokens

    @cached_property
    def _first_tokens(self) -> float:
        own = float(self._floors.first.mean())
        return self._mean(own, lambda one: one.first, None)

    def makespan(self) -> float:
        """Return a lower bound of when the last request ends."""
        alone = float((self._release + self._floors.first + self._floors.rest).max())
        together = max(
            span(self._release, one.total / self._replicas) for one in self._best(_total)
        )
        return max(alone, together) - _CLOCK

    def on_time(self, promises: Promises) -> int:
        """Return an upper bound of the number of requests that can keep all their limits.

        Each request by itself first; then the most that one fast machine with preemption brings to
        their first tokens, or to their last ones, in time. A first token in time and the mean time
        of later ones give a time for the last one. Requests are taken by arrival a few hundred at a
        time, whose bounds add up.
        """
        count = self._table.output_tokens - 1
        # The limit between tokens does not touch an answer of one token.
        rest = np.where(count > 0, promises.each, 0.0) * np.maximum(count, 1)
        whole = np.minimum(promises.whole, promises.first + rest)
        own, slack = self._floors, 1 - 1e-9
        able = own.first * slack <= promises.first + _CLOCK
        able &= (own.first + own.rest) * slack <= whole + _CLOCK
        able &= own.rest * slack <= rest + _CLOCK
        if len(self._table) > MOST_SORTED // 10:
            return int(able.sum())
        total = 0
        kinds = [
            (work(self._best(work)[0]) / self._replicas, limit)
            for work, limit in ((_first, promises.first), (_total, whole))
            if np.isfinite(limit).any()
        ]
        for begin in range(0, len(able), _TOGETHER):
            part = np.zeros(len(able), dtype=np.bool_)
            part[begin : begin + _TOGETHER] = True
            part &= able
            most = float(part.sum())
            for work, limit in kinds:
                chosen = part & np.isfinite(limit)
                if chosen.any():
                    others = float((part & ~chosen).sum())
                    most = min(most, others + self._most(chosen, work, limit))
            total += int(most + 1e-4)
        return total

    def _most(self, chosen: NDArray[np.bool_], work: Floats, limit: Floats) -> float:
        release = self._release[chosen]
        return most_on_time(release, work[chosen], release + limit[chosen] + _CLOCK)

    def _best(self, work: Callable[[Needs], Floats]) -> list[Needs]:
        """Return the mixes of minorants and shares of memory in which most is due in all.

        Which they are is judged by some of the requests where there are many.
        """
        step = -(-len(self._table) // _SAMPLED)
        sample = self._table.rows(slice(None, None, step))
        mixes = [
            (one, share)
            for one in self._minorants
            for share in (_SHARES if one.base > 0 else (0.0,))
        ]
        due = {mix: float(work(needs(sample, *mix, self._limits)).sum()) for mix in mixes}
        chosen = sorted(mixes, key=lambda mix: -due[mix])[:_TRIED]
        return [needs(self._table, *mix, self._limits) for mix in chosen]

    def _mean(
        self,
        own: float,
        work: Callable[[Needs], Floats],
        tail: Callable[[Needs], Floats] | None,
    ) -> float:
        found, count = own, len(self._table)
        if count <= MOST_SORTED:
            arrived = float(self._release.sum())
            for one in self._best(work):
                each = work(one) / self._replicas
                found = max(found, (srpt_sum(self._release, each) - arrived) / count)
                if tail is not None:
                    late = mean_busy_sum(self._release, each) + float(tail(one).sum())
                    found = max(found, (late - arrived) / count)
        return max(0.0, found * (1 - 1e-12) - _CLOCK)

    def _crowded(self) -> float:
        """Return a bound of the mean by what requests cost each other on the only replica.

        What is found of prompts must be known of each request, not only in sum.
        """
        count = len(self._table)
        if self._replicas > 1 or self._limits.keeps or count > MOST_CROWDED:
            return 0.0
        known = [(one.base, works(self._table, one)) for one in self._minorants]
        span_ = max(float(self._release[-1] - self._release[0]), _NS)
        likely = []
        for base, each in known:
            stay = base * float((each.steps + 1).sum())
            load = float((each.first + each.rest).sum())
            likely.append(stay + load + load * stay / span_)
        best = sorted(range(len(known)), key=lambda place: -likely[place])[:_CROWDS]
        found = max(
            crowded_sum(self._release, known[place][1], known[place][0]) / count for place in best
        )
        return max(0.0, found * (1 - 1e-12) - _CLOCK)


def _first(one: Needs) -> Floats:
    return one.first


def _total(one: Needs) -> Floats:
    return one.total
