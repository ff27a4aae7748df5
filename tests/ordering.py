"""Random small batches of transactions."""

from __future__ import annotations

from itertools import permutations

from hypothesis import strategies as st

from scheduling.models.ordering.check import run
from scheduling.models.ordering.problem import OrderingProblem


def batches() -> st.SearchStrategy[OrderingProblem]:
    """Draw batches of at most five transactions of at most five operations on four keys."""
    word = st.sampled_from([*(f"{kind}-{key}" for kind in "rw" for key in range(4)), "*"])
    line = st.lists(word, min_size=1, max_size=5).map(" ".join)
    lines = st.lists(line, min_size=1, max_size=5).map(tuple)
    return lines.map(lambda found: OrderingProblem(transactions=found))


def best_makespan(problem: OrderingProblem) -> int:
    """Return the least makespan over all orders."""
    return min(run(problem, order) for order in permutations(range(len(problem.transactions))))
