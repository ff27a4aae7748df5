"""Flows over spines: least congestion, few splits, the fewest by brute force, checks, charts."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, product
from math import gcd
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.instances.network.random_networks import leaf_flows
from scheduling.models.base import Status
from scheduling.models.spines.arrays import Part, SpineArrays, compile_spines
from scheduling.models.spines.bounds import most_groups, splits_bound
from scheduling.models.spines.packing import fewest_splits, fits_whole
from scheduling.models.spines.problem import Flow, LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.report.charts import write_chart
from scheduling.report.spines.chart import loads, sentence
from scheduling.solvers.linear.highs import relax
from scheduling.solvers.linear.model import LinearModel
from scheduling.solvers.linear.result import Limits
from scheduling.solvers.spines.spreading import matchings
from tests.properties import examples


@st.composite
def fabrics(draw: st.DrawFn, *, equal: bool = False, most: int = 8) -> LeafSpine:
    last = draw(st.integers(1, 4))
    flows = tuple(
        Flow(
            source=f"l{draw(st.integers(0, last))}",
            target=f"l{draw(st.integers(0, last))}",
            size=0.3 if equal else draw(st.integers(1, 9)) / 10,
        )
        for _ in range(draw(st.integers(1, most)))
    )
    return LeafSpine(spines=draw(st.integers(1, 4)), flows=flows)


def _found(problem: LeafSpine, name: str, seed: int = 0) -> tuple[LeafSpineSolution, float, int]:
    answer: LeafSpineSolution = sch.solve(problem, name, work_limit=20, workers=1, seed=seed)
    congestion, splits = answer.tiers
    assert congestion.objective is not None
    assert splits.objective is not None
    return answer, congestion.objective, int(splits.objective)


def _ideal(problem: LeafSpine) -> float:
    """Return the least congestion, in whole tenths over the spines."""
    leaves: Counter[tuple[str, str]] = Counter()
    for flow in problem.flows:
        leaves["up", flow.source] += round(10 * flow.size)
        leaves["down", flow.target] += round(10 * flow.size)
    return max(leaves.values()) / 10 / problem.spines


@examples(30)
@given(fabrics())
def test_few_splits_reach_the_least_congestion(problem: LeafSpine) -> None:
    ideal = _ideal(problem)
    for name in ("spray", "few-splits"):
        answer, congestion, splits = _found(problem, name)
        assert congestion == pytest.approx(ideal, rel=1e-15)
        assert answer.tiers[0].closed
        assert max(map(max, loads(problem, answer))) == pytest.approx(ideal, rel=1e-9)
        ends = {flow.source for flow in problem.flows}, {flow.target for flow in problem.flows}
        assert name == "spray" or splits <= (problem.spines - 1) * sum(map(len, ends))
    _, congestion, splits = _found(problem, "least-loaded")
    assert ideal * (1 - 1e-15) <= congestion <= problem.spines * ideal * (1 + 1e-9)
    for seed in range(2):
        _, congestion, splits = _found(problem, "ecmp", seed)
        assert splits == 0
        assert congestion >= ideal * (1 - 1e-15)


@examples(20)
@given(fabrics() | fabrics(equal=True))
@example(LeafSpine(spines=4, flows=(Flow(source="l0", target="l1", size=1.0),) * 2))
def test_the_program_splits_no_more(problem: LeafSpine) -> None:
    few = _found(problem, "few-splits")[2]
    answer, _, splits = _found(problem, "mip")
    assert answer.status is Status.OPTIMAL
    assert splits_bound(compile_spines(problem)) <= splits <= few


@examples(40)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 5))
def test_flows_and_links_fall_apart_into_few_groups(lengths: list[int], links: int) -> None:
    most = 0
    for chosen in product(range(len(lengths)), repeat=len(lengths)):
        sums: Counter[int] = Counter()
        for length, group in zip(lengths, chosen, strict=True):
            sums[group] += length
        if all(held * links % sum(lengths) == 0 for held in sums.values()):
            most = max(most, len(sums))
    assert most <= most_groups(tuple(lengths), links) <= min(len(lengths), links)


def test_unequal_flows_of_a_full_leaf_are_proven_by_formula() -> None:
    flows = (*(Flow(source="a", target="b", size=0.1) for _ in range(6)),)
    problem = LeafSpine(spines=4, flows=(*flows, Flow(source="a", target="b", size=0.3)))
    # Nothing short of all flows sums to whole links of 0.225: one group of 4 links.
    assert splits_bound(compile_spines(problem)) == 3
    assert _found(problem, "few-splits")[0].status is Status.OPTIMAL
    long = LeafSpine(spines=4, flows=(Flow(source="a", target="b", size=8), *flows[:1]))
    assert splits_bound(compile_spines(long)) == 3


def _fewest(arrays: SpineArrays) -> int:
    """Try every set of spines for every flow, by a program of shares each."""
    sets = [
        chosen
        for count in range(1, arrays.spines + 1)
        for chosen in combinations(range(arrays.spines), count)
    ]
    order = sorted(product(sets, repeat=len(arrays.size)), key=lambda one: sum(map(len, one)))
    return next(sum(map(len, one)) - len(arrays.size) for one in order if _feasible(arrays, one))


def _feasible(arrays: SpineArrays, chosen: tuple[tuple[int, ...], ...]) -> bool:
    pairs = [(flow, spine) for flow, spines in enumerate(chosen) for spine in spines]
    model = LinearModel("shares")
    share = model.add_columns("share", len(pairs))
    flows = np.array([flow for flow, _ in pairs])
    model.add_rows("whole", len(chosen), flows, share, 1.0, lower=1.0, upper=1.0)
    for side, held in zip(arrays.ends, arrays.leaves, strict=True):
        link = np.array([side[flow] * arrays.spines + spine for flow, spine in pairs])
        loads = arrays.size[flows] / arrays.limit
        model.add_rows("link", len(held) * arrays.spines, link, share, loads, upper=1 + 1e-7)
    return relax(model, Limits()).values is not None


@examples(6)
@given(fabrics(most=3) | fabrics(equal=True, most=3))
def test_the_fewest_splits_are_those_of_all_choices(problem: LeafSpine) -> None:
    small = problem.model_copy(update={"spines": min(problem.spines, 3)})
    arrays = compile_spines(small)
    fewest = _fewest(arrays)
    assert splits_bound(arrays) <= fewest
    assert _found(small, "auto")[2] == fewest


@examples(60)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(1, 5), st.integers(0, 9))
def test_a_leaf_splits_as_often_as_its_best_groups(
    lengths: list[int], links: int, room: int
) -> None:
    each = -(-sum(lengths) // links) + room
    best = len(lengths) + links
    for chosen in product(range(len(lengths)), repeat=len(lengths)):
        sums: Counter[int] = Counter()
        for length, group in zip(lengths, chosen, strict=True):
            sums[group] += length
        needs = [-(-held // each) for held in sums.values()]
        if sum(needs) <= links:
            best = min(best, sum(needs) - len(needs))
    sizes = [length / each for length in lengths]
    assert fewest_splits(sizes, links, 1e-9) == best
    assert best == 0 or not fits_whole(sizes, links)


def test_unequal_flows_of_many_leaves_are_proven() -> None:
    problem = leaf_flows(deviation=0.5, seed=1)
    answer = sch.solve(problem, work_limit=50, workers=1)
    assert answer.status is Status.OPTIMAL
    assert splits_bound(compile_spines(problem)) == answer.tiers[1].objective == 4


def test_a_split_counts_for_a_source_and_a_target() -> None:
    def flow(source: str, target: str) -> Flow:
        return Flow(source=source, target=target, size=1.0)

    apart = (flow("a", "x"), flow("a", "y"), flow("a", "z"), flow("b", "w"), flow("c", "w"))
    problem = LeafSpine(spines=2, flows=(*apart, flow("d", "w")))
    # Links carry 1.5: three flows over two of them split once, at the source a and the target w.
    assert splits_bound(compile_spines(problem)) == 2
    assert _found(problem, "auto")[2] == 2
    joined = LeafSpine(spines=2, flows=(*apart, flow("a", "w")))
    assert _found(joined, "auto")[0].status is Status.OPTIMAL


@examples(25)
@given(st.integers(2, 9), st.integers(1, 9), st.integers(1, 9), st.integers(0, 99))
def test_equal_flows_of_equal_leaves_are_split_fewest_times(
    count: int, degree: int, spines: int, seed: int
) -> None:
    problem = leaf_flows(leaves=count, degree=degree, spines=spines, seed=seed)
    found = matchings(compile_spines(problem))
    assert sorted(flow for matching in found for flow in matching) == list(range(count * degree))
    for matching in found:
        flows = [problem.flows[flow] for flow in matching]
        assert len({flow.source for flow in flows}) == len({flow.target for flow in flows}) == count
    answer, _, splits = _found(problem, "few-splits")
    assert answer.status is Status.OPTIMAL
    # Whole numbers of m-th parts, so that loads are exact.
    units = [round(part.size * spines) for part in answer.parts]
    assert [part.size for part in answer.parts] == [unit / spines for unit in units]
    times = Counter(problem.flows[part.flow].source for part in answer.parts)
    least = spines - gcd(degree, spines)
    assert set(times.values()) == {degree + least}
    assert splits == splits_bound(compile_spines(problem)) == count * least


@examples(25)
@given(fabrics(equal=True))
def test_equal_flows_are_cut_in_few_matchings(problem: LeafSpine) -> None:
    arrays = compile_spines(problem)
    degree = max(len(inside) for side in arrays.leaves for inside in side)
    cuts = problem.spines - gcd(degree, problem.spines)
    splits = _found(problem, "few-splits")[2]
    assert splits_bound(arrays) <= splits <= cuts * min(map(len, arrays.leaves))
    found = matchings(arrays)
    assert len(found) == degree
    for side in arrays.leaves:
        for inside in side:
            assert all(len(set(matching) & set(inside)) <= 1 for matching in found)


def test_the_least_loaded_spines_are_near_even() -> None:
    problem = leaf_flows(leaves=16, spines=8, degree=24, deviation=0.5)
    answer, congestion, splits = _found(problem, "least-loaded")
    bound = answer.tiers[0].bound
    assert bound is not None
    assert congestion <= 1.35 * bound
    assert 0 < splits < 7 * len(problem.flows)


def test_hashing_is_far_from_even() -> None:
    problem = leaf_flows(leaves=16, spines=8, degree=12)
    mean = fmean(_found(problem, "ecmp", seed)[1] for seed in range(20))
    assert mean >= 1.2 * _ideal(problem)


FABRIC = LeafSpine(
    spines=2,
    flows=(Flow(source="a", target="b", size=3), Flow(source="b", target="c", size=1)),
)


def _claimed(*parts: tuple[int, int, float]) -> set[str]:
    tiers = [
        {"name": "congestion", "objective": 2.0, "bound": 1.5, "gap": 0.25},
        {"name": "splits", "objective": 1, "bound": 0, "gap": 1.0},
    ]
    document: dict[str, Any] = {
        "status": "feasible",
        "tiers": tiers,
        **{key: tiers[0][key] for key in ("objective", "bound", "gap")},
        "parts": [{"flow": f, "spine": s, "size": size} for f, s, size in parts],
    }
    answer = LeafSpineSolution.model_validate(document)
    return {violation.constraint for violation in sch.check(FABRIC, answer)}


def test_each_rule_is_checked() -> None:
    good = ((0, 0, 2.0), (0, 1, 1.0), (1, 0, 1.0))
    assert _claimed(*good) == set()
    assert _claimed(*good[1:]) == {"flow"}
    assert _claimed(*good, good[0]) >= {"part", "flow"}
    assert _claimed(*good[:2], (1, 2, 1.0)) == {"spine"}
    assert _claimed(*good, (2, 0, 1.0)) == {"flow"}
    assert _claimed(*good[:2], (1, 0, 0.9)) == {"flow"}
    assert _claimed((0, 0, 3.0), (1, 0, 1.0)) == {"objective"}


def test_files_and_charts(tmp_path: Path) -> None:
    problem = generate("leaf-flows", {"seed": 2, "deviation": 0.5})
    sch.write(problem, tmp_path / "flows.yaml")
    assert sch.read(tmp_path / "flows.yaml") == problem
    answer = _found(FABRIC, "auto")[0]
    assert sentence(FABRIC, answer) == (
        "flows: busiest link 1.5 (proven least), 1 splits (proven least)"
    )
    assert loads(FABRIC, answer) == ([1.5, 1.5, 1.0], [1.5, 1.5, 1.0])
    write_chart(FABRIC, answer, tmp_path / "links.svg")
    assert "least congestion" in (tmp_path / "links.svg").read_text(encoding="utf-8")
    none = LeafSpineSolution(status=Status.UNKNOWN)
    assert sentence(FABRIC, none) == "flows: no parts (unknown)"
    parts = Part(0, 0, 1.5), Part(0, 1, 1.5), Part(1, 0, 1.0)
    assert compile_spines(FABRIC).congestion(parts) == compile_spines(FABRIC).least


def test_sizes_whose_shares_would_round_to_nothing_are_refused() -> None:
    fabric = {"kind": "leaf-spine", "spines": 3, "flows": [{"source": "a", "target": "b"}]}
    flows = [{"source": "a", "target": name, "size": 1e-100} for name in "bcd"]
    least = LeafSpine.model_validate(fabric | {"flows": flows})
    for name in ("auto", "few-splits", "spray", "least-loaded"):
        answer, congestion, _ = _found(least, name)
        assert congestion == pytest.approx(1e-100, rel=1e-7)
        assert sch.check(least, answer) == []
    with pytest.raises(sch.InputError, match=r"flows\[0\].size: found 5e-324"):
        LeafSpine.model_validate(fabric | {"flows": [flows[0] | {"size": 5e-324}]})
