"""Stages that GPUs take in turn, micro-batch by micro-batch."""

from __future__ import annotations

from typing import NamedTuple

from scheduling.models.pipeline.check import stage_seconds
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution


class Turn(NamedTuple):
    """A stage of a step on a GPU: it runs on all micro-batches in order.

    Parameters
    ----------
    gpu, stage, step
        Counted from 0.
    spans
        Start and end of each micro-batch.
    """

    gpu: int
    stage: int
    step: int
    spans: tuple[tuple[float, float], ...]


def turns(
    problem: PipelineProblem, solution: PipelineSolution, batches: int, steps: int = 8
) -> list[Turn]:
    """Return what each GPU does.

    GPUs take stages in turn, and go on in turn with those of the next step: a stage runs on all
    micro-batches in order, each of which needs its stage before to be done. Weights may be a step
    old, so that steps do not wait for each other.

    Parameters
    ----------
    problem
        The layers and GPUs.
    solution
        How they are cut.
    batches
        Micro-batches of a step.
    steps
        Steps that follow each other.
    """
    times = [float(stage_seconds(problem, stage)) for stage in solution.stages]
    free = [0.0] * problem.gpus
    found: list[Turn] = []
    for step in range(steps):
        ends = [0.0] * batches
        for stage, seconds in enumerate(times):
            gpu = len(found) % problem.gpus
            spans = []
            for batch in range(batches):
                start = max(free[gpu], ends[batch])
                free[gpu] = ends[batch] = start + seconds
                spans.append((start, free[gpu]))
            found.append(Turn(gpu, stage, step, tuple(spans)))
    return found


def bubble(
    problem: PipelineProblem, solution: PipelineSolution, batches: int, steps: int = 8
) -> float:
    """Return the share of the GPUs' time in which they wait, with :func:`turns`' parameters."""
    found = turns(problem, solution, batches, steps)
    busy = sum(end - start for turn in found for start, end in turn.spans)
    return 1.0 - busy / (problem.gpus * max(turn.spans[-1][1] for turn in found))
