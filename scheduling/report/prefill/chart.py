"""Charts of prompts on a machine: who runs when, and by when each was due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.models.prefill.problem import PrefillProblem
from scheduling.models.prefill.solution import PrefillSolution
from scheduling.report.axes import name_rows
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def sentence(problem: PrefillProblem, solution: PrefillSolution) -> str:
    """Say how much is on time and what is proven."""
    name = problem.name or "prompts"
    if solution.objective is None:
        return f"{name}: no schedule ({solution.status})"
    total = sum(prompt.weight for prompt in problem.prompts)
    reached = f"{name}: {solution.objective:,} of {total:,} on time"
    return proven(reached, solution, most=True)


def in_time(problem: PrefillProblem, solution: PrefillSolution) -> set[str]:
    """Return the prompts that are done when they are due."""
    left = {prompt.id: prompt.operators for prompt in problem.prompts}
    of = {prompt.id: prompt for prompt in problem.prompts}
    for piece in solution.pieces:
        prompt = of[piece.prompt]
        if piece.start + piece.operators * prompt.duration <= prompt.due:
            left[piece.prompt] -= piece.operators
    return {name for name, operators in left.items() if not operators}


def draw(problem: PrefillProblem, solution: PrefillSolution, figure: Figure) -> None:
    """Draw a solution, which may be without pieces.

    A row for each prompt: a thin line from its release to its due time, and a bar for each piece
    that runs, vermillion where the prompt is late or never done.
    """
    rows = sorted(problem.prompts, key=lambda prompt: (prompt.release, prompt.id))
    place = {prompt.id: row for row, prompt in enumerate(rows)}
    duration = {prompt.id: prompt.duration for prompt in rows}
    figure.set_size_inches(10.0, min(14.0, 2.0 + 0.22 * len(rows)))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    done = in_time(problem, solution)
    for prompt in rows:
        ax.plot([prompt.release, prompt.due], [place[prompt.id]] * 2, color=INK, linewidth=0.6)
        ax.plot([prompt.due], [place[prompt.id]], "|", color=INK, markersize=6)
    for piece in solution.pieces:
        colour = series_colour(0) if piece.prompt in done else LATE
        span = (piece.start, piece.operators * duration[piece.prompt])
        ax.broken_barh([span], (place[piece.prompt] - 0.35, 0.7), color=colour)
    ax.margins(x=0.01, y=0.01)
    ax.ticklabel_format(axis="x", style="plain")
    name_rows(ax, [prompt.id for prompt in rows], "prompt, by its release")
    ax.set_xlabel("time; a line from release to due time")
