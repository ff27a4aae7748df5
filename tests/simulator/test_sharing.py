"""Shared clusters: the fluid reference, the policies' runs, their bounds, files and tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scheduling as sch
from scheduling.errors import InputError, UnsupportedError
from scheduling.instances.generators import generate
from scheduling.models.sharing.fluid import fluid_completions
from scheduling.models.sharing.offline import offline
from scheduling.models.sharing.problem import (
    SharedCluster,
    SharedJob,
    Stage,
    partitioned,
    scaled,
)
from scheduling.simulator.sharing.engine import Engine
from scheduling.simulator.sharing.registry import POLICIES, policy
from scheduling.simulator.sharing.simulate import run_sharing, simulate_sharing
from tests.cli.conftest import Cli, cli
from tests.properties import examples

__all__ = ["cli"]

SMALL: dict[str, Any] = {
    "kind": "sharing",
    "cores": 2,
    "jobs": [
        {"id": "long", "user": "ann", "stages": [{"core_seconds": 8, "tasks": 4}]},
        {"id": "next", "user": "ann", "stages": [{"core_seconds": 4, "tasks": 2}]},
        {
            "id": "query",
            "user": "bob",
            "arrival_seconds": 1,
            "stages": [{"core_seconds": 2}, {"core_seconds": 1, "tasks": 1}],
            "chain": True,
        },
    ],
}


@st.composite
def clusters(draw: st.DrawFn, whole: bool = False) -> SharedCluster:
    """Draw a cluster; ``whole``: a task for each core in every stage, and users with one job."""
    cores = draw(st.integers(1, 3))
    count = draw(st.integers(1, 5))
    return SharedCluster(
        cores=cores,
        jobs=tuple(
            SharedJob(
                id=f"job {k}",
                user=f"user {k if whole else draw(st.integers(0, 2))}",
                arrival_seconds=float(draw(st.integers(0, 8))),
                stages=tuple(
                    Stage(
                        core_seconds=float(cores * draw(st.integers(1, 6))),
                        tasks=None if whole else draw(st.sampled_from([None, 1, 2])),
                    )
                    for _ in range(draw(st.integers(1, 2)))
                ),
                chain=draw(st.booleans()),
            )
            for k in range(count)
        ),
    )


@examples(12)
@given(clusters())
def test_runs_are_solutions_above_the_optimum(problem: SharedCluster) -> None:
    found = simulate_sharing(problem, work_limit=0.1, workers=1)
    for run in found.runs:
        assert sch.check(problem, run.solution) == []
        assert found.bound_seconds is not None
        assert run.mean_seconds >= found.bound_seconds - 1e-9
        assert min(run.response_seconds) > 0


@examples(40)
@given(clusters())
def test_no_policy_leaves_a_core_idle_while_tasks_wait(problem: SharedCluster) -> None:
    loose = problem.model_copy(
        update={"jobs": tuple(job.model_copy(update={"chain": False}) for job in problem.jobs)}
    )
    release = {task.id: job.release for job in offline(loose).jobs for task in job.tasks}
    for name in POLICIES:
        engine = Engine(loose, policy(name))
        engine.run()
        tasks = engine.started
        for late in tasks:
            for moment in {release[late.task], *(t.end for t in tasks)}:
                if release[late.task] <= moment < late.start:
                    busy = sum(t.start <= moment < t.end for t in tasks)
                    assert busy == loose.cores


@examples(60)
@given(clusters(whole=True))
def test_fair_queuing_lags_by_at_most_the_largest_job(problem: SharedCluster) -> None:
    limit = max(job.core_seconds for job in problem.jobs) / problem.cores
    for name, by_user in (("uwfq", True), ("cfq", False)):
        reference = fluid_completions(problem, by_user=by_user)
        responses = run_sharing(problem, policy(name))
        for job, took, fluid in zip(problem.jobs, responses, reference, strict=True):
            assert job.arrival_seconds + took <= fluid + limit + 1e-6


@examples(60)
@given(st.lists(st.integers(1, 20), min_size=1, max_size=6), st.integers(1, 4))
def test_fluid_reference_in_closed_form(works: list[int], cores: int) -> None:
    jobs = tuple(
        SharedJob(id=f"{k}", user=f"{k}", stages=(Stage(core_seconds=float(work), tasks=1),))
        for k, work in enumerate(works)
    )
    ends = fluid_completions(SharedCluster(cores=cores, jobs=jobs))
    expected, before, now = [], 0, 0.0
    for rank, work in enumerate(sorted(works)):
        now += (work - before) * (len(works) - rank) / cores
        before = work
        expected.append(now)
    assert sorted(ends) == pytest.approx(expected)


def test_users_share_equally_whatever_they_submit() -> None:
    jobs = [SharedJob(id=f"a{k}", user="ann", stages=(Stage(core_seconds=12.0),)) for k in range(3)]
    jobs.append(SharedJob(id="b", user="bob", stages=(Stage(core_seconds=12.0),)))
    problem = SharedCluster(cores=2, jobs=tuple(jobs))
    assert fluid_completions(problem)[-1] == pytest.approx(12.0)
    assert fluid_completions(problem, by_user=False)[-1] == pytest.approx(24.0)
    by_user = run_sharing(problem, policy("uwfq"))
    by_job = run_sharing(problem, policy("cfq"))
    assert by_user[-1] == 12.0
    assert by_job[-1] == 24.0
    assert run_sharing(problem, policy("fifo"))[-1] == 24.0


def test_small_clusters_are_solved_to_proof() -> None:
    jobs = [
        {"id": "long", "user": "ann", "stages": [{"core_seconds": 6, "tasks": 2}]},
        {"id": "short", "user": "bob", "arrival_seconds": 1, "stages": [{"core_seconds": 1}]},
    ]
    problem = SharedCluster.model_validate({"cores": 2, "jobs": jobs})
    found = simulate_sharing(problem, work_limit=2, workers=1)
    # Both cores serve the long job first: it ends at 3, the short one at 3.5; waiting for the
    # short one ends it at 1.5 and the long one at 4.5.
    assert found.bound_seconds == pytest.approx(min(3 + 2.5, 4.5 + 0.5) / 2)
    assert min(run.mean_seconds for run in found.runs) == pytest.approx((3 + 2.5) / 2)


def test_changed_schedules_are_caught() -> None:
    problem = SharedCluster.model_validate(SMALL)
    run = simulate_sharing(problem, "uwfq", work_limit=0.1, workers=1).runs[0]
    first, *rest = run.solution.tasks
    early = first.model_copy(update={"start": first.start - 1, "end": first.end - 1})
    for tasks in ((early, *rest), tuple(rest)):
        assert sch.check(problem, run.solution.model_copy(update={"tasks": tasks}))


def test_partitioning_keeps_work_and_shortens_tasks() -> None:
    problem = SharedCluster.model_validate(SMALL)
    fine = partitioned(problem, 0.5)
    for before, after in zip(problem.jobs, fine.jobs, strict=True):
        assert before.core_seconds == after.core_seconds
        for stage in after.stages:
            assert max(fine.durations(stage)) <= 500_000
    assert scaled(problem, 2.0).jobs[0].core_seconds == 16.0


def test_own_policies_run() -> None:
    class Backwards(type(policy("fifo"))):  # type: ignore[misc]
        name = "backwards"

        def rank(self, stage: object) -> tuple[float, ...]:
            return (-stage.number,)  # type: ignore[attr-defined]

    problem = SharedCluster.model_validate({**SMALL, "jobs": SMALL["jobs"][:2]})
    found = simulate_sharing(problem, ["fifo", Backwards()], work_limit=0.1, workers=1)
    assert found.runs[0].response_seconds == (4.0, 6.0)
    assert found.runs[1].response_seconds == (6.0, 2.0)


def test_faults_of_files_are_named(tmp_path: Path) -> None:
    jobs: list[dict[str, Any]] = [
        {"id": "a", "user": "u", "stages": []},
        {"id": "a", "user": "u", "stages": [{}]},
    ]
    with pytest.raises(InputError, match=r"jobs\[1\].stages\[0\].core_seconds"):
        SharedCluster.model_validate({"cores": 1, "jobs": jobs})
    jobs[1]["stages"] = [{"core_seconds": 1e-6, "tasks": 2}]
    with pytest.raises(InputError) as caught:
        SharedCluster.model_validate({"cores": 1, "jobs": jobs})
    places = [fault.place for fault in caught.value.faults]
    assert places == ["jobs", "jobs[0].stages", "jobs[1].stages[0]"]
    table = tmp_path / "jobs.csv"
    table.write_text("arrival_seconds,user,job,core_seconds\n0,u,j,4\n1,u,j,4\n")
    with pytest.raises(InputError, match="no number of cores"):
        sch.read(table)
    with pytest.raises(InputError, match="line 3, arrival_seconds"):
        sch.read(table, format="shared-jobs:2")
    table.write_text("arrival_seconds,user,job,core_seconds\n0,u,j,much\n")
    with pytest.raises(InputError, match="line 2, core_seconds"):
        sch.read(table, format="shared-jobs:2")
    table.write_text("arrival_seconds,user,job,core_seconds\n0,u,j,4\n1,u,k,0\n")
    with pytest.raises(InputError, match=r"jobs\.csv: line 3, jobs\[1\].*core_seconds: found 0"):
        sch.read(table, format="shared-jobs:2")
    with pytest.raises(UnsupportedError, match="uwfq"):
        policy("uwfx")


def test_tables_of_stages_round_trip(tmp_path: Path) -> None:
    problem = generate("shared-cluster", {"jobs": 9, "seed": 4})
    assert isinstance(problem, SharedCluster)
    with pytest.raises(UnsupportedError, match="chain"):
        sch.write(problem, tmp_path / "jobs.csv", format="shared-jobs")
    jobs = tuple(job.model_copy(update={"chain": False}) for job in problem.jobs)
    loose = problem.model_copy(update={"jobs": jobs, "name": "jobs"})
    sch.write(loose, tmp_path / "jobs.csv", format="shared-jobs")
    assert sch.read(tmp_path / "jobs.csv") == loose
    sch.write(problem, tmp_path / "jobs.yaml")
    assert sch.read(tmp_path / "jobs.yaml") == problem


def test_command_line(cli: Cli, tmp_path: Path) -> None:
    path, out = tmp_path / "jobs.json", tmp_path / "best.json"
    path.write_text(json.dumps(SMALL))
    shown = cli(
        "simulate",
        path,
        "--policy",
        "uwfq",
        "--policy",
        "fifo",
        "--output",
        out,
        "--work-limit",
        0.1,
    )
    assert shown.code == 0
    assert "most lag" in shown.out
    assert cli("check", path, out).code == 0
    told = json.loads(cli("simulate", path, "--json", "--policy", "cfq", "--work-limit", 0.1).out)
    assert told["runs"][0]["policy"] == "cfq"
    assert told["bound_seconds"] > 0
    assert cli("simulate", path, "--trace", "x.csv").code == 2


@pytest.mark.shared
def test_measured_means_of_spark(shared_data: Path) -> None:
    from scheduling.scenarios.scenario import Run
    from scheduling.scenarios.uwfq import run

    rows = run(Run(1e6, shared_data))
    assert len(rows) == 8
    for row in rows:
        assert row.ratio is not None
        assert row.gap is not None
        assert abs(row.ratio - 1) <= (0.005 if row.method == "FAIR" else 0.15)
