"""Packing of sequences: optimum, bound, check, order of passes, files."""

from __future__ import annotations

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.generators import generate
from scheduling.models.base import Status
from scheduling.models.packing.arrays import compile_packing
from scheduling.models.packing.bounds import chunks_bound
from scheduling.models.packing.order import Step, most_kept, passes_again, state_aware_order
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.solvers.packing.stock import CuttingStock, richest, worths
from tests.properties import examples


@st.composite
def packings(draw: st.DrawFn) -> PackingProblem:
    size = draw(st.integers(1, 12))
    lengths = draw(st.lists(st.integers(1, 20), min_size=1, max_size=8))
    return PackingProblem(chunk_tokens=size, lengths=tuple(lengths))


def _optimum(problem: PackingProblem) -> int:
    """Fill chunks with every subset of what is left that has the first sequence."""
    short = [length for length in problem.lengths if length <= problem.chunk_tokens]
    whole = (1 << len(short)) - 1

    def weight(mask: int) -> int:
        return sum(length for k, length in enumerate(short) if mask >> k & 1)

    @cache
    def least(left: int) -> int:
        if not left:
            return 0
        first = left & -left
        part, best = left, len(short)
        while part:
            if part & first and weight(part) <= problem.chunk_tokens:
                best = min(best, 1 + least(left ^ part))
            part = (part - 1) & left
        return best

    return least(whole) + problem.own_chunks


@examples(30)
@given(packings())
def test_solvers_find_the_optimum_between_bound_and_rule(problem: PackingProblem) -> None:
    best = _optimum(problem)
    rule: PackingSolution = sch.solve(problem, "best-fit")
    exact: PackingSolution = sch.solve(problem, "auto", work_limit=5, workers=1)
    assert exact.objective == best
    assert exact.status is Status.OPTIMAL
    assert chunks_bound(compile_packing(problem)) + problem.own_chunks <= best
    assert best <= (rule.objective or 0) <= 11 / 9 * best + 6 / 9 + 1e-9
    for answer in (rule, exact):
        assert sch.check(problem, answer) == []


@examples(30)
@given(packings())
def test_patterns_are_between_their_bound_and_the_rule(problem: PackingProblem) -> None:
    found: PackingSolution = sch.solve(problem, "patterns", work_limit=1, workers=1)
    rule: PackingSolution = sch.solve(problem, "best-fit")
    best = _optimum(problem)
    assert found.bound is not None
    assert found.objective is not None
    assert found.bound <= best <= found.objective <= (rule.objective or 0)
    assert sch.check(problem, found) == []


@examples(40)
@given(
    st.lists(st.tuples(st.integers(1, 12), st.integers(0, 30)), min_size=1, max_size=5),
    st.integers(1, 14),
)
def test_the_best_pattern_is_that_of_all(kinds: list[tuple[int, int]], capacity: int) -> None:
    lengths, prices = (np.array(column) for column in zip(*kinds, strict=True))
    tried = [
        int(prices @ counts)
        for counts in product(*(range(capacity // length + 1) for length in lengths.tolist()))
        if int(lengths @ counts) <= capacity
    ]
    worth = worths(lengths, prices, capacity)
    pattern = richest(lengths, prices, worth, capacity)
    assert worth[capacity] == prices[pattern].sum() == max(tried)
    assert lengths[pattern].sum() <= capacity


@examples(40)
@given(packings(), st.integers(1, 6))
def test_prices_of_few_knots_prove_a_bound(problem: PackingProblem, knots: int) -> None:
    arrays = compile_packing(problem)
    if not len(arrays.length):
        return
    kinds, counts = np.unique(arrays.length, return_counts=True)
    stock = CuttingStock(kinds, counts, arrays.size, knots)
    stock.solve(1000, lambda: False)
    exact = CuttingStock(kinds, counts, arrays.size, len(kinds) + 1)
    exact.solve(1000, lambda: False)
    # With a price for each length the bound is that of all fractions of patterns.
    assert stock.bound <= exact.bound <= _optimum(problem) - problem.own_chunks
    assert exact.bound >= exact.shares().sum() - 1e-3
    for pattern in stock.patterns:
        assert kinds[list(pattern)].sum() <= arrays.size


def test_triplets_that_fill_chunks_are_found_where_best_fit_leaves_room() -> None:
    rng = np.random.default_rng(3)
    first = rng.integers(85, 115, 700)
    second = rng.integers(65, 80, 700)
    lengths = (*first.tolist(), *second.tolist(), *(240 - first - second).tolist())
    problem = PackingProblem(chunk_tokens=240, lengths=lengths)
    rule: PackingSolution = sch.solve(problem, "best-fit")
    found: PackingSolution = sch.solve(problem, "auto", work_limit=1, workers=1)
    assert found.solver is not None
    assert "patterns" in found.solver
    assert found.bound == 700
    assert found.objective is not None
    assert 700 <= found.objective <= 710 < (rule.objective or 0)


@examples(60)
@given(packings())
def test_bound_is_below_the_optimum(problem: PackingProblem) -> None:
    assert chunks_bound(compile_packing(problem)) + problem.own_chunks <= _optimum(problem)


@examples(40)
@given(packings(), packings(), st.sampled_from(["auto", "cp-sat", "patterns", "best-fit"]))
def test_hints_that_fit_another_problem_mislead_nobody(
    problem: PackingProblem, other: PackingProblem, solver: str
) -> None:
    hint: PackingSolution = sch.solve(other, "best-fit")
    answer: PackingSolution = sch.solve(problem, solver, work_limit=5, workers=1, hint=hint)
    assert answer.bound is not None
    assert answer.bound <= _optimum(problem) <= (answer.objective or 0)


def test_long_sequences_in_short_chunks_come_near_their_bound() -> None:
    rng = np.random.default_rng(1)
    lengths = np.clip(rng.normal(2900, 800, 2000), 40, 4096).astype(int)
    problem = PackingProblem(chunk_tokens=8192, lengths=tuple(lengths.tolist()))
    rule: PackingSolution = sch.solve(problem, "best-fit")
    found: PackingSolution = sch.solve(problem, "patterns", work_limit=20, workers=1)
    assert sch.check(problem, found) == []
    assert found.gap is not None
    assert rule.gap is not None
    assert found.gap < 0.006 < 0.02 < rule.gap


def test_chunks_of_a_million_tokens_are_counted_in_larger_units() -> None:
    rng = np.random.default_rng(2)
    lengths = rng.integers(1, 500_000, 300)
    problem = PackingProblem(chunk_tokens=10**6, lengths=tuple(lengths.tolist()))
    found: PackingSolution = sch.solve(problem, "patterns", work_limit=4, workers=1)
    assert sch.check(problem, found) == []
    assert found.gap is not None
    assert found.gap <= 0.02


def test_changed_answers_are_caught() -> None:
    problem = PackingProblem(chunk_tokens=10, lengths=(6, 5, 4, 25))
    answer: PackingSolution = sch.solve(problem, work_limit=1, workers=1)
    assert answer.objective == 5
    wrong = {
        "unpacked": ((0, 2),),
        "twice": ((0, 2), (1,), (1,)),
        "too full": ((0, 1), (2,)),
        "long ones": ((0, 2), (1, 3)),
        "empty": ((0, 2), (1,), ()),
        "unknown": ((0, 2), (1, 7)),
    }
    for chunks in wrong.values():
        assert sch.check(problem, answer.model_copy(update={"chunks": chunks}))
    assert sch.check(problem, answer.model_copy(update={"objective": 4}))


@examples(60)
@given(st.integers(1, 12), st.integers(1, 14))
def test_order_of_passes_keeps_to_its_memory(chunks: int, kept: int) -> None:
    steps = state_aware_order(chunks, kept)
    forward = [step for step in steps if step.action == "forward"]
    assert len(forward) == chunks + passes_again(chunks, kept)
    assert most_kept(steps) <= kept
    live: set[int] = set()
    seen: set[int] = set()
    for step in steps:
        if step.action == "forward":
            assert set(range(step.chunk)) <= seen
            seen.add(step.chunk)
            if step.keeps:
                live.add(step.chunk)
        else:
            assert step.chunk in live
            live.discard(step.chunk)
    backward = [step.chunk for step in steps if step.action == "backward"]
    assert backward == list(reversed(range(chunks)))


def test_memory_does_not_depend_on_the_longest_sequence() -> None:
    assert {most_kept(state_aware_order(chunks, 3)) for chunks in (3, 10, 1000)} == {3}
    assert most_kept([Step("forward", k, True) for k in range(5)]) == 5


def test_files_and_facts(tmp_path: Path) -> None:
    problem = generate("token-sequences", {"sequences": 50, "seed": 3})
    sch.write(problem, tmp_path / "lengths.yaml")
    assert sch.read(tmp_path / "lengths.yaml") == problem
    with pytest.raises(sch.InputError, match="chunk_tokens"):
        PackingProblem(chunk_tokens=1, lengths=(10**8,))


@pytest.mark.shared
def test_a_hundred_thousand_real_lengths(shared_data: Path) -> None:
    from scheduling.scenarios.chunkflow import FILES, SEQUENCES, sample
    from scheduling.scenarios.scenario import Run

    lengths = sample(Run(60.0, shared_data), FILES[0], SEQUENCES)
    problem = PackingProblem(chunk_tokens=8192, lengths=lengths)
    answer: PackingSolution = sch.solve(problem, "best-fit", time_limit=30)
    assert answer.gap is not None
    assert answer.gap <= 0.01
