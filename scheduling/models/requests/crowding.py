"""What requests that are on one replica at the same time cost each other."""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduling.models.requests.needs import Works

Floats = NDArray[np.float64]

_PIECES = 8
"""Parts of an answer whose work counts as done at the end of the part."""

_WAITS = 24
"""Lengths of waiting that are tried, and bounded from below between each other."""

_LATER = 128
"""Most requests behind one that are looked at."""


def crowded_sum(release: Floats, works: Works, base: float) -> float:
    """Return a lower bound of the sum of seconds from arrival to the last token on one replica.

    One iteration runs at a time, so all that are there wait while it works for one of them. Let a
    clock count the bases of iterations alone: a request is there for ``base`` of it for each of its
    tokens, and longer only if it waits; and no more of it passes between two arrivals than time
    does. So who came shortly before another is still there when the other's prompt is computed, and
    who came shortly behind it when its last tokens are, unless it waits. Each request has whatever
    wait is best for it against all others without.

    Parameters
    ----------
    release
        Times of arrival, ascending.
    works
        What is due to each request beside the bases.
    base
        Of each iteration, in seconds.
    """
    tokens = works.steps + 1
    stays = base * tokens
    own = float((stays + works.first + works.rest).sum())
    return own + float(sum(_others(release, stays, works, base)))


def _others(release: Floats, stays: Floats, works: Works, base: float) -> list[float]:
    """Return what each request costs those that come before and behind it, at least."""
    pieces = _pieces(works, base)
    behind = np.searchsorted(release, release + stays, side="right").tolist()
    ends: list[float] = []
    found = []
    for row, (came, stay) in enumerate(zip(release.tolist(), stays.tolist(), strict=True)):
        del ends[: bisect_right(ends, came)]
        later = slice(row + 1, min(behind[row], row + 1 + _LATER))
        most = 0.0
        if ends or later.start < later.stop:
            met = _Met(np.array(ends) - came, release[later] - came, stays[later])
            most = _least(met, _Pieces(*(each[row] for each in pieces)))
        found.append(most)
        insort(ends, came + stay)
    return found


class _Pieces(NamedTuple):
    """Work in pieces: begins and ends by the clock of bases since the arrival, and seconds."""

    begins: Floats
    ends: Floats
    seconds: Floats


class _Met(NamedTuple):
    """Whom a request meets: ends of earlier ones, arrivals of later ones and how long they stay."""

    before: Floats
    gaps: Floats
    stays: Floats


def _least(met: _Met, pieces: _Pieces) -> float:
    """Return the least that waiting and what others suffer come to, from below."""
    most = float(_suffered(met, pieces, np.zeros(1))[0])
    if most <= 0:
        return 0.0
    waits = np.linspace(0.0, most, _WAITS + 1)
    # Between two waits at least the shorter one is waited and the longer one suffered.
    return min(most, float((waits[:-1] + _suffered(met, pieces, waits[1:])).min()))


def _suffered(met: _Met, pieces: _Pieces, waits: Floats) -> Floats:
    """Return the seconds of work that others are there for, for each wait; they never rise."""
    moments = pieces.ends + waits[:, None]
    there = len(met.before) - np.searchsorted(met.before, moments, side="right")
    if len(met.gaps):
        come = met.gaps <= pieces.begins[:, None]
        there = there + (come & (met.stays > moments[:, :, None])).sum(axis=2)
    return np.asarray(there @ pieces.seconds)


def _pieces(works: Works, base: float) -> _Pieces:
    """Return the work of all requests in pieces, each a row: the prompt, then later tokens."""
    edges = np.round(works.steps[:, None] * np.linspace(0.0, 1.0, _PIECES + 1))
    low, high = edges[:, :-1], edges[:, 1:]
    count = high - low
    slope = works.slope[:, None]
    later = count * (works.at_zero[:, None] + slope * low) + slope * count * (count + 1) / 2
    first = np.zeros((len(edges), 1))
    return _Pieces(
        np.hstack([first, base * (low + 1)]),
        np.hstack([first + base, base * (high + 1)]),
        np.hstack([works.first[:, None], later]),
    )
