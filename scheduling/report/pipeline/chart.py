"""Charts of pipelines: which stage runs on which GPU, micro-batch by micro-batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scheduling.models.pipeline.dispatch import turns
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution
from scheduling.report.axes import legend_beside, whole_numbers
from scheduling.report.palette import INK, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PASSES = ("forward", "both", "backward")
_STEPS = 2
_MOST_BARS = 20_000


class Bar(NamedTuple):
    """A micro-batch in a stage: its GPU, colour and name."""

    gpu: int
    start: float
    end: float
    passes: int
    name: str


def sentence(problem: PipelineProblem, solution: PipelineSolution) -> str:
    """Say how long a step takes and what is proven."""
    name = problem.name or "pipeline"
    if solution.objective is None:
        return f"{name}: no stages ({solution.status})"
    stages = f"{len(solution.stages)} stages on {problem.gpus} GPUs"
    reached = f"{name}: {solution.objective:,.6g} s for {stages}"
    return proven(reached, solution, shown="{:,.6g} s".format)


def bars(problem: PipelineProblem, solution: PipelineSolution) -> list[Bar]:
    """Return the bars of two steps, of fewer micro-batches where there would be too many."""
    stages = solution.stages
    if not stages:
        return []
    batches = max(1, min(problem.gpus, _MOST_BARS // (_STEPS * len(stages))))
    return [
        Bar(
            turn.gpu,
            start,
            end,
            PASSES.index(stages[turn.stage].passes),
            f"layers {stages[turn.stage].first} to {stages[turn.stage].end - 1}, "
            f"step {turn.step}, stage {turn.stage}, micro-batch {batch}",
        )
        for turn in turns(problem, solution, batches, _STEPS)
        for batch, (start, end) in enumerate(turn.spans)
    ]


def draw(problem: PipelineProblem, solution: PipelineSolution, figure: Figure) -> None:
    """Draw a solution, which may be without stages.

    A row for each GPU and a bar for each micro-batch in a stage: two steps, as many micro-batches
    each as there are GPUs.
    """
    rows = min(problem.gpus, max(1, _STEPS * len(solution.stages)))
    figure.set_size_inches(10.0, min(14.0, 2.0 + 0.3 * rows))
    figure.suptitle(sentence(problem, solution), color=INK)
    ax = figure.subplots()
    found = bars(problem, solution)
    for kind, name in enumerate(PASSES):
        for gpu in range(rows):
            spans = [(b.start, b.end - b.start) for b in found if (b.gpu, b.passes) == (gpu, kind)]
            ax.broken_barh(
                spans, (gpu - 0.4, 0.8), color=series_colour(kind), edgecolor="white", linewidth=0.4
            )
        ax.plot([], [], "s", color=series_colour(kind), label=name)
    ax.set_ylim(rows - 0.5, -0.5)
    whole_numbers(ax.yaxis)
    ax.set_ylabel("GPU")
    ax.set_xlabel("seconds")
    legend_beside(ax)
