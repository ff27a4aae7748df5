"""Bounds of caching problems by formula."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np

from scheduling.models.caching.arrays import NEVER, CachingArrays

_ROUNDING = Fraction(1, 10**12)


def area_bound(arrays: CachingArrays) -> int:
    """Lower bound of the cost: the room of all times together, used where it saves most.

    A gap that is kept takes its size times its length. Of all times together there is the sum of
    their room, so gaps by falling saving per area until it is used up, the last one in part, save
    at least as much as any solution does. Gaps that no room suffices for save nothing.
    """
    open_ = ~arrays.forced & (arrays.before != NEVER) & (arrays.gain > 0)
    taken = arrays.load(arrays.forced)
    area = int((arrays.room - taken).sum())
    saved = int(arrays.gain[arrays.useful(arrays.forced)].sum())
    gaps = np.flatnonzero(open_ & (arrays.size <= arrays.room.max()))
    needs = arrays.size[gaps] * (arrays.end[gaps] - arrays.first[gaps])
    gains = arrays.gain[gaps]
    most = Fraction(0)
    for index in np.argsort(-gains / needs, kind="stable").tolist():
        need, gain = int(needs[index]), int(gains[index])
        if need > area:
            most += Fraction(gain * area, need)
            break
        area -= need
        most += gain
    # The order by quotients in floating point may be wrong between gaps that are all but equal.
    return arrays.total - saved - floor(most * (1 + _ROUNDING))
