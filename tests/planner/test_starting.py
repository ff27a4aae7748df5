"""Plans that a runtime is to start hold only replicas that it can start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.models.serving.fleet import Fleet
from scheduling.planner.emit import RUNTIMES, emit


def fleet(model: str = "llama-3.1-70b", gpu: str = "l40s", **options: Any) -> Fleet:
    """Return a model that needs eight of these GPUs for its weights, four of which make a node."""
    return Fleet.model_validate(
        {
            "kind": "fleet",
            "models": [{"name": model}],
            "pools": [{"name": "own", "gpu": gpu, "nodes": 16, "gpus_per_node": 4}],
            "demands": [
                {"name": "chat", "model": model, "rate": 0.5, "prompt": 500, "output": 50}
                | {"ttft": 4.0, "tpot": 0.2}
            ],
            "options": {"token_budgets": [2048], **options},
            "goals": ["gpus"],
        }
    )


def written(given: Fleet, runtime: str, folder: Path) -> sch.PlanResult:
    found = sch.plan(given, runtime=runtime, time_limit=20, workers=1)
    assert found.plan is not None
    assert emit(found.plan, runtime, folder)
    return found


@pytest.mark.parametrize("runtime", ["vllm", "lws", "llm-d", "dynamo"])
def test_phases_apart_are_planned_without_stages(tmp_path: Path, runtime: str) -> None:
    given = fleet(modes=["disaggregated"], max_tp=4, max_pp=2)
    anyhow = sch.plan(given, time_limit=20, workers=1).plan
    assert anyhow is not None
    with pytest.raises(UnsupportedError, match="pipeline stages"):
        emit(anyhow, runtime, tmp_path / "anyhow")
    found = written(given, runtime, tmp_path / "plan")
    assert {part.layout.pp for part in found.plan.components if found.plan} == {1}
    assert any(one.reason.startswith(f"{runtime}: ") for one in found.ruled_out)


def test_kserve_has_one_kind_for_each_phase(tmp_path: Path) -> None:
    apart = written(fleet(modes=["disaggregated"], max_pp=1), "kserve", tmp_path / "apart")
    assert apart.problem.limits.templates_per_role == 1
    whole = written(fleet(modes=["aggregated"]), "kserve", tmp_path / "whole")
    assert whole.problem.limits.templates_per_role is None


def test_what_no_replica_is_started_of_is_said_at_once() -> None:
    given = fleet(gpu="ascend-910b")
    with pytest.raises(InputError, match=r"dynamo: Dynamo's image is for GPUs of NVIDIA"):
        sch.plan(given, runtime="dynamo", time_limit=20, workers=1)
    with pytest.raises(InputError, match="runtime: found 'other', expected one of: vllm"):
        sch.plan(given, runtime="other")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_running_replicas_that_cannot_be_started_end(tmp_path: Path, runtime: str) -> None:
    given = fleet(modes=["disaggregated"], max_tp=4, max_pp=2)
    running = sch.plan(given, time_limit=20, workers=1).plan
    changed = given.model_copy(update={"running": running})
    found = written(changed, runtime, tmp_path)
    assert found.status == "optimal"
