"""Why a loop has no pipeline at an interval: recurrences, units, memories and warps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from scheduling.models.base import Solution, Status
from scheduling.models.loop.arrays import LoopArrays, compile_loop
from scheduling.models.loop.bounds import interval_bound
from scheduling.models.loop.problem import Dependence, LoopProblem, Operation, Value
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.explain import Explainer, Explanation, Label
from scheduling.solvers.loop.attempts import Attempts
from scheduling.solvers.loop.units import coarse_units, coarsened
from scheduling.solvers.trials import solve_within, told
from scheduling.solvers.watching import answer_to


def explain_loop(problem: LoopProblem, budget: Budget) -> Explanation:
    """Name the dependences, uses, values and limits that no pipeline keeps together."""
    return Explainer(lambda: _Rules(problem), budget).explain()


class _Rule(NamedTuple):
    """What a rule is of: a kind, the number of an entry, and that of a part of it."""

    kind: str
    number: int = 0
    part: int = 0


@dataclass(frozen=True, slots=True)
class _Edge:
    """A dependence with the rule that it comes from."""

    before: str
    after: str
    wait: int
    distance: int
    rule: _Rule


class _Rules:
    """Everything that a loop asks for; without any of it, pipelines only become easier."""

    def __init__(self, problem: LoopProblem) -> None:
        self.problem = problem
        self.labels: list[Label] = []
        self.rules: list[_Rule] = []
        self.groups: list[list[int]] = []
        self._whole()
        for number, operation in enumerate(problem.operations):
            self._operation(number, operation)
        for number, value in enumerate(problem.values):
            self._value(number, value)
        for number, entry in enumerate(problem.dependences):
            said = f"{entry.after!r} waits for {entry.before!r}{_earlier(entry.distance)}"
            if entry.latency is not None:
                said += f", {_cycles(entry.latency)} from its start"
            self._add(_Rule("dependence", number), (entry.before, entry.after), said)
        self.groups.append(list(range(sum(map(len, self.groups)), len(self.rules))))

    def _whole(self) -> None:
        problem = self.problem
        if problem.interval_limit is not None:
            said = f"an iteration begins every {_cycles(problem.interval_limit)} or sooner"
            self._add(_Rule("interval"), (), said)
        for number, unit in enumerate(problem.units):
            said = f"unit {unit.id!r} has a capacity of {unit.capacity}"
            self._add(_Rule("unit", number), (unit.id,), said)
        for number, memory in enumerate(problem.memories):
            whose = " on each warp" if memory.per_warp else ""
            said = f"memory {memory.id!r} has a capacity of {memory.capacity}{whose}"
            self._add(_Rule("memory", number), (memory.id,), said)
        if problem.warps and problem.sync:
            said = f"a dependence between two warps takes {_cycles(problem.sync)} more"
            self._add(_Rule("sync"), (), said)
        varying = tuple(v.id for v in problem.operations if v.variable)
        if problem.warps and varying:
            names = ", ".join(map(repr, varying))
            said = f"what is of variable latency runs on warps of its own: {names}"
            self._add(_Rule("variable"), varying, said)
        self.groups.append(list(range(len(self.rules))))

    def _operation(self, number: int, operation: Operation) -> None:
        first, name = len(self.rules), operation.id
        for part, use in enumerate(operation.uses):
            amount = f"{use.amount} of " if use.amount > 1 else ""
            said = f"{name!r} takes {amount}unit {use.unit!r} for {_cycles(use.cycles)}"
            self._add(_Rule("use", number, part), (name, use.unit), said)
        if self.problem.warps and operation.issue:
            said = f"{name!r} keeps its warp busy for {_cycles(operation.issue)}"
            self._add(_Rule("issue", number), (name,), said)
        if operation.warps:
            said = f"{name!r} runs on {' or '.join(map(repr, operation.warps))}"
            self._add(_Rule("warps", number), (name, *operation.warps), said)
        self.groups.append(list(range(first, len(self.rules))))

    def _value(self, number: int, value: Value) -> None:
        names = ", ".join(f"{r.operation!r}{_later(r.distance)}" for r in value.readers)
        said = f"{value.id!r} takes {value.size} of memory {value.memory!r} from the start of "
        said += f"{value.producer!r}" + (f" until {names} ended" if names else " until it ended")
        self._add(_Rule("value", number), (value.id, value.memory), said)
        self.groups.append([len(self.rules) - 1])

    def _add(self, rule: _Rule, entities: tuple[str, ...], said: str) -> None:
        self.rules.append(rule)
        self.labels.append(Label(rule.kind, entities, said))

    def solution(self, budget: Budget) -> tuple[Status, Solution | None]:
        """Solve the whole problem."""
        return told(solve_within(self.problem, budget))

    def by_formula(self) -> list[int] | None:
        """Find a circle of dependences, or what is asked of a unit, above the limit."""
        limit = self.problem.interval_limit
        if limit is None:
            return None
        found = self._long_circle(limit) or self._busy_unit(limit)
        if found is None:
            return None
        needed = {_Rule("interval"), *found}
        return [index for index, rule in enumerate(self.rules) if rule in needed]

    def _edges(self) -> list[_Edge]:
        latency = {v.id: v.latency for v in self.problem.operations}
        edges = []
        for number, d in enumerate(self.problem.dependences):
            wait = latency[d.before] if d.latency is None else d.latency
            edges.append(_Edge(d.before, d.after, wait, d.distance, _Rule("dependence", number)))
        for number, value in enumerate(self.problem.values):
            wait = latency[value.producer]
            for r in value.readers:
                rule = _Rule("value", number)
                edges.append(_Edge(value.producer, r.operation, wait, r.distance, rule))
        return edges

    def _long_circle(self, limit: int) -> set[_Rule] | None:
        """Return the dependences of a circle that is longer than the intervals it spans."""
        start = dict.fromkeys((v.id for v in self.problem.operations), 0)
        last: dict[str, _Edge] = {}
        raised: str | None = None
        for _ in range(len(start) + 1):
            raised = None
            for edge in self._edges():
                least = start[edge.before] + edge.wait - edge.distance * limit
                if least > start[edge.after]:
                    start[edge.after], last[edge.after] = least, edge
                    raised = edge.after
            if raised is None:
                return None
        # Behind what is still raised lies a circle: after as many steps back it is reached.
        at = raised or ""
        for _ in range(len(start)):
            at = last[at].before
        found: set[_Rule] = set()
        begin = at
        while True:
            found.add(last[at].rule)
            at = last[at].before
            if at == begin:
                return found

    def _busy_unit(self, limit: int) -> set[_Rule] | None:
        """Return the uses of a unit that take more cycles than an interval has."""
        for number, unit in enumerate(self.problem.units):
            uses = {
                _Rule("use", v, part): use.amount * use.cycles
                for v, operation in enumerate(self.problem.operations)
                for part, use in enumerate(operation.uses)
                if use.unit == unit.id
            }
            if sum(uses.values()) > unit.capacity * limit:
                return {_Rule("unit", number), *uses}
        return None

    def core(self, parts: Sequence[Sequence[int]], budget: Budget) -> list[int] | None:
        """Name no conflict ahead of the search."""
        del parts, budget
        return None

    def holds(self, rules: Sequence[int], budget: Budget) -> bool | None:
        """Look for a pipeline of what is left of the problem with these rules alone."""
        arrays = compile_loop(self._reduced({self.rules[k] for k in rules}))
        return answer_to(lambda board: _has_pipeline(arrays, board, budget), budget)

    def _reduced(self, kept: set[_Rule]) -> LoopProblem:
        problem = self.problem
        units = {u.id for k, u in enumerate(problem.units) if _Rule("unit", k) in kept}
        memories = {m.id for k, m in enumerate(problem.memories) if _Rule("memory", k) in kept}
        operations = []
        for number, v in enumerate(problem.operations):
            uses = tuple(
                use
                for part, use in enumerate(v.uses)
                if use.unit in units and _Rule("use", number, part) in kept
            )
            changes = {
                "uses": uses,
                "issue": v.issue if _Rule("issue", number) in kept else 0,
                "warps": v.warps if _Rule("warps", number) in kept else (),
                "variable": v.variable and _Rule("variable") in kept,
            }
            operations.append(v.model_copy(update=changes))
        values = [x for k, x in enumerate(problem.values) if _Rule("value", k) in kept]
        waits = [
            Dependence(before=x.producer, after=r.operation, distance=r.distance)
            for x in values
            if x.memory not in memories
            for r in x.readers
        ]
        links = [d for k, d in enumerate(problem.dependences) if _Rule("dependence", k) in kept]
        return LoopProblem(
            operations=tuple(operations),
            units=problem.units,
            memories=problem.memories,
            dependences=(*links, *waits),
            values=tuple(x for x in values if x.memory in memories),
            warps=problem.warps,
            sync=problem.sync if _Rule("sync") in kept else 0,
            interval_limit=problem.interval_limit if _Rule("interval") in kept else None,
        )


def _has_pipeline(arrays: LoopArrays, board: Board[Any], budget: Budget) -> bool | None:
    """Tell whether there is a pipeline at any interval, the longest first.

    A pipeline in units of several cycles, which is found sooner, is one in cycles.
    """
    attempts = Attempts(board, budget)
    floor = interval_bound(arrays)
    for unit in coarse_units(arrays) if floor <= arrays.longest_interval else ():
        coarse = coarsened(arrays, unit)
        if unit > 1 and interval_bound(coarse) <= coarse.longest_interval:
            found, _ = attempts.at(coarse, coarse.longest_interval)
            if found is not None:
                return True
    for interval in range(arrays.longest_interval, floor - 1, -1):
        found, refuted = attempts.at(arrays, interval)
        if not refuted:
            return None if found is None else True
    return False


def _cycles(count: int) -> str:
    return f"{count} cycle{'s' * (count != 1)}"


def _earlier(distance: int) -> str:
    return f" of {distance} iteration{'s' * (distance > 1)} before" if distance else ""


def _later(distance: int) -> str:
    return f" of {distance} iteration{'s' * (distance > 1)} later" if distance else ""
