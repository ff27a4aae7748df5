"""Random small problems of prompts, and their best value by trying every order of operators."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from scheduling.models.prefill.problem import PrefillProblem


@st.composite
def prefill_problems(draw: st.DrawFn, *, unit: bool = False) -> PrefillProblem:
    """Draw problems of at most four prompts of at most three operators; ``unit``: of length 1."""
    rows = []
    for number in range(draw(st.integers(1, 4))):
        release, operators = draw(st.integers(0, 5)), draw(st.integers(1, 3))
        duration = 1 if unit else draw(st.integers(1, 3))
        rows.append(
            {
                "id": f"p{number}",
                "release": release,
                "operators": operators,
                "duration": duration,
                "due": max(0, release + operators * duration + draw(st.integers(-1, 5))),
                "weight": draw(st.sampled_from([1, 1, 1, 0, 3])),
            }
        )
    return PrefillProblem.model_validate({"kind": "prefill", "prompts": rows})


def best_weight(problem: PrefillProblem) -> int:
    """Return the most weight on time over all orders of operators, with any waiting."""
    prompts = problem.prompts

    @cache
    def best(now: int, left: tuple[int, ...]) -> int:
        found = 0
        for row, prompt in enumerate(prompts):
            begin = max(now, prompt.release)
            if not left[row] or begin + left[row] * prompt.duration > prompt.due:
                continue
            end = begin + prompt.duration
            after = (*left[:row], left[row] - 1, *left[row + 1 :])
            gain = 0 if after[row] else prompt.weight
            found = max(found, gain + best(end, after))
        return found

    return best(0, tuple(prompt.operators for prompt in prompts))
