"""Checkpoints under failures: what a pattern of them costs, exactly, and which one is best.

Failures come as a Poisson process. A soft one is repaired from the last snapshot, a hard one from
the last checkpoint on disk. A pattern is some segments of work, each followed by a snapshot, the
last one by a checkpoint on disk instead; as failures have no memory, a best policy repeats one
pattern with segments of equal work.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True, slots=True)
class Machine:
    """What failures and checkpoints take.

    Parameters
    ----------
    soft, hard
        Failures a second that a snapshot repairs, and that only the disk does.
    snapshot, disk
        Seconds for which work stands still for a snapshot and for a checkpoint on disk.
    from_snapshot, from_disk
        Seconds to go on after a failure of either kind; nothing fails meanwhile.
    """

    soft: float
    hard: float
    snapshot: float
    disk: float
    from_snapshot: float
    from_disk: float

    def disk_only(self) -> Machine:
        """Return it without snapshots: every failure is repaired from disk."""
        return replace(self, soft=0.0, hard=self.soft + self.hard)


@dataclass(frozen=True, slots=True)
class Pattern:
    """``segments`` of ``work`` seconds each between two checkpoints on disk."""

    segments: int
    work: float


def waste(machine: Machine, pattern: Pattern) -> float:
    """Return the expected time beyond the work, as a share of the work.

    With E the expected time from the start of a pattern and ``x_i`` that from its i-th segment,
    ``x_i = t + p x_(i+1) + s (a + x_i) + h (b + E)``: t the expected time until the segment ends or
    fails, p, s, h the probabilities of its end and of the two failures, a and b the repairs. Solved
    from the last segment on, ``x_i`` is linear in E.
    """
    spent, done = _segment(machine, pattern.work + machine.disk)
    if pattern.segments > 1:
        each, on = _segment(machine, pattern.work + machine.snapshot)
        ahead = pattern.segments - 1
        passed = on**ahead
        # 1 + on + on ** 2 + …; on is 1 where no failure goes back to the disk.
        sums = ahead if on == 1 else (1 - passed) / (1 - on)
        spent, done = each * sums + passed * spent, passed * done
    # Where a pattern all but never ends, its waste is beyond any number.
    return spent / done / (pattern.segments * pattern.work) - 1.0 if done > 0 else math.inf


def _segment(machine: Machine, length: float) -> tuple[float, float]:
    """Return u and w of ``x_i = u + (1 - w) E + w x_(i+1)`` for a segment with its checkpoint."""
    rate = machine.soft + machine.hard
    if rate == 0:
        return length, 1.0
    fails = -math.expm1(-rate * length)
    soft, hard = fails * machine.soft / rate, fails * machine.hard / rate
    fixed = fails / rate + soft * machine.from_snapshot + hard * machine.from_disk
    ends = math.exp(-rate * length)
    return fixed / (ends + hard), ends / (ends + hard)


def young_daly(machine: Machine) -> Pattern:
    """Return the pattern of the first-order formula, ``sqrt(2 cost / rate)`` at each level."""
    disk = math.sqrt(2 * machine.disk / machine.hard)
    if machine.soft == 0:
        return Pattern(1, disk)
    work = min(disk, math.sqrt(2 * machine.snapshot / machine.soft))
    return Pattern(max(1, round(disk / work)), work)


def best_pattern(machine: Machine) -> Pattern:
    """Return the pattern of least waste.

    For a number of segments the waste has one valley over the work of a segment, and the least ones
    have one over that number; it is sought up to four times the number of the formula.
    """
    if machine.soft == 0:
        return _best_work(machine, 1)
    low, high = 1, 4 * young_daly(machine).segments + 40
    while high - low > 2:
        left, right = low + (high - low) // 3, high - (high - low) // 3
        values = [waste(machine, _best_work(machine, count)) for count in (left, right)]
        low, high = (low, right) if values[0] <= values[1] else (left, high)
    patterns = [_best_work(machine, count) for count in range(low, high + 1)]
    return min(patterns, key=lambda pattern: waste(machine, pattern))


def _best_work(machine: Machine, segments: int) -> Pattern:
    """Return the work of each segment that wastes least (golden section in logarithms)."""
    ratio = (math.sqrt(5) - 1) / 2
    low, high = math.log(1e-3), math.log(100 / (machine.soft + machine.hard))

    def value(at: float) -> float:
        return waste(machine, Pattern(segments, math.exp(at)))

    for _ in range(80):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if value(left) <= value(right):
            high = right
        else:
            low = left
    return Pattern(segments, math.exp((low + high) / 2))


def simulated_waste(machine: Machine, pattern: Pattern, work: float, seed: int) -> float:
    """Return the waste of one run over so many seconds of work, failure by failure."""
    rng = np.random.default_rng(seed)
    rate = machine.soft + machine.hard
    now, done, segment = 0.0, 0.0, 1
    saved = 0.0
    failure = float(rng.exponential(1 / rate))
    while done < work:
        stop = machine.disk if segment == pattern.segments else machine.snapshot
        ends = now + pattern.work + stop
        if ends <= failure:
            now, done = ends, done + pattern.work
            segment = 1 if segment == pattern.segments else segment + 1
            saved = done if segment == 1 else saved
            continue
        if rng.random() * rate < machine.soft:
            now = failure + machine.from_snapshot
        else:
            now, done, segment = failure + machine.from_disk, saved, 1
        failure = now + float(rng.exponential(1 / rate))
    return now / done - 1.0
