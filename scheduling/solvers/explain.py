"""Why a problem has no solution: a minimal set of the user's constraints that cannot hold together.

A family lists its constraints, each with a :class:`Label` in the user's words, and answers whether
a subset of them can hold. From there on all families share the method: a first conflict, from
formulas or from CP-SAT's assumptions, is confirmed by solving it alone and then shrunk by deletion
in chunks until no member can be left out (Marques-Silva, Janota and Belov, "Minimal sets over
monotone predicates in Boolean formulae", 2013).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from scheduling.errors import UnsupportedError
from scheduling.machine import usable_cores
from scheduling.models.base import Problem, Solution, Status, require_problem
from scheduling.solvers.board import Budget
from scheduling.solvers.driver import check_limits
from scheduling.solvers.watching import one_of_many

if TYPE_CHECKING:
    from scheduling.models.allocation.problem import AllocationProblem
    from scheduling.models.loop.problem import LoopProblem
    from scheduling.models.memory.problem import MemoryProblem
    from scheduling.models.placement.problem import PlacementProblem
    from scheduling.models.schedule.problem import ScheduleProblem
    from scheduling.solvers.placement.explaining.explanation import PlacementExplanation

T = TypeVar("T")

_FAMILIES = {
    "allocation": "scheduling.solvers.allocation.explain:explain_allocation",
    "checkpoint": "scheduling.solvers.checkpoint.explain:explain_checkpoint",
    "federated": "scheduling.solvers.federated.explain:explain_federated",
    "leaf-spine": "scheduling.solvers.spines.explain:explain_spines",
    "loop": "scheduling.solvers.loop.explain:explain_loop",
    "memory": "scheduling.solvers.memory.explain:explain_memory",
    "offload": "scheduling.solvers.offload.explain:explain_offload",
    "pipeline": "scheduling.solvers.pipeline.explain:explain_pipeline",
    "placement": "scheduling.solvers.placement.explaining.explain:explain_placement",
    "ring": "scheduling.solvers.ring.explain:explain_ring",
    "schedule": "scheduling.solvers.schedule.explain:explain_schedule",
    "serving": "scheduling.solvers.serving.explain:explain_serving",
    "spot": "scheduling.solvers.spot.explain:explain_spot",
    "table": "scheduling.solvers.table.explain:explain_table",
}
"""For each family a function from a problem and a budget to an explanation."""

_GROUPED = 400
"""From so many constraints on, whole groups are sorted out before single constraints."""

_RELAXED = 50
"""Up to so many members of a conflict are tried as single relaxations."""


@dataclass(frozen=True, slots=True)
class Label:
    """One constraint of the user.

    Parameters
    ----------
    kind
        ``"deadline"``, ``"machine"``, ``"precedence"``, ….
    entities
        Names of the tasks, jobs and resources concerned.
    sentence
        The constraint in words.
    """

    kind: str
    entities: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a problem has no solution, or that it has one.

    Attributes
    ----------
    status
        ``INFEASIBLE``: ``conflict`` holds constraints that cannot hold together. ``FEASIBLE``:
        ``solution`` satisfies everything. ``UNKNOWN``: the time ran out before either was shown.
    conflict
        The constraints, in the order of the problem's document.
    is_minimal
        Whether the conflict vanishes as soon as any one of its members is left out.
    relaxations
        Members of the conflict that suffice alone: without any one of them the whole problem has a
        solution. Those not settled in time are not listed.
    solution
        A solution, when there is one.
    seconds
        Wall time.
    """

    status: Status
    conflict: tuple[Label, ...] = ()
    is_minimal: bool = False
    relaxations: tuple[Label, ...] = ()
    solution: Solution | None = None
    seconds: float = 0.0

    def record(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        solution = self.solution
        return {
            "status": self.status,
            "conflict": [asdict(label) for label in self.conflict],
            "is_minimal": self.is_minimal,
            "relaxations": [asdict(label) for label in self.relaxations],
            "solution": None if solution is None else solution.model_dump(mode="json"),
            "seconds": self.seconds,
        }

    def __str__(self) -> str:
        if self.status is Status.FEASIBLE:
            return "The problem has a solution."
        if self.status is Status.UNKNOWN:
            return "Not settled within the time limit."
        lines = ["These constraints cannot hold together:"]
        lines += [f"  - {label}" for label in self.conflict]
        if not self.is_minimal:
            lines.append("(Some of them may not be needed: the time ran out.)")
        if self.relaxations and set(self.relaxations) == set(self.conflict):
            lines.append("Leaving out any one of them gives a solution.")
        elif self.relaxations:
            lines.append("Leaving out any one of these gives a solution:")
            lines += [f"  - {label}" for label in self.relaxations]
        return "\n".join(lines)


class Conflict(Protocol):
    """A family's constraints and the question whether a subset of them can hold."""

    @property
    def labels(self) -> Sequence[Label]:
        """Every constraint of the user."""
        ...

    @property
    def groups(self) -> Sequence[Sequence[int]]:
        """A partition of their indices into parts that belong together."""
        ...

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Solve the whole problem for feasibility."""
        ...

    def by_formula(self) -> list[int] | None:
        """Find a conflict without search; ``None`` when formulas show none."""
        ...

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Find parts, by index, that seem to conflict; ``None`` when none were found."""
        ...

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Tell whether the constraints can hold together; ``None`` when not settled."""
        ...


@overload
def explain(
    problem: ScheduleProblem | MemoryProblem | LoopProblem | AllocationProblem,
    time_limit: float = 60.0,
    *,
    workers: int | None = None,
    seed: int = 0,
) -> Explanation: ...
@overload
def explain(
    problem: PlacementProblem,
    time_limit: float = 60.0,
    *,
    workers: int | None = None,
    seed: int = 0,
) -> PlacementExplanation: ...
@overload
def explain(
    problem: Problem,
    time_limit: float = 60.0,
    *,
    workers: int | None = None,
    seed: int = 0,
) -> Any: ...
def explain(
    problem: Problem,
    time_limit: float = 60.0,
    *,
    workers: int | None = None,
    seed: int = 0,
) -> Any:
    """Name a minimal set of constraints that cannot hold together.

    Of a placement problem, which always has an answer, it says so for each item that has no place,
    with the cheapest change that admits it. Of pipelines, rings, flows, checkpoints, federated
    groups, offloading, spot capacity and tables it says what binds the solution, and what single
    changes gain.

    Parameters
    ----------
    problem
        A problem, typically one that a solver calls infeasible.
    time_limit
        Seconds for everything.
    workers
        Threads; default: the processors that the process may use.
    seed
        Seed of every random choice.

    Returns
    -------
    Explanation, PlacementExplanation or BindingExplanation
        With a solution instead of a conflict when the problem has one.

    Raises
    ------
    InputError
        For what is no problem, and limits that make no sense.
    UnsupportedError
        When the family has no constraints to tell apart.
    KeyboardInterrupt
        At Ctrl-C, soon.
    """
    require_problem(problem)
    check_limits(time_limit, None, workers, seed)
    if problem.kind not in _FAMILIES:
        raise UnsupportedError(f"problems of kind {problem.kind!r} have no explanation")
    module, _, name = _FAMILIES[problem.kind].partition(":")
    family: Callable[[Any, Budget], Any] = getattr(import_module(module), name)
    deadline = time.monotonic() + time_limit
    budget = Budget(deadline, None, workers or usable_cores(), seed)
    # Ctrl-C would otherwise end one of its searches and be forgotten by the next.
    with one_of_many():
        return family(problem, budget)


class Explainer:
    """Explains a family's conflict.

    Parameters
    ----------
    conflict
        Builds the constraints and answers questions about them; called within the time limit.
    budget
        For everything.
    """

    def __init__(self, conflict: Callable[[], Conflict], budget: Budget) -> None:
        self.started = time.monotonic()
        self.conflict = conflict()
        self.budget = budget

    def explain(self) -> Explanation:
        """Find a conflict, make it minimal, and find what relaxes it."""
        first = self.conflict.by_formula()
        if first is None:
            status, solution = self.conflict.solution(self.budget)
            if status is not Status.INFEASIBLE:
                return Explanation(status, solution=solution, seconds=self._seconds())
            members, minimal = self._shrink_all()
        else:
            members, minimal = self._shrink([[index] for index in first])
        members.sort()
        labels = self.conflict.labels
        return Explanation(
            status=Status.INFEASIBLE,
            conflict=tuple(labels[index] for index in members),
            is_minimal=minimal,
            relaxations=tuple(labels[index] for index in self._relaxations(members)),
            seconds=self._seconds(),
        )

    def _seconds(self) -> float:
        return time.monotonic() - self.started

    def _shrink_all(self) -> tuple[list[int], bool]:
        singles = list(range(len(self.conflict.labels)))
        if len(singles) > _GROUPED:
            groups = self._core([list(group) for group in self.conflict.groups])
            singles, _ = self._shrink(groups)
        return self._shrink(self._core([[index] for index in singles]))

    def _core(self, parts: list[list[int]]) -> list[list[int]]:
        """Parts named by the engine's core, if solving them alone confirms it; else all parts.

        An engine's core may be wrong after presolving (or-tools issue 5141).
        """
        found = self.conflict.core(parts, self.budget.part(0.3))
        if found is None:
            return parts
        core = [parts[index] for index in found]
        confirmed = self.conflict.holds(_flat(core), self.budget.part(0.3)) is False
        return core if confirmed else parts

    def _shrink(self, parts: list[list[int]]) -> tuple[list[int], bool]:
        def conflicts(kept: list[list[int]]) -> bool | None:
            holds = self.conflict.holds(_flat(kept), self.budget.part(0.5))
            return None if holds is None else not holds

        kept, minimal = shrink(parts, conflicts, lambda: self.budget.remaining() == 0)
        return _flat(kept), minimal and all(len(part) == 1 for part in parts)

    def _relaxations(self, members: list[int]) -> list[int]:
        if len(members) > _RELAXED:
            return []
        found = []
        for index in members:
            others = [other for other in range(len(self.conflict.labels)) if other != index]
            if self.budget.remaining() and self.conflict.holds(others, self.budget.part(0.3)):
                found.append(index)
        return found


def shrink(
    parts: Sequence[T],
    conflicts: Callable[[list[T]], bool | None],
    expired: Callable[[], bool] = lambda: False,
) -> tuple[list[T], bool]:
    """Leave out parts of a conflict, in chunks, until none can be left out.

    Parameters
    ----------
    parts
        A conflict.
    conflicts
        Whether a sublist is a conflict; ``None`` when that is not settled.
    expired
        Whether the time is up; then the rest is returned as it is.

    Returns
    -------
    tuple
        The remaining parts in their order, and whether each of them is known to be needed.
    """
    needed: list[T] = []
    open_parts = list(parts)
    minimal = True
    size = max(1, len(open_parts) // 2)
    while open_parts:
        if expired():
            return [*open_parts, *needed], False
        size = min(size, len(open_parts))
        kept = open_parts[:-size]
        verdict = conflicts([*kept, *needed])
        if verdict:
            open_parts = kept
            size *= 2
        elif size > 1:
            size //= 2
        else:
            minimal = minimal and verdict is not None
            needed.insert(0, open_parts.pop())
    return needed, minimal


def _flat(parts: Sequence[Sequence[int]]) -> list[int]:
    return [index for part in parts for index in part]
