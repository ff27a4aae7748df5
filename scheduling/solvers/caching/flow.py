"""Solver ``flow``: the relaxation in which objects may be kept in part, as a flow of least cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduling.errors import SolverError
from scheduling.models.caching.arrays import CachingArrays, Flags, Ints
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.caching.family import CompiledCaching, offer
from scheduling.solvers.caching.gaps import OpenGaps, density, fill, open_gaps

LARGEST_ARCS = 20_000
"""Most arcs of one network: the engine cannot be interrupted, and takes a moment up to here."""

_LARGEST_COST = 2**58


class Flow(NeedsCpSat):
    """The room of the cache flows through time; keeping a gap is an arc over it that saves.

    With equal sizes its best flow is a best solution: weighted paging is a flow problem. Where a
    chain's costs do not rise from its head on, the rule of prefixes holds by itself: what is before
    an object was used no less recently, so keeping it instead takes no more room; of equal savings
    the flow prefers the head. With different sizes the flow keeps objects in part, which gives a
    bound, and a solution by keeping them in the order of their parts.

    Sources: Chrobak, Karloff, Payne and Vishwanathan (1991); flow-based offline optimal (FOO) of
    Berger, Beckmann and Harchol-Balter, "Practical bounds on optimal caching with variable object
    sizes", SIGMETRICS 2018.
    """

    name = "flow"
    summary = "flow of least cost (OR-Tools): exact for equal sizes, else a bound and its rounding"

    def refusal(self, data: CompiledCaching) -> str | None:
        """Refuse networks that take longer than a moment."""
        arcs = data.arrays.n_gaps + data.arrays.n_requests
        return None if arcs <= LARGEST_ARCS else f"{arcs} arcs, above {LARGEST_ARCS}; use auto"

    def search(
        self,
        data: CompiledCaching,
        board: Board[Flags],
        budget: Budget,
        hint: Flags | None,  # noqa: ARG002
    ) -> None:
        """Post the bound of the flow, and the solution that it gives."""
        arrays = data.arrays
        found = open_gaps(arrays)
        network = _network(arrays, found)
        if board.stopped or budget.remaining() == 0:
            return
        flow = _solve(network)
        # The flow is whole where sizes are equal, so rounding down loses nothing there.
        most = int((flow * network.worth).sum()) // network.scale
        board.raise_bound(arrays.total - found.saved - most, self.name)
        share = flow / network.capacity
        keys = np.zeros(arrays.n_gaps)
        spread = density(arrays)
        keys[found.gaps] = share + spread[found.gaps] / (1e-9 + 1e6 * spread.max(initial=0.0))
        kept = arrays.forced.copy()
        kept[found.gaps] = share == 1.0
        if arrays.fits(kept):
            offer(data, board, kept, self.name)
            keys[arrays.useful(kept)] += 1.0
        if not board.stopped:
            offer(data, board, fill(arrays, keys), self.name)


@dataclass(frozen=True, eq=False)
class _Network:
    """Arcs of the open gaps, and the room at each time.

    ``worth`` is the saving of a unit of flow times ``scale``, rounded up.
    """

    first: Ints
    end: Ints
    capacity: Ints
    worth: Ints
    room: Ints
    scale: int


def _network(arrays: CachingArrays, found: OpenGaps) -> _Network:
    """State the network; with equal sizes, in units of that size."""
    gaps = found.gaps
    size, gain, depth = arrays.size[gaps], arrays.gain[gaps], arrays.depth[gaps]
    common = int(size[0]) if len(gaps) and (size == size[0]).all() else None
    room = found.room if common is None else found.room // common
    capacity = size if common is None else np.ones(len(gaps), np.int64)
    # Heads of chains are worth a little more; the sum of that stays below one unit of saving.
    extra = depth.max(initial=0) - depth if common is not None else np.zeros_like(depth)
    scale = _scale(arrays, int(extra.sum()), common is not None)
    worth = -(-(gain * scale) // capacity) + (extra if scale > int(extra.sum()) else 0)
    return _Network(arrays.first[gaps], arrays.end[gaps], capacity, worth, room, scale)


def _scale(arrays: CachingArrays, extra: int, equal: bool) -> int:
    """Return how finely savings are counted, without overflow in the engine."""
    nodes = arrays.n_requests + 1
    most = _LARGEST_COST // max(1, arrays.total, nodes * int(arrays.gain.max(initial=1)))
    wanted = extra + 1 if equal else 2**40
    return max(1, min(wanted, most))


def _solve(network: _Network) -> Ints:
    """Return the flow on the arcs of the gaps."""
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    engine = SimpleMinCostFlow()
    n = len(network.room)
    times = np.arange(n)
    # Across every time all the room flows, on gaps or idle.
    engine.add_arcs_with_capacity_and_unit_cost(
        times, times + 1, network.room, np.zeros(n, np.int64)
    )
    arcs = engine.add_arcs_with_capacity_and_unit_cost(
        network.first, network.end, network.capacity, -network.worth
    )
    change = np.diff(network.room, prepend=0, append=0)
    engine.set_nodes_supplies(np.arange(n + 1), change)
    status = engine.solve()
    if status != engine.OPTIMAL:
        raise SolverError(f"the flow of a caching problem ended with the status {status}")
    return np.asarray(engine.flows(arcs), np.int64)
