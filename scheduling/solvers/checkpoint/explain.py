"""What binds checkpoints: which part of the waste is largest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Label


def explain_checkpoint(problem: CheckpointProblem, budget: Budget) -> BindingExplanation:
    """Say how much copies stall, and what faster copies, restarts and fewer failures bring."""
    return explain_binding(problem, budget, _binds, lambda p, _: list(_changes(p)))


def _binds(problem: CheckpointProblem, solution: CheckpointSolution) -> list[str]:
    steps, every = solution.steps or 1, solution.every or 1
    between = steps * problem.step_seconds
    said = []
    for number, level in enumerate(problem.levels):
        apart = between * (every if number else 1)
        share = level.stall_seconds / (apart + level.stall_seconds)
        said.append(
            f"Copies {level.id!r} stall for {level.stall_seconds:.6g} s every {apart:.6g} s: "
            f"{share:.3%} of the time without failures."
        )
    if steps == problem.least_steps and problem.levels[0].hidden_seconds:
        said.append("Copies begin as soon as the one before has ended.")
    return said


def _changes(problem: CheckpointProblem) -> Iterator[Change[CheckpointProblem]]:
    rarer = {"mean_seconds_between_failures": 2 * problem.mean_seconds_between_failures}
    yield Change(Label("failures", (), "half as many failures"), _with(problem, rarer))
    for number, level in enumerate(problem.levels):
        for field, words in (
            ("copy_seconds", f"copies {level.id!r} twice as fast"),
            ("restart_seconds", f"restarts from {level.id!r} twice as fast"),
        ):
            half = level.model_copy(update={field: getattr(level, field) / 2})
            levels = (*problem.levels[:number], half, *problem.levels[number + 1 :])
            yield Change(Label(field, (level.id,), words), _with(problem, {"levels": levels}))
        if level.stall_seconds:
            hidden = level.model_copy(update={"hidden_seconds": level.copy_seconds})
            levels = (*problem.levels[:number], hidden, *problem.levels[number + 1 :])
            label = Label("hidden_seconds", (level.id,), f"copies {level.id!r} that never stall")
            yield Change(label, _with(problem, {"levels": levels}))
    if len(problem.levels) > 1:
        first, last = problem.levels
        label = Label("level", (first.id,), f"without copies {first.id!r}")
        yield Change(label, _with(problem, {"levels": (last,)}))


def _with(problem: CheckpointProblem, changes: dict[str, Any]) -> CheckpointProblem:
    return problem.model_copy(update=changes)
