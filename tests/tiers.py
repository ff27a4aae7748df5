"""Random small problems of placement in tiers, and their best value by trying all placements."""

from __future__ import annotations

from itertools import product

from hypothesis import strategies as st

from scheduling.models.base import Status, TierValue
from scheduling.models.tiers.check import check_tiers
from scheduling.models.tiers.problem import Tensor, TieredProblem, TierMemory, Use
from scheduling.models.tiers.solution import Residence, TieredSolution


@st.composite
def tiered_problems(draw: st.DrawFn, *, unit: int = 1) -> TieredProblem:
    """Draw problems of two memories, at most three tensors and four steps.

    Parameters
    ----------
    unit
        Bytes that steps use are about so many times a small number.
    """
    steps = draw(st.integers(1, 4))
    capacity = draw(st.integers(3, 12))
    other = draw(st.sampled_from([None, 8]))
    tensors = []
    for number in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, steps - 1))
        end = draw(st.integers(start + 1, steps))
        home = draw(st.sampled_from([None, None, "slow"]))
        if home is not None:
            start, end = 0, steps
        used = draw(st.lists(st.integers(start, end - 1), max_size=3, unique=True))
        tensors.append(
            Tensor(
                id=f"t{number}",
                size=draw(st.integers(1, 6 if home is None else 2)),
                start=start,
                end=end,
                home=home,
                uses=tuple(
                    Use(step=step, bytes=draw(st.integers(1, 20)) * unit + step) for step in used
                ),
            )
        )
    return TieredProblem(
        memories=(
            TierMemory(id="fast", bandwidth=draw(st.integers(4, 9)), capacity=capacity),
            TierMemory(id="slow", bandwidth=draw(st.integers(1, 3)), capacity=other),
        ),
        compute=tuple(draw(st.integers(0, 5)) for _ in range(steps)),
        tensors=tuple(tensors),
        link=draw(st.sampled_from([None, 2, 5])),
    )


def best_time(problem: TieredProblem) -> int | None:
    """Return the least ticks over all placements; ``None`` when none is valid."""
    spans = []
    for tensor in problem.tensors:
        end = len(problem.compute) if tensor.end is None else tensor.end
        spans += [(tensor, step) for step in range(tensor.start, end)]
    best: int | None = None
    for chosen in product(("fast", "slow"), repeat=len(spans)):
        entries = tuple(
            Residence(tensor=tensor.id, memory=memory, since=step, until=step + 1)
            for (tensor, step), memory in zip(spans, chosen, strict=True)
            if memory != tensor.home
        )
        time = ticks(problem, TieredSolution(status=Status.FEASIBLE, residences=entries))
        if time is not None and (best is None or time < best):
            best = time
    return best


def ticks(problem: TieredProblem, solution: TieredSolution) -> int | None:
    """Return what the checker recomputes; ``None`` for placements that break a rule."""
    tier = TierValue(name="time", objective=-1)
    stated = solution.model_copy(update={"tiers": (tier,), "status": Status.FEASIBLE})
    for violation in check_tiers(problem, stated):
        if violation.constraint != "objective":
            return None
        if "recomputed" in violation.where:
            return int(violation.where.rsplit(" ", 1)[1])
    return None
