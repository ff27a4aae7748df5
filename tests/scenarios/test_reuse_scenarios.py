"""Scenarios of what is kept and used again: their formulas, their checks, and their bounds."""

from __future__ import annotations

from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.scenarios import cache_craft, icecache, kvshare, polar, semantic_cache
from scheduling.scenarios.scenario import Run
from scheduling.solvers.driver import solve


def test_kvshare_orders_and_tokens_meet_their_optima() -> None:
    rate, shortest, tokens = kvshare.run(Run(1e6))
    assert shortest.gap == 0
    assert tokens.gap == 0
    assert rate.baseline_value is not None
    assert shortest.value < rate.value < rate.baseline_value


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_the_shortest_remaining_prefill_goes_first(work: list[int]) -> None:
    found = np.array(work)
    best = min(
        kvshare.mean_completion(np.array(order), found) for order in permutations(range(len(work)))
    )
    shortest = np.argsort(found, kind="stable")
    assert kvshare.mean_completion(shortest, found) == pytest.approx(best)


def test_icecache_covers_nine_tenths_of_the_best_tokens() -> None:
    best, index = icecache.run(Run(20))
    for row in (best, index):
        assert row.gap is not None
        assert 0 <= row.gap <= 0.1
    assert index.value <= best.value
    keys, _ = icecache.keys_and_queries(seed=5)
    pages = icecache.clustered(keys[:1000], 16)
    assert np.bincount(pages).tolist() == [16] * 62 + [8]


@given(st.integers(0, 20), st.integers(1, 3))
def test_the_pages_with_most_attention_are_the_best_ones(seed: int, loaded: int) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.dirichlet(np.ones(12), 2)
    pages = rng.permutation(np.arange(12) // 3)
    found = icecache.covered(weight, pages, loaded)
    for row, values in enumerate(weight):
        tried = [
            sum(values[page == pages].sum() for page in chosen)
            for chosen in combinations(range(4), loaded)
        ]
        assert found[row] == pytest.approx(max(tried))


@given(st.permutations(range(6)), st.integers(0, 4), st.permutations(range(6)), st.integers(0, 4))
def test_overheads_of_chunks(first: list[int], old: int, second: list[int], new: int) -> None:
    found = cache_craft.corpus(seed=4)
    chunk = 7
    before, behind = tuple(first[:old]), tuple(second[:new])
    share = cache_craft.overhead(found, chunk, before, behind, alpha=0.8)
    assert 0 <= share <= 0.8
    assert cache_craft.overhead(found, chunk, before, before) == 0
    if before and not set(before) & set(behind):
        assert cache_craft.overhead(found, chunk, before, behind) >= 0.5


def test_chunks_in_reverse_order_are_of_no_use() -> None:
    found = cache_craft.corpus(seed=4)
    turned = cache_craft.overhead(found, 7, (1, 2, 3), (3, 2, 1))
    partly = cache_craft.overhead(found, 7, (1, 2, 3), (2, 1, 3))
    assert 0 < partly < turned
    assert turned == cache_craft.overhead(found, 7, (1, 2, 3), ())


def test_no_store_is_below_the_bound() -> None:
    found = cache_craft.corpus(seed=1)
    asked = cache_craft.queries(3, found)[:60]
    bound = cache_craft.replayed(found, asked, None)
    values = [cache_craft.replayed(found, asked, stored) for stored in (150, 20, 1)]
    assert bound <= min(values)
    assert cache_craft.replayed(found, asked, 0) == sum(
        int(found.tokens[chunk]) for chunk, _ in cache_craft.uses(asked)
    )
    for row in cache_craft.run(Run(20)):
        assert row.ratio is not None
        assert row.ratio < 0.49
        assert row.gap is not None
        assert 0 <= row.gap < 0.6


def test_regret_of_adapters_grows_slower_than_requests() -> None:
    found = polar.world(seed=3, requests=2000)
    bound = polar.worth_bound(found)
    best = polar.fixed(found, polar.best_kept(found.worth))
    assert best.sum() <= bound
    for plus in (False, True):
        gained = polar.learned(found, plus=plus)
        assert gained.sum() <= bound
        assert polar.slope(np.cumsum(best - gained)) <= 0.6


def test_polar_plus_is_better_than_a_memory_that_stays() -> None:
    rows = {row.method: row for row in polar.run(Run(20))}
    plus = rows["POLAR+"]
    assert plus.ratio is not None
    assert plus.ratio > 1.1
    assert plus.gap is not None
    assert 0 < plus.gap < 0.1


def test_the_best_memory_is_found_among_all() -> None:
    worth = np.random.default_rng(2).normal(0.0, 1.0, (40, polar.ADAPTERS))
    kept = polar.best_kept(worth)
    found = polar.World(worth, np.eye(polar.ADAPTERS), np.zeros(40))
    values = {
        chosen: polar.fixed(found, chosen).sum()
        for chosen in [(0, 1, 2, 3), (3, 5, 7, 9), (11, 12, 13, 14), kept]
    }
    assert max(values, key=lambda chosen: values[chosen]) == kept


def test_epochs_cover_all_requests_once() -> None:
    for doubling in (False, True):
        found = polar.epochs(1234, doubling=doubling)
        assert found[0][0] == 0
        assert found[-1][1] == 1234
        assert all(end == begin for (_, end), (begin, _) in pairwise(found))
        assert all(begin % 100 == 0 for begin, _ in found)


def test_quotas_of_concave_categories_are_best_possible() -> None:
    expected, counted = semantic_cache.run(Run(20))
    assert expected.gap == 0
    assert expected.baseline_value is not None
    assert expected.value > expected.baseline_value
    assert "break-even 17.1 % remote, 1.1 % hybrid" in expected.verdict
    assert counted.gap is not None
    assert 0 < counted.gap < 0.25
    assert counted.baseline_value is not None
    assert counted.value < counted.baseline_value


@given(st.integers(0, 8))
def test_small_quotas_equal_brute_force(entries: int) -> None:
    few = tuple(
        semantic_cache.Category(str(k), rate, 5, skew)
        for k, (rate, skew) in enumerate([(0.5, 0.3), (0.3, 1.0), (0.2, 2.0)])
    )
    problem = semantic_cache.quota_problem(few, entries)
    found = solve(problem, "marginal", time_limit=1e6)
    tables = [claim.gains for claim in problem.claims]
    best = max(
        tables[0][a] + tables[1][b] + tables[2][c]
        for a in range(len(tables[0]))
        for b in range(len(tables[1]))
        for c in range(len(tables[2]))
        if a + b + c <= entries
    )
    assert found.objective == best
