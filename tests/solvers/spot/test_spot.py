"""Jobs on spot capacity: the dynamic program against all choices, rules, checks, charts."""

from __future__ import annotations

from itertools import groupby, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.spot.random_capacity import spot_capacity
from scheduling.models.base import Status
from scheduling.models.spot.arrays import compile_spot
from scheduling.models.spot.bounds import cost_bound
from scheduling.models.spot.problem import SpotProblem
from scheduling.models.spot.solution import SpotSolution
from scheduling.report.charts import write_chart
from scheduling.report.spot.chart import sentence
from scheduling.solvers.spot.family import FAMILY
from tests.properties import examples
from tests.solving import solve


def _spans(ticks: list[bool]) -> list[dict[str, int]]:
    found, at = [], 0
    for has, group in groupby(ticks):
        length = len(list(group))
        if has:
            found.append({"start": at, "end": at + length})
        at += length
    return found


@st.composite
def jobs(draw: st.DrawFn) -> SpotProblem:
    deadline = draw(st.integers(2, 6))
    flags = st.lists(st.booleans(), min_size=deadline, max_size=deadline)
    regions = [
        {"id": f"r{k}", "price": draw(st.integers(0, 3)), "available": _spans(draw(flags))}
        for k in range(draw(st.integers(0, 2)))
    ]
    return SpotProblem.model_validate(
        {
            "work": draw(st.integers(1, deadline)),
            "deadline": deadline,
            "changeover": draw(st.integers(0, 2)),
            "on_demand_price": draw(st.integers(1, 4)),
            "regions": regions,
        }
    )


def _least(problem: SpotProblem) -> int | None:
    """Try every instance, or none, in every tick; a row of ticks is one run."""
    price: dict[str | None, int] = {None: problem.on_demand_price}
    price |= {region.id: region.price for region in problem.regions}
    has = {
        region.id: {tick for span in region.available for tick in range(span.start, span.end)}
        for region in problem.regions
    }
    best: list[int] = []
    for plan in product(["idle", *price], repeat=problem.deadline):
        if any(name in has and tick not in has[str(name)] for tick, name in enumerate(plan)):
            continue
        runs = [(name, len(list(group))) for name, group in groupby(plan) if name != "idle"]
        done = sum(max(0, length - problem.changeover) for _, length in runs)
        if done >= problem.work:
            best.append(sum(price[name] * length for name, length in runs))
    return min(best, default=None)


@examples(30)
@given(jobs())
def test_the_dynamic_program_is_best_and_bounds_hold(problem: SpotProblem) -> None:
    least = _least(problem)
    for name in ("dynamic-program", "auto", "uniform-progress", "greedy", "on-demand"):
        answer = solve(problem, name, work_limit=1)
        if least is None:
            assert answer.status is Status.INFEASIBLE, name
            continue
        assert answer.bound <= least <= answer.objective, name
        if name in ("dynamic-program", "auto"):
            assert (answer.objective, answer.status) == (least, Status.OPTIMAL), name
    bound = cost_bound(compile_spot(problem))
    assert (bound is None) == (least is None)


WORKED: dict[str, Any] = {
    "work": 10,
    "deadline": 16,
    "changeover": 1,
    "regions": [
        {"id": "east", "available": [{"start": 0, "end": 5}, {"start": 9, "end": 13}]},
        {"id": "west", "available": [{"start": 4, "end": 8}]},
    ],
}
JOB = SpotProblem.model_validate(WORKED)


def _claimed(*runs: tuple[str | None, int, int], cost: int = 22) -> set[str]:
    gap = (cost - 10) / cost
    document = {
        "status": "feasible",
        "objective": cost,
        "bound": 10,
        "gap": gap,
        "tiers": [{"name": "cost", "objective": cost, "bound": 10, "gap": gap}],
        "runs": [{"region": region, "start": a, "end": b} for region, a, b in runs],
    }
    return {v.constraint for v in sch.check(JOB, SpotSolution.model_validate(document))}


def test_each_rule_is_checked() -> None:
    east, west, late = ("east", 0, 5), ("west", 5, 8), (None, 9, 14)
    assert _claimed(east, west, late, cost=23) == set()
    assert _claimed(east, west, late) == {"objective"}
    assert _claimed(east, west, (None, 9, 13)) == {"work"}
    assert _claimed(east, ("west", 4, 8), late) == {"one instance"}
    assert _claimed(east, ("west", 5, 9), late) == {"capacity"}
    assert _claimed(east, ("south", 5, 8), late) == {"region"}
    assert _claimed(east, west, (None, 12, 17)) == {"deadline"}
    assert "run" in _claimed(east, west, late, (None, 15, 15))


def test_faults_name_their_place() -> None:
    for spans, place in (
        ([{"start": 3, "end": 3}], r"available\[0\].end"),
        ([{"start": 3, "end": 5}, {"start": 4, "end": 6}], r"available\[1\].start"),
    ):
        with pytest.raises(InputError, match=place):
            SpotProblem.model_validate({**WORKED, "regions": [{"id": "a", "available": spans}]})


def test_long_jobs_files_and_charts(tmp_path: Path) -> None:
    problem = spot_capacity(seed=1)
    sch.write(problem, tmp_path / "job.yaml")
    assert sch.read(tmp_path / "job.yaml") == problem
    best = solve(problem, work_limit=1)
    assert best.status is Status.OPTIMAL
    costs = [solve(problem, name, work_limit=1).objective for name in ("greedy", "on-demand")]
    assert best.objective < min(costs)
    found = solve(JOB, work_limit=1)
    assert sentence(JOB, found).endswith("proven least")
    write_chart(JOB, found, tmp_path / "runs.svg")
    assert "on demand" in (tmp_path / "runs.svg").read_text(encoding="utf-8")
    facts = FAMILY.describe(JOB)
    assert facts["ticks_with_spot_capacity"] == 12
    assert facts["bounds_by_formula"]["cost"] <= found.objective
    assert sentence(JOB, SpotSolution(status=Status.UNKNOWN)).endswith("(unknown)")


TRACE = '{"metadata": {"gap_seconds": 1200}, "data": [2, 2, 0, 1, 2, 2, 2, 0]}\n'


def test_published_traces_are_read(tmp_path: Path) -> None:
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_text(TRACE, encoding="utf-8")
    second.write_text(TRACE.replace("[2, 2, 0,", "[0, 0, 0,"), encoding="utf-8")
    problem = sch.read(f"{first}#b.json", "spot-trace:2")
    assert isinstance(problem, SpotProblem)
    assert (problem.work, problem.deadline, problem.changeover) == (6, 8, 1)
    spans = [[(span.start, span.end) for span in r.available] for r in problem.regions]
    assert [region.id for region in problem.regions] == ["a", "b"]
    # A tick with one of two instances has no capacity for the job.
    assert spans == [[(0, 2), (4, 7)], [(4, 7)]]
    assert sch.check(problem, solve(problem, work_limit=5, workers=1)) == []
    with pytest.raises(InputError, match="at least 180, the deadline"):
        sch.read(first)
    with pytest.raises(UnsupportedError, match="read only"):
        sch.write(problem, tmp_path / "c.json", "spot-trace")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("1200", "0", "line 1, metadata.gap_seconds"),
        ("1200", "NaN", "NaN"),
        ("[2, 2", "[2, -2", r"line 1, data\[1\]"),
        ("[2, 2", "[2, 2.5", r"line 1, data\[1\]"),
        (', "data": [2, 2, 0, 1, 2, 2, 2, 0]', "", "data"),
        ("0]}", "0", "the end"),
        ("1200", "1e-3", "fewer hours"),
    ],
)
def test_broken_traces_are_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(TRACE.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        sch.read(path, "spot-trace:2")


def test_zones_of_other_ticks_are_refused(tmp_path: Path) -> None:
    first = tmp_path / "a.json"
    first.write_text(TRACE, encoding="utf-8")
    (tmp_path / "b.json").write_text(TRACE.replace("1200", "600"), encoding="utf-8")
    with pytest.raises(InputError, match="1200, as before"):
        sch.read(f"{first}#b.json", "spot-trace:2")
    with pytest.raises(InputError, match="no such file"):
        sch.read(f"{first}#c.json", "spot-trace:2")


@pytest.mark.shared
def test_a_published_trace_is_solved(shared_data: Path) -> None:
    folder = shared_data / "spot_availability/availability/1-node/aws-02-15-2023"
    problem = sch.read(folder / "us-west-2a_v100_1.json")
    assert isinstance(problem, SpotProblem)
    assert (problem.work, problem.deadline, problem.changeover) == (886, 1108, 4)
    assert solve(problem, work_limit=5, workers=1).status is Status.OPTIMAL
