"""Preemptive relaxations of one resource, each solved to optimality by a priority rule.

A resource that is shared at will (work may be interrupted, and one task may take the whole
capacity) is a single machine in the coordinate of work done, see
:class:`~scheduling.models.schedule.bounds.supply.Supply`. Breaks and capacity steps only change
how that coordinate maps to time. Work is positive and within the limit of the supply throughout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush, heapreplace

from scheduling.models.schedule.bounds.supply import Supply

Piece = tuple[int, int, int]
_MARGIN = 1e-9


def largest_tail_first(
    supply: Supply, release: Sequence[int], work: Sequence[int], tail: Sequence[int]
) -> int:
    """Jackson's preemptive schedule: least possible ``max(C_i + tail_i)``.

    At each moment the released task with the largest tail runs. With capacity 1 this is the bound
    of Carlier (1982) for ``1 | r_i, q_i | C_max``, in O(n log n).
    """
    key = [-value for value in tail]
    ends = _completions(_pieces(supply.work(release), work, key))
    return max(supply.moment(end) + tail[task] for task, end in ends.items())


def shortest_remaining_first(
    supply: Supply, release: Sequence[int], work: Sequence[int]
) -> list[int]:
    """Completion times, ascending, of the rule of shortest remaining work (SRPT).

    For every k, no schedule completes k jobs before the k-th of these times (Schrage, 1968).
    """
    ends = _completions(_pieces(supply.work(release), work, None))
    return sorted(supply.moment(end) for end in ends.values())


def mean_busy_times(
    supply: Supply, release: Sequence[int], work: Sequence[int], weight: Sequence[int]
) -> float:
    """Least ``sum w_j M_j`` with M_j the mean of the times at which job j is worked on.

    Preemptive priority by ``w_j / work_j`` is optimal (Goemans, Queyranne, Schulz, Skutella and
    Wang, 2002). The value is rounded down by a relative 1e-9.
    """
    key = [-w / p for w, p in zip(weight, work, strict=True)]
    level = 2 * supply.peak
    value = 0.0
    for job, start, end in _pieces(supply.work(release), work, key):
        middle = supply.instant(start) + (end - start) / level
        value += weight[job] * ((end - start) / work[job]) * middle
    return value * (1 - _MARGIN)


def fewest_late(budget: Sequence[int], work: Sequence[int]) -> int:
    """Moore and Hodgson: least number of jobs that are late when all are released together.

    Parameters
    ----------
    budget
        Work that can be done before each job's due date.
    work
        Work of each job.
    """
    done, late = 0, 0
    accepted: list[int] = []
    for job in sorted(range(len(work)), key=budget.__getitem__):
        heappush(accepted, -work[job])
        done += work[job]
        if done > budget[job]:
            done += heappop(accepted)
            late += 1
    return late


def _pieces(
    begin: Sequence[int], work: Sequence[int], key: Sequence[float] | None
) -> Iterator[Piece]:
    """Yield ``(job, start, end)`` in work done: the least key runs, the least rest without keys."""
    order = sorted(range(len(work)), key=begin.__getitem__)
    count, position, now = len(order), 0, 0
    ready: list[tuple[float, int, int]] = []
    while position < count or ready:
        if not ready:
            now = max(now, begin[order[position]])
        while position < count and begin[order[position]] <= now:
            job = order[position]
            heappush(ready, (work[job] if key is None else key[job], job, work[job]))
            position += 1
        rank, job, left = ready[0]
        event = begin[order[position]] if position < count else None
        if event is not None and now + left > event:
            yield job, now, event
            left -= event - now
            heapreplace(ready, (left if key is None else rank, job, left))
            now = event
        else:
            heappop(ready)
            yield job, now, now + left
            now += left


def _completions(pieces: Iterator[Piece]) -> dict[int, int]:
    return {job: end for job, _, end in pieces}
