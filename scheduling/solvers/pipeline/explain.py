"""What binds a pipeline: its longest stage, and the slowest layer."""

from __future__ import annotations

from collections.abc import Iterator

from scheduling.models.pipeline.problem import Layer, PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution, Stage
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label


def explain_pipeline(problem: PipelineProblem, budget: Budget) -> BindingExplanation:
    """Name the longest stage, and what GPUs, memory and faster layers bring."""
    return explain_binding(problem, budget, _binds, lambda p, s: list(_changes(p, s)))


def _seconds(problem: PipelineProblem, stage: Stage) -> float:
    layers = problem.layers[stage.first : stage.end]
    forward = sum(layer.forward_seconds for layer in layers) if stage.passes != "backward" else 0.0
    return forward + (
        sum(layer.backward_seconds for layer in layers) if stage.passes != "forward" else 0.0
    )


def _longest(problem: PipelineProblem, solution: PipelineSolution) -> Stage:
    return max(solution.stages, key=lambda stage: _seconds(problem, stage))


def _binds(problem: PipelineProblem, solution: PipelineSolution) -> list[str]:
    stage = _longest(problem, solution)
    times = max(len(solution.stages), problem.gpus)
    passes = "both passes" if stage.passes == "both" else f"the {stage.passes} passes"
    name = f"layers {stage.first} to {stage.end - 1}"
    if stage.end == stage.first + 1:
        name = f"layer {stage.first}"
    said = f"The longest stage is {passes} of {name}, {_seconds(problem, stage):.6g} s;"
    return [f"{said} a step takes {times} times that."]


def _changes(
    problem: PipelineProblem, solution: PipelineSolution
) -> Iterator[Change[PipelineProblem]]:
    if problem.gpus < 10**5:
        more = problem.model_copy(update={"gpus": problem.gpus + 1})
        yield Change(Label("gpus", (), f"{problem.gpus + 1} GPUs"), more)
    if problem.gpus > 1:
        fewer = problem.model_copy(update={"gpus": problem.gpus - 1})
        yield Change(Label("gpus", (), f"{problem.gpus - 1} GPU{'s' * (problem.gpus > 2)}"), fewer)
    if problem.gigabytes is not None:
        free = problem.model_copy(update={"gigabytes": None})
        yield Change(Label("memory", (), "no limit of memory"), free)
    stage = _longest(problem, solution)
    layers = list(problem.layers)
    for number in range(stage.first, stage.end):
        layers[number] = _halved(layers[number])
    faster = problem.model_copy(update={"layers": tuple(layers)})
    yield Change(Label("layers", (), "layers of the longest stage twice as fast"), faster)
    slow = max(
        range(len(problem.layers)),
        key=lambda k: problem.layers[k].forward_seconds + problem.layers[k].backward_seconds,
    )
    layers = list(problem.layers)
    layers[slow] = _halved(layers[slow])
    faster = problem.model_copy(update={"layers": tuple(layers)})
    yield Change(Label("layer", (str(slow),), f"the slowest layer, {slow}, twice as fast"), faster)


def _halved(layer: Layer) -> Layer:
    return layer.model_copy(
        update={
            "forward_seconds": layer.forward_seconds / 2,
            "backward_seconds": layer.backward_seconds / 2,
        }
    )
