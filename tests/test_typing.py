"""What type checkers know of an answer; ``assert_type`` is judged where the tests' types are."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import pytest

import scheduling as sch
from scheduling.models.base import Problem, Solution, Violation
from scheduling.models.checking import _CHECKERS
from scheduling.models.front import ParetoFront
from scheduling.models.memory.problem import Buffer, MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.models.placement.problem import PlacementProblem
from scheduling.planner.results import PlanResult
from scheduling.simulator.schedule.simulate import Simulation
from scheduling.solvers.explain import Explanation
from scheduling.solvers.placement.explaining.explanation import PlacementExplanation

ANSWERED = [(problem, answer) for problem, answer, _ in _CHECKERS if answer is not ParetoFront]


@pytest.mark.parametrize(("problem", "answer"), ANSWERED, ids=lambda kind: kind.__name__)
def test_each_kind_names_its_solution(problem: type[Problem], answer: type[Solution]) -> None:
    tree = ast.parse(Path(inspect.getfile(problem)).read_text(encoding="utf-8"))
    [kind] = [node for node in tree.body if getattr(node, "name", None) == problem.__name__]
    [stated] = [
        ast.unparse(node.returns)
        for node in ast.walk(kind)
        if isinstance(node, ast.FunctionDef) and node.name == "_solved" and node.returns
    ]
    assert stated == answer.__name__


def test_a_solve_knows_its_solution() -> None:
    buffer = Buffer(id="a", start=0, end=2, size=3)
    packed = sch.solve(MemoryProblem(buffers=(buffer,)), time_limit=60.0)
    assert_type(packed, MemorySolution)
    assert isinstance(packed, MemorySolution)
    model = sch.ScheduleModel()
    model.add_task(model.add_job(), duration=2)
    problem = model.build()
    scheduled = sch.solve(problem, work_limit=1.0)
    assert_type(scheduled, sch.ScheduleSolution)
    assert isinstance(scheduled, sch.ScheduleSolution)
    assert_type(sch.check(problem, scheduled), list[Violation])
    assert_type(sch.explain(problem), Explanation)


def test_what_is_read_may_be_of_any_kind() -> None:
    problem = sch.read("bundled:ft06")
    assert_type(problem, Problem)
    assert_type(sch.solve(problem, "dispatch"), Any)
    assert isinstance(problem, sch.ScheduleProblem)
    assert_type(sch.solve(problem, "dispatch"), sch.ScheduleSolution)


if TYPE_CHECKING:

    def _other_calls(fleet: Problem, shop: sch.ScheduleProblem, pods: PlacementProblem) -> None:
        assert_type(sch.plan(fleet), PlanResult)
        assert_type(sch.simulate(shop), Simulation)
        assert_type(sch.pareto(shop), ParetoFront)
        assert_type(sch.explain(pods), PlacementExplanation)
        assert_type(sch.read_solution("solution.json"), Solution)
