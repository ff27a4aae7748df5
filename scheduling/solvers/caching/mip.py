"""Solver ``mip``: which gaps are kept, as a mixed-integer program on any engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.caching.arrays import CachingArrays, Flags, Ints
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.caching.family import CompiledCaching, offer
from scheduling.solvers.caching.gaps import OpenGaps, open_gaps
from scheduling.solvers.linear.program import ProgramSolver, too_large

if TYPE_CHECKING:
    from scheduling.solvers.linear.model import Floats, LinearModel

LARGEST_GAPS = 300_000
"""Most gaps of one program."""


class Mip(ProgramSolver):
    """A binary for each gap, and the idle room at each time: the flow with whole objects.

    Unlike the flow it knows the rule of prefixes, also in its relaxation.
    """

    def refusal(self, data: CompiledCaching) -> str | None:
        """Refuse programs that would not be solved in any time, and too large sizes."""
        gaps = data.arrays.n_gaps
        if gaps > LARGEST_GAPS:
            return f"{gaps} gaps between uses, above {LARGEST_GAPS}"
        _, room = _in_units(data.arrays, open_gaps(data.arrays))
        return too_large(int(room.max(initial=0)), "rooms")

    def search(
        self,
        data: CompiledCaching,
        board: Board[Flags],
        budget: Budget,
        hint: Flags | None,
    ) -> None:
        """Solve, starting from the best candidate or from ``hint``."""
        from scheduling.solvers.linear.model import LinearModel

        arrays = data.arrays
        found = open_gaps(arrays)
        model = LinearModel("caching", float(arrays.total - found.saved))
        size, room = _in_units(arrays, found)
        keep = _state(arrays, found, model, size, room)

        def post(values: Floats) -> None:
            kept = arrays.forced.copy()
            kept[found.gaps] = values[keep] > _HALF
            if arrays.fits(kept):
                offer(data, board, kept, self.name)

        known = board.known(hint)
        start = None
        if known is not None and arrays.fits(known):
            kept = known[found.gaps]
            start = np.concatenate((kept, room - _load(arrays, found, size * kept)))
            start = start.astype(np.float64)
        self.run(model, post, board, budget, start)


_HALF = 0.5


def _load(arrays: CachingArrays, found: OpenGaps, size: Ints) -> Ints:
    """Return the room at each time that gaps of these sizes take."""
    change = np.zeros(arrays.n_requests + 1, np.int64)
    np.add.at(change, arrays.first[found.gaps], size)
    np.subtract.at(change, arrays.end[found.gaps], size)
    return np.asarray(np.cumsum(change)[: arrays.n_requests])


def _in_units(arrays: CachingArrays, found: OpenGaps) -> tuple[Ints, Ints]:
    """Return the sizes of the gaps and the room at each time, in a unit that all sizes share.

    No time has more room than all its gaps take.
    """
    size = arrays.size[found.gaps]
    unit = max(1, int(np.gcd.reduce(size)))
    return size // unit, np.minimum(found.room, _load(arrays, found, size)) // unit


def _state(
    arrays: CachingArrays, found: OpenGaps, model: LinearModel, size: Ints, room: Ints
) -> Ints:
    """State the program; return the columns of the gaps."""
    gaps, n = found.gaps, arrays.n_requests
    keep = model.add_columns(
        "keep", len(gaps), upper=1, cost=-arrays.gain[gaps].astype(np.float64), integer=True
    )
    idle = model.add_columns("idle", n, upper=room.astype(np.float64))
    inside = arrays.end[gaps] < n
    times = np.arange(n)
    # Room that one time has more than the time before is idle, or taken by gaps that begin.
    model.add_rows(
        "room",
        n,
        np.concatenate((times, times[1:], arrays.first[gaps], arrays.end[gaps][inside])),
        np.concatenate((idle, idle[:-1], keep, keep[inside])),
        np.concatenate((np.ones(n), -np.ones(n - 1), size, -size[inside])),
        lower=np.diff(room, prepend=0).astype(np.float64),
        upper=np.diff(room, prepend=0).astype(np.float64),
    )
    links = found.links
    rows = np.arange(len(links))
    model.add_rows(
        "prefix",
        len(links),
        np.concatenate((rows, rows)),
        np.concatenate((keep[links[:, 0]], keep[links[:, 1]])),
        np.concatenate((np.ones(len(rows)), -np.ones(len(rows)))),
        upper=0.0,
    )
    return keep
