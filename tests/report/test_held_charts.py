"""Charts of caches, packings, experts, orders and tiers: what is drawn agrees with the checks."""

from __future__ import annotations

from itertools import pairwise
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given

import scheduling as sch
from scheduling.instances.files import write, write_solution
from scheduling.instances.generators import generate
from scheduling.models.base import Problem, Solution
from scheduling.models.caching.problem import CachedObject, CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.offload.problem import OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.models.ordering.problem import OrderingProblem
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.models.tiers.check import check_tiers
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import TieredSolution
from scheduling.report.caching import chart as caching
from scheduling.report.charts import write_chart
from scheduling.report.experts import chart as experts
from scheduling.report.ordering import chart as ordering
from scheduling.report.packing import chart as packing
from scheduling.report.results.charts.registry import own_charts
from scheduling.report.results.content import LINE, Boxes, Lines
from scheduling.report.results.reading import read_results
from scheduling.report.tiers import chart as tiers
from tests.caching import caching_problems
from tests.properties import examples


def answer(problem: Problem, solver: str) -> Any:
    return sch.solve(problem, solver, work_limit=1, seed=1)


@examples(40)
@given(caching_problems())
def test_misses_add_up_to_the_cost_and_what_is_held_fits(problem: CachingProblem) -> None:
    found = answer(problem, "belady")
    course = caching.course(problem, found)
    assert course.request.tolist() == list(range(len(problem.requests)))
    assert course.missed[-1] == found.objective
    cost = {entry.id: entry.cost for entry in problem.objects}
    assert course.without[-1] == sum(cost[name] for names in problem.requests for name in names)
    assert (course.held <= problem.capacity).all()
    kept = caching.stays(problem, found)
    spans = [(name, one) for name, some in kept.items() for one in some]
    assert sum(one.saves for _, one in spans) == course.without[-1] - course.missed[-1]
    assert sum(one.uses for _, one in spans) == len(found.stays)
    for stay in found.stays:
        around = [one for one in kept[stay.object] if one.since <= stay.since < one.until]
        assert [stay.until <= one.until for one in around] == [True]


def test_long_traces_keep_their_totals_and_their_peaks() -> None:
    problem = generate("cache-trace", {"objects": 300, "requests": 5000, "share": 0.5})
    assert isinstance(problem, CachingProblem)
    found = answer(problem, "lru")
    course = caching.course(problem, found)
    assert len(course.request) == caching.MOST_POINTS
    assert course.missed[-1] == found.objective
    there = np.zeros(len(problem.requests), int)
    for stay in found.stays:
        there[max(stay.since + 1, 0) : stay.until + 1] += 1
    assert course.held.max() == there.max()
    kept = caching.stays(problem, found)
    assert len(kept) == caching.MOST_ROWS
    saved = [sum(one.saves for one in spans) for spans in kept.values()]
    assert saved == sorted(saved, reverse=True)
    assert own_charts(problem, found)[2].title == (
        f"What is kept when, the {caching.MOST_ROWS} objects that save most"
    )


def test_what_is_kept_for_nothing_is_told_apart() -> None:
    pinned = CachedObject(id="p", cost=5, pinned=True)
    after = CachedObject(id="q", cost=3, after="r")
    objects = (pinned, after, CachedObject(id="r", cost=1))
    asked = (("p",), ("r", "q"), ("p",), ("r", "q"))
    problem = CachingProblem(capacity=2, objects=objects, requests=asked)
    # The continuation is kept without what it continues.
    stays = [{"object": "p", "since": 0, "until": 2}, {"object": "q", "since": 1, "until": 3}]
    found = CachingSolution.model_validate(
        {
            "kind": "caching",
            "status": "feasible",
            "objective": 13,
            "tiers": [{"name": "cost", "objective": 13}],
            "stays": stays,
        }
    )
    assert sch.check(problem, found) == []
    chart = own_charts(problem, found)[2]
    assert isinstance(chart, Boxes)
    assert dict(zip(chart.names, chart.groups, strict=True)) == {"p": 0, "q": 1}
    assert list(chart.notes) == ["1 hit saves 5", "saves nothing"]


def test_chunks_are_drawn_from_full_to_empty() -> None:
    problem = PackingProblem(name="five", chunk_tokens=10, lengths=(25, 6, 5, 4, 20))
    found: PackingSolution = answer(problem, "best-fit")
    assert found.objective == 7
    places, tokens = packing.fills(problem, found)
    filled = np.interp(range(1, 8), places, tokens)
    assert filled.tolist() == [10, 10, 10, 10, 10, 5, 5]
    low = packing.emptiest(problem, found)
    assert [(chunk.name, chunk.tokens) for chunk in low][-1] == ("chunk 0", 10)
    assert {chunk.name for chunk in low[:2]} == {"chunk 1", "last of sequence 0"}
    assert packing.sentence(problem, found).startswith("five: 7 chunks, 85.7% full")
    curve, boxes = own_charts(problem, found)
    assert isinstance(curve, Lines)
    assert isinstance(boxes, Boxes)
    assert [tuple(mark) for mark in boxes.marks] == [("size of a chunk", 10)]
    assert max(boxes.right) <= 10


def test_loads_of_devices_are_those_of_the_check() -> None:
    problem = generate("expert-layer", {"experts": 24, "devices": 4, "slots": 8})
    assert isinstance(problem, ExpertProblem)
    found = answer(problem, "eplb")
    held = {entry.device: entry.experts[:3] for entry in found.fillings}
    devices = [
        device.model_copy(update={"holds": tuple(set(held[device.id]))})
        for device in problem.devices
    ]
    problem = problem.model_copy(update={"devices": tuple(devices), "max_load": 20000.0})
    rows, shares = experts.shares(problem, found)
    ends = [max(share.end for share in shares if share.row == row) for row in range(len(rows))]
    assert ends == sorted(ends, reverse=True)
    assert ceil(1000 * ends[0] - 1e-3) == found.tiers[0].objective
    assert sum(share.copies for share in shares) == 32
    kept = {(share.device, share.expert) for share in shares if not share.copied}
    assert kept == {(name, expert) for name, some in held.items() for expert in some}
    named = dict(experts.references(problem, found))
    assert named["mean"] == pytest.approx(sum(ends) / 4)
    assert named["limit"] == 20000.0
    assert "largest load" in experts.sentence(problem, found)


def test_the_chain_of_transactions_reaches_from_start_to_end() -> None:
    problem = generate("transactions", {"transactions": 25, "keys": 8, "seed": 1})
    assert isinstance(problem, OrderingProblem)
    found = answer(problem, "append")
    runs = ordering.runs(problem, found)
    of = {run.transaction: run for run in runs}
    assert [run.transaction for run in runs] == list(found.order)
    assert max(run.end for run in runs) == found.objective
    chain = [run for run in runs if run.chain]
    assert chain[0].start == 0
    assert chain[0].waits is None
    assert chain[-1].end == found.objective
    for one, other in pairwise(chain):
        assert other.waits == one.transaction
    # Without the one that it waits for, a transaction of the chain would start earlier.
    last = chain[-1]
    assert last.waits is not None
    assert of[last.waits].end > last.start - max(len(t.split()) for t in problem.transactions)


def test_memories_over_time_end_when_the_program_does() -> None:
    problem = generate("tensor-program", {"steps": 12, "weights": 5, "seed": 1})
    assert isinstance(problem, TieredProblem)
    found: TieredSolution = answer(problem, "density")
    assert check_tiers(problem, found) == []
    run = tiers.run(problem, found)
    assert run is not None
    assert run.edges[-1] == found.objective
    for memory, taken in zip(problem.memories, run.taken, strict=True):
        assert memory.capacity is None or taken.max() <= memory.capacity
    charts = own_charts(problem, found)
    assert [chart.title for chart in charts] == [
        *(f"{memory.id} over time" for memory in problem.memories),
        "Where each tensor is",
    ]
    rows = charts[-1]
    assert isinstance(rows, Boxes)
    assert set(rows.names) == {tensor.id for tensor in problem.tensors}
    nowhere = found.model_copy(update={"residences": ()})
    assert tiers.run(problem, nowhere) is None


def test_lines_below_prompts_and_regions_say_when_they_may_run() -> None:
    for name, solver, title in (
        ("prompts", "fcfs", "Prompts over time"),
        ("spot-capacity", "greedy", "Instances over time"),
    ):
        problem = generate(name)
        (chart,) = own_charts(problem, answer(problem, solver))
        assert isinstance(chart, Boxes)
        assert chart.title == title
        for low, high, group in zip(chart.low, chart.high, chart.groups, strict=True):
            assert (low % 1 > 0.78) is (group == LINE)
            assert int(low) == int(high)


@pytest.mark.parametrize(
    ("name", "solver"),
    [
        ("cache-trace", "lru"),
        ("token-sequences", "best-fit"),
        ("expert-layer", "eplb"),
        ("transactions", "append"),
    ],
)
def test_pictures_are_the_same_again_and_need_no_answer(
    tmp_path: Path, name: str, solver: str
) -> None:
    problem = generate(name)
    found: Solution = answer(problem, solver)
    for number in range(2):
        write_chart(problem, found, tmp_path / f"{number}.svg")
    assert (tmp_path / "0.svg").read_bytes() == (tmp_path / "1.svg").read_bytes()
    none = type(found).model_validate({"kind": found.kind, "status": "unknown"})
    write_chart(problem, none, tmp_path / "none.svg")
    assert b"(unknown)" in (tmp_path / "none.svg").read_bytes()
    assert own_charts(problem, none) == []


@pytest.mark.parametrize(
    ("name", "solver", "chart"),
    [
        ("model-layers", "window", "GPUs over time, two steps"),
        ("leaf-flows", "ecmp", "Loads of the links"),
        ("site-ring", "nearest", "Rate of each link"),
        ("training-run", "young", "Waste over the interval between copies"),
        ("federated-clients", "compass", "Arrival of each model"),
        ("mobile-tasks", "least-loaded", "Tasks on their servers"),
        ("spot-capacity", "greedy", "Instances over time"),
        ("random-table", "sorted", "Characters shared so far"),
        ("prompts", "fcfs", "Prompts over time"),
        ("tensor-program", "density", "Where each tensor is"),
        ("cache-trace", "lru", "Cost of the misses so far"),
        ("token-sequences", "best-fit", "Fill of the chunks"),
        ("expert-layer", "eplb", "Load of each device"),
        ("transactions", "append", "Transactions over time"),
    ],
)
def test_each_kind_of_answer_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, solver: str, chart: str
) -> None:
    monkeypatch.chdir(tmp_path)
    problem = generate(name)
    write(problem, tmp_path / "instance.yaml")
    write_solution(sch.solve(problem, solver, work_limit=0.1), tmp_path / "answer.json")
    (section,) = read_results(["instance.yaml", "answer.json"])
    assert chart in {entry.title for entry in section.charts}


def test_uploads_end_where_the_tasks_begin() -> None:
    problem = generate("mobile-tasks", {"tasks": 6})
    assert isinstance(problem, OffloadProblem)
    found: OffloadSolution = answer(problem, "least-loaded")
    (boxes,) = own_charts(problem, found)
    assert isinstance(boxes, Boxes)
    lines = {boxes.low[k] // 1: k for k, group in enumerate(boxes.groups) if group == LINE}
    runs = {boxes.low[k] // 1: k for k, group in enumerate(boxes.groups) if group != LINE}
    assert set(lines) == set(runs) == set(range(6))
    arrivals = sorted(task.arrival_seconds for task in problem.tasks)
    assert [boxes.left[lines[row]] for row in range(6)] == arrivals
    for row in range(6):
        assert boxes.right[lines[row]] == boxes.left[runs[row]]
        assert "is uploaded" in boxes.names[lines[row]]


def test_links_stand_beside_the_least_congestion() -> None:
    problem = generate("leaf-flows")
    found: LeafSpineSolution = answer(problem, "ecmp")
    (lines,) = own_charts(problem, found)
    assert isinstance(lines, Lines)
    *loads, least = lines.series
    assert [one.name for one in loads] == ["up", "down"]
    assert least.dashed
    assert set(least.y) == {found.tiers[0].bound}
    assert least.x == [1, max(len(one.x) for one in loads)]


def test_bars_of_a_pipeline_are_short_for_their_micro_batch() -> None:
    """Where a name does not fit, a bar shows its last word."""
    problem = generate("model-layers")
    (boxes,) = own_charts(problem, answer(problem, "window"))
    assert isinstance(boxes, Boxes)
    assert all(name.split()[-2] == "micro-batch" for name in boxes.names)
    assert {name.split()[-1] for name in boxes.names} == {str(number) for number in range(8)}
