"""How long an idle pod is kept: ski rental, pod by pod.

A pod that has ended an invocation stays warm for some time; the next invocation takes the pod that
became idle last, or starts a cold one. Keeping a pod over a gap costs its length times the rate of
holding it, dropping it costs a cold start. Pods that are taken last in, first out pair ends with
later starts without crossings, and as the lesser of the two costs is concave in the gap, no other
pairing costs less: with two pairs that cross, the sum of their gaps is that of the two nested ones.
So the optimum decides gap by gap, and keeping each pod until holding it has cost as much as a cold
start costs at most twice the optimum on every trace (Karlin and others, "Competitive snoopy
caching", 1988).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class Idling:
    """The gaps of a trace of invocations.

    Parameters
    ----------
    gaps
        Seconds from an end of an invocation to the start of that which takes its pod.
    pods
        Invocations that find no pod, ever so long kept: each of them is cold in every case.
    """

    gaps: Floats
    pods: int


def idling(starts: Sequence[float], ends: Sequence[float]) -> Idling:
    """Pair ends of invocations with the starts that take their pods, last in first out.

    Parameters
    ----------
    starts, ends
        Seconds at which each invocation starts and ends; a pod that ends at a time is free for a
        start at that time.

    Raises
    ------
    InputError
        When an invocation ends before it starts, or there are more of one than of the other.
    """
    if len(starts) != len(ends):
        raise InputError.single("ends", f"{len(ends)} ends", f"{len(starts)}, as many as starts")
    for row, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if end < start:
            raise InputError.single(f"ends[{row}]", str(end), f"at least its start, {start}")
    waiting = sorted(ends)
    idle: list[float] = []
    gaps: list[float] = []
    pods = place = 0
    for start in sorted(starts):
        while place < len(waiting) and waiting[place] <= start:
            idle.append(waiting[place])
            place += 1
        if idle:
            gaps.append(start - idle.pop())
        else:
            pods += 1
    return Idling(np.array(gaps), pods)


def kept_cost(idle: Idling, seconds: float, *, hold: float, cold: float) -> float:
    """Return what it costs to keep every idle pod for so many seconds, the last ones too.

    Parameters
    ----------
    idle
        Gaps of the trace.
    seconds
        How long a pod is kept.
    hold, cold
        Cost of a second of an idle pod, and of a cold start.
    """
    late = idle.gaps > seconds
    held = float(np.where(late, seconds, idle.gaps).sum()) + idle.pods * seconds
    return hold * held + cold * (idle.pods + int(late.sum()))


def least_cost(idle: Idling, *, hold: float, cold: float) -> float:
    """Return the least cost of all ways to keep pods, with everything known from the start."""
    return float(np.minimum(hold * idle.gaps, cold).sum()) + cold * idle.pods


def break_even(*, hold: float, cold: float) -> float:
    """Return the seconds after which holding a pod has cost as much as a cold start.

    Raises
    ------
    InputError
        For costs that are not positive.
    """
    for name, value in (("hold", hold), ("cold", cold)):
        if not 0 < value < float("inf"):
            raise InputError.single(name, str(value), "a positive number")
    return cold / hold
