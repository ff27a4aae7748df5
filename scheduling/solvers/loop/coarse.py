"""Loops in units of several cycles: few numbers to search among, and what is found is valid.

A loop of thousands of cycles takes long to search. Twill makes its numbers small before it
searches. Here each time is rounded up to whole units of some cycles, so that a pipeline of the
coarse loop, stretched by the unit, keeps every rule of the loop itself; the bound is that of the
loop itself, so that a pipeline that reaches it is proven.

Source: Soi et al., "Optimal software pipelining and warp specialization for tensor core GPUs"
(Twill), arXiv 2512.18134, normalisation of costs.
"""

from __future__ import annotations

from dataclasses import replace

from scheduling.models.loop.arrays import LoopArrays, Pipeline
from scheduling.models.loop.bounds import interval_bound
from scheduling.solvers.bases import NeedsCpSat
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.loop.attempts import Attempts
from scheduling.solvers.loop.cpsat import CpSat
from scheduling.solvers.loop.family import CompiledLoop
from scheduling.solvers.loop.ims import Attempt
from scheduling.solvers.loop.memory import fits_memories

MOST_CYCLES = 300
"""Sum of latencies up to which a loop is searched as it is, the one that Twill normalises to."""

_TRIED = 4
"""Units that are tried, the most promising first."""

_SHARE = 0.6
"""Share of what is left that one unit may take."""


def coarse_units(arrays: LoopArrays) -> list[int]:
    """Return units in which the loop is short, the one with the least bound in cycles first.

    Units up to twice as long as need be are looked at: a unit that divides the times on the busiest
    unit loses nothing. A loop that is short enough has only the unit 1.
    """
    least = -(-sum(arrays.latency) // MOST_CYCLES)
    if least <= 1:
        return [1]
    ranked = sorted(
        range(least, 2 * least + 1),
        key=lambda unit: (unit * interval_bound(coarsened(arrays, unit)), -unit),
    )
    return ranked[:_TRIED]


def coarsened(arrays: LoopArrays, unit: int) -> LoopArrays:
    """Return the loop with all times rounded up to units, and reservations to those they touch."""
    return replace(
        arrays,
        latency=tuple(_up(cycles, unit) for cycles in arrays.latency),
        issue=tuple(_up(cycles, unit) for cycles in arrays.issue),
        edges=tuple(edge._replace(wait=_up(edge.wait, unit)) for edge in arrays.edges),
        reservations=tuple(
            use._replace(
                offset=use.offset // unit,
                cycles=_up(use.offset + use.cycles, unit) - use.offset // unit,
            )
            for use in arrays.reservations
        ),
        sync=_up(arrays.sync, unit),
        limit=None if arrays.limit is None else arrays.limit // unit,
    )


def stretched(found: Pipeline, unit: int) -> Pipeline:
    """Return a pipeline of the coarse loop in cycles."""
    return Pipeline(found.interval * unit, tuple(at * unit for at in found.starts), found.warps)


class Coarse(NeedsCpSat):
    """Iterative modulo scheduling and CP-SAT on the loop in units of several cycles.

    For loops whose latencies sum up to more than 300 cycles; others are searched as they are. One
    work unit is one unit of CP-SAT's deterministic time.
    """

    name = "coarse"
    summary = "CP-SAT on times rounded up to units of several cycles, for loops of long latencies"

    def refusal(self, data: CompiledLoop) -> str | None:
        """Refuse models that would not be solved in any time."""
        return CpSat().refusal(data)

    def search(
        self,
        data: CompiledLoop,
        board: Board[Pipeline],
        budget: Budget,
        hint: Pipeline | None,  # noqa: ARG002 - what is known is on the board
    ) -> None:
        """Post stretched pipelines of the coarse loop."""
        units = coarse_units(data.arrays)
        for number, unit in enumerate(units):
            if board.stopped or budget.remaining() == 0:
                return
            coarse = coarsened(data.arrays, unit)
            part = budget if number == len(units) - 1 else budget.part(_SHARE)
            if board.tier == 0:
                self._shorten_interval(data, coarse, unit, board, part)
            elif board.caps[0] % unit == 0:
                self._shorten_length(data, coarse, unit, board, part)

    def _shorten_interval(
        self,
        data: CompiledLoop,
        coarse: LoopArrays,
        unit: int,
        board: Board[Pipeline],
        budget: Budget,
    ) -> None:
        attempts = Attempts(board, budget)
        for interval in range(interval_bound(coarse), coarse.longest_interval + 1):
            known = board.objective
            if board.stopped or (known is not None and unit * interval >= known):
                return
            found, refuted = Attempt(coarse, interval).run(), False
            if found is None or not fits_memories(coarse, found):
                found, refuted = attempts.at(coarse, interval)
            if found is not None:
                here = stretched(found, unit)
                board.offer(here, data.values(here), self.name)
            if not refuted:
                return

    def _shorten_length(
        self,
        data: CompiledLoop,
        coarse: LoopArrays,
        unit: int,
        board: Board[Pipeline],
        budget: Budget,
    ) -> None:
        def post(found: Pipeline) -> None:
            here = stretched(found, unit)
            board.offer(here, data.values(here), self.name)

        Attempts(board, budget).shortest(coarse, board.caps[0] // unit, post)


def _up(cycles: int, unit: int) -> int:
    return -(-cycles // unit)
