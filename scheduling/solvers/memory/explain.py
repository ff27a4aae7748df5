"""Why buffers do not fit: which of them, and what is asked of them, cannot be had together."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.models.base import Solution, Status
from scheduling.models.memory.problem import Buffer, MemoryProblem, origin, pieces
from scheduling.solvers.board import Budget
from scheduling.solvers.explain import Explainer, Explanation, Label
from scheduling.solvers.trials import solve_within, told


def explain_memory(problem: MemoryProblem, budget: Budget) -> Explanation:
    """Name the buffers, offsets and alignments that exceed the capacity together."""
    return Explainer(lambda: _Rules(problem), budget).explain()


class _Rules:
    """The capacity, and for each buffer that it is needed, aligned, and where it was put.

    That aliases share an offset is not among them: it only helps.
    """

    def __init__(self, problem: MemoryProblem) -> None:
        self.problem = problem
        self.labels: list[Label] = []
        self.rules: list[tuple[str, int]] = []
        self.groups: list[list[int]] = []
        if problem.capacity is not None:
            self._add("capacity", -1, (), f"there are {problem.capacity} bytes")
            self.groups.append([0])
        for number, buffer in enumerate(problem.buffers):
            first = len(self.rules)
            self._describe(number, buffer)
            self.groups.append(list(range(first, len(self.rules))))

    def _describe(self, number: int, buffer: Buffer) -> None:
        name = (buffer.id,)
        times = ", ".join(f"{start} to {end}" for start, end in pieces(buffer))
        said = f"{buffer.id!r} takes {buffer.size} bytes at the times {times}"
        self._add("buffer", number, name, said)
        if buffer.offset is not None:
            self._add("offset", number, name, f"{buffer.id!r} lies at {buffer.offset}")
        if buffer.alignment > 1:
            said = f"{buffer.id!r} lies at a multiple of {buffer.alignment}"
            self._add("alignment", number, name, said)

    def _add(self, kind: str, number: int, entities: tuple[str, ...], said: str) -> None:
        self.rules.append((kind, number))
        self.labels.append(Label(kind, entities, said))

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Solve the whole problem."""
        return told(solve_within(self.problem, budget))

    def by_formula(self) -> list[int] | None:
        """Find a time at which more is live than there is memory."""
        problem = self.problem
        if problem.capacity is None:
            return None
        known = {buffer.id: buffer for buffer in problem.buffers}
        spans = sorted(
            (start, end, number, origin(known, buffer).id)
            for number, buffer in enumerate(problem.buffers)
            for start, end in pieces(buffer)
        )
        live: list[tuple[int, int, int, str]] = []
        for span in spans:
            live = [other for other in live if other[1] > span[0]] + [span]
            # Of aliases that are live together, the largest takes the space.
            largest: dict[str, int] = {}
            for _, _, number, root in live:
                size = problem.buffers[number].size
                if root not in largest or size > problem.buffers[largest[root]].size:
                    largest[root] = number
            if sum(problem.buffers[n].size for n in largest.values()) > problem.capacity:
                needed = {("capacity", -1), *(("buffer", n) for n in largest.values())}
                return [index for index, rule in enumerate(self.rules) if rule in needed]
        return None

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Name no conflict ahead of the search."""
        del parts, budget
        return None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Solve what is left of the problem with these rules alone."""
        kept = {self.rules[index] for index in rules}
        if ("capacity", -1) not in kept:
            return True
        numbers = [number for kind, number in kept if kind == "buffer"]
        if not numbers:
            return True
        found = solve_within(self._reduced(sorted(numbers), kept), budget)
        if found.status is Status.UNKNOWN:
            return None
        return found.status is not Status.INFEASIBLE

    def _reduced(self, numbers: list[int], kept: set[tuple[str, int]]) -> MemoryProblem:
        known = {buffer.id: buffer for buffer in self.problem.buffers}
        first: dict[str, str] = {}
        buffers = []
        for number in numbers:
            buffer = self.problem.buffers[number]
            root = first.setdefault(origin(known, buffer).id, buffer.id)
            changes = {
                "alias": None if root == buffer.id else root,
                "offset": buffer.offset if ("offset", number) in kept else None,
                "alignment": buffer.alignment if ("alignment", number) in kept else 1,
            }
            buffers.append(buffer.model_copy(update=changes))
        return MemoryProblem(buffers=tuple(buffers), capacity=self.problem.capacity)
