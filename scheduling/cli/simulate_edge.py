"""``scheduling simulate`` on tasks for edge and cloud: the table, the files, the JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scheduling.cli.output import note, table
from scheduling.cli.simulate_options import Asked
from scheduling.cli.simulate_runs import deliver, description, explain_policies
from scheduling.cli.stopping import compare, end
from scheduling.report.words import number, percent

if TYPE_CHECKING:
    from scheduling.models.edge.problem import EdgeCloud
    from scheduling.simulator.edge.simulate import EdgeComparison, EdgeRun

_COUNTS = ("on_edge", "in_cloud", "late", "dropped", "stolen")


def simulate_stream(problem: EdgeCloud, file: str, asked: Asked) -> None:
    """Run policies on tasks for edge and cloud and print them side by side."""
    from scheduling.simulator.edge.registry import POLICIES
    from scheduling.simulator.edge.simulate import simulate_edge

    found, stopped = compare(
        lambda: simulate_edge(
            problem,
            asked.policies or POLICIES,
            **asked.solving,
            on_run=None if asked.json else _progress,
        )
    )
    best = max(found.runs, key=lambda run: run.utility)
    deliver(
        asked,
        best.solution,
        schema="simulation-edge-cloud",
        record=lambda: _record(found),
        show=lambda: _show(found, problem.name or file),
        written=f"results in time of {best.policy.name}",
    )
    end(stopped)


def _progress(run: EdgeRun) -> None:
    note(f"{run.policy.name}: utility {run.utility}")


def _show(found: EdgeComparison, title: str) -> None:
    rows = [
        [
            run.policy.name,
            number(run.utility),
            percent(run.gap),
            *(str(getattr(run, count)) for count in _COUNTS),
        ]
        for run in found.runs
    ]
    rows.append(["(offline)", number(found.utility), "", *[""] * len(_COUNTS)])
    headers = ["policy", "utility", "gap", *(count.replace("_", " ") for count in _COUNTS)]
    table(headers, rows, f"{title}: {len(found.problem.tasks)} tasks")
    if found.bound is not None:
        bound = number(found.bound)
        print(f"  no scheduler earns more than {bound}, even if all is known from the start")
    explain_policies(run.policy for run in found.runs)


def _record(found: EdgeComparison) -> dict[str, Any]:
    return {
        "problem": found.problem.name,
        "utility": found.utility,
        "bound": found.bound,
        "runs": [
            {
                **description(run.policy),
                "utility": run.utility,
                "gap": run.gap,
                **{count: getattr(run, count) for count in _COUNTS},
            }
            for run in found.runs
        ],
    }
