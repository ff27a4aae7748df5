"""Orders of tables: the exact solver against all orders, rules, bounds, checks, charts."""

from __future__ import annotations

from collections import Counter
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.generators import generate
from scheduling.instances.table.random_tables import random_table
from scheduling.models.base import Status
from scheduling.models.table.arrays import Line, TableArrays, compile_table
from scheduling.models.table.bounds import chain_bound
from scheduling.models.table.groups import find_groups
from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableSolution
from scheduling.report.charts import write_chart
from scheduling.report.table.chart import lengths, sentence
from scheduling.solvers.table import mip
from scheduling.solvers.table.grouping import grouped
from scheduling.solvers.table.trees import Table
from tests.properties import examples
from tests.solving import solve

RULES = ("as-is", "sorted", "group-recursion")
NOT_EXACT = (*RULES, "trees")
HAND = TableProblem(fields=("a", "b"), rows=(("aa", "x"), ("b", "x"), ("aa", "y")))


@st.composite
def tables(draw: st.DrawFn) -> TableProblem:
    fields = draw(st.integers(1, 3))
    cell = st.sampled_from(("", "x", "yy", "zzz"))
    row = st.tuples(*[cell] * fields)
    rows = draw(st.lists(row, min_size=1, max_size=4))
    return TableProblem(fields=tuple(f"f{k}" for k in range(fields)), rows=tuple(rows))


def test_a_program_without_choices_is_answered() -> None:
    """What the rows have in common all of them have, but for two equal ones; no arc is left."""
    rows = (("xyz0", "x0"), ("xyzxyzxyz1", "x0"), ("xyzxyzxyz1", "x0"), ("xyzxyzxyzxyz2", "x0"))
    answer = solve(TableProblem(fields=("a", "b"), rows=rows), "mip", work_limit=1, workers=1)
    assert answer.status is Status.OPTIMAL


@examples(60)
@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(0, 10**6))
def test_the_program_begins_with_what_lines_save(
    rows: int, fields: int, texts: int, seed: int
) -> None:
    """Some rows are there again; the lines are those of a rule, or drawn for different rows."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, texts, (rows, fields))[rng.integers(0, rows, rows)]
    length = rng.integers(0, 4, (fields, texts))
    arrays = TableArrays(cells, length[np.arange(fields), cells] ** 2)
    place = np.unique(cells, axis=0, return_inverse=True)[1].ravel()
    drawn = tuple(
        Line(row, order)
        for different in rng.permutation(place.max() + 1).tolist()
        for order in [tuple(rng.permutation(fields).tolist())]
        for row in np.flatnonzero(place == different).tolist()
    )
    groups = find_groups(arrays, 10**6)
    ways = mip._ways(groups)
    model, _ = mip._program(groups, ways)
    lower, upper = model.sides()
    for lines in (drawn, grouped(arrays, lambda: False)):
        assert lines is not None
        values = mip._start(arrays, groups, ways, lines)
        assert len(values) == model.n_columns
        assert model.offset + model.costs() @ values <= -arrays.saved(lines)
        for block in model.rows:
            sums = np.zeros(model.n_rows)
            np.add.at(sums, block.row, block.value * values[block.column])
            inside = slice(block.first, block.first + len(block.lower))
            assert (sums[inside] <= upper[inside]).all()
            assert (sums[inside] >= lower[inside]).all()


def _most(problem: TableProblem) -> int:
    """Try all orders of rows and fields, by the texts."""
    orders = list(permutations(range(len(problem.fields))))
    best = 0
    for rows in permutations(range(len(problem.rows))):
        for chosen in product(orders, repeat=len(rows)):
            total = 0
            for k in range(1, len(rows)):
                for one, other in zip(chosen[k - 1], chosen[k], strict=True):
                    text = problem.rows[rows[k]][other]
                    if one != other or problem.rows[rows[k - 1]][one] != text:
                        break
                    total += len(text) ** 2
            best = max(best, total)
    return best


@examples(25)
@given(tables())
def test_the_best_of_all_orders(problem: TableProblem) -> None:
    most = _most(problem)
    arrays = compile_table(problem)
    bounds = [chain_bound(arrays, find_groups(arrays, limit)) for limit in (0, 2, 5, 100)]
    assert most <= bounds[-1] <= min(bounds)
    for name in ("dynamic-program", "mip", "auto"):
        answer = solve(problem, name, work_limit=5, workers=1)
        assert answer.status is Status.OPTIMAL
        assert answer.objective == most
    for name in NOT_EXACT:
        answer = solve(problem, name, work_limit=5, workers=1)
        assert answer.objective <= most <= answer.bound


@examples(15)
@given(st.integers(4, 9), st.integers(1, 4), st.integers(1, 4), st.integers(0, 10**6))
def test_the_program_and_the_dynamic_program_agree(
    lines: int, columns: int, texts: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [tuple("x" * int(k) for k in rng.integers(0, texts + 1, columns)) for _ in range(lines)]
    problem = TableProblem(fields=tuple(f"f{k}" for k in range(columns)), rows=tuple(rows))
    answers = [solve(problem, name, work_limit=5, workers=1) for name in ("mip", "dynamic-program")]
    assert [answer.status for answer in answers] == [Status.OPTIMAL] * 2
    assert answers[0].objective == answers[1].objective
    arrays = compile_table(problem)
    for limit in (0, 10, 10**6):
        assert chain_bound(arrays, find_groups(arrays, limit)) >= answers[0].objective


def _greedy(arrays: TableArrays, rows: list[int], left: tuple[int, ...]) -> list[Line]:
    """Take the text that saves most, in its group and beside it, looked up anew each time."""
    best, found = 0, None
    for field in left:
        for text, count in sorted(Counter(arrays.value[rows, field].tolist()).items()):
            inside = [row for row in rows if arrays.value[row, field] == text]
            if arrays.weight[inside[0], field] * (count - 1) > best:
                best = int(arrays.weight[inside[0], field]) * (count - 1)
                found = field, inside
    if found is None:
        return [Line(row, left) for row in rows]
    field, inside = found
    others = tuple(other for other in left if other != field)
    lines = [Line(row, (field, *fields)) for row, fields in _greedy(arrays, inside, others)]
    beside = [row for row in rows if row not in set(inside)]
    return lines + (_greedy(arrays, beside, left) if beside else [])


@examples(60)
@given(st.integers(1, 25), st.integers(1, 6), st.integers(1, 5), st.integers(0, 10**6))
def test_groups_are_taken_by_what_they_save(
    lines: int, columns: int, texts: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    value = rng.integers(0, texts, (lines, columns))
    weight = rng.integers(0, 4, (columns, texts))[np.arange(columns), value]
    arrays = TableArrays(value, weight)
    assert list(grouped(arrays)) == _greedy(arrays, list(range(lines)), tuple(range(columns)))
    stopped = grouped(arrays, lambda: True)
    assert [line.row for line in stopped] == list(range(lines))


def test_groups_are_found_until_the_time_is_up() -> None:
    arrays = compile_table(random_table(lines=60, columns=6, seed=4))
    everything = find_groups(arrays, 10**6)
    assert everything.complete
    assert all(
        len(everything.members[head]) < len(everything.members[tail])
        and set(everything.members[head]) < set(everything.members[tail])
        and gain
        == arrays.weight[everything.rows[everything.members[head][0]]]
        @ (everything.common[head] & ~everything.common[tail])
        for tail, head, gain in zip(everything.tail, everything.head, everything.gain, strict=True)
    )
    stopped = find_groups(arrays, 10**6, lambda: True)
    assert not stopped.complete
    assert len(stopped.tail) == 0
    assert chain_bound(arrays, stopped) > chain_bound(arrays, everything)


def test_tables_of_many_rows_are_proven() -> None:
    problem = random_table(lines=200, columns=6, seed=0)
    answer = solve(problem, work_limit=20, workers=1)
    assert answer.status is Status.OPTIMAL
    rule = solve(problem, "group-recursion", work_limit=20)
    assert rule.objective < 0.75 * answer.objective
    assert answer.objective < rule.bound < 1.12 * answer.objective
    trees = solve(problem, "trees", work_limit=3, workers=1)
    assert 0.998 * answer.objective < trees.objective <= answer.objective


@examples(20)
@given(st.integers(3, 30), st.integers(1, 5), st.integers(1, 6), st.integers(0, 10**6))
def test_a_tree_saves_what_its_lines_save(lines: int, columns: int, texts: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = TableArrays(
        rng.integers(0, texts, (lines, columns)), np.zeros((lines, columns), np.int64)
    )
    length = rng.integers(0, 10, (columns, texts))
    arrays.weight[:] = length[np.arange(columns), arrays.value]
    table = Table(arrays)
    if len(table.rows) < 3:
        return
    start = grouped(arrays)
    tree = table.tree(start)
    assert arrays.saved(table.lines(tree)) >= arrays.saved(start)
    for saved, found, _ in table.round(tree, arrays.saved(start), 5.0, rng):
        assert arrays.saved(table.lines(found)) >= saved >= arrays.saved(start)


def test_trees_are_the_same_with_the_same_seed() -> None:
    problem = random_table(lines=60, columns=5, seed=3)
    first, second = (solve(problem, "trees", work_limit=2, workers=1, seed=5) for _ in range(2))
    assert first.lines == second.lines
    better = solve(problem, "trees", work_limit=4, workers=1, hint=first)
    assert better.objective >= first.objective


def test_tables_with_more_groups_than_a_program_takes() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(0, 3, (150, 12))
    problem = TableProblem(
        fields=tuple(f"f{k}" for k in range(12)),
        rows=tuple(tuple(f"{'x' * int(k)}{cell}" for k, cell in enumerate(row)) for row in rows),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mip, "LARGEST", 20_000)
        answer = solve(problem, "mip", work_limit=1, workers=1)
    rule = solve(problem, "group-recursion", work_limit=1)
    assert answer.objective == rule.objective
    assert answer.objective < answer.bound <= rule.bound
    assert sch.check(problem, answer) == []


def test_what_binds_a_table() -> None:
    problem = TableProblem(
        fields=("product", "review", "stars"),
        rows=(
            ("a kettle", "it boils", "5"),
            ("a lamp", "it shines", "5"),
            ("A  Kettle", "it leaks", "1"),
            ("a lamp", "it broke", "1"),
        ),
    )
    found = sch.explain(problem, time_limit=1e6)
    assert found.binds == (
        "1 of 3 repeated cells are shared with the line before.",
        "Not shared, as rows that have them are apart or begin otherwise: 2 of 2 in 'stars'.",
    )
    reliefs = {str(relief.label): relief for relief in found.reliefs}
    spelled = "'product' without capitals and extra blanks, 1 text fewer"
    assert next(iter(reliefs)) == spelled
    assert (reliefs[spelled].value, reliefs[spelled].proven) == (6**2 + 8**2, True)
    assert reliefs["without 'product'"].value == 2
    assert reliefs["without 'review'"].useless
    alone = TableProblem(fields=("a",), rows=(("x",), ("y",)))
    assert sch.explain(alone, time_limit=1e6).reliefs == ()


def test_by_hand() -> None:
    saved = {name: solve(HAND, name, work_limit=5).objective for name in RULES}
    assert saved == {"as-is": 0, "sorted": 4, "group-recursion": 4}


def test_grouping_is_near_the_best_and_scales() -> None:
    for seed in range(3):
        small = random_table(lines=7, columns=4, seed=seed)
        best = solve(small, "dynamic-program", work_limit=5).objective
        assert solve(small, "group-recursion", work_limit=5).objective >= 0.8 * best
    large = random_table(lines=600, columns=5, seed=1)
    answer = solve(large, work_limit=5, workers=1)
    assert answer.objective > solve(large, "as-is", work_limit=5).objective
    assert answer.objective <= answer.bound
    with pytest.raises(UnsupportedError, match="too many to try all orders"):
        solve(large, "dynamic-program")


def test_each_rule_is_checked(tmp_path: Path) -> None:
    good = solve(HAND, work_limit=5, workers=1)

    def broken(lines: list[tuple[int, list[str]]], **fields: Any) -> set[str]:
        rows = [{"row": row, "fields": names} for row, names in lines]
        answer = TableSolution.model_validate({**good.model_dump(), "lines": rows, **fields})
        return {violation.constraint for violation in sch.check(HAND, answer)}

    listed = [(line.row, list(line.fields)) for line in good.lines]
    assert broken(listed) == set()
    assert broken(listed[:2]) == {"row"}
    assert broken([*listed, listed[0]]) == {"row"}
    assert broken([*listed, (3, ["a", "b"])]) == {"row"}
    assert broken([(row, ["a", "a"]) for row, _ in listed]) == {"fields"}
    assert broken([(k, ["a", "b"]) for k in range(3)]) == {"objective"}
    assert broken(listed, status="infeasible") >= {"status"}
    assert sentence(HAND, good) == "table: 4 saved, proven most"
    assert lengths(HAND, good).tolist()[0][0] == 0
    assert lengths(HAND, good).sum() == sum(len(cell) for row in HAND.rows for cell in row)
    write_chart(HAND, good, tmp_path / "lines.svg")
    assert "shared with the line before" in (tmp_path / "lines.svg").read_text(encoding="utf-8")
    nothing = TableSolution(status=Status.UNKNOWN)
    assert sentence(HAND, nothing) == "table: no order (unknown)"
    write_chart(HAND, nothing, tmp_path / "none.svg")


def test_files_and_faults(tmp_path: Path) -> None:
    problem = generate("random-table", {"lines": 5, "columns": 3, "seed": 2})
    sch.write(problem, tmp_path / "table.yaml")
    assert sch.read(tmp_path / "table.yaml") == problem
    with pytest.raises(InputError) as caught:
        TableProblem.model_validate({"fields": ["a", "a"], "rows": [["x", "y"], ["x"]]})
    assert [fault.place for fault in caught.value.faults] == ["fields", "rows[1]"]
