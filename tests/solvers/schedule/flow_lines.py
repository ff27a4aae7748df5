"""Flow lines for tests: drawn and fixed ones, and all orders of their jobs."""

from __future__ import annotations

from itertools import permutations, product
from typing import Any

from hypothesis import strategies as st

from scheduling.models.schedule.objective import JOB_MEASURES
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.solvers.schedule.family import CompiledSchedule
from scheduling.solvers.schedule.permutation.line import Line

Fields = dict[str, Any]


@st.composite
def lines(
    draw: st.DrawFn,
    *,
    most_jobs: int = 4,
    most_stages: int = 3,
    most_lines: int = 2,
    releases: bool = True,
    shortest: int = 0,
    moments: bool = False,
    objectives: tuple[Any, ...] = (*JOB_MEASURES, {"makespan": 3, "total_tardiness": 2}),
) -> ScheduleProblem:
    """Draw a flow line with the rules that the searches take.

    With ``moments``, there are many tasks without duration, also where the searches refuse them.
    """
    jobs = draw(st.integers(1, most_jobs))
    stages, factories = draw(st.integers(1, most_stages)), draw(st.integers(1, most_lines))
    no_wait, setups = draw(st.booleans()), draw(st.booleans())
    objective = draw(st.sampled_from(objectives))
    inside = not moments and (stages > 1 or releases)
    least = [shortest] * stages
    if inside and objective not in ("makespan", {"makespan": 3}):
        least[-1] = 1
    if setups or (inside and no_wait and stages > 1):
        least = [1] * stages
    names = [[f"F{f}M{k}" for k in range(stages)] for f in range(factories)]
    resources: list[Fields] = []
    for name in (name for row in names for name in row):
        times = [
            {"before": before, "after": after, "time": draw(st.integers(0, 3))}
            for before in (None, "a", "b")
            for after in "ab"
        ]
        resources.append({"type": "machine", "id": name, "setups": times if setups else []})
    rows = []
    for j in range(jobs):
        tasks = []
        for k in range(stages):
            modes = [
                {
                    "duration": draw(
                        st.sampled_from((0, 0, 3, 4)) if moments else st.integers(least[k], 4)
                    ),
                    "machine": row[k],
                    "state": draw(st.sampled_from("ab")),
                }
                for row in names
            ]
            release = draw(st.integers(0, 5)) if releases else 0
            tasks.append({"id": f"{j}.{k}", "modes": modes, "release": release})
        rows.append(
            {
                "id": f"J{j}",
                "tasks": tasks,
                "chain": stages > 1,
                "no_wait": no_wait and stages > 1,
                "same_mode": factories > 1,
                "due": draw(st.integers(0, 15)),
                "weight": draw(st.integers(1, 3)),
            }
        )
    return ScheduleProblem.model_validate(
        {
            "resources": resources,
            "jobs": rows,
            "same_order": names if stages > 1 else [],
            "objective": objective,
        }
    )


@st.composite
def hybrid_lines(draw: st.DrawFn) -> ScheduleProblem:
    """Draw a hybrid flow shop."""
    jobs, stages = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    units = [draw(st.integers(1, 3)) for _ in range(stages - 1)] + [2]
    resources = [
        {"type": "renewable", "id": f"S{k}", "capacity": count} for k, count in enumerate(units)
    ]
    rows = []
    for j in range(jobs):
        tasks = [
            {
                "id": f"{j}.{k}",
                "release": draw(st.integers(0, 4)),
                "modes": [{"duration": draw(st.integers(1, 5)), "demands": {f"S{k}": 1}}],
            }
            for k in range(stages)
        ]
        rows.append(
            {"id": f"J{j}", "tasks": tasks, "chain": stages > 1, "due": draw(st.integers(0, 9))}
        )
    objective = draw(st.sampled_from(("makespan", "total_tardiness", "max_lateness")))
    return ScheduleProblem.model_validate(
        {"resources": resources, "jobs": rows, "objective": objective}
    )


def every_order(line: Line) -> Any:
    """All ways to spread the jobs over the lines and to order them."""
    for choice in product(range(line.lines), repeat=line.jobs):
        members = [[j for j, f in enumerate(choice) if f == g] for g in range(line.lines)]
        yield from product(*(list(map(list, permutations(jobs))) for jobs in members))


def least(data: CompiledSchedule) -> int:
    """Least value over all orders."""
    line = Line.of(data.arrays, 0)
    return min(data.values(line.candidate(list(orders)))[0] for orders in every_order(line))


def machines(rows: list[list[int]], **fields: Any) -> ScheduleProblem:
    """Independent tasks on unrelated machines."""
    tasks = [
        {"id": f"T{j}", "modes": [{"duration": d, "machine": f"M{k}"} for k, d in enumerate(row)]}
        for j, row in enumerate(rows)
    ]
    return ScheduleProblem.model_validate(
        {
            "resources": [{"type": "machine", "id": f"M{k}"} for k in range(len(rows[0]))],
            "jobs": [{"id": task["id"], "tasks": [task], "due": 3} for task in tasks],
            **fields,
        }
    )


def flow(**fields: Any) -> Fields:
    """Fields of a permutation flow shop of three jobs."""
    jobs = [
        {
            "id": f"J{j}",
            "chain": True,
            "due": 4,
            "tasks": [
                {"id": f"{j}.{k}", "modes": [{"duration": 1 + (j + k) % 3, "machine": f"M{k}"}]}
                for k in range(2)
            ],
        }
        for j in range(3)
    ]
    resources = [{"type": "machine", "id": f"M{k}"} for k in range(2)]
    return {"resources": resources, "jobs": jobs, "same_order": [["M0", "M1"]], **fields}
