"""Free capacity over time while a schedule is built.

Two forms, chosen once per problem by :func:`~.project.make_project`: *packed* keeps the free units
of all resources in one 64-bit word per time unit, a field of bits each with a guard bit on top, so
that one subtraction tests all resources at once; otherwise each resource keeps its step function
as sorted events, neighbours of equal level merged, found by binary search.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from scheduling.solvers.jit import njit
from scheduling.solvers.schedule.kernels.project import (
    GUARD,
    LENGTH,
    NEEDS,
    PACKED,
    ROOM,
    STEPS,
    WORD,
    Ints,
    Project,
)

NO_FIT = -1
"""Returned where capacity never suffices."""


class Profile(NamedTuple):
    """Scratch of one schedule; only the form that the project uses has a size.

    Attributes
    ----------
    free
        Packed words by time unit, guard bits set.
    time, level
        Events of resource k start at its ``ROOM``.
    size
        Number of events of each resource; last, the time units of ``free`` from 0 on that may
        differ from the base.
    """

    free: Ints
    time: Ints
    level: Ints
    size: Ints


def make_profile(project: Project) -> Profile:
    """Allocate the scratch."""
    room = 0 if project.facts[PACKED] else int(project.resource[ROOM, -1])
    size = np.zeros(project.resource.shape[1], np.int64)
    size[-1] = len(project.base)
    free = project.base.copy()
    return Profile(free, np.zeros(room, np.int64), np.zeros(room, np.int64), size)


@njit.lean
def reset(project: Project, profile: Profile, span: int) -> None:
    """Make all capacity free; with ``span > 0`` time runs backwards from ``span``.

    Before time 0 of a mirrored axis lies capacity as at its first step; what is placed there is
    refused by the caller.
    """
    if project.facts[PACKED]:
        free, base = profile.free, project.base
        used = max(profile.size[-1], span)
        if span <= 0:
            for t in range(used):
                free[t] = base[t]
        else:
            for t in range(span):
                free[t] = base[span - 1 - t]
            for t in range(span, used):
                free[t] = base[0]
        profile.size[-1] = used if span > 0 else 0
        return
    for k in range(profile.size.shape[0] - 1):
        first, end = project.resource[STEPS, k], project.resource[STEPS, k + 1]
        room = project.resource[ROOM, k]
        count = 0
        if span <= 0:
            for i in range(first, end):
                profile.time[room + count] = project.pair[i, 0]
                profile.level[room + count] = project.pair[i, 1]
                count += 1
        else:
            for i in range(end - 1, first - 1, -1):
                if project.pair[i, 0] < span:
                    later = span
                    if i + 1 < end and project.pair[i + 1, 0] < span:
                        later = project.pair[i + 1, 0]
                    profile.time[room + count] = span - later
                    profile.level[room + count] = project.pair[i, 1]
                    count += 1
        profile.size[k] = count


@njit.lean
def _segment(profile: Profile, first: int, count: int, t: int) -> int:
    """Index of the event that rules at time ``t >= 0``."""
    low, high = first, first + count
    while high - low > 1:
        middle = (low + high) >> 1
        if profile.time[middle] <= t:
            low = middle
        else:
            high = middle
    return low


@njit.lean
def _fit_packed(free: Ints, guard: int, word: int, t: int, length: int) -> int:
    end = free.shape[0]
    known = t
    while t + length <= end:
        stop = t + length
        c = stop - 1
        while c >= known and ((free[c] - word) & guard) == guard:
            c -= 1
        if c < known:
            return t
        t = c + 1
        known = stop
    return NO_FIT


@njit.lean
def _fit_events(
    project: Project, profile: Profile, k: int, amount: int, t: int, length: int
) -> int:
    first, count = project.resource[ROOM, k], profile.size[k]
    end = first + count
    i = _segment(profile, first, count, t)
    while i < end and profile.time[i] < t + length:
        if profile.level[i] < amount:
            i += 1
            while i < end and profile.level[i] < amount:
                i += 1
            if i == end:
                return NO_FIT
            t = profile.time[i]
        i += 1
    return t


@njit.lean
def fit(project: Project, profile: Profile, mode: int, t: int) -> int:
    """Earliest start from ``t >= 0`` on at which a mode fits; ``NO_FIT`` when there is none."""
    length = project.mode[LENGTH, mode]
    first, end = project.mode[NEEDS, mode], project.mode[NEEDS, mode + 1]
    if length == 0 or first == end:
        return t
    if project.facts[PACKED]:
        return _fit_packed(profile.free, project.facts[GUARD], project.mode[WORD, mode], t, length)
    settled = 0
    i = first
    while settled < end - first:
        shifted = _fit_events(project, profile, project.pair[i, 0], project.pair[i, 1], t, length)
        if shifted == NO_FIT:
            return NO_FIT
        settled = settled + 1 if shifted == t else 1
        t = shifted
        i = i + 1 if i + 1 < end else first
    return t


@njit.lean
def _split(profile: Profile, first: int, count: int, i: int, t: int) -> int:
    """Make ``t`` an event, given that event ``i`` rules there; return its index."""
    if profile.time[i] == t:
        return i
    for j in range(first + count, i + 1, -1):
        profile.time[j] = profile.time[j - 1]
        profile.level[j] = profile.level[j - 1]
    profile.time[i + 1] = t
    profile.level[i + 1] = profile.level[i]
    return i + 1


@njit.lean
def _merge(profile: Profile, first: int, count: int, i: int) -> int:
    """Drop event ``i`` if its level is that of the event before; return the number of events."""
    end = first + count
    if i <= first or i >= end or profile.level[i] != profile.level[i - 1]:
        return count
    for j in range(i, end - 1):
        profile.time[j] = profile.time[j + 1]
        profile.level[j] = profile.level[j + 1]
    return count - 1


@njit.lean
def _shift_level(
    project: Project, profile: Profile, k: int, amount: int, t: int, length: int
) -> None:
    first, count = project.resource[ROOM, k], profile.size[k]
    i = _segment(profile, first, count, t)
    if profile.time[i] != t:
        i = _split(profile, first, count, i, t)
        count += 1
    j = i
    end = first + count
    while j < end and profile.time[j] < t + length:
        profile.level[j] -= amount
        j += 1
    if j == end or profile.time[j] != t + length:
        last = j - 1
        _split(profile, first, count, last, t + length)
        count += 1
        profile.level[j] += amount
    count = _merge(profile, first, count, j)
    profile.size[k] = _merge(profile, first, count, i)


@njit.lean
def occupy(project: Project, profile: Profile, mode: int, t: int, sign: int) -> None:
    """Take what a mode needs from ``t`` on, or give it back with ``sign = -1``."""
    length = project.mode[LENGTH, mode]
    first, end = project.mode[NEEDS, mode], project.mode[NEEDS, mode + 1]
    if length == 0 or first == end:
        return
    if project.facts[PACKED]:
        word = project.mode[WORD, mode]
        stop = t + length
        if sign > 0:
            for c in range(t, stop):
                profile.free[c] -= word
        else:
            for c in range(t, stop):
                profile.free[c] += word
        if stop > profile.size[-1]:
            profile.size[-1] = stop
        return
    for i in range(first, end):
        amount = sign * project.pair[i, 1]
        _shift_level(project, profile, project.pair[i, 0], amount, t, length)
