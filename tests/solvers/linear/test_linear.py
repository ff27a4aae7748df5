"""The linear builder and its engines: one statement, equal optima, documented endings."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from math import inf
from pathlib import Path

import highspy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.errors import InputError, SolverError, UnsupportedError
from scheduling.solvers.linear import highs
from scheduling.solvers.linear.engines import find_engine
from scheduling.solvers.linear.external import External
from scheduling.solvers.linear.highs import OUTCOMES, Highs, relax
from scheduling.solvers.linear.model import Floats, LinearModel
from scheduling.solvers.linear.result import Limits, LinearResult, Listener, Outcome
from tests.properties import examples


def knapsacks(count: int, rows: int = 12, seed: int = 0) -> LinearModel:
    random = np.random.default_rng(seed)
    model = LinearModel("knapsacks", offset=5.0)
    items = model.add_columns(
        "item", count, upper=1, cost=-random.integers(10, 60, count), integer=True
    )
    size = random.integers(5, 60, (rows, count))
    row, item = np.nonzero(size)
    model.add_rows("room", rows, row, items[item], size[row, item], upper=size.sum(1) // 2)
    return model


def solve(model: LinearModel, limits: Limits | None = None) -> LinearResult:
    return Highs().solve(model, limits or Limits())


def test_the_best_of_a_mixed_program_is_found_with_presolve() -> None:
    """HiGHS 1.14.0 says 15 here (ERGO-Code/HiGHS#3043)."""
    model = LinearModel("mixed")
    x = model.add_columns("x", 1, upper=10, cost=2.0)
    z = model.add_columns("z", 1, upper=10, cost=3.0, integer=True)
    model.add_rows("need", 1, [0, 0], [int(x[0]), int(z[0])], 1, lower=4.5)
    assert solve(model).objective == 9.0


def test_every_status_of_highs_has_a_meaning() -> None:
    assert set(highspy.HighsModelStatus.__members__) <= set(OUTCOMES)


def test_a_status_without_meaning_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OUTCOMES, "kOptimal")
    with pytest.raises(SolverError, match="unknown status"):
        solve(knapsacks(5))


def test_blocks_become_columns_with_equal_places_added() -> None:
    model = LinearModel()
    x = model.add_columns("x", (2, 2), upper=3, cost=[[1, 2], [3, 4]])
    y = model.add_columns("y", 1, lower=-1, integer=True)
    first = model.add_rows("a", 2, [0, 0, 1, 0], [0, 3, 4, 0], [1, 1, 2, 4], lower=[1, 0])
    second = model.add_rows("b", 1, 0, [0, 1, 1], [5, 1, -1], upper=7)
    matrix = model.matrix()
    assert x.tolist() == [[0, 1], [2, 3]]
    assert (y.tolist(), first.tolist(), second.tolist()) == ([4], [0, 1], [2])
    assert matrix.start.tolist() == [0, 2, 2, 2, 3, 4]
    assert matrix.index.tolist() == [0, 2, 0, 1]
    assert matrix.value.tolist() == [5, 5, 1, 2]
    assert model.costs().tolist() == [1, 2, 3, 4, 0]
    assert model.sides()[1].tolist() == [inf, inf, 7]
    assert model.column_names() == ["x[0,0]", "x[0,1]", "x[1,0]", "x[1,1]", "y[0]"]
    assert model.row_names() == ["a[0]", "a[1]", "b[0]"]
    model.add_rows("a", 1, 0, y, 1)
    assert model.row_names() == ["a[0]", "a[1]", "b[0]", "a[2]"]
    assert model.integers().tolist() == [False] * 4 + [True]


@st.composite
def models(draw: st.DrawFn) -> LinearModel:
    columns, rows = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    small = st.integers(-5, 5)
    model = LinearModel(offset=draw(small))
    cost = draw(st.lists(small, min_size=columns, max_size=columns))
    split = draw(st.integers(0, columns))
    model.add_columns("whole", split, upper=4, cost=cost[:split], integer=True)
    model.add_columns("part", columns - split, lower=-3, upper=3, cost=cost[split:])
    places = st.tuples(st.integers(0, rows - 1), st.integers(0, columns - 1), small)
    entries = np.array(draw(st.lists(places, max_size=15)), np.int64).reshape(-1, 3)
    low = np.array(draw(st.lists(small, min_size=rows, max_size=rows)))
    span = np.array(draw(st.lists(st.integers(0, 9), min_size=rows, max_size=rows)))
    model.add_rows("row", rows, *entries.T, lower=low - 4, upper=low - 4 + span)
    return model


@examples(60)
@given(models())
def test_highs_and_pyomo_find_equal_optima(model: LinearModel) -> None:
    direct, through = solve(model), External("highs").solve(model, Limits(seconds=20))
    assert direct.outcome is through.outcome
    assert direct.outcome in (Outcome.OPTIMAL, Outcome.INFEASIBLE)
    if direct.outcome is Outcome.OPTIMAL:
        assert direct.objective == pytest.approx(through.objective, abs=1e-5)
        assert direct.bound == pytest.approx(through.bound, abs=1e-5)
        assert_feasible(model, direct.values)
        assert_feasible(model, through.values)


def assert_feasible(model: LinearModel, values: Floats | None) -> None:
    assert values is not None
    matrix = model.matrix()
    column = np.repeat(np.arange(model.n_columns), np.diff(matrix.start))
    body = np.bincount(matrix.index, matrix.value * values[column], minlength=model.n_rows)
    lower, upper = model.sides()
    assert np.all(body >= lower - 1e-5)
    assert np.all(body <= upper + 1e-5)
    whole = values[model.integers()]
    assert np.allclose(whole, whole.round(), atol=1e-5)


@pytest.mark.parametrize("engine", ["highs", "appsi_highs"])
def test_pyomo_takes_a_start_and_reports_to_the_listener(engine: str) -> None:
    model = knapsacks(12)
    best = solve(model)
    heard: list[float] = []
    listener = Listener(lambda values: heard.append(len(values)), heard.append, lambda: False)
    result = External(engine).solve(model, Limits(seconds=20), listener, best.values)
    assert result.objective == pytest.approx(best.objective)
    assert heard == [12, pytest.approx(best.objective)]


def test_infeasible_and_unbounded_models_are_told_apart() -> None:
    model = LinearModel()
    x = model.add_columns("x", 1, upper=1, integer=True)
    model.add_rows("two", 1, 0, x, 1, lower=2)
    assert solve(model).outcome is Outcome.INFEASIBLE
    assert solve(model).values is None
    free = LinearModel()
    free.add_columns("y", 1, cost=-1)
    assert solve(free).outcome is Outcome.UNBOUNDED
    assert solve(LinearModel(offset=3)).outcome is Outcome.OPTIMAL


def test_the_relaxation_has_a_bound_and_duals() -> None:
    model = LinearModel()
    x = model.add_columns("x", 2, upper=1, cost=[-3, -2], integer=True)
    model.add_rows("room", 1, 0, x, [2, 3], upper=4)
    result = relax(model, Limits())
    assert result.bound == pytest.approx(-3 - 4 / 3)
    assert result.duals == pytest.approx([-2 / 3])
    assert solve(model).objective == pytest.approx(-3)


def test_the_listener_hears_rising_bounds_and_falling_objectives() -> None:
    model = knapsacks(25)
    cost = model.costs()
    objectives: list[float] = []
    bounds: list[float] = []
    listener = Listener(
        lambda values: objectives.append(float(cost @ values) + model.offset),
        bounds.append,
        lambda: False,
    )
    result = Highs().solve(model, Limits(), listener)
    assert objectives == sorted(objectives, reverse=True)
    assert bounds == sorted(bounds)
    assert result.outcome is Outcome.OPTIMAL
    assert result.objective == pytest.approx(objectives[-1])
    assert result.bound == pytest.approx(result.objective)


def test_a_good_start_is_heard_first() -> None:
    model = knapsacks(25)
    best = solve(model)
    heard: list[Floats] = []
    listener = Listener(heard.append, lambda bound: None, lambda: False)
    Highs().solve(model, Limits(), listener, best.values)
    assert model.costs() @ heard[0] + model.offset == pytest.approx(best.objective)


def test_the_work_limit_is_deterministic() -> None:
    first, second = (solve(knapsacks(60), Limits(work=25, seed=3)) for _ in range(2))
    assert first.outcome is second.outcome is Outcome.STOPPED
    assert first.objective == second.objective
    assert first.bound == second.bound
    assert first.values is not None
    assert second.values is not None
    assert first.values.tolist() == second.values.tolist()


def test_spent_work_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose thread is slow to end leaves what a quick one leaves."""
    quick = solve(knapsacks(60), Limits(work=25, seed=3))
    ended = highs.run

    def slow(engine: highspy.Highs, stop: threading.Event) -> None:
        ended(engine, stop)
        time.sleep(0.3)

    monkeypatch.setattr(highs, "run", slow)
    late = solve(knapsacks(60), Limits(work=25, seed=3))
    assert (late.detail, late.objective, late.bound) == (quick.detail, quick.objective, quick.bound)


def test_runs_with_other_numbers_of_threads_do_not_disturb_each_other() -> None:
    expected = solve(knapsacks(20)).objective
    for workers in (1, 2, 1):
        assert solve(knapsacks(20), Limits(workers=workers)).objective == pytest.approx(expected)


def test_a_stopped_run_returns_what_it_has() -> None:
    stop = threading.Event()
    listener = Listener(lambda values: stop.set(), lambda bound: None, stop.is_set)
    result = Highs().solve(knapsacks(60), Limits(), listener)
    assert result.outcome is Outcome.STOPPED
    assert result.values is not None
    assert solve(knapsacks(60), Limits(seconds=-1)).outcome is Outcome.STOPPED
    assert solve(knapsacks(60), Limits(seconds=0.05)).outcome is Outcome.STOPPED


def test_an_error_of_the_listener_ends_the_run_and_is_raised() -> None:
    def refuse(values: Floats) -> None:
        raise SolverError("no such solution")

    listener = Listener(refuse, lambda bound: None, lambda: False)
    begin = time.monotonic()
    with pytest.raises(SolverError, match="no such solution"):
        Highs().solve(knapsacks(60), Limits(seconds=60), listener)
    assert time.monotonic() - begin < 60


def test_wrong_numbers_and_places_are_refused() -> None:
    model = LinearModel()
    x = model.add_columns("x", 2, lower=-inf)
    with pytest.raises(ValueError, match="'y'"):
        model.add_columns("y", 1, cost=np.nan)
    for row, column, value in ((1, 0, 1.0), (0, 2, 1.0), (0, 0, inf)):
        with pytest.raises(ValueError, match="'r'"):
            model.add_rows("r", 1, row, column, value)
    with pytest.raises(ValueError, match="'r'"):
        model.add_rows("r", 1, 0, x, 1, lower=np.nan)


def test_an_option_that_highs_refuses_is_an_error() -> None:
    with pytest.raises(SolverError, match="mip_abs_gap"):
        solve(knapsacks(5), Limits(gap=-1))


def test_mps_files_hold_the_model(tmp_path: Path) -> None:
    path = tmp_path / "model.mps"
    model = knapsacks(8, rows=3)
    Highs().write_mps(model, path)
    text = path.read_text()
    assert "item[7]" in text
    assert "room[2]" in text
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.readModel(str(path))
    highs.run()
    assert highs.getInfo().objective_function_value == pytest.approx(solve(model).objective)
    for wrong in (tmp_path / "model.txt", tmp_path / "no" / "model.mps"):
        with pytest.raises(InputError, match="path"):
            Highs().write_mps(model, wrong)


def test_engines_are_found_by_name_with_reasons() -> None:
    assert find_engine().availability()
    assert find_engine("appsi_highs").availability()
    missing = find_engine("glpk").availability()
    unknown = find_engine("nonsense").availability()
    assert missing or "install it" in missing.detail
    assert not unknown
    assert "nonsense" in unknown.detail


def test_pyomo_engines_refuse_a_work_limit() -> None:
    with pytest.raises(UnsupportedError, match="time limit"):
        External("highs").solve(knapsacks(5), Limits(work=1))


def test_an_engine_that_fails_is_an_error() -> None:
    with pytest.raises(SolverError, match="'glpk' failed"):
        External("glpk").solve(knapsacks(5), Limits())


ENDING = """
import sys, threading
from scheduling.solvers.linear.highs import Highs
from scheduling.solvers.linear.result import Limits, Listener
from tests.solvers.linear.test_linear import knapsacks

asked = threading.Event()
listener = Listener(lambda values: None, lambda bound: None, asked.set)
arguments = (knapsacks(120), Limits(workers=int(sys.argv[1])), listener)
threading.Thread(target=Highs().solve, args=arguments, daemon=True).start()
asked.wait()
"""


@pytest.mark.parametrize("workers", [1, 4])
def test_the_process_ends_well_while_highs_is_at_work(workers: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDING, str(workers)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
