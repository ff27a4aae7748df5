"""The checker of loops: every rule broken once; faults of problems; round trips."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.instances.documents import read_json_problem, write_json_problem
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from tests.loops import loops

WORKED: dict[str, Any] = {
    "kind": "loop",
    "operations": [
        {"id": "load", "latency": 2, "uses": [{"unit": "copy", "cycles": 2}], "variable": True},
        {"id": "mul", "latency": 3, "issue": 2, "uses": [{"unit": "core", "cycles": 2}]},
        {"id": "sum", "latency": 1, "uses": [{"unit": "core", "cycles": 1}], "warps": ["y"]},
    ],
    "units": [{"id": "copy"}, {"id": "core"}],
    "memories": [{"id": "shared", "capacity": 2}],
    "values": [
        {"id": "tile", "producer": "load", "memory": "shared", "size": 1}
        | {"readers": [{"operation": "mul"}]}
    ],
    "dependences": [
        {"before": "mul", "after": "sum"},
        {"before": "sum", "after": "sum", "distance": 1},
    ],
    "warps": ["x", "y"],
    "sync": 1,
}
GOOD = {"load": 0, "mul": 3, "sum": 8}


def broken(warps: dict[str, str] | None = None, interval: int = 3, **starts: int) -> set[str]:
    on = {"load": "x", "mul": "y", "sum": "y"} | (warps or {})
    at = GOOD | starts
    length = max(at["load"] + 2, at["mul"] + 3, at["sum"] + 1)
    tiers = [
        {"name": name, "objective": value, "bound": value, "gap": 0.0}
        for name, value in (("interval", interval), ("length", length))
    ]
    document = {
        "kind": "loop",
        "status": "optimal",
        "tiers": tiers,
        "objective": interval,
        "bound": interval,
        "gap": 0.0,
        "interval": interval,
        "stages": -(-length // interval),
        "starts": [{"operation": k, "start": at[k], "warp": on[k]} for k in at],
    }
    problem = LoopProblem.model_validate(WORKED)
    return {v.constraint for v in sch.check(problem, LoopSolution.model_validate(document))}


def test_a_valid_pipeline_passes() -> None:
    assert broken() == set()


@pytest.mark.parametrize(
    ("warps", "interval", "starts", "rule"),
    [
        ({}, 3, {"sum": 5}, "dependence"),
        ({}, 3, {"mul": 2}, "dependence"),
        ({}, 3, {"sum": 7}, "capacity"),
        ({}, 3, {"sum": 7}, "issue"),
        ({}, 1, {}, "capacity"),
        ({"sum": "x"}, 3, {}, "warp"),
        ({"load": "y"}, 3, {}, "variable"),
        ({}, 3, {"mul": 6, "sum": 11}, "memory"),
    ],
)
def test_every_rule_is_checked(
    warps: dict[str, str], interval: int, starts: dict[str, int], rule: str
) -> None:
    assert rule in broken(warps, interval, **starts)


def _changed(**fields: Any) -> dict[str, Any]:
    return {**WORKED, **fields}


CIRCLE = [{"before": "mul", "after": "sum"}, {"before": "sum", "after": "mul", "latency": 0}]


@pytest.mark.parametrize(
    ("document", "place", "words"),
    [
        (_changed(dependences=CIRCLE), "dependences", "mul -> sum -> mul"),
        (_changed(dependences=[{"before": "mul", "after": "x"}]), "dependences[0].after", "'x'"),
        (_changed(units=[{"id": "core"}]), "operations[0].uses[0].unit", "'copy'"),
        (_changed(warps=["x"]), "operations[2].warps", "'y'"),
        (
            _changed(operations=[{"id": "load", "latency": -1}, *WORKED["operations"][1:]]),
            "operations[0].latency",
            "-1",
        ),
        (
            _changed(
                operations=[
                    {
                        "id": "load",
                        "latency": 2,
                        "uses": [{"unit": "copy", "cycles": 2, "amount": 2}],
                    },
                    *WORKED["operations"][1:],
                ]
            ),
            "operations[0].uses",
            "2 of 'copy' at once ('load')",
        ),
        (_changed(values=[{**WORKED["values"][0], "size": 3}]), "values[0].size", "3 ('tile')"),
    ],
)
def test_faults_are_named(document: dict[str, Any], place: str, words: str) -> None:
    with pytest.raises(InputError) as raised:
        LoopProblem.model_validate(document)
    fault = raised.value.faults[0]
    assert fault.place == place
    assert words in fault.found


@given(problem=loops())
def test_files_keep_loops(problem: LoopProblem) -> None:
    assert read_json_problem(write_json_problem(problem), "loop") == problem


def test_an_interval_above_its_limit_is_found() -> None:
    problem = LoopProblem.model_validate(
        {"kind": "loop", "operations": [{"id": "a", "latency": 2}], "interval_limit": 3}
    )
    wide = problem.model_copy(update={"interval_limit": None})
    answer = sch.solve(wide, "ims", work_limit=1)
    tiers = tuple(
        tier.model_copy(update={"objective": 5, "gap": 0.8}) if tier.name == "interval" else tier
        for tier in answer.tiers
    )
    late = answer.model_copy(
        update={"interval": 5, "stages": 1, "tiers": tiers, "objective": 5, "gap": 0.8}
        | {"status": "feasible"}
    )
    assert not sch.check(wide, late)
    assert [(v.constraint, v.amount) for v in sch.check(problem, late)] == [("interval", 2)]


def test_each_warp_has_registers_of_its_own() -> None:
    """Two values of 2 are live at once: they fit into 3 on two warps, and not on one."""
    document = {
        "kind": "loop",
        "operations": [{"id": "a", "latency": 2}, {"id": "b", "latency": 2}],
        "memories": [{"id": "registers", "capacity": 3, "per_warp": True}],
        "values": [
            {"id": name.upper(), "producer": name, "memory": "registers", "size": 2}
            for name in ("a", "b")
        ],
        "warps": ["x", "y"],
    }
    problem = LoopProblem.model_validate(document)
    answer: LoopSolution = sch.solve(problem, "cp-sat", work_limit=5, workers=1)
    assert {entry.warp for entry in answer.starts} == {"x", "y"}
    one = tuple(
        entry.model_copy(update={"warp": "x", "start": number})
        for number, entry in enumerate(answer.starts)
    )
    found = sch.check(problem, answer.model_copy(update={"starts": one}))
    assert ("memory", "'registers of x' in cycle 1", 1) in [
        (v.constraint, v.where, v.amount) for v in found
    ]
    with pytest.raises(InputError, match=r"memories\[0\]\.per_warp: found a loop without warps"):
        LoopProblem.model_validate(document | {"warps": []})
