"""Linear programs of flows over spines: parts on given spines, and shares of few parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduling.errors import SolverError
from scheduling.models.spines.arrays import Part, Parts, SpineArrays
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits, Listener, Outcome

if TYPE_CHECKING:
    from scheduling.solvers.board import Board, Budget
    from scheduling.solvers.linear.model import Floats, Ints

_DUST = 1e-9
"""Share of a flow that is none."""

_SMALL = 0.1
"""Share of a flow below which the price of a part hardly grows while it shrinks further."""

_MOST_PRICES = 8


def shares_of(arrays: SpineArrays, parts: Parts) -> Floats:
    """Return the share of each flow on each spine."""
    found = np.zeros((len(arrays.size), arrays.spines))
    for flow, spine, size in parts:
        found[flow, spine] = size / arrays.size[flow]
    return found


def spread(
    arrays: SpineArrays, used: NDArray[np.bool_], seconds: float | None = None
) -> Parts | None:
    """Return parts on given spines with the least congestion there; ``None`` out of time.

    Engines keep rows within 1e-6 or 1e-7 only, so that shares that they find may load links too
    much.

    Parameters
    ----------
    arrays
        The flows.
    used
        Whether a flow may go over a spine, by flow and spine.
    seconds
        Time for it; ``None``: as much as it takes.

    Raises
    ------
    SolverError
        When the engine finds no way to spread them (a defect of the library).
    """
    from scheduling.solvers.linear.highs import relax

    size = arrays.size
    flows, spines = np.nonzero(used)
    model = LinearModel("shares")
    share = model.add_columns("share", len(flows))
    busiest = model.add_columns("congestion", 1, cost=1.0)
    model.add_rows("whole", len(size), flows, share, 1.0, lower=1.0, upper=1.0)
    for leaf, held in zip(arrays.ends, arrays.leaves, strict=True):
        links = np.arange(len(held) * arrays.spines)
        model.add_rows(
            "link",
            len(links),
            np.concatenate((np.array(leaf)[flows] * arrays.spines + spines, links)),
            np.concatenate((share, np.repeat(busiest, len(links)))),
            np.concatenate((size[flows] / arrays.limit, -np.ones(len(links)))),
            upper=0.0,
        )
    result = relax(model, Limits(seconds))
    if result.outcome is Outcome.STOPPED:
        return None
    if result.values is None:
        raise SolverError(f"flows cannot be spread over their spines: {result.detail}")
    found = np.zeros(used.shape)
    found[flows, spines] = np.where(result.values[share] > _DUST, result.values[share], 0.0)
    found *= (size / found.sum(axis=1))[:, None]
    places = np.argwhere(found > 0).tolist()
    return tuple(Part(k, spine, float(found[k, spine])) for k, spine in places)


class Shares:
    """Programs that spread flows over spines within the least congestion.

    Parameters
    ----------
    arrays
        The flows.
    board, budget
        What ends a program.
    """

    def __init__(self, arrays: SpineArrays, board: Board[Parts], budget: Budget) -> None:
        self.size = arrays.size / arrays.limit
        self.ends = [np.array(side) for side in arrays.ends]
        self._leaves = [len(held) for held in arrays.leaves]
        self._budget = budget
        self._listener = Listener(lambda _: None, lambda _: None, lambda: board.stopped)

    def few(self, share: Floats, flows: Ints, price: Floats) -> Floats | None:
        """Return shares of which few differ from nothing, others than those of some flows as given.

        A part costs the more the smaller it was in the program before: a concave price, the same
        for parts of nearly any size, whose minimum is a vertex. ``None`` where no program was
        solved.

        Source: Candes, Wakin and Boyd, "Enhancing sparsity by reweighted l1 minimization", Journal
        of Fourier Analysis and Applications 14, 2008.

        Parameters
        ----------
        share
            By flow and spine, within the least congestion.
        flows
            Those whose shares are to be found.
        price
            Of all of a flow on a spine in the first program, by these flows and spine.
        """
        others = share.copy()
        others[flows] = 0.0
        room = [
            1.0 - self._loads(side, leaves, others)
            for side, leaves in zip(self.ends, self._leaves, strict=True)
        ]
        best = self._cheapest(flows, room, price)
        if best is None:
            return None
        for _ in range(_MOST_PRICES):
            found = self._cheapest(flows, room, prices(best))
            if found is None or np.count_nonzero(found) >= np.count_nonzero(best):
                break
            best = found
        others[flows] = best
        return others

    def _loads(self, side: Ints, leaves: int, share: Floats) -> Floats:
        """Return what links carry, by leaf and spine."""
        found = np.zeros((leaves, share.shape[1]))
        np.add.at(found, side, share * self.size[:, None])
        return found

    def _cheapest(self, flows: Ints, room: list[Floats], price: Floats) -> Floats | None:
        """Return the shares of flows that are cheapest where links have so much room."""
        from scheduling.solvers.linear.highs import relax

        spines = price.shape[1]
        model = LinearModel("prices")
        share = model.add_columns("share", price.shape, cost=price)
        row = np.repeat(np.arange(len(flows)), spines)
        model.add_rows("whole", len(flows), row, share.ravel(), 1.0, lower=1.0, upper=1.0)
        value = np.repeat(self.size[flows], spines)
        for side, left in zip(self.ends, room, strict=True):
            leaves, place = np.unique(side[flows], return_inverse=True)
            links = (place[:, None] * spines + np.arange(spines)).ravel()
            upper = np.maximum(left[leaves], 0.0).ravel()
            model.add_rows("link", len(upper), links, share.ravel(), value, upper=upper)
        result = relax(model, Limits(self._budget.remaining()), self._listener)
        if result.values is None:
            return None
        found = result.values[share]
        found[found < _DUST] = 0.0
        shares: Floats = found / found.sum(axis=1, keepdims=True)
        return shares


def prices(share: Floats) -> Floats:
    """Return what all of a flow on a spine costs where its part was so large before."""
    found: Floats = 1.0 / (share + _SMALL)
    return found
