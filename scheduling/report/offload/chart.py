"""Charts of offloading: which server runs each task, and when."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from scheduling.models.offload.delays import Job, sharing_completions
from scheduling.models.offload.problem import OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.report.axes import legend_beside, name_rows
from scheduling.report.palette import INK, series_colour
from scheduling.report.words import closed_mark

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NAMES = 60


class Bar(NamedTuple):
    """A task on its server: when it arrives, is there, and is done."""

    task: str
    server: str
    arrival: float
    there: float
    end: float


def sentence(problem: OffloadProblem, solution: OffloadSolution) -> str:
    """Say what the sums are and which of them are proven."""
    name = problem.name or "tasks"
    if not solution.tiers:
        return f"{name}: no assignment ({solution.status})"
    units = {"delay": "s of delay", "energy": "J"}
    said = [
        f"{tier.objective:.6g} {units[tier.name]}{closed_mark(tier)}" for tier in solution.tiers
    ]
    return f"{name}: {', '.join(said)}"


def bars(problem: OffloadProblem, solution: OffloadSolution) -> list[Bar]:
    """Return the tasks by arrival."""
    server = {entry.task: entry.server for entry in solution.sent}
    jobs: dict[str, list[Job]] = defaultdict(list)
    names: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for task in problem.tasks:
        for offer in task.offers:
            if server.get(task.id) == offer.server:
                there = task.arrival_seconds + offer.upload_seconds
                jobs[offer.server].append((there, offer.work_seconds))
                names[offer.server].append((task.id, task.arrival_seconds))
    found = [
        Bar(task, place, arrival, job[0], end)
        for place, held in jobs.items()
        for (task, arrival), job, end in zip(
            names[place], held, sharing_completions(held), strict=True
        )
    ]
    return sorted(found, key=lambda bar: (bar.arrival, bar.task))


def draw(problem: OffloadProblem, solution: OffloadSolution, figure: Figure) -> None:
    """Draw a solution, which may be without an assignment.

    A row for each task: a thin line while it is uploaded, and a bar while its server works on it.
    """
    found = bars(problem, solution)
    colour = {name: series_colour(place) for place, name in enumerate(problem.servers)}
    figure.set_size_inches(10.0, min(14.0, 2.0 + 0.22 * len(found)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    for row, bar in enumerate(found):
        ax.plot([bar.arrival, bar.there], [row, row], color=INK, linewidth=0.8)
        ax.broken_barh(
            [(bar.there, bar.end - bar.there)], (row - 0.35, 0.7), color=colour[bar.server]
        )
    for name in dict.fromkeys(bar.server for bar in found):
        ax.plot([], [], "s", color=colour[name], label=name)
    name_rows(ax, [bar.task for bar in found], "task, by its arrival", _MOST_NAMES)
    ax.set_xlabel("seconds; a line while a task is uploaded")
    if found:
        legend_beside(ax)
