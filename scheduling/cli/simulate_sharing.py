"""``scheduling simulate`` on a shared cluster: the table, the files, the JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduling.cli.output import note, table
from scheduling.cli.simulate_options import Asked
from scheduling.cli.simulate_runs import deliver, description, explain_policies
from scheduling.cli.stopping import compare, end
from scheduling.report.words import percent

if TYPE_CHECKING:
    from scheduling.models.sharing.problem import SharedCluster
    from scheduling.simulator.sharing.simulate import SharingComparison, SharingRun


def simulate_cluster(problem: SharedCluster, file: str, asked: Asked) -> None:
    """Run policies on a shared cluster and print them side by side."""
    from scheduling.simulator.sharing.registry import POLICIES
    from scheduling.simulator.sharing.simulate import simulate_sharing

    found, stopped = compare(
        lambda: simulate_sharing(
            problem,
            asked.policies or POLICIES,
            **asked.solving,
            on_run=None if asked.json else _progress,
        )
    )
    best = min(found.runs, key=lambda run: run.mean_seconds)
    deliver(
        asked,
        best.solution,
        schema="simulation-sharing",
        record=lambda: _record(found),
        show=lambda: _show(found, problem.name or file),
        written=f"schedule of {best.policy.name}, in microseconds",
    )
    end(stopped)


def _progress(run: SharingRun) -> None:
    note(f"{run.policy.name}: mean response {run.mean_seconds:.3f} s")


def _show(found: SharingComparison, title: str) -> None:
    rows = [
        [
            run.policy.name,
            f"{run.mean_seconds:.3f}",
            f"{run.percentile_seconds(50):.3f}",
            f"{run.percentile_seconds(95):.3f}",
            f"{max(run.lag_seconds):.3f}",
            percent(run.solution.gap),
        ]
        for run in found.runs
    ]
    headers = ["policy", "mean", "p50", "p95", "most lag", "gap"]
    jobs, cores = len(found.problem.jobs), found.problem.cores
    table(headers, rows, f"{title}: response times of {jobs} jobs on {cores} cores, seconds")
    if found.bound_seconds is not None:
        bound = f"{found.bound_seconds:.3f}"
        print(f"  no scheduler has a mean below {bound} s, even if all is known from the start")
    limit = found.lag_limit_seconds
    print(
        f"  lag: completion less that of equal shares for users; largest job: {limit:.3f} s alone"
    )
    explain_policies(run.policy for run in found.runs)


def _record(found: SharingComparison) -> dict[str, Any]:
    return {
        "problem": found.problem.name,
        "bound_seconds": found.bound_seconds,
        "lag_limit_seconds": found.lag_limit_seconds,
        "runs": [
            {
                **description(run.policy),
                "mean_seconds": run.mean_seconds,
                "gap": run.solution.gap,
                "response_seconds": {
                    job.id: seconds
                    for job, seconds in zip(found.problem.jobs, run.response_seconds, strict=True)
                },
                "lag_seconds": {
                    job.id: seconds
                    for job, seconds in zip(found.problem.jobs, run.lag_seconds, strict=True)
                },
            }
            for run in found.runs
        ],
    }
