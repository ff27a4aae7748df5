"""What people find in the package, and what calls say of arguments that are none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

import scheduling as sch
from scheduling.errors import UnsupportedError
from scheduling.models.memory.problem import Buffer
from scheduling.models.placement.problem import Node
from scheduling.models.schedule.problem import Task
from scheduling.solvers.schedule.dispatch import Dispatch

CALLS: dict[str, Callable[[Any], Any]] = {
    "solve": sch.solve,
    "explain": sch.explain,
    "pareto": sch.pareto,
    "simulate": sch.simulate,
    "plan": sch.plan,
    "check": lambda problem: sch.check(problem, problem),
}


def test_a_fresh_package_lists_what_people_call_and_loads_nothing_for_it() -> None:
    listed = "import sys, scheduling; print(*dir(scheduling)); print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", listed], capture_output=True, text=True, check=True
    )
    names, loaded = done.stdout.splitlines()
    assert {"solve", "read", "check", "ScheduleModel", "InputError"} <= set(names.split())
    assert set(names.split()) == set(sch.__all__)
    assert loaded == "False"


@pytest.mark.parametrize("name", sch.__all__)
def test_every_public_name_says_what_it_is(name: str) -> None:
    assert (getattr(sch, name).__doc__ or "").strip()


@pytest.mark.parametrize("given", ["shop.yaml", None, {"kind": "schedule"}])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_problem_is_refused_in_words(call: str, given: object) -> None:
    with pytest.raises(sch.InputError, match=r"problem: found .*scheduling\.read"):
        CALLS[call](given)


def test_what_is_no_solution_is_refused_in_words() -> None:
    problem = sch.read("bundled:ft06")
    with pytest.raises(sch.InputError, match="solution: found NoneType"):
        sch.check(problem, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [None, 5, Dispatch])
def test_what_is_no_solver_is_refused_in_words(given: Any) -> None:
    with pytest.raises(sch.InputError, match=r"solver: found .*expected a name, or a solver"):
        sch.solve(sch.read("bundled:ft06"), given)


@pytest.mark.parametrize("name", ["auto:x", "tabu:3", "cp-sat:highs"])
def test_choices_behind_solvers_that_have_none_are_refused(name: str) -> None:
    with pytest.raises(UnsupportedError, match=f"nothing behind its name, found '{name}'"):
        sch.solve(sch.read("bundled:ft06"), name)


def test_a_hint_that_is_no_solution_is_refused_in_words() -> None:
    problem: Any = sch.read("bundled:ft06")
    with pytest.raises(sch.InputError, match="hint: found ScheduleProblem"):
        sch.solve(problem, "dispatch", hint=problem)


@pytest.mark.parametrize(
    ("limit", "given"),
    [
        ("time_limit", "5"),
        ("time_limit", float("nan")),
        ("time_limit", 10**400),
        ("work_limit", "1"),
        ("work_limit", 10**400),
        ("workers", 1.5),
        ("workers", 0),
        ("workers", 10**6),
        ("seed", "7"),
        ("seed", None),
    ],
)
def test_limits_of_other_types_are_refused_by_name(limit: str, given: Any) -> None:
    with pytest.raises(sch.InputError, match=f"{limit}: found"):
        sch.solve(sch.read("bundled:ft06"), "dispatch", **{limit: given})


def test_simulations_refuse_limits_before_a_policy_runs() -> None:
    ran: list[object] = []
    with pytest.raises(sch.InputError, match="workers: found 1000000, expected a whole number"):
        sch.simulate(sch.read("bundled:ft06"), ["SPT"], workers=10**6, on_run=ran.append)
    assert ran == []


@pytest.mark.parametrize(
    ("build", "faults"),
    [
        (lambda: Task(id=5), ["id: found 5", "modes: found nothing"]),  # type: ignore[arg-type, call-arg]
        (lambda: Node(id="", capacity={"cpu": 0.5}), ["id: found ''", "capacity.cpu: found 0.5"]),  # type: ignore[dict-item]
        (lambda: Buffer.model_validate({"name": 3}), ["id: found nothing", "name: found 3"]),
        (lambda: Buffer.model_validate_json('{"id": 3}'), ["id: found 3"]),
    ],
)
def test_parts_built_alone_are_refused_as_whole_problems_are(
    build: Callable[[], object], faults: list[str]
) -> None:
    with pytest.raises(sch.InputError) as caught:
        build()
    for fault in faults:
        assert fault in str(caught.value)
