"""Random small problems of batching, and their best value by trying all starts."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

from hypothesis import strategies as st

from scheduling.models.batching.problem import BatchingProblem

OBJECTIVES = ("flow", "on-time", "makespan")


@st.composite
def batching_problems(draw: st.DrawFn, objective: str | None = None) -> BatchingProblem:
    """Draw problems of at most four requests of at most three tokens each."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        release, output = draw(st.integers(0, 3)), draw(st.integers(1, 3))
        rows.append(
            {
                "id": f"r{number}",
                "release": release,
                "prompt": draw(st.integers(0, 4)),
                "output": output,
                "weight": draw(st.sampled_from([1, 1, 1, 0, 3])),
                "due": draw(st.sampled_from([None, release + output, release + output + 1])),
            }
        )
    least = max(row["prompt"] + row["output"] for row in rows)
    document = {
        "kind": "batching",
        "requests": rows,
        "memory": least + draw(st.integers(0, 6)),
        "batch": draw(st.sampled_from([None, 1, 2])),
        "objective": objective or draw(st.sampled_from(OBJECTIVES)),
    }
    return BatchingProblem.model_validate(document)


def best_value(problem: BatchingProblem) -> int:
    """Return the best value over all starts that end before all could have run one by one."""
    horizon = max(r.release for r in problem.requests) + sum(r.output for r in problem.requests)
    spans = [range(r.release, horizon - r.output + 1) for r in problem.requests]
    values = [value(problem, starts) for starts in product(*spans) if fits(problem, starts)]
    return max(values) if problem.objective == "on-time" else min(values)


def fits(problem: BatchingProblem, starts: tuple[int, ...]) -> bool:
    held: Counter[int] = Counter()
    running: Counter[int] = Counter()
    for request, start in zip(problem.requests, starts, strict=True):
        for token in range(1, request.output + 1):
            held[start + token] += request.prompt + token
            running[start + token] += 1
    most = problem.batch or len(starts)
    return max(held.values()) <= problem.memory and max(running.values()) <= most


def value(problem: BatchingProblem, starts: tuple[int, ...]) -> int:
    ends = [r.output + start for r, start in zip(problem.requests, starts, strict=True)]
    rows = list(zip(problem.requests, ends, strict=True))
    if problem.objective == "makespan":
        return max(ends)
    if problem.objective == "flow":
        return sum(r.weight * (end - r.release) for r, end in rows)
    return sum(r.weight for r, end in rows if r.due is None or end <= r.due)
