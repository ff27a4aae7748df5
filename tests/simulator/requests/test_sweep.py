"""Sweeps: the same runs side by side, one after the other and resumed; their confidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scheduling.backends.carrying import StoppedError
from scheduling.errors import InputError
from scheduling.models.requests.scenario import RequestScenario
from scheduling.schemas import output_schema, stamp
from scheduling.simulator.requests.compare import simulate_requests
from scheduling.simulator.requests.records import outcome_record
from scheduling.simulator.requests.sweep import Sweep, SweepRun, figure, grouped, run_sweep
from scheduling.storage import append_line

PROBLEM = RequestScenario.model_validate(
    {
        "replica": {
            "cost": {"base_seconds": 0.01, "per_token_seconds": 1e-4},
            "kv_tokens": 1600,
        },
        "workload": {
            "classes": [
                {
                    "arrivals": {"kind": "poisson", "rate": 5.0},
                    "prompt": {"kind": "lognormal", "median": 100, "sigma": 0.5},
                    "output": {"kind": "fixed", "tokens": 11},
                }
            ]
        },
        "requests": 60,
    }
)
SWEEP = Sweep(PROBLEM, ("sarathi", "vllm"), (5.0, 20.0), (0, 1))


def test_a_sweep_is_the_runs_one_by_one() -> None:
    runs = run_sweep(SWEEP)
    assert [(one.policy, one.rate, one.seed) for one in runs] == [
        (policy, rate, seed) for policy in SWEEP.policies for rate in SWEEP.rates for seed in (0, 1)
    ]
    single = simulate_requests(PROBLEM.model_copy(update={"rate": 20.0}), "vllm", seed=1)
    assert runs[-1].run == outcome_record(single.outcomes[0])


def test_stopped_sweeps_go_on_and_wider_ones_repeat_nothing(tmp_path: Path) -> None:
    results = tmp_path / "sweep.jsonl"
    fresh: list[SweepRun] = []
    whole = run_sweep(SWEEP, results, on_run=lambda one, done, total: fresh.append(one))
    assert len(fresh) == 8
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(lines[:5]) + lines[5][:40])
    fresh.clear()
    again = run_sweep(SWEEP, results, on_run=lambda one, done, total: fresh.append(one))
    assert len(fresh) == 3
    assert again == whole
    wider = Sweep(PROBLEM, SWEEP.policies, SWEEP.rates, (0, 1, 2))
    fresh.clear()
    assert len(run_sweep(wider, results, on_run=lambda one, done, total: fresh.append(one))) == 12
    assert {one.seed for one in fresh} == {2}


def test_lines_name_their_schema_and_those_without_one_count(tmp_path: Path) -> None:
    results = tmp_path / "sweep.jsonl"
    one = Sweep(PROBLEM, ("sarathi",), (5.0,), (0,))
    whole = run_sweep(one, results)
    line = json.loads(results.read_text())
    assert next(iter(line.items())) == ("schema", stamp("sweep-run"))
    assert list(line) == list(output_schema("sweep-run")["properties"])
    earlier = {key: value for key, value in line.items() if key != "schema"}
    results.write_text(json.dumps(earlier) + "\n")
    assert run_sweep(one, results) == whole
    assert json.loads(results.read_text()) == earlier


def test_results_of_another_scenario_do_not_count(tmp_path: Path) -> None:
    results = tmp_path / "sweep.jsonl"
    run_sweep(SWEEP, results)
    other = Sweep(PROBLEM.model_copy(update={"max_sequences": 2}), ("sarathi",), (5.0,), (0,))
    fresh: list[SweepRun] = []
    run_sweep(other, results, on_run=lambda one, done, total: fresh.append(one))
    assert len(fresh) == 1
    assert len(results.read_text().splitlines()) == 9


def test_stopped_sweeps_return_what_is_done() -> None:
    def stop_at_three(one: SweepRun, done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(StoppedError, match="stopped after 3 of 8 runs") as stop:
        run_sweep(SWEEP, on_run=stop_at_three)
    assert stop.value.done == run_sweep(SWEEP)[:3]


def test_runs_side_by_side_are_the_same() -> None:
    assert run_sweep(SWEEP, jobs=2) == run_sweep(SWEEP)


def test_confidence_is_students_over_seeds() -> None:
    runs = [SweepRun("p", None, seed, {"x": value}) for seed, value in enumerate((1.0, 2.0, 3.0))]
    found = figure(runs, lambda run: run["x"])
    assert found is not None
    assert found.value == pytest.approx(2.0)
    assert found.half_width == pytest.approx(4.3027 / 3**0.5)
    assert figure(runs[:1], lambda run: run["x"]).half_width is None  # type: ignore[union-attr]
    assert figure(runs, lambda run: None) is None
    assert list(grouped(runs)) == [("p", None)]


@pytest.mark.parametrize(
    ("sweep", "words"),
    [
        (Sweep(PROBLEM, ()), "policies"),
        (Sweep(PROBLEM, ("sarathi",), (0.0,)), "positive numbers"),
        (Sweep(PROBLEM, ("sarathi",), (1.0,), (-1,)), "seeds"),
    ],
)
def test_sweeps_that_make_no_sense_are_refused(sweep: Sweep, words: str) -> None:
    with pytest.raises(InputError, match=words):
        run_sweep(sweep)


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    results = tmp_path / "sweep.jsonl"
    results.write_text('{"a": 1}\n')
    with pytest.raises(InputError, match="line 1"):
        run_sweep(SWEEP, results)
    with pytest.raises(InputError, match="a file that can be written"):
        append_line(tmp_path, "a line")
    with pytest.raises(InputError, match="backend"):
        run_sweep(SWEEP, backend="none")
