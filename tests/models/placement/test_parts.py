"""Parts of nodes: faults of the input, the checker, and the dry run of steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given

import scheduling as sch
from scheduling.errors import InputError
from scheduling.models.placement.problem import PlacementProblem
from scheduling.models.placement.solution import PlacementSolution
from scheduling.models.placement.steps import Step, replay
from tests.part_placements import part_problems
from tests.properties import examples

WHOLE = {"kind": "gpu", "options": [{"milli": 1000}]}
HALF = {"kind": "gpu", "options": [{"milli": 500}]}
EITHER = {"kind": "gpu", "options": [{"milli": 600}, {"milli": 400}]}
PAIR = {"kind": "gpu", "count": 2, "options": [{"milli": 1000}]}


def gpu(name: str, link: str) -> dict[str, Any]:
    groups = {"nvlink": link}
    return {"id": name, "kind": "gpu", "capacity": {"milli": 1000}, "groups": groups}


def problem(**changes: Any) -> PlacementProblem:
    parts = [gpu("g0", "0"), gpu("g1", "0"), gpu("g2", "1"), gpu("g3", "1")]
    base: dict[str, Any] = {
        "nodes": [
            {"id": "a", "capacity": {"cpu": 8}, "parts": parts},
            {"id": "b", "capacity": {"cpu": 8}, "parts": parts[:1]},
        ],
        "items": [
            {"id": "run", "node": "a", "shares": [HALF], "parts": [{"part": "g0"}]},
            {"id": "new", "shares": [PAIR], "together": "nvlink", **changes.pop("new", {})},
        ],
        "goals": ["evictions", "moves", "fragments"],
        "fragment": {"resource": "milli", "unit": 1000, "kind": "gpu"},
    }
    return PlacementProblem.model_validate(base | changes)


def solution(*placed: tuple[str, str, str]) -> PlacementSolution:
    entries = []
    for item, node, names in placed:
        pairs = [name.partition(":")[::2] for name in names.split()]
        parts = [{"part": part, "option": int(option or 0)} for part, option in pairs]
        entries.append({"item": item, "node": node, "parts": parts})
    document = {"kind": "placement", "status": "feasible", "placements": entries}
    return PlacementSolution.model_validate(document)


def broken(stated: PlacementProblem, *placed: tuple[str, str, str]) -> set[str]:
    found = sch.check(stated, solution(*placed))
    return {entry.constraint for entry in found} - {"objective"}


RUN = ("run", "a", "g0")


@pytest.mark.parametrize(
    ("new", "names", "constraint"),
    [
        ({}, "g2 g3", None),
        ({}, "g0 g1", "part capacity"),
        ({}, "g1 g2", "parts"),
        ({"together": None}, "g1 g2", None),
        ({}, "g2", "parts"),
        ({}, "g2 g2", "parts"),
        ({}, "g2 g3 g1", "parts"),
        ({}, "g2 g9", "parts"),
        ({}, "g2 g3:1", "parts"),
        ({"shares": [HALF]}, "g0", None),
        ({"shares": [HALF], "together": "numa"}, "g0", "parts"),
        ({"shares": [], "together": None}, "g0", "parts"),
        (
            {"shares": [EITHER]},
            "g0",
            "part capacity",
        ),
        ({"shares": [EITHER]}, "g0:1", None),
        ({"shares": [HALF, {"kind": "numa", "options": [{"memory": 1}]}]}, "g0", "parts"),
    ],
)
def test_parts_are_checked(new: dict[str, Any], names: str, constraint: str | None) -> None:
    found = broken(problem(new=new), RUN, ("new", "a", names))
    assert (constraint in found) if constraint else not found


def test_other_parts_of_the_same_node_are_a_move() -> None:
    stated = problem(max_moves=0)
    assert broken(stated, RUN) == set()
    assert broken(stated, ("run", "a", "g1")) == {"max_moves"}
    pinned = problem(items=[stated.items[0].model_dump() | {"pinned": True}])
    assert broken(pinned, ("run", "a", "g1")) == {"pinned"}


def test_values_of_moves_and_fragments() -> None:
    found = sch.check(problem(), solution(("run", "b", "g0")))
    assert found[0].where.startswith("0 tiers instead of 4")
    tiers = [("unplaced of priority 0", 1), ("evictions", 0), ("moves", 1), ("fragments", 500)]
    certificate = {
        "tiers": [{"name": n, "objective": v, "bound": v, "gap": 0.0} for n, v in tiers],
        "status": "optimal",
        "objective": 1,
        "bound": 1,
        "gap": 0.0,
    }
    stated = solution(("run", "b", "g0")).model_dump(mode="json") | certificate
    assert sch.check(problem(), PlacementSolution.model_validate(stated)) == []


def test_an_overcommitted_part_keeps_what_it_has_and_takes_nothing() -> None:
    runs = {"node": "a", "parts": [{"part": "g0"}]}
    small = {"kind": "gpu", "options": [{"milli": 1}]}
    stated = problem(
        items=[
            {"id": "one", "shares": [WHOLE], **runs},
            {"id": "two", "shares": [HALF], **runs},
            {"id": "new", "shares": [small]},
        ]
    )
    assert broken(stated, ("one", "a", "g0"), ("two", "a", "g0")) == set()
    assert broken(stated, ("two", "a", "g0"), ("new", "a", "g0")) == {"part capacity"}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"nodes": [{"id": "a", "capacity": {}, "parts": [gpu("g0", "0")] * 2}]}, "nodes[0].parts"),
        ({"new": {"shares": [WHOLE, HALF]}}, "items[1].shares"),
        ({"new": {"shares": [{"kind": "gpu", "options": []}]}}, "items[1].shares[0].options"),
        ({"new": {"shares": []}}, "items[1].together"),
        ({"new": {"parts": [{"part": "g0"}]}}, "items[1].parts[0].part"),
        ({"new": {"node": "a"}}, "items[1].parts"),
        ({"new": {"node": "a", "parts": [{"part": "g0"}] * 2}}, "items[1].parts"),
        (
            {"new": {"node": "a", "parts": [{"part": "g2"}, {"part": "g3", "option": 1}]}},
            "items[1].parts[1].option",
        ),
        ({"fragment": None}, "fragment"),
    ],
)
def test_faults_are_named_with_their_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(InputError) as error:
        problem(**change)
    assert place in {fault.place for fault in error.value.faults}


def test_dry_run_looks_at_parts() -> None:
    stated = problem(new={"shares": [HALF], "together": None})
    wanted = solution(RUN, ("new", "b", "g0"))
    step = {"action": "start", "item": "new", "destination": "b", "parts": [{"part": "g0"}]}
    assert list(replay(stated, wanted, [Step.model_validate(step)])) == []
    assert list(replay(stated, wanted, []))
    elsewhere = {"destination": "a", "parts": [{"part": "g1"}]}
    for change in (dict[str, Any](parts=[]), elsewhere):
        assert list(replay(stated, wanted, [Step.model_validate(step | change)]))
    whole = problem(new={"shares": [WHOLE], "together": None})
    full = Step.model_validate({**step, "destination": "a"})
    found = list(replay(whole, solution(RUN, ("new", "a", "g0")), [full]))
    assert "milli" in found[0].where


def test_what_preempts_nothing_takes_no_part_that_others_leave() -> None:
    patient = {"shares": [WHOLE], "together": None, "preempts": False}
    moved = ("run", "a", "g1")
    assert broken(problem(new=patient), moved, ("new", "a", "g2")) == set()
    assert broken(problem(new=patient), moved, ("new", "a", "g0")) == {"preemption"}


@pytest.mark.parametrize("name", ["cluster.yaml", "cluster.json"])
@given(stated=part_problems())
@examples(10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_files_keep_parts(stated: PlacementProblem, name: str, tmp_path: Path) -> None:
    sch.write(stated, tmp_path / name)
    assert sch.read(tmp_path / name) == stated
