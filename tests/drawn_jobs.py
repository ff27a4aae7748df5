"""Random jobs: tasks, modes, chains, batches, groups, alternatives and rules between modes."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.drawn_features import STATES, Features


def draw_jobs(
    draw: st.DrawFn, features: Features, resources: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    jobs = []
    for number in range(draw(st.integers(1, features.max_jobs))):
        release = draw(st.integers(0, 4)) if features.releases else 0
        due = draw(st.none() | st.integers(0, 15)) if features.due_dates else None
        count = draw(st.integers(1, features.max_tasks))
        tasks = [
            _draw_task(draw, features, resources, f"t{number}.{index}") for index in range(count)
        ]
        alike = len({len(task["modes"]) for task in tasks}) == 1
        limit = draw(st.none() | st.integers(release, 30)) if features.deadlines else None
        jobs.append(
            {
                "id": f"j{number}",
                "tasks": tasks,
                "chain": draw(st.booleans()),
                "release": release,
                "due": due,
                "deadline": limit,
                "weight": draw(st.integers(0, 3)) if features.weights else 1,
                "same_mode": features.same_mode and alike and draw(st.booleans()),
            }
        )
    return jobs


def _draw_task(
    draw: st.DrawFn, features: Features, resources: list[dict[str, Any]], name: str
) -> dict[str, Any]:
    release = draw(st.integers(0, 4)) if features.releases else 0
    limit = draw(st.none() | st.integers(release, 30)) if features.deadlines else None
    count = draw(st.integers(1, features.modes))
    modes = [_draw_mode(draw, features, resources) for _ in range(count)]
    task = {"id": name, "modes": modes, "release": release, "deadline": limit}
    if features.optional and draw(st.booleans()):
        task |= {"optional": True, "skip_cost": draw(st.integers(0, 3))}
    if features.interruptible:
        task["interruptible"] = draw(st.booleans())
    if features.windows and draw(st.booleans()):
        cuts = sorted(draw(st.sets(st.integers(0, 20), max_size=4)))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        task["windows"] = [{"start": start, "end": end} for start, end in pairs]
    return task


def _draw_mode(
    draw: st.DrawFn, features: Features, resources: list[dict[str, Any]]
) -> dict[str, Any]:
    shortest = 0 if features.zero_durations else 1
    places = ("machine", "pool")
    machines = [entry["id"] for entry in resources if entry["type"] in places]
    demands = {
        entry["id"]: draw(st.integers(0, 2)) for entry in resources if entry["type"] not in places
    }
    stocks = [entry["id"] for entry in resources if entry["type"] == "reservoir"]
    return {
        **(
            {name: draw(st.integers(0, 3)) for name in ("cost", "energy")}
            if features.prices
            else {}
        ),
        "duration": draw(st.integers(shortest, features.max_duration)),
        "machine": draw(st.sampled_from([None, *machines])),
        "demands": demands,
        "supplies": {name: draw(st.integers(0, 2)) for name in stocks},
        "state": draw(st.sampled_from([None, *STATES])) if features.setups else None,
    }


def draw_chain_rules(
    draw: st.DrawFn, features: Features, jobs: list[dict[str, Any]], machines: list[str]
) -> None:
    """Let some chains be without waiting or blocking; the latter need a machine everywhere."""
    for job in jobs:
        if not job["chain"]:
            continue
        job["no_wait"] = features.no_wait and draw(st.booleans())
        may_block = features.blocking and not any(task.get("optional") for task in job["tasks"])
        job["blocking"] = may_block and bool(machines) and draw(st.booleans())
        for mode in (mode for task in job["tasks"] for mode in task["modes"]):
            if job["blocking"] and mode["machine"] not in machines:
                mode["machine"] = draw(st.sampled_from(machines))


def draw_batches(
    draw: st.DrawFn,
    features: Features,
    machines: list[dict[str, Any]],
    jobs: list[dict[str, Any]],
) -> None:
    """Let the last machine run batches, and its tasks take some of their room."""
    if not features.batching or not machines or not draw(st.booleans()):
        return
    machines[-1]["batch"] = room = draw(st.integers(1, 3))
    for mode in (mode for job in jobs for task in job["tasks"] for mode in task["modes"]):
        if mode["machine"] == machines[-1]["id"]:
            mode["size"] = draw(st.integers(1, room))


def draw_disjunctions(
    draw: st.DrawFn, features: Features, jobs: list[dict[str, Any]]
) -> list[list[str]]:
    """Draw at most one group of tasks."""
    names = [task["id"] for job in jobs for task in job["tasks"]]
    wanted = features.disjunctions and features.renewables
    if not wanted or len(names) < 2 or not draw(st.booleans()):
        return []
    return [draw(st.lists(st.sampled_from(names), min_size=2, max_size=3, unique=True))]


def draw_alternatives(
    draw: st.DrawFn, features: Features, jobs: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Draw up to two alternatives; the second may lie within a task of the first."""
    if not features.optional:
        return []
    tasks = [task for job in jobs for task in job["tasks"]]
    left = draw(st.permutations([task["id"] for task in tasks if task.get("optional")]))
    anchors: list[str | None] = [None, *(task["id"] for task in tasks if not task.get("optional"))]
    found = []
    for _ in range(draw(st.integers(0, 2))):
        sizes = draw(st.lists(st.integers(0, 2), min_size=1, max_size=3))
        routes = []
        for size in sizes:
            routes.append(left[:size])
            left = left[size:]
        found.append({"routes": routes, "within": draw(st.sampled_from(anchors))})
        anchors += [name for route in routes for name in route]
    return found


def draw_mode_rules(
    draw: st.DrawFn, features: Features, jobs: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    tasks = [task for job in jobs for task in job["tasks"]]
    if len(tasks) < 2:
        return []
    rules = []
    for _ in range(draw(st.integers(0, features.mode_rules)) if features.mode_rules else 0):
        one, other = draw(st.permutations(tasks))[:2]
        modes = st.sets(st.integers(0, len(other["modes"]) - 1), min_size=1)
        rules.append(
            {
                "task": one["id"],
                "mode": draw(st.integers(0, len(one["modes"]) - 1)),
                "other": other["id"],
                "modes": sorted(draw(modes)),
            }
        )
    return rules
