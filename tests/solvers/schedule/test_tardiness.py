"""Weighted tardiness of one machine: kernels against brute force, the solver as a whole."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.instances.schedule.tardiness import Jobs, random_tardiness
from scheduling.models.base import Status
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.board import Board, Budget
from scheduling.solvers.schedule.family import Candidate, CompiledSchedule
from scheduling.solvers.schedule.meter import Meter
from scheduling.solvers.schedule.tardiness import exact, heuristics, solver
from scheduling.solvers.schedule.tardiness.kernels import decomposition, dynasearch, parts
from scheduling.solvers.schedule.tardiness.kernels.precedence import find_precedences
from scheduling.solvers.schedule.tardiness.machine import OneMachine
from scheduling.solvers.schedule.tardiness.post import Post
from scheduling.solvers.schedule.tardiness.solver import Tardiness
from tests.properties import examples

Triples = list[tuple[int, int, int]]


def machine_of(rows: Triples) -> OneMachine:
    duration, due, weight = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    n = len(rows)
    none = np.zeros(0, np.int64)
    return OneMachine(duration, due, weight, np.arange(n), none, n, np.arange(n), duration)


def cost(rows: Triples, order: list[int]) -> int:
    now, total = 0, 0
    for job in order:
        duration, due, weight = rows[job]
        now += duration
        total += weight * max(0, now - due)
    return total


def least(rows: Triples) -> int:
    """Optimum by a dynamic program over sets of jobs."""
    table = {0: 0}
    for done in range(1, 1 << len(rows)):
        end = sum(row[0] for j, row in enumerate(rows) if done >> j & 1)
        table[done] = min(
            table[done & ~(1 << j)] + weight * max(0, end - due)
            for j, (_, due, weight) in enumerate(rows)
            if done >> j & 1
        )
    return table[(1 << len(rows)) - 1]


def single(rows: Triples, **fields: object) -> ScheduleProblem:
    problem = Jobs("test", *zip(*rows, strict=True)).problem()
    return problem.model_validate({**problem.model_dump(), **fields})


def random_rows(seed: int, n: int, heaviest: int) -> Triples:
    rng = np.random.default_rng(seed)
    duration = rng.integers(1, 20, n, endpoint=True)
    total = int(duration.sum())
    due = rng.integers(0, total, n)
    weight = rng.integers(1, heaviest, n, endpoint=True)
    return list(zip(duration.tolist(), due.tolist(), weight.tolist(), strict=True))


# Small numbers make ties, which is where dominance rules go wrong.
tight = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 25), st.just(1)), min_size=1, max_size=8
)
weighted = st.lists(
    st.tuples(st.integers(1, 6), st.integers(0, 20), st.integers(1, 4)), min_size=2, max_size=8
)


@examples(300)
@given(tight)
def test_decomposition_is_exact_and_its_order_has_its_value(rows: Triples) -> None:
    rows = sorted(rows, key=lambda row: (row[1], row[0]))
    duration, due, _ = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    part = parts.make_decomposition(duration, due, slots=4)
    while part.counter[parts.STATE] != parts.DONE:
        decomposition.advance(part, 3)
        if part.counter[parts.STATE] == parts.FULL:
            part = parts.grown(part)
    order = decomposition.best_order(part).tolist()
    assert sorted(order) == list(range(len(rows)))
    assert part.counter[parts.VALUE] == cost(rows, order) == least(rows)


@examples(100)
@given(weighted, st.integers(0, 5))
def test_dynasearch_keeps_account_and_finds_small_optima(rows: Triples, seed: int) -> None:
    machine = machine_of(rows)
    order = heuristics.earliest_due(machine)
    search = dynasearch.make_search(machine.duration, machine.due, machine.weight, order, seed)
    dynasearch.advance(search, 400, 0)
    best = dynasearch.best_order(search).tolist()
    assert sorted(best) == list(range(len(rows)))
    assert search.counter[dynasearch.BEST_VALUE] == cost(rows, best) == least(rows)


def test_dynasearch_in_slices_is_the_same_search() -> None:
    rows = random_rows(3, 30, 9)
    machine = machine_of(rows)
    order = heuristics.earliest_due(machine)
    jobs = machine.duration, machine.due, machine.weight
    whole, parts = (dynasearch.make_search(*jobs, order, 7) for _ in range(2))
    dynasearch.advance(whole, 500, 0)
    for _ in range(5):
        dynasearch.advance(parts, 100, 0)
    assert np.array_equal(whole.row, parts.row)


def least_within(rows: Triples, before: np.ndarray) -> int | None:
    """Optimum among the orders that keep precedences."""
    table: dict[int, int] = {0: 0}
    for done in range(1, 1 << len(rows)):
        end = sum(row[0] for j, row in enumerate(rows) if done >> j & 1)
        values = [
            table[done & ~(1 << j)] + weight * max(0, end - due)
            for j, (_, due, weight) in enumerate(rows)
            if done >> j & 1
            and done & ~(1 << j) in table
            and all(done >> i & 1 for i in np.flatnonzero(before[:, j]).tolist())
        ]
        if values:
            table[done] = min(values)
    return table.get((1 << len(rows)) - 1)


@examples(300)
@given(weighted)
def test_some_optimal_order_keeps_all_precedences(rows: Triples) -> None:
    duration, due, weight = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    before = find_precedences(duration, due, weight)
    assert not np.any(before & before.T)
    assert not np.any((before.astype(int) @ before.astype(int) > 0) & ~before)
    assert least_within(rows, before) == least(rows)


def proof(rows: Triples, start: list[int]) -> tuple[Board[Candidate], int | None]:
    """Run the relaxations alone from a given order."""
    data = CompiledSchedule(single(rows))
    board: Board[Candidate] = Board(0, (), 0.0)
    machine = OneMachine.of(data.arrays)
    post = Post(data, machine, board, "test")
    post.order(np.array(start, np.int64), "start")
    exact.prove(machine, post, Meter(board, Budget(None, 50.0, 1, 0)))
    return board, board.objective


@examples(80)
@given(weighted.filter(lambda rows: len(rows) < 8))
def test_relaxations_prove_the_optimum_and_never_more(rows: Triples) -> None:
    best = least(rows)
    orders = sorted(itertools.permutations(range(len(rows))), key=lambda o: cost(rows, list(o)))
    for start in (list(orders[0]), list(orders[-1])):
        board, value = proof(rows, start)
        assert board.bound is not None
        assert board.bound <= best
        if cost(rows, start) == best:
            assert board.bound == value == best


def test_relaxations_correct_a_start_that_is_not_best() -> None:
    closed = 0
    for seed in range(6):
        rows = random_rows(seed, 9, 9)
        board, value = proof(rows, list(range(9)))
        assert board.bound is not None
        assert board.bound <= least(rows) <= (value or 0)
        closed += board.bound == value == least(rows)
    assert closed >= 3


@examples(60)
@given(
    st.lists(
        st.tuples(st.integers(0, 6), st.integers(0, 20), st.integers(0, 4)),
        min_size=1,
        max_size=7,
    )
)
def test_solver_proves_small_optima(rows: Triples) -> None:
    problem = single(rows)
    solution = sch.solve(problem, "tardiness", work_limit=20, workers=1)
    assert solution.status is Status.OPTIMAL
    assert solution.objective == solution.bound == least(rows)
    assert sch.check(problem, solution) == []


def test_undated_jobs_and_the_factor_of_the_objective() -> None:
    rows = random_rows(1, 8, 5)
    problem = single(rows, objective={"total_tardiness": 3})
    assert sch.solve(problem, "tardiness", work_limit=20).objective == 3 * least(rows)
    undated = problem.model_dump()
    undated["jobs"][2]["due"] = None
    kept = [row for number, row in enumerate(rows) if number != 2]
    solution = sch.solve(ScheduleProblem.model_validate(undated), "tardiness", work_limit=20)
    assert solution.objective == solution.bound == 3 * least(kept)


@pytest.mark.parametrize("heaviest", [1, 10])
def test_solver_agrees_with_cp_sat(heaviest: int) -> None:
    problem = single(random_rows(heaviest, 12, heaviest))
    exact_answer = sch.solve(problem, "cp-sat", time_limit=1e6)
    answer = sch.solve(problem, "tardiness", work_limit=50)
    assert answer.status is exact_answer.status is Status.OPTIMAL
    assert answer.objective == exact_answer.objective


def test_same_work_same_answer() -> None:
    problem = single(random_rows(5, 60, 10))
    answers = [sch.solve(problem, "tardiness", work_limit=0.5, workers=1, seed=4) for _ in range(2)]
    assert answers[0].tasks == answers[1].tasks
    assert answers[0].bound == answers[1].bound


def test_a_hint_is_not_lost() -> None:
    rows = random_rows(8, 40, 10)
    problem = single(rows)
    good = sch.solve(problem, "tardiness", work_limit=2, workers=1)
    again = sch.solve(problem, "tardiness", work_limit=0.001, workers=1, hint=good)
    assert again.objective == good.objective


def test_horizons_too_long_for_relaxations_still_get_an_answer() -> None:
    rows = [(10**9 * (1 + j % 7), 10**9 * j, 1 + j % 3) for j in range(30)]
    solution = sch.solve(single(rows), "tardiness", work_limit=0.2, workers=1)
    assert solution.status in (Status.FEASIBLE, Status.OPTIMAL)


def test_a_large_instance_left_open_has_a_close_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "_DECOMPOSED_SHARE", 0.0)
    problem = random_tardiness(jobs=150, due_range=0.2, lateness=0.6, seed=2)
    solution = sch.solve(problem, "tardiness", work_limit=30, workers=1)
    assert solution.gap is not None
    assert solution.gap < 0.02


REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "objective": ({"objective": ["total_tardiness", "makespan"]}, "total_tardiness alone"),
    "sum": ({"objective": {"total_tardiness": 1, "makespan": 1}}, "total_tardiness alone"),
    "precedence": ({"precedences": [{"before": "J1", "after": "J2"}]}, "precedences"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_name_the_way_out(case: str) -> None:
    fields, words = REFUSED[case]
    refusal = Tardiness().refusal(CompiledSchedule(single([(1, 1, 1), (2, 2, 2)], **fields)))
    assert refusal is not None
    assert words in refusal
    assert "; use " in refusal


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("release", 3, "releases"),
        ("deadline", 30, "deadlines"),
    ],
)
def test_jobs_with_windows_are_refused(path: str, value: int, words: str) -> None:
    fields = single([(1, 1, 1), (2, 2, 2)]).model_dump()
    fields["jobs"][0][path] = value
    refusal = Tardiness().refusal(CompiledSchedule(ScheduleProblem.model_validate(fields)))
    assert refusal is not None
    assert words in refusal


def test_other_shapes_are_refused() -> None:
    model = sch.ScheduleModel("two machines")
    for name in ("a", "b"):
        job = model.add_job(name, due=3)
        model.add_task(job, duration=2, machine=model.add_machine(name))
    fields = model.build().model_dump()
    fields["objective"] = "total_tardiness"
    refusal = Tardiness().refusal(CompiledSchedule(ScheduleProblem.model_validate(fields)))
    assert refusal is not None
    assert "one machine" in refusal


def test_eddc_is_the_reading_that_gives_the_published_results() -> None:
    for seed in range(20):
        rows = random_rows(seed, 15, 1)
        order = sorted(range(15), key=lambda j: (rows[j][0], rows[j][1]))
        for i in range(1, 15):
            for k in range(i, 0, -1):
                if rows[order[k]][1] >= rows[order[k - 1]][1]:
                    break
                before = sum(rows[j][0] for j in order[:k])
                if k == 14 or rows[order[k - 1]][1] > before:
                    order[k - 1], order[k] = order[k], order[k - 1]
        assert heuristics.eddc(machine_of(rows)).tolist() == order


def test_rules_by_hand() -> None:
    rows = [(4, 5, 1), (2, 9, 1), (3, 3, 1)]
    machine = machine_of(rows)
    assert heuristics.earliest_due(machine).tolist() == [2, 0, 1]
    assert heuristics.dispatched(machine, "SPT").tolist() == [1, 2, 0]
    assert heuristics.psk(machine).tolist() == [2, 0, 1]
    worst = np.array([1, 0, 2])
    assert cost(rows, heuristics.adjacent_pairwise(machine, worst).tolist()) == least(rows) == 2


@pytest.mark.shared
def test_mean_gaps_of_the_rules_on_published_instances(shared_data: Path) -> None:
    known = json.loads((shared_data / "smtt/best_known.json").read_text())
    gaps: dict[str, list[float]] = {"MDDC": [], "MDD": [], "PSK": []}
    for line in (shared_data / "smtt/instances.jsonl").read_text().splitlines():
        entry = json.loads(line)
        best = known[entry["name"]]["total_tardiness"]
        if entry["n"] != 100 or best == 0:
            continue
        machine = machine_of([(p, d, 1) for p, d in zip(entry["p"], entry["d"], strict=True)])
        orders = {
            "MDDC": heuristics.mddc(machine),
            "MDD": heuristics.dispatched(machine, "MDD"),
            "PSK": heuristics.psk(machine),
        }
        for name, order in orders.items():
            gaps[name].append(machine.value(order) / best - 1)
    means = {name: 100 * float(np.mean(values)) for name, values in gaps.items()}
    assert means["MDDC"] == pytest.approx(1.52, abs=0.1)
    assert means["MDD"] == pytest.approx(1.81, abs=0.1)
    assert means["PSK"] == pytest.approx(1.79, abs=0.1)


@pytest.mark.shared
def test_published_optima(shared_data: Path) -> None:
    for folder, key, step in (("smtt", "total_tardiness", 13), ("smtwt", "weighted_tardiness", 37)):
        known = json.loads((shared_data / folder / "best_known.json").read_text())
        lines = (shared_data / folder / "instances.jsonl").read_text().splitlines()
        for line in lines[::step]:
            name = json.loads(line)["name"]
            problem = sch.read(shared_data / folder / f"instances.jsonl#{name}")
            solution = sch.solve(problem, "tardiness", work_limit=4, workers=1)
            assert solution.objective == known[name][key], name
            assert folder == "smtwt" or solution.status is Status.OPTIMAL
