"""Few splits by annealing and programs: never more than without, kept loads, the same each time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

import scheduling as sch
from scheduling.instances.network.random_networks import leaf_flows
from scheduling.models.base import Status
from scheduling.models.spines.arrays import SpineArrays, compile_spines
from scheduling.models.spines.bounds import splits_bound
from scheduling.models.spines.problem import Flow, LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.spines.kernels.annealing import anneal
from scheduling.solvers.spines.shares import Shares, shares_of, spread
from scheduling.solvers.spines.spreading import few_splits
from tests.properties import examples

FREE = Budget(None, None, 1, 0)


@st.composite
def networks(draw: st.DrawFn) -> LeafSpine:
    leaves = st.integers(0, draw(st.integers(1, 5)))
    unit = draw(st.sampled_from([1.0, 1e-9, 1e9, 1 / 3]))
    flows = tuple(
        Flow(
            source=f"l{draw(leaves)}",
            target=f"l{draw(leaves)}",
            size=draw(st.integers(1, 9)) * unit * draw(st.sampled_from([1, 1, 1, 1e-8])),
        )
        for _ in range(draw(st.integers(1, 14)))
    )
    return LeafSpine(spines=draw(st.integers(1, 5)), flows=flows)


def _splits(answer: LeafSpineSolution) -> int:
    congestion, splits = answer.tiers
    assert congestion.closed
    assert splits.objective is not None
    return int(splits.objective)


@examples(40)
@given(networks())
def test_annealing_splits_no_more_than_few_splits(problem: LeafSpine) -> None:
    few = sch.solve(problem, "few-splits", work_limit=1, workers=1)
    answer = sch.solve(problem, "annealing", work_limit=3, workers=1)
    assert sch.check(problem, answer) == []
    assert splits_bound(compile_spines(problem)) <= _splits(answer)
    if few.tiers[0].closed:
        assert _splits(answer) <= _splits(few)


@pytest.mark.parametrize("seed", range(3))
def test_annealing_splits_few_flows_of_networks(seed: int) -> None:
    problem = leaf_flows(deviation=0.5, seed=seed)
    few = sch.solve(problem, "few-splits", work_limit=1, workers=1)
    answer = sch.solve(problem, "annealing", work_limit=4, workers=1, seed=seed)
    assert 3 * _splits(answer) <= _splits(few)
    again = sch.solve(problem, "annealing", work_limit=4, workers=1, seed=seed)
    assert answer.parts == again.parts


def test_annealing_begins_with_a_hint() -> None:
    problem = leaf_flows(deviation=0.5, seed=0)
    best = sch.solve(problem, "annealing", work_limit=6, workers=1)
    again = sch.solve(problem, "annealing", work_limit=1, workers=1, hint=best)
    assert _splits(again) <= _splits(best)


def test_equal_flows_are_proven_at_once() -> None:
    answer = sch.solve(leaf_flows(spines=4, degree=6), "annealing", work_limit=1, workers=1)
    assert answer.status is Status.OPTIMAL


def test_more_shares_than_memory_holds_are_refused() -> None:
    flows = tuple(Flow(source="a", target="b", size=1 + k) for k in range(201))
    problem = LeafSpine(spines=10_000, flows=flows)
    with pytest.raises(sch.UnsupportedError, match="2010000 shares"):
        sch.solve(problem, "annealing", work_limit=1)


def _too_much(arrays: SpineArrays, place: NDArray[np.int64]) -> float:
    total = 0.0
    for ends, leaves in zip(arrays.ends, arrays.leaves, strict=True):
        load = np.zeros((len(leaves), arrays.spines))
        np.add.at(load, (np.array(ends), place), arrays.size / arrays.limit)
        full = load > 1.0 + 1e-9
        total += float((load[full] - 1.0 + 0.2).sum())
    return total


@examples(30)
@given(networks(), st.integers(0, 999))
def test_annealed_flows_overload_links_no_more(problem: LeafSpine, seed: int) -> None:
    arrays = compile_spines(problem)
    rng = np.random.default_rng(seed)
    place = rng.integers(arrays.spines, size=len(arrays.size))
    first, second = map(len, arrays.leaves)
    ends = np.array(arrays.ends) + np.array([[0], [first]])
    size, given_place = arrays.size / arrays.limit, place.copy()
    found = anneal(size, ends, first + second, arrays.spines, place, 500, rng)
    assert (place == given_place).all()
    assert ((found >= 0) & (found < arrays.spines)).all()
    assert _too_much(arrays, found) <= _too_much(arrays, place) + 1e-9


@examples(30)
@given(networks(), st.integers(0, 999))
def test_shares_of_some_flows_keep_all_links_within_the_least_congestion(
    problem: LeafSpine, seed: int
) -> None:
    arrays = compile_spines(problem)
    # Engines keep rows within 1e-7: which spine a smaller flow takes is nothing to them.
    assume(arrays.size.min() > 1e-6 * arrays.limit)
    parts = few_splits(arrays, FREE)
    assert parts is not None
    share, rng = shares_of(arrays, parts), np.random.default_rng(seed)
    flows = np.flatnonzero(rng.random(len(arrays.size)) < 0.5)
    flows = flows if len(flows) else np.arange(len(arrays.size))
    price = rng.random((len(flows), arrays.spines))
    found = Shares(arrays, Board(1, (arrays.least,), 0.0), FREE).few(share, flows, price)
    assert found is not None
    others = np.setdiff1d(np.arange(len(arrays.size)), flows)
    assert (found[others] == share[others]).all()
    assert found.sum(axis=1) == pytest.approx(1.0)
    within = spread(arrays, found > 0)
    assert within is not None
    assert arrays.congestion(within) == arrays.least
    assert spread(arrays, found > 0, seconds=0.0) is None
