"""Charts of batching: the tokens that are held in every iteration, and who runs when."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import BatchingSolution
from scheduling.report.axes import name_rows
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Span(NamedTuple):
    """Iterations in which a request runs, and whether it is evicted at their end."""

    request: str
    start: int
    end: int
    evicted: bool


def sentence(problem: BatchingProblem, solution: BatchingSolution) -> str:
    """Say what is reached and what is proven."""
    name = problem.name or "batching"
    if solution.objective is None:
        return f"{name}: no plan ({solution.status})"
    reached = f"{name}: {problem.objective} {solution.objective:,}"
    return proven(reached, solution, most=problem.objective == "on-time")


def spans(problem: BatchingProblem, solution: BatchingSolution) -> list[Span]:
    """Return all that runs, in order of the starts."""
    output = {request.id: request.output for request in problem.requests}
    found = [
        Span(one.request, one.start, one.start + output[one.request], evicted=False)
        for one in solution.starts
    ]
    found += [
        Span(one.request, one.start, one.start + one.slots, evicted=True)
        for one in solution.evicted
    ]
    return sorted(found, key=lambda span: (span.start, span.end, span.request))


def held(problem: BatchingProblem, solution: BatchingSolution) -> list[int]:
    """Return the tokens that are held in each iteration, from the first on."""
    prompt = {request.id: request.prompt for request in problem.requests}
    rows = spans(problem, solution)
    tokens = [0] * max((span.end for span in rows), default=0)
    for span in rows:
        for slot in range(span.start, span.end):
            tokens[slot] += prompt[span.request] + slot - span.start + 1
    return tokens


def draw(problem: BatchingProblem, solution: BatchingSolution, figure: Figure) -> None:
    """Draw a solution, which may be without starts.

    Above the tokens that all requests hold in every iteration, below the memory; below them a bar
    for each request from its start to its end, by start. Attempts that are evicted, and requests
    that end late where they should be on time, are vermillion.
    """
    figure.set_size_inches(10.0, 7.0)
    figure.suptitle(sentence(problem, solution), color=INK)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 3))
    tokens = held(problem, solution)
    above.stairs(tokens, range(len(tokens) + 1), fill=True, color=series_colour(0))
    above.axhline(problem.memory, color=LATE, linewidth=1.0, linestyle="--")
    above.set_ylabel("tokens held; dashed: memory")
    above.set_ylim(0, problem.memory * 1.08)
    above.margins(x=0.01)
    _bars(below, problem, solution)
    below.set_xlabel("iteration")


def _bars(ax: Axes, problem: BatchingProblem, solution: BatchingSolution) -> None:
    due = {request.id: request.due for request in problem.requests}
    rows = spans(problem, solution)
    place: dict[str, int] = {}
    for span in rows:
        row = place.setdefault(span.request, len(place))
        limit = due[span.request] if problem.objective == "on-time" else None
        late = span.evicted or (limit is not None and span.end > limit)
        colour = LATE if late else series_colour(1)
        ax.broken_barh([(span.start, span.end - span.start)], (row - 0.4, 0.8), color=colour)
    name_rows(ax, list(place), "request, by its first start")
