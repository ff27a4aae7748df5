"""Bounds of tables by what groups of each size have in common: against all groups and orders."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.models.table.arrays import Lines
from scheduling.models.table.bounds import chain_bound
from scheduling.models.table.problem import TableProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.table.family import CompiledTable
from scheduling.solvers.table.fronts import Fronts
from scheduling.solvers.table.kernels.fronts import bound_rows
from tests.properties import examples
from tests.solving import solve

UNIT = Budget(deadline=None, work=1.0, workers=1, seed=0)


def table(lines: int, columns: int, texts: int, seed: int) -> TableProblem:
    """Return a table of short texts, many of them equal."""
    rng = np.random.default_rng(seed)
    length = rng.integers(0, 10, (columns, texts))
    cells = rng.integers(0, texts, (lines, columns))
    rows = tuple(
        tuple(f"{'x' * int(length[field, k])}{k}" for field, k in enumerate(row)) for row in cells
    )
    return TableProblem(fields=tuple(f"f{k}" for k in range(columns)), rows=rows)


def bound(problem: TableProblem, budget: Budget = UNIT) -> int | None:
    """Return what fronts say that no order saves more than."""
    board: Board[Lines] = Board(0, (), 0.0)
    Fronts().search(CompiledTable(problem), board, budget, None)
    return None if board.bound is None else -board.bound


@examples(60)
@given(st.integers(2, 8), st.integers(1, 5), st.integers(1, 3), st.integers(0, 10**6))
def test_what_groups_of_each_size_have_in_common(
    lines: int, columns: int, texts: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    value = np.unique(rng.integers(0, texts, (lines, columns)), axis=0)
    weight = rng.integers(0, 10, (columns, texts))[np.arange(columns), value]
    count = len(value)
    exact = np.zeros(count)
    for size in range(2, count + 1):
        most = np.zeros(count, np.int64)
        for group in combinations(range(count), size):
            same = (value[list(group)] == value[group[0]]).all(axis=0)
            for row in group:
                most[row] = max(most[row], weight[row] @ same)
        exact += most / (size * (size - 1))
    for most_work in (10**6, 5, 0):
        found, cut = np.zeros(count), np.ones(count, np.bool_)
        bound_rows(value, weight, np.arange(count), most_work, found, cut)
        assert (found > exact - 1e-9).all()
        assert found[~cut] == pytest.approx(exact[~cut])
        assert most_work < 10**6 or not cut.any()


@examples(100)
@given(st.integers(2, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 10**6))
def test_no_order_saves_more(lines: int, columns: int, texts: int, seed: int) -> None:
    problem = table(lines, columns, texts, seed)
    best = solve(problem, "dynamic-program", work_limit=5, workers=1).objective
    most = bound(problem)
    assert most is None or most >= best


def test_dense_tables_of_more_fields_than_a_word_has_bits() -> None:
    problem = table(25, 70, 2, seed=1)
    data = CompiledTable(problem)
    by_chains = chain_bound(data.arrays, data.groups)
    most = bound(problem)
    assert most is not None
    assert most < 0.8 * by_chains
    answer = solve(problem, work_limit=3, workers=1)
    assert answer.objective <= answer.bound <= most


def test_bounds_of_rows_beyond_the_budget_stay() -> None:
    problem = table(150, 10, 4, seed=2)
    data = CompiledTable(problem)
    by_chains = chain_bound(data.arrays, data.groups)
    none, some, all_rows = (
        bound(problem, Budget(deadline=None, work=work, workers=1, seed=0))
        for work in (1e-9, 0.05, 1.0)
    )
    assert all_rows is not None
    assert none is not None
    assert some is not None
    assert all_rows < none < by_chains
    assert all_rows <= some <= none
