"""What binds offloading: limits that cannot be kept, or the servers that are shared most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduling.models.base import Solution, Status
from scheduling.models.offload.arrays import compile_offload
from scheduling.models.offload.problem import MILLION, OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.solvers.binding import BindingExplanation, Change, explain_binding
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Explainer, Explanation, Label
from scheduling.solvers.trials import solve_within, told

_SERVERS = 8
_FASTER = {"work_seconds": "twice as fast", "upload_seconds": "with uploads twice as fast"}
_UNITS = {"max_delay_seconds": "seconds", "max_joules": "joules"}


def explain_offload(problem: OffloadProblem, budget: Budget) -> BindingExplanation | Explanation:
    """Name the servers that tasks share most and what faster ones bring, or limits in conflict."""
    found = explain_binding(problem, budget, _binds, lambda p, s: list(_changes(p, s)))
    if found.status is Status.INFEASIBLE:
        return Explainer(lambda: _Limits(problem), budget).explain()
    return found


def _shared(problem: OffloadProblem, solution: OffloadSolution) -> list[tuple[float, str, int]]:
    """Return what sharing adds to the delays on each server, in seconds, and its tasks."""
    arrays = compile_offload(problem)
    server = {entry.task: entry.server for entry in solution.sent}
    chosen = tuple(
        next(k for k, offer in enumerate(task.offers) if offer.server == server[task.id])
        for task in problem.tasks
    )
    found = []
    for name, group in zip(problem.servers, arrays.groups(chosen), strict=True):
        alone = sum(float(arrays.tasks[t][k].upload + arrays.tasks[t][k].work) for t, k in group)
        added = arrays.delay(group) / MILLION - alone
        found.append((max(0.0, round(added, 6)), name, len(group)))
    return sorted(found, reverse=True)


def _binds(problem: OffloadProblem, solution: OffloadSolution) -> list[str]:
    return [
        f"Server {name!r} has {count} task{'s' * (count != 1)}; sharing adds {seconds:.6g} s."
        for seconds, name, count in _shared(problem, solution)[:_SERVERS]
    ]


def _changes(
    problem: OffloadProblem, solution: OffloadSolution
) -> Iterator[Change[OffloadProblem]]:
    for limit in _stated(problem):
        free = problem.model_copy(update={limit: None})
        yield Change(Label(limit, (), f"no {limit}"), free)
    for _, name, _ in _shared(problem, solution)[:_SERVERS]:
        for field, words in _FASTER.items():
            label = Label(field, (name,), f"server {name!r} {words}")
            yield Change(label, _faster(problem, name, field))


def _faster(problem: OffloadProblem, server: str, field: str) -> OffloadProblem:
    """Return a problem in which something takes half the time on a server."""
    tasks = []
    for task in problem.tasks:
        offers = tuple(
            offer.model_copy(update={field: getattr(offer, field) / 2})
            if offer.server == server
            else offer
            for offer in task.offers
        )
        tasks.append(task.model_copy(update={"offers": offers}))
    return problem.model_copy(update={"tasks": tuple(tasks)})


def _stated(problem: OffloadProblem) -> list[str]:
    return [name for name in _UNITS if getattr(problem, name) is not None]


class _Limits:
    """The limits of the sums, one of which or both cannot be kept."""

    def __init__(self, problem: OffloadProblem) -> None:
        self.problem = problem
        self.names = _stated(problem)
        self.labels = [
            Label(name, (), f"{name}: at most {getattr(problem, name):g} {_UNITS[name]} in sum")
            for name in self.names
        ]
        self.groups = [[index] for index in range(len(self.names))]

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Solve the whole problem."""
        return self._solved(self.names, budget)

    def by_formula(self) -> list[int] | None:
        """Name no conflict ahead of the search."""
        return None

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Name no conflict ahead of the search."""
        del parts, budget
        return None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Solve with some of the limits."""
        status, _ = self._solved([self.names[index] for index in rules], budget)
        return None if status is Status.UNKNOWN else status is not Status.INFEASIBLE

    def _solved(self, kept: Sequence[str], budget: Budget) -> tuple[Status, Solution | None]:
        free = {name: None for name in self.names if name not in kept}
        return told(solve_within(self.problem.model_copy(update=free), budget))
