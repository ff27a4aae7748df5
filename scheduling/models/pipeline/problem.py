"""Layers of a model, cut into stages that GPUs take in turn."""

from __future__ import annotations

from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from scheduling.errors import Fault, InputError
from scheduling.models.base import Frozen, Many, Problem, Violation

Seconds = Annotated[float, Field(gt=0, le=10**6)]


class Layer(Frozen):
    """A layer: the time of a micro-batch in each pass, and what it takes of a GPU's memory."""

    forward_seconds: Seconds
    backward_seconds: Seconds = Field(description="With its forward pass computed again, if it is.")
    gigabytes: Annotated[float, Field(ge=0, le=10**6)] = 0.0


class PipelineProblem(Problem):
    """Cut layers into contiguous stages so that ``max(stages, GPUs) * longest stage`` is least.

    Stages of forward passes come first, then those of backward passes from the last layer on. The
    first backward stage does the forward passes of its layers as well (RoundPipe).
    Any GPU can run any stage: they take them in turn, and what a step takes is the number of
    stages, at least one a GPU, times the longest.

    Raises
    ------
    InputError
        With every layer that fits on no GPU.
    """

    kind: Literal["pipeline"] = "pipeline"
    gpus: Annotated[int, Field(ge=1, le=10**5)]
    gigabytes: Annotated[float, Field(gt=0, le=10**6)] | None = Field(
        default=None, description="Memory that the layers of a stage may take; none: no limit."
    )
    layers: Annotated[Many[Layer], Field(min_length=1, max_length=2000)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        room = self.gigabytes
        faults = [
            Fault(f"layers[{number}].gigabytes", f"{layer.gigabytes:g}", f"at most {room:g}")
            for number, layer in enumerate(self.layers)
            if room is not None and layer.gigabytes > room
        ]
        if faults:
            raise InputError(faults)
        return self


class Stages(NamedTuple):
    """A cut: ranges ``(first, end)`` of layers.

    Parameters
    ----------
    forward
        Stages of forward passes alone, in order.
    fused
        The layers whose passes the first backward stage does both.
    backward
        The other backward stages, from the last layers to the first.
    """

    forward: tuple[tuple[int, int], ...]
    fused: tuple[int, int]
    backward: tuple[tuple[int, int], ...]

    @property
    def number(self) -> int:
        """Number of stages."""
        return len(self.forward) + 1 + len(self.backward)


def stage_seconds(problem: PipelineProblem, stages: Stages) -> list[float]:
    """Return the time of each stage for a micro-batch, in the order in which they run."""
    layers = problem.layers
    times = [sum(layer.forward_seconds for layer in layers[a:b]) for a, b in stages.forward]
    first, end = stages.fused
    times.append(sum(x.forward_seconds + x.backward_seconds for x in layers[first:end]))
    times += [sum(layer.backward_seconds for layer in layers[a:b]) for a, b in stages.backward]
    return times


def step_cost(problem: PipelineProblem, stages: Stages) -> float:
    """Return ``max(stages, GPUs) * longest stage``: what a micro-batch adds to the GPUs' time."""
    return max(stages.number, problem.gpus) * max(stage_seconds(problem, stages))


def check_stages(problem: PipelineProblem, stages: Stages) -> list[Violation]:
    """Return every way in which stages are no cut of the layers; empty means valid."""
    found = []
    n = len(problem.layers)
    forward = [*stages.forward, stages.fused]
    backward = [*reversed(stages.backward), stages.fused]
    for name, ranges in (("forward", forward), ("backward", backward)):
        bounds = [0, *(end for _, end in ranges)]
        starts = [first for first, _ in ranges]
        if starts != bounds[:-1] or bounds[-1] != n:
            found.append(Violation("layers", f"{name} stages {ranges} do not cover {n} layers"))
    for first, end in (*forward, *stages.backward):
        taken = sum(layer.gigabytes for layer in problem.layers[first:end])
        if first >= end:
            found.append(Violation("stage", f"no layers in [{first}, {end})"))
        if problem.gigabytes is not None and taken > problem.gigabytes * (1 + 1e-9):
            over = taken - problem.gigabytes
            found.append(Violation("memory", f"stage [{first}, {end})", over, "GB"))
    return found


def bubble(problem: PipelineProblem, stages: Stages, batches: int, steps: int = 8) -> float:
    """Return the share of the GPUs' time in which they wait.

    GPUs take stages in turn, and go on in turn with those of the next step: a stage runs on all
    micro-batches in order, each of which needs its stage before to be done. Weights may be a step
    old, so that steps do not wait for each other.

    Parameters
    ----------
    problem
        The layers and GPUs.
    stages
        How they are cut.
    batches
        Micro-batches of a step.
    steps
        Steps that follow each other.
    """
    times = stage_seconds(problem, stages)
    free = [0.0] * problem.gpus
    turn = 0
    for _ in range(steps):
        ends = [0.0] * batches
        for seconds in times:
            gpu = turn % problem.gpus
            turn += 1
            for batch in range(batches):
                free[gpu] = max(free[gpu], ends[batch]) + seconds
                ends[batch] = free[gpu]
    return 1.0 - sum(times) * batches * steps / (problem.gpus * max(free))
