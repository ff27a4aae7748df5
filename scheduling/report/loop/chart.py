"""Charts of software pipelines: what each unit and warp does, from the prologue to the epilogue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.report.palette import INK, LATE, series_colour, text_colour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STEADY = 3
"""Intervals of the steady state that are drawn."""

_LETTER = 0.0046
"""Share of the chart's width that a letter needs."""

_GAP = 0.1
"""Share of a row that stays free."""

_PALE = 0.35


@dataclass(frozen=True, slots=True)
class Bar:
    """What one operation of one iteration takes of a row.

    Attributes
    ----------
    row
        Name of a unit or warp.
    operation, iteration
        Which of them.
    start, end
        Cycles on the unit; on a warp from the operation's start until its result is there.
    busy
        End of the cycles in which the row does this and nothing else; on units the end.
    low, high
        Which part of the row's height it takes, in units of the row.
    """

    row: str
    operation: str
    iteration: int
    start: int
    end: int
    busy: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Phases:
    """Cycles at which the parts of what is drawn begin and end.

    From ``steady`` on, as many iterations are under way as ever; from ``epilogue`` on, none begins.
    """

    interval: int
    steady: int
    epilogue: int
    end: int


def phases(problem: LoopProblem, solution: LoopSolution) -> Phases | None:
    """Return when prologue, steady state and epilogue begin; ``None`` without starts."""
    if solution.interval is None or not solution.starts:
        return None
    latency = {operation.id: operation.latency for operation in problem.operations}
    length = max(entry.start + latency[entry.operation] for entry in solution.starts)
    stages = max(1, -(-length // solution.interval))
    count = stages - 1 + STEADY
    return Phases(
        solution.interval,
        (stages - 1) * solution.interval,
        count * solution.interval,
        (count - 1) * solution.interval + max(length, solution.interval),
    )


def bars(problem: LoopProblem, solution: LoopSolution) -> list[Bar]:
    """Return what is drawn, row by row, the units first; nothing without starts."""
    known = phases(problem, solution)
    if known is None:
        return []
    operations = {operation.id: operation for operation in problem.operations}
    found: dict[str, list[Bar]] = {unit.id: [] for unit in problem.units}
    warps: dict[str, list[Bar]] = {warp: [] for warp in problem.warps}
    for iteration in range(known.epilogue // known.interval):
        for entry in solution.starts:
            operation = operations[entry.operation]
            at = entry.start + iteration * known.interval
            for use in operation.uses:
                begin, end = at + use.offset, at + use.offset + use.cycles
                bar = Bar(use.unit, operation.id, iteration, begin, end, end, 0, use.amount)
                found[use.unit].append(bar)
            if entry.warp is not None:
                busy = at + operation.issue
                end = max(busy, at + operation.latency)
                bar = Bar(entry.warp, operation.id, iteration, at, end, busy, 0, 1)
                warps[entry.warp].append(bar)
    return [
        bar for row in (*found.values(), *warps.values()) for bar in _stacked(row) if bar.end > 0
    ]


def _stacked(row: list[Bar]) -> list[Bar]:
    """Let bars that overlap in time lie above each other, each as low as it can."""
    placed: list[Bar] = []
    live: list[Bar] = []
    for bar in sorted(row, key=lambda one: (one.start, one.iteration, one.operation)):
        live = [other for other in live if other.end > bar.start]
        low = 0
        for other in sorted(live, key=lambda one: one.low):
            if other.low < low + bar.high and other.high > low:
                low = other.high
        here = replace(bar, low=low, high=low + bar.high)
        placed.append(here)
        live.append(here)
    return placed


def sentence(problem: LoopProblem, solution: LoopSolution) -> str:
    """Say what is reached and what is proven."""
    name = problem.name or "loop"
    if solution.interval is None:
        return f"{name}: no pipeline ({solution.status})"
    tier = solution.tiers[0] if solution.tiers else None
    reached = f"{name}: an iteration every {solution.interval} cycles"
    if tier is None or tier.bound is None:
        return reached
    return f"{reached}, proven least" if tier.closed else f"{reached}, bound {tier.bound}"


def draw(problem: LoopProblem, solution: LoopSolution, figure: Figure) -> None:
    """Draw a solution, which may be without starts.

    A row is a functional unit or a warp; a colour is an iteration. Drawn are the prologue, three
    intervals of the steady state and the epilogue after them. On warps, the pale part of an
    operation is the time until its result is there, in which the warp does other work.
    """
    found, known = bars(problem, solution), phases(problem, solution)
    rows = [*(unit.id for unit in problem.units), *problem.warps]
    figure.set_size_inches(13.0, 1.8 + 0.55 * max(1, len(rows)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.add_subplot()
    ax.set_xlabel("cycle")
    ax.set_yticks(range(len(rows)), rows)
    ax.set_ylim(len(rows) - 0.5, -1.2)
    if known is None:
        return
    ax.set_xlim(0, known.end)
    for number, row in enumerate(rows):
        _row(ax, number, [bar for bar in found if bar.row == row], known.end)
    if problem.units and problem.warps:
        ax.axhline(len(problem.units) - 0.5, color=INK, linewidth=0.8)
    _mark(ax, known)


def _row(ax: Axes, number: int, row: list[Bar], width: int) -> None:
    top = max((bar.high for bar in row), default=1)
    room = 1.0 - _GAP
    for bar in row:
        low = number + room / 2 - room * bar.high / top
        high = room * (bar.high - bar.low) / top
        colour = series_colour(bar.iteration)
        ax.broken_barh(
            [(bar.start, bar.end - bar.start)],
            (low, high),
            facecolor=colour,
            alpha=1.0 if bar.busy == bar.end else _PALE,
            edgecolor="#ffffff",
            linewidth=0.5,
        )
        if bar.busy < bar.end:
            ax.broken_barh([(bar.start, bar.busy - bar.start)], (low, high), facecolor=colour)
        wide = (bar.end - bar.start) / width
        if wide >= _LETTER * len(bar.operation) and high >= 0.25:
            solid = bar.busy == bar.end
            ax.text(
                (bar.start + bar.end) / 2,
                low + high / 2,
                bar.operation,
                ha="center",
                va="center",
                fontsize=6,
                color=text_colour(colour) if solid else INK,
            )


def _mark(ax: Axes, known: Phases) -> None:
    """Name the phases above the rows, and mark the interval in the steady state."""
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8, "color": INK}
    names = {
        "prologue": (0, known.steady),
        "steady state": (known.steady, known.epilogue),
        "epilogue": (known.epilogue, known.end),
    }
    for name, (start, end) in names.items():
        if end > start:
            ax.text((start + end) / 2, -1.0, name, **style)
    for at in (known.steady, known.epilogue):
        if 0 < at < known.end:
            ax.axvline(at, color=INK, linewidth=1.2)
    for number in range(1, STEADY):
        at = known.steady + number * known.interval
        ax.axvline(at, color=INK, linewidth=0.8, linestyle=":")
    start = known.steady
    ax.annotate(
        "",
        (start + known.interval, -0.62),
        (start, -0.62),
        arrowprops={"arrowstyle": "<->", "color": LATE, "shrinkA": 0, "shrinkB": 0},
    )
    middle = start + known.interval / 2
    ax.text(middle, -0.78, f"interval {known.interval}", **style | {"color": LATE})
