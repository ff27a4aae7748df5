"""Ctrl-C while policies run side by side: those that had ended are returned and shown."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

import scheduling as sch
from scheduling.backends.carrying import StoppedError
from scheduling.cli import simulate_requests, stopping
from scheduling.instances.edge.drone_streams import drone_stream
from scheduling.models.base import Problem
from scheduling.models.requests.scenario import RequestScenario
from scheduling.models.sharing.problem import SharedCluster
from scheduling.simulator.requests.compare import Comparison, Watch
from scheduling.simulator.side_by_side import StoppedComparisonError, run_each
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]

REQUESTS: dict[str, Any] = {
    "replica": {"cost": {"base_seconds": 0.01, "per_token_seconds": 1e-4}, "kv_tokens": 1600},
    "requests": 20,
    "workload": {
        "classes": [
            {
                "arrivals": {"kind": "poisson", "rate": 5.0},
                "prompt": {"kind": "fixed", "tokens": 100},
                "output": {"kind": "fixed", "tokens": 11},
            }
        ]
    },
}
CLUSTER: dict[str, Any] = {
    "cores": 2,
    "jobs": [
        {"id": "long", "user": "ann", "stages": [{"core_seconds": 8, "tasks": 8}]},
        {"id": "short", "user": "bob", "stages": [{"core_seconds": 2}]},
    ],
}


class Key:
    """Is pressed when the second of several runs has ended."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, _: object) -> None:
        self.seen += 1
        if self.seen == 2:
            raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("problem", "policies"),
    [
        (sch.read("bundled:ft06"), ("SPT", "MWKR", "FIFO")),
        (SharedCluster.model_validate(CLUSTER), ("fifo", "uwfq", "fair")),
        (drone_stream(drones=1, models=3, batches=2), ("edge", "dem", "cloud")),
    ],
)
def test_policies_that_had_ended_stand_beside_a_bound(
    problem: Problem, policies: tuple[str, ...]
) -> None:
    whole = sch.simulate(problem, policies, work_limit=5, workers=1)
    with pytest.raises(StoppedComparisonError, match="stopped after 2 of 3 runs") as stop:
        sch.simulate(problem, policies, work_limit=1e9, workers=1, on_run=Key())
    found: Any = stop.value.comparison
    assert type(found) is type(whole)
    assert isinstance(whole, type(found))
    ended = [run.solution for run in found.runs]
    assert [one.objective for one in ended] == [one.solution.objective for one in whole.runs[:2]]
    for one in ended:
        assert one.bound is not None
        assert one.objective is not None
        assert 0 < one.bound <= one.objective or type(found).__name__ == "EdgeComparison"


def test_policies_of_requests_that_had_ended_are_as_in_a_whole_run() -> None:
    problem = RequestScenario.model_validate(REQUESTS)
    whole = sch.simulate(problem, ["sarathi", "vllm", "sjf"])
    with pytest.raises(StoppedError) as stop:
        sch.simulate(problem, ["sarathi", "vllm", "sjf"], watch=Watch(on_run=Key()))
    assert isinstance(stop.value, StoppedComparisonError)
    found = stop.value.comparison
    assert isinstance(found, Comparison)
    assert [one.metrics for one in found.outcomes] == [one.metrics for one in whole.outcomes[:2]]
    assert [one.certified for one in found.outcomes] == [
        one.certified for one in whole.outcomes[:2]
    ]


@pytest.mark.usefixtures("interruptible")
def test_a_policy_that_solves_does_not_keep_the_interrupt_to_itself() -> None:
    def run(name: str) -> str:
        if name == "second":
            pressed = lambda _: signal.raise_signal(signal.SIGINT)  # noqa: E731
            sch.solve(sch.read("bundled:ft06"), work_limit=5, workers=1, on_progress=pressed)
        return name

    assert run_each(["first", "second", "third"], run, None) == ["first"]
    with pytest.raises(KeyboardInterrupt):
        run_each(["second", "third"], run, None)


def test_the_table_of_those_that_had_ended_is_shown_with_the_code_of_an_interrupt(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "requests.json"
    file.write_text(RequestScenario.model_validate(REQUESTS).model_dump_json(), encoding="utf-8")
    monkeypatch.setattr(simulate_requests, "_progress", Key())
    names = [word for name in ("sarathi", "vllm", "sjf") for word in ("--policy", name)]
    call = cli("simulate", file, *names, "--times", tmp_path / "times.csv")
    assert call.code == stopping.EXIT_STOPPED
    assert "stopped after 2 of 3 runs" in call.err
    assert "against any policy" in call.out
    assert "sarathi:" in call.out
    assert "vllm:" in call.out
    assert "sjf:" not in call.out
    assert "vllm" in (tmp_path / "times.csv").read_text()
