"""Independent check of prompts on a machine: pieces are laid out one after another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from scheduling.models.base import Status, Violation
from scheduling.models.certificate import certificate_violations, claims_without_answer
from scheduling.models.prefill.problem import PrefillProblem
from scheduling.models.prefill.solution import PrefillSolution


def check_prefill(problem: PrefillProblem, solution: PrefillSolution) -> list[Violation]:
    """Return every way in which ``solution`` breaks ``problem``; empty means valid."""
    if solution.status in (Status.INFEASIBLE, Status.UNKNOWN):
        does = "has prompts run" if solution.pieces else None
        return list(claims_without_answer(solution, does, "pieces", "prompts may be late"))
    violations = list(_pieces(problem, solution))
    if not violations:
        value = _value(problem, solution)
        violations += certificate_violations(("on-time",), (value,), solution, ("max",))
    return violations


def _pieces(problem: PrefillProblem, solution: PrefillSolution) -> Iterator[Violation]:
    of = {prompt.id: prompt for prompt in problem.prompts}
    done: Counter[str] = Counter()
    spans = []
    for piece in solution.pieces:
        prompt = of.get(piece.prompt)
        if prompt is None:
            yield Violation("prompt", f"unknown prompt {piece.prompt!r}")
            continue
        done[prompt.id] += piece.operators
        if piece.start < prompt.release:
            yield Violation("release", repr(prompt.id), prompt.release - piece.start, "time units")
        end = piece.start + piece.operators * prompt.duration
        spans.append((piece.start, end, prompt.id))
    for name, operators in done.items():
        if operators > of[name].operators:
            more = operators - of[name].operators
            yield Violation("operators", f"{name!r} has more than its own", more, "operators")
    for (_, end, one), (begin, _, other) in pairwise(sorted(spans)):
        if begin < end:
            yield Violation(
                "machine", f"{one!r} and {other!r} at {begin}", end - begin, "time units"
            )


def _value(problem: PrefillProblem, solution: PrefillSolution) -> int:
    left = {prompt.id: prompt.operators for prompt in problem.prompts}
    ends = dict.fromkeys(left, 0)
    duration = {prompt.id: prompt.duration for prompt in problem.prompts}
    for piece in solution.pieces:
        left[piece.prompt] -= piece.operators
        end = piece.start + piece.operators * duration[piece.prompt]
        ends[piece.prompt] = max(ends[piece.prompt], end)
    return sum(
        prompt.weight
        for prompt in problem.prompts
        if not left[prompt.id] and ends[prompt.id] <= prompt.due
    )
