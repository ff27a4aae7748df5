"""mallocMuZero: which tensors of a program XLA maps to fast memory, when, and at which offsets.

The compiler decides for each tensor whether it is kept in or copied to the fast memory beside the
computation, and where it lies there. Here that is the placement in tiers, whose program time is
certified, and a static allocation in the fast memory, which shows that offsets exist.

Inferred: seeded programs, as the compiler's are not public; a step takes as long as the slowest of
its work, its reads and writes in each memory, and the copies beside it. The bound is that of room
without offsets, so it holds for every allocation.
"""

from __future__ import annotations

from scheduling.instances.tiers.random_programs import FAST, tensor_program
from scheduling.models.base import Status
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import TieredSolution
from scheduling.scenarios.scenario import Row, Run, Scenario, Target
from scheduling.scenarios.solving import solve
from scheduling.solvers import driver

SMALL, LARGE = (16, 6), (60, 20)
"""Steps and weights of programs of 22 and of 80 tensors."""

_SMALL_CASES, _LARGE_CASES = 8, 2
_ROOMS = (1.0, 0.95, 0.9, 0.8)
_LEAST_SECONDS = 0.3


def offsets(problem: TieredProblem, solution: TieredSolution) -> MemoryProblem | None:
    """State the allocation of what is in the fast memory; ``None`` when nothing is.

    A tensor that is copied in takes its place during the step in which the copy arrives.
    """
    sizes = {tensor.id: tensor for tensor in problem.tensors}
    buffers = []
    for number, entry in enumerate(solution.residences):
        tensor = sizes[entry.tensor]
        if entry.memory != FAST:
            continue
        copied = tensor.home is not None or entry.since > tensor.start
        buffers.append(
            Buffer(
                id=f"{entry.tensor} {number}",
                start=entry.since - copied,
                end=entry.until,
                size=tensor.size,
            )
        )
    capacity = problem.memories[0].capacity
    return MemoryProblem(buffers=tuple(buffers), capacity=capacity) if buffers else None


def allocated(problem: TieredProblem, solution: TieredSolution, seconds: float) -> bool:
    """Tell whether the fast memory's tensors have offsets."""
    stated = offsets(problem, solution)
    if stated is None:
        return True
    found = driver.solve(stated, time_limit=seconds)
    return found.status in (Status.OPTIMAL, Status.FEASIBLE)


def mapped(problem: TieredProblem, limits: Run) -> tuple[TieredSolution, int, bool]:
    """Map a program such that offsets exist; return the mapping, its bound, and if that succeeded.

    Where room alone does not suffice for offsets, the mapping is made anew with a little less of
    it; the bound stays that of all the room.
    """
    bound = 0
    for number, room in enumerate(_ROOMS):
        part = Run(limits.left / 2) if not number else limits.share(len(_ROOMS) - number)
        fast, *others = problem.memories
        less = fast.model_copy(update={"capacity": max(1, int(room * (fast.capacity or 1)))})
        smaller = problem.model_copy(update={"memories": (less, *others)})
        answer: TieredSolution = solve(smaller, time_limit=max(_LEAST_SECONDS, 0.8 * part.left))
        bound = bound or int(answer.bound or 0)
        if allocated(problem, answer, max(_LEAST_SECONDS, part.left)):
            return answer, bound, True
    return answer, bound, False


def run(limits: Run) -> list[Row]:
    """Map programs of two sizes."""
    return [
        _row(SMALL, _SMALL_CASES, Run(0.6 * limits.left)),
        _row(LARGE, _LARGE_CASES, limits),
    ]


def _row(size: tuple[int, int], cases: int, limits: Run) -> Row:
    steps, weights = size
    slow = dense = fast = floor = 0
    proven = placed = 0
    for seed in range(cases):
        problem = tensor_program(steps=steps, weights=weights, seed=seed)
        nothing = problem.model_copy(update={"memories": problem.memories[1:], "link": None})
        slow += int(solve(nothing, "density", work_limit=1).objective or 0)
        dense += int(solve(problem, "density", work_limit=1).objective or 0)
        answer, bound, found = mapped(problem, limits.share(cases - seed))
        fast += int(answer.objective or 0)
        floor += bound
        proven += answer.objective == bound
        placed += found
    return Row(
        case=f"{cases} programs of {steps + weights} tensors, {steps} steps",
        measure="ticks saved against the slow memory alone, mean",
        baseline="hot first",
        baseline_value=(slow - dense) / cases,
        method="auto",
        value=(slow - fast) / cases,
        gap=(fast - floor) / max(1, slow - floor),
        published="faster than XLA's default mapping on some workloads",
        verdict=f"{proven} of {cases} proven, {placed} with offsets",
    )


SCENARIO = Scenario(
    name="malloc",
    system="mallocMuZero: memory mapping in XLA (arXiv 2305.07440)",
    problem="buffers to tiers and offsets of memory",
    wants="nothing: seeded programs",
    run=run,
    targets=(
        Target(("ticks saved",), at_least=1),
        Target(
            ("programs of 22 tensors",),
            of="gap",
            at_most=0,
            otherwise="the time did not suffice to prove every program",
        ),
    ),
)
