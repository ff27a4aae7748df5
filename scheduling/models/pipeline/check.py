"""Independent check of pipelines: what runs is laid out layer by layer, in exact fractions."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.exact import exact
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution, Stage


def check_pipeline(problem: PipelineProblem, solution: PipelineSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "has stages" if solution.stages else None
        why = "each layer may be a stage of its own"
        return list(claims_without_answer(solution, does, "stages", why))
    violations = [*_stages(problem, solution), *_passes(problem, solution)]
    if not violations:
        longest = max(stage_seconds(problem, stage) for stage in solution.stages)
        value = float(max(len(solution.stages), problem.gpus) * longest)
        violations += certificate_violations(("step",), (value,), solution)
    return violations


def stage_seconds(problem: PipelineProblem, stage: Stage) -> Fraction:
    """Return the time of a stage for a micro-batch."""
    seconds = Fraction(0)
    for layer in problem.layers[stage.first : stage.end]:
        if stage.passes != "backward":
            seconds += exact(layer.forward_seconds)
        if stage.passes != "forward":
            seconds += exact(layer.backward_seconds)
    return seconds


def _stages(problem: PipelineProblem, solution: PipelineSolution) -> Iterator[Violation]:
    for stage in solution.stages:
        if not stage.first < stage.end <= len(problem.layers):
            yield Violation("stage", f"no layers in [{stage.first}, {stage.end})")
        taken = sum(
            (exact(layer.gigabytes) for layer in problem.layers[stage.first : stage.end]),
            Fraction(0),
        )
        if problem.gigabytes is not None and taken > exact(problem.gigabytes):
            over = float(taken - exact(problem.gigabytes))
            yield Violation("memory", f"stage [{stage.first}, {stage.end})", over, "GB")


def _passes(problem: PipelineProblem, solution: PipelineSolution) -> Iterator[Violation]:
    """Yield what is missing of forward passes in order, then backward passes in reverse."""
    count = len(problem.layers)
    kinds = [stage.passes for stage in solution.stages]
    if (
        kinds != sorted(kinds, key=("forward", "both", "backward").index)
        or kinds.count("both") != 1
    ):
        yield Violation("order", "not forward stages, one of both passes, backward stages")
    forward = [k for s in solution.stages if s.passes != "backward" for k in range(s.first, s.end)]
    backward = [
        k for s in solution.stages if s.passes != "forward" for k in reversed(range(s.first, s.end))
    ]
    for name, found, wanted in (
        ("forward", forward, list(range(count))),
        ("backward", backward, list(reversed(range(count)))),
    ):
        if found != wanted:
            yield Violation("layers", f"{name} passes are not those of {count} layers in order")
