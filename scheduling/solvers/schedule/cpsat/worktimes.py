"""Working times in the CP-SAT formulation: which starts they allow, and how long tasks then take.

The starts fall into pieces from which a task takes the same time, or ends in the same segment of
the calendar. Away from one-off windows these are pieces of one period: a start is ``period * k +
r``, and the residue r decides, however long the horizon is. Around one-off windows the pieces are
absolute. Pieces of one length share a literal; a task that always takes the same time needs none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from ortools.sat.python import cp_model

from scheduling.models.schedule.worktime import Piece, Run
from scheduling.solvers.schedule.cpsat.core import Core, Hint, Reading
from scheduling.solvers.schedule.cpsat.windows import Windows, subtract

_FEW = 400
"""Up to so many pieces, domains of starts say more to CP-SAT than residues (ft10 in two shifts)."""

_Intervals = list[tuple[int, int]]


class Maker(Protocol):
    """What makes the variables of a model."""

    @property
    def model(self) -> Any:
        """Return the model."""
        ...

    def flag(self, hint: Hint) -> Any:
        """Make a literal."""
        ...

    def number(self, low: int, high: int, hint: Hint) -> Any:
        """Make an integer variable."""
        ...


@dataclass(frozen=True, eq=False)
class _Way:
    """Some starts, by themselves and by their residues, and how long the task takes from them.

    ``piece`` is ``None`` when the time is ``length`` from all of them; ``None`` instead of
    intervals means all.
    """

    starts: _Intervals | None
    residues: _Intervals | None
    period: int
    length: int
    piece: Piece | None

    def holds(self, start: int) -> bool:
        """Whether a start is one of these."""
        return all(
            intervals is None or any(low <= value <= high for low, high in intervals)
            for value, intervals in (
                (start, self.starts),
                (start % self.period, self.residues),
            )
        )


@dataclass(frozen=True, eq=False)
class Placed:
    """Variables of a task: its start within ``[low, high]``, and its size if that varies."""

    task: int
    start: Any
    size: Any | None
    low: int
    high: int


class WorkingTimes:
    """Adds working times to a model."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._residues: dict[tuple[int, int], Any] = {}

    def add(
        self, placed: Placed, mode: int, run: Run, guards: list[Any], *, exact: bool = True
    ) -> None:
        """Let a task run by a working time where all guards are true.

        Without ``exact`` it may also take longer than it has to.
        """
        model = self._maker.model
        ways = _ways(run, placed.low, placed.high)
        if placed.size is None:
            ways = _joined(ways)
        if not ways:
            model.add_bool_or([~guard for guard in guards] or [model.new_constant(0)])
            return
        if len(ways) == 1:
            self._take(placed, ways[0], guards, exact=exact)
            self._fix(placed, ways, guards, None, exact=exact)
            return
        literals = [self._maker.flag(_taken(placed.task, mode, way)) for way in ways]
        model.add_at_most_one(literals)
        model.add_bool_or(literals).only_enforce_if(guards)
        for way, literal in zip(ways, literals, strict=True):
            for guard in guards:
                model.add_implication(literal, guard)
            self._take(placed, way, [literal], exact=exact)
        self._fix(placed, ways, guards, literals, exact=exact)

    def _take(self, placed: Placed, way: _Way, guards: list[Any], *, exact: bool) -> None:
        """Let the start be one of a way's, and the size what follows from it."""
        model = self._maker.model
        if way.starts is not None:
            domain = cp_model.Domain.from_intervals(way.starts)
            bound = model.add_linear_expression_in_domain(placed.start, domain)
            bound.only_enforce_if(guards)
        residue = None
        if way.residues is not None:
            residue = self._residue(placed, way.period)
            domain = cp_model.Domain.from_intervals(way.residues)
            model.add_linear_expression_in_domain(residue, domain).only_enforce_if(guards)
        if way.piece is None or placed.size is None:
            return
        piece = way.piece
        place = placed.start if residue is None else residue
        ahead = piece.speed * (place + placed.size - piece.origin)
        ahead -= piece.slope * (place - piece.first) + piece.need
        bound = model.add(ahead >= 0)
        bound.only_enforce_if(guards)
        if exact:
            model.add(ahead <= piece.speed - 1).only_enforce_if(guards)

    def _fix(
        self,
        placed: Placed,
        ways: list[_Way],
        guards: list[Any],
        literals: list[Any] | None,
        *,
        exact: bool,
    ) -> None:
        """State the size by the literals where all ways have one, else way by way."""
        model = self._maker.model
        if placed.size is None:
            return
        if literals is None or any(way.piece is not None for way in ways):
            for number, way in enumerate(ways):
                own = guards if literals is None else [literals[number]]
                if way.piece is None:
                    bound = placed.size == way.length if exact else placed.size >= way.length
                    model.add(bound).only_enforce_if(own)
            return
        total = cp_model.LinearExpr.weighted_sum(literals, [way.length for way in ways])
        bound = placed.size == total if exact else placed.size >= total
        model.add(bound).only_enforce_if(guards)

    def _residue(self, placed: Placed, period: int) -> Any:
        """Return the residue of a task's start, a variable of its own."""
        key = placed.task, period
        if key not in self._residues:
            task, maker = placed.task, self._maker
            rounds = maker.number(
                placed.low // period,
                placed.high // period,
                lambda reading: reading.start[task] // period,
            )
            residue = maker.number(0, period - 1, lambda reading: reading.start[task] % period)
            maker.model.add(placed.start == period * rounds + residue)
            self._residues[key] = residue
        return self._residues[key]


def add_working_times(core: Core, windows: Windows) -> dict[int, Any]:
    """Let tasks run by their calendars and inside their time windows.

    Returns
    -------
    dict
        Size of each task that takes different times from different starts; its end, made here
        too, stands among the ends of ``core``.
    """
    arrays = core.arrays
    sizes: dict[int, Any] = {}
    if arrays.worktimes:
        part = WorkingTimes(core)
        for task in np.unique(core.task_of_mode[arrays.elastic]).tolist():
            sizes[task] = _add_end(core, windows, task)
        for mode, run in enumerate(arrays.runs):
            task = int(core.task_of_mode[mode])
            guards = core.chosen(mode)
            if run is not None:
                size = sizes[task] if run.elastic else None
                span = int(windows.earliest[task]), int(windows.latest[task])
                part.add(Placed(task, core.starts[task], size, *span), mode, run, guards)
            if task in sizes and not arrays.elastic[mode]:
                bound = core.model.add(sizes[task] == int(arrays.duration[mode]))
                bound.only_enforce_if(guards)
    for task in np.flatnonzero(np.diff(arrays.window_ptr)).tolist():
        _add_windows(core, task, task in sizes)
    return sizes


def _add_end(core: Core, windows: Windows, task: int) -> Any:
    """Make the size and the end of a task."""
    arrays = core.arrays
    modes = slice(arrays.mode_ptr[task], arrays.mode_ptr[task + 1])
    low, high = int(arrays.shortest[modes].min()), int(arrays.longest[modes].max())
    last = min(int(arrays.deadline[task]), windows.horizon)
    first = int(windows.earliest[task])
    size = core.number(
        low,
        max(low, min(high, last - first)),
        lambda reading: reading.end[task] - reading.start[task],
    )
    end = core.number(first + low, last, lambda reading: reading.end[task])
    core.model.add(end == core.starts[task] + size)
    core.ends[task] = end
    return size


def _add_windows(core: Core, task: int, elastic: bool) -> None:
    """Let a task run inside one of its time windows."""
    arrays, model = core.arrays, core.model
    rows = slice(arrays.window_ptr[task], arrays.window_ptr[task + 1])
    spans = list(
        zip(arrays.window_start[rows].tolist(), arrays.window_end[rows].tolist(), strict=True)
    )
    start, end = core.starts[task], core.ends[task]
    if len(core.modes(task)) == 1 and not elastic:
        length = int(arrays.duration[arrays.mode_ptr[task]])
        inside = [(low, high - length) for low, high in spans if high - length >= low]
        model.add_linear_expression_in_domain(start, cp_model.Domain.from_intervals(inside))
        return
    literals = [core.flag(_inside(task, spans, number)) for number in range(len(spans))]
    skipped = [core.literals[mode] for mode in core.modes(task) if arrays.absent[mode]]
    model.add_exactly_one([*literals, *skipped])
    for (low, high), literal in zip(spans, literals, strict=True):
        model.add(start >= low).only_enforce_if(literal)
        model.add(end <= high).only_enforce_if(literal)


def _inside(task: int, spans: _Intervals, number: int) -> Hint:
    """Tell whether a task runs in a window and in none before it."""

    def inside(reading: Reading) -> int:
        start, end = reading.start[task], reading.end[task]
        fits = [low <= start and end <= high for low, high in spans[: number + 1]]
        runs = not reading.arrays.absent[reading.mode[task]]
        return runs and fits[number] and not any(fits[:number])

    return inside


def _taken(task: int, mode: int, way: _Way) -> Hint:
    return lambda reading: reading.mode[task] == mode and way.holds(reading.start[task])


def _ways(run: Run, low: int, high: int) -> list[_Way]:
    """Sort the allowed starts in ``[low, high]`` by what follows from them."""
    period = run.worktime.period
    rounds = (high - low) // period + 1
    if rounds <= 2 or (not run.elastic and rounds * len(run.regular) <= _FEW):
        return _absolute(run.pieces(low, high))
    zones = [(first, last) for first, last in run.zones if first <= high and last >= low]
    near = [p for first, last in zones for p in run.pieces(max(low, first), min(high, last))]
    away = subtract(low, high, zones) if zones else None
    if not run.regular or away == []:
        return _absolute(near)
    if period > 1:
        return [*_periodic(run.regular, away, period), *_absolute(near)]
    always = run.regular[0]
    length = always.end(always.first) - always.first
    if away is None:
        return [_Way(None, None, 1, length, None)]
    return _absolute([*near, *(_steady(span, length) for span in away)])


def _steady(span: tuple[int, int], length: int) -> Piece:
    """Make a piece of starts from which a task takes the same time."""
    return Piece(*span, span[0], length, 1, 1)


def _absolute(pieces: Iterable[Piece]) -> list[_Way]:
    """Make ways of absolute starts: one for each length, and one for each uneven piece."""
    even, uneven = _sorted(pieces)
    found = [_Way(spans, None, 1, length, None) for length, spans in even.items()]
    return found + [_Way([(piece.first, piece.last)], None, 1, 0, piece) for piece in uneven]


def _periodic(pieces: Iterable[Piece], starts: _Intervals | None, period: int) -> list[_Way]:
    """Make ways of residues: one for each length, and one for each uneven piece."""
    even, uneven = _sorted(pieces)
    found = [_Way(starts, spans, period, length, None) for length, spans in even.items()]
    spans = [[(piece.first, piece.last)] for piece in uneven]
    rows = zip(spans, uneven, strict=True)
    return found + [_Way(starts, span, period, 0, piece) for span, piece in rows]


def _sorted(pieces: Iterable[Piece]) -> tuple[dict[int, _Intervals], list[Piece]]:
    """Collect pieces from which a task takes the same time, by that time, and all others."""
    even: dict[int, _Intervals] = {}
    uneven: list[Piece] = []
    for piece in pieces:
        if piece.slope == piece.speed or piece.first == piece.last:
            length = piece.end(piece.first) - piece.first
            even.setdefault(length, []).append((piece.first, piece.last))
        else:
            uneven.append(piece)
    return even, uneven


def _joined(ways: list[_Way]) -> list[_Way]:
    """Make one way of those of a task that always takes the same time.

    Its one-off windows only close, so every allowed start has an allowed residue.
    """
    if len(ways) < 2:
        return ways
    residues = next((way for way in ways if way.residues is not None), ways[0])
    if any(way.starts is None for way in ways):
        return [residues]
    starts = [span for way in ways for span in way.starts or ()]
    return [_Way(starts, residues.residues, residues.period, residues.length, None)]
