"""Random small problems of allocation, and their best value by trying all levels."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from scheduling.models.allocation.problem import AllocationProblem, Claim


@st.composite
def allocation_problems(
    draw: st.DrawFn, *, concave: bool = False, most: int = 20
) -> AllocationProblem:
    """Draw problems of at most four claims and five levels.

    Parameters
    ----------
    concave
        Gains are concave in their costs.
    most
        The largest gain of others.
    """
    claims = []
    for number in range(draw(st.integers(1, 4))):
        size = draw(st.integers(1, 5))
        if concave:
            steps = sorted(draw(st.lists(st.integers(-3, 9), min_size=size, max_size=size)))[::-1]
            gains = tuple(sum(steps[:level]) for level in range(size))
            claims.append(Claim(id=f"c{number}", gains=gains))
            continue
        listed = draw(st.lists(st.integers(-(most // 4), most), min_size=size, max_size=size))
        costs = draw(st.lists(st.integers(0, 12), min_size=size, max_size=size, unique=True))
        given = draw(st.booleans())
        claims.append(
            Claim(
                id=f"c{number}",
                gains=tuple(listed),
                costs=tuple(sorted(costs)) if given else None,
            )
        )
    return AllocationProblem(budget=draw(st.integers(0, 25)), claims=tuple(claims))


def best_gain(problem: AllocationProblem) -> int | None:
    """Return the most gain over all choices of levels; ``None`` when none fits."""
    tables = [list(zip(c.levels(), c.gains, strict=True)) for c in problem.claims]
    return max(
        (
            sum(gain for _, gain in chosen)
            for chosen in product(*tables)
            if sum(cost for cost, _ in chosen) <= problem.budget
        ),
        default=None,
    )
