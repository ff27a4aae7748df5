"""What binds a solution: sentences, changes solved again, and limits that cannot be kept."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

import scheduling as sch
from scheduling.models.base import Status
from scheduling.models.checkpoint.problem import CheckpointLevel, CheckpointProblem
from scheduling.models.federated.problem import Client, FederatedProblem
from scheduling.models.offload.problem import OffloadProblem
from scheduling.models.pipeline.problem import Layer, PipelineProblem
from scheduling.models.ring.problem import RingProblem
from scheduling.models.spines.problem import Flow, LeafSpine
from scheduling.models.spot.problem import Region, Span, SpotProblem
from scheduling.solvers.binding import BindingExplanation
from scheduling.solvers.board import Budget
from scheduling.solvers.checkpoint.explain import explain_checkpoint
from scheduling.solvers.federated.explain import explain_federated
from scheduling.solvers.offload.explain import explain_offload
from scheduling.solvers.pipeline.explain import explain_pipeline
from scheduling.solvers.ring.explain import explain_ring
from scheduling.solvers.spines.explain import explain_spines
from scheduling.solvers.spot.explain import explain_spot
from tests.solving import solve

PIPELINE = PipelineProblem(
    gpus=2,
    gigabytes=10,
    layers=tuple(
        Layer(forward_seconds=f, backward_seconds=2 * f, gigabytes=4) for f in (1, 1, 1, 2)
    ),
)
RING = RingProblem(rates=((0, 9, 1, 2), (9, 0, 3, 1), (1, 3, 0, 8), (2, 1, 8, 0)))
FABRIC = LeafSpine(
    spines=2,
    flows=(Flow(source="a", target="b", size=3), Flow(source="b", target="c", size=1)),
)
CHECKPOINT = CheckpointProblem(
    step_seconds=3,
    mean_seconds_between_failures=30000,
    levels=(
        CheckpointLevel(id="memory", copy_seconds=2, restart_seconds=100, covers=0.9),
        CheckpointLevel(id="storage", copy_seconds=90, restart_seconds=100),
    ),
)
CLIENTS = FederatedProblem(
    min_steps=20,
    max_steps=100,
    clients=(Client(id="fast", seconds_per_step=0.1), Client(id="slow", seconds_per_step=0.8)),
)
SPOT = SpotProblem(
    work=10,
    deadline=16,
    changeover=1,
    regions=(
        Region(id="east", available=(Span(start=0, end=5), Span(start=9, end=13))),
        Region(id="west", available=(Span(start=4, end=8),)),
    ),
)


def _tasks(**limits: float) -> OffloadProblem:
    offers = [("cloud", 0.2, 0.5, 9.0), ("edge", 0.1, 1.0, 3.0)]
    tasks = [
        {
            "id": f"t{k}",
            "offers": [
                {
                    "server": name,
                    "upload_seconds": upload,
                    "work_seconds": work * (k + 1),
                    "joules": joules,
                }
                for name, upload, work, joules in offers
            ],
        }
        for k in range(2)
    ]
    return OffloadProblem.model_validate({"tasks": tasks, **limits})


EXPLAINED: list[tuple[Any, Any, str, str]] = [
    (
        PIPELINE,
        explain_pipeline,
        "both passes of layers 2 to 3, 9 s; a step takes 3",
        "layers of the",
    ),
    (RING, explain_ring, "3 to 0, has a rate of 2", "the link 3 to 0 twice as fast"),
    (FABRIC, explain_spines, "from 'a', to 'b': 3 over 2 spines, 1.5 a link", "flows of all these"),
    (CHECKPOINT, explain_checkpoint, "'memory' stall for 2 s every", "copies 'storage' that never"),
    (CLIENTS, explain_federated, "First to arrive is 'fast', after 100 steps and 10 s", "without"),
    (_tasks(), explain_offload, "Server 'cloud' has", "server 'cloud' twice as fast"),
    (SPOT, explain_spot, "14 ticks are paid: 10 of work, 4 of changeovers; 2", "changeovers half"),
]


@pytest.mark.parametrize(
    ("problem", "explain", "binds", "first"), EXPLAINED, ids=lambda x: getattr(x, "kind", "")
)
def test_what_binds_and_what_relieves_it(
    problem: Any, explain: Any, binds: str, first: str
) -> None:
    found = explain(problem, Budget(None, 20.0, 1, 0))
    assert isinstance(found, BindingExplanation)
    assert found.status is Status.OPTIMAL
    assert binds in str(found)
    assert sch.check(problem, found.solution) == []
    gains = [relief.gain for relief in found.reliefs if relief.gain is not None]
    assert len(gains) == len(found.reliefs)
    assert gains == sorted(gains, reverse=True)
    assert any(str(relief).startswith(first) for relief in found.reliefs[:4])
    assert gains[0] > 0
    for relief, gain in zip(found.reliefs, gains, strict=True):
        assert relief.useless == (relief.proven and gain <= 0), str(relief)
    json.dumps(found.record())


def test_changes_are_those_of_the_words() -> None:
    found = explain_pipeline(PIPELINE, Budget(None, 20.0, 1, 0))
    values = {str(relief.label): relief.value for relief in found.reliefs}
    for words, changes in (("3 GPUs", {"gpus": 3}), ("no limit of memory", {"gigabytes": None})):
        again = solve(PIPELINE.model_copy(update=changes), work_limit=20, workers=1)
        assert values[words] == again.objective
    ring = explain_ring(RING, Budget(None, 20.0, 1, 0))
    without = RingProblem(rates=((0, 9, 1), (9, 0, 3), (1, 3, 0)))
    again = solve(without, work_limit=20, workers=1)
    found_values = {str(relief.label): relief.value for relief in ring.reliefs}
    assert found_values["without node 3"] == again.objective


def test_limits_that_cannot_be_kept_are_named() -> None:
    budget = Budget(None, 40.0, 1, 0)
    found: Any = explain_offload(_tasks(max_joules=5.0, max_delay_seconds=100.0), budget)
    assert [label.kind for label in found.conflict] == ["max_joules"]
    both: Any = explain_offload(_tasks(max_joules=6.0, max_delay_seconds=3.0), budget)
    assert {label.kind for label in both.conflict} == {"max_joules", "max_delay_seconds"}
    assert both.is_minimal
    late = sch.explain(SPOT.model_copy(update={"deadline": 10}), 600)
    assert [label.kind for label in late.conflict] == ["work", "deadline", "changeover"]
    assert set(late.relaxations) == set(late.conflict)
    later: Any = explain_spot(SPOT.model_copy(update={"deadline": 9}), budget)
    assert [label.kind for label in later.conflict] == ["work", "deadline"]


def test_changes_for_which_no_time_is_left_are_not_solved(monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[Any] = []

    def solved(problem: LeafSpine, *_: object) -> Any:
        problems.append(problem)
        return sch.solve(problem, work_limit=5, workers=1)

    monkeypatch.setattr("scheduling.solvers.binding.solve_within", solved)
    found = explain_spines(FABRIC, Budget(time.monotonic(), None, 1, 0))
    assert problems == [FABRIC]
    assert found.reliefs
    assert all(relief.value is None and not relief.useless for relief in found.reliefs)
    assert "nothing found in time" in str(found)
