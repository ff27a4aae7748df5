"""Hypothesis strategies for random small problems with every feature of a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from scheduling.models.schedule.objective import DUE_MEASURES, MEASURES
from scheduling.models.schedule.problem import ScheduleProblem

KINDS = ("end-start", "start-start", "end-end", "start-end")


@dataclass(frozen=True)
class _Features:
    max_jobs: int
    max_tasks: int
    max_duration: int
    modes: int
    machines: int
    renewables: int
    consumables: int
    calendars: bool
    steps: bool
    releases: bool
    deadlines: bool
    precedences: int
    kinds: Sequence[str]
    lags: bool
    max_lags: bool
    due_dates: bool
    weights: bool
    zero_durations: bool
    measures: Sequence[str]
    tiers: int
    feasible: bool


def schedule_problems(
    *,
    max_jobs: int = 3,
    max_tasks: int = 3,
    max_duration: int = 4,
    modes: int = 2,
    machines: int = 2,
    renewables: int = 1,
    consumables: int = 1,
    calendars: bool = True,
    steps: bool = True,
    releases: bool = True,
    deadlines: bool = True,
    precedences: int = 3,
    kinds: Sequence[str] = KINDS,
    lags: bool = True,
    max_lags: bool = True,
    due_dates: bool = True,
    weights: bool = True,
    zero_durations: bool = True,
    measures: Sequence[str] = MEASURES,
    tiers: int = 2,
    feasible: bool = False,
) -> st.SearchStrategy[ScheduleProblem]:
    """Random small schedule problems; every keyword switches a feature or caps its size.

    ``max_jobs`` and ``max_tasks`` (per job) cap the size, ``modes`` the modes of a task,
    ``machines``, ``renewables``, ``consumables`` the number of each, ``precedences`` the explicit
    links (besides chains), ``tiers`` the lexicographic levels. With ``feasible`` limits are
    loosened to admit a reference schedule (all tasks one after the other once everything is open);
    without it infeasible problems occur too.
    """
    features = _Features(
        max_jobs,
        max_tasks,
        max_duration,
        modes,
        machines,
        renewables,
        consumables,
        calendars,
        steps,
        releases,
        deadlines,
        precedences,
        tuple(kinds),
        lags,
        max_lags,
        due_dates,
        weights,
        zero_durations,
        tuple(measures),
        tiers,
        feasible,
    )
    return _problems(features)


@st.composite
def _problems(draw: st.DrawFn, features: _Features) -> ScheduleProblem:
    resources, calendars = _draw_resources(draw, features)
    jobs = _draw_jobs(draw, features, resources)
    links = _draw_links(draw, features, jobs)
    if features.feasible:
        _admit_reference(jobs, links, resources, calendars)
    return ScheduleProblem.model_validate(
        {
            "resources": resources,
            "calendars": calendars,
            "jobs": jobs,
            "precedences": links,
            "objective": _draw_objective(draw, features, jobs),
        }
    )


def _draw_resources(
    draw: st.DrawFn, features: _Features
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    calendars = []
    for number in range(draw(st.integers(0, 2)) if features.calendars else 0):
        cuts = sorted(draw(st.sets(st.integers(0, 12), max_size=4)))
        pairs = zip(cuts[::2], cuts[1::2], strict=False)
        breaks = [{"start": start, "end": end} for start, end in pairs]
        calendars.append({"id": f"c{number}", "breaks": breaks})
    chosen = st.sampled_from([None, *(entry["id"] for entry in calendars)])
    resources: list[dict[str, Any]] = [
        {"type": "machine", "id": f"m{number}", "calendar": draw(chosen)}
        for number in range(draw(st.integers(0, features.machines)))
    ]
    for number in range(draw(st.integers(0, features.renewables))):
        capacity = draw(st.integers(1, 3))
        moments = sorted(draw(st.sets(st.integers(1, 12), max_size=2))) if features.steps else []
        steps = [{"start": moment, "capacity": draw(st.integers(0, 3))} for moment in moments]
        resources.append(
            {
                "type": "renewable",
                "id": f"r{number}",
                "capacity": capacity,
                "steps": steps,
                "calendar": draw(chosen),
            }
        )
    for number in range(draw(st.integers(0, features.consumables))):
        capacity = draw(st.integers(0, 6))
        resources.append({"type": "consumable", "id": f"s{number}", "capacity": capacity})
    return resources, calendars


def _draw_jobs(
    draw: st.DrawFn, features: _Features, resources: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    jobs = []
    for number in range(draw(st.integers(1, features.max_jobs))):
        release = draw(st.integers(0, 4)) if features.releases else 0
        due = draw(st.none() | st.integers(0, 15)) if features.due_dates else None
        count = draw(st.integers(1, features.max_tasks))
        tasks = [
            _draw_task(draw, features, resources, f"t{number}.{index}") for index in range(count)
        ]
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
            }
        )
    return jobs


def _draw_task(
    draw: st.DrawFn, features: _Features, resources: list[dict[str, Any]], name: str
) -> dict[str, Any]:
    release = draw(st.integers(0, 4)) if features.releases else 0
    limit = draw(st.none() | st.integers(release, 30)) if features.deadlines else None
    count = draw(st.integers(1, features.modes))
    modes = [_draw_mode(draw, features, resources) for _ in range(count)]
    return {"id": name, "modes": modes, "release": release, "deadline": limit}


def _draw_mode(
    draw: st.DrawFn, features: _Features, resources: list[dict[str, Any]]
) -> dict[str, Any]:
    shortest = 0 if features.zero_durations else 1
    machines = [entry["id"] for entry in resources if entry["type"] == "machine"]
    demands = {
        entry["id"]: draw(st.integers(0, 2)) for entry in resources if entry["type"] != "machine"
    }
    return {
        "duration": draw(st.integers(shortest, features.max_duration)),
        "machine": draw(st.sampled_from([None, *machines])),
        "demands": demands,
    }


def _draw_links(
    draw: st.DrawFn, features: _Features, jobs: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    names = [task["id"] for job in jobs for task in job["tasks"]]
    if len(names) < 2:
        return []
    links = []
    for _ in range(draw(st.integers(0, features.precedences))):
        first, second = sorted(draw(st.permutations(range(len(names))))[:2])
        kind = draw(st.sampled_from(features.kinds))
        low = draw(st.none() | st.integers(-3, 4)) if features.lags else 0
        high = draw(st.none() | st.integers(-2, 8)) if features.max_lags else None
        if low is None and high is None:
            low = 0
        if low is not None and high is not None:
            high = max(low, high)
        links.append(
            {
                "before": names[first],
                "after": names[second],
                "kind": kind,
                "min_lag": low,
                "max_lag": high,
            }
        )
    return links


def _admit_reference(
    jobs: list[dict[str, Any]],
    links: list[dict[str, Any]],
    resources: list[dict[str, Any]],
    calendars: list[dict[str, Any]],
) -> None:
    """Loosen limits so that all tasks can run one by one in their first mode."""
    events = [task["release"] for job in jobs for task in job["tasks"]]
    events += [job["release"] for job in jobs]
    events += [rest["end"] for entry in calendars for rest in entry["breaks"]]
    events += [step["start"] for entry in resources for step in entry.get("steps", ())]
    start, end = _reference_times(jobs, links, max(events))
    for job in jobs:
        for item in (job, *job["tasks"]):
            if item["deadline"] is not None:
                parts = item.get("tasks", [item])
                item["deadline"] = max(item["deadline"], *(end[task["id"]] for task in parts))
    for link in links:
        first, second = link["kind"].split("-")
        x = (start if first == "start" else end)[link["before"]]
        y = (start if second == "start" else end)[link["after"]]
        if link["max_lag"] is not None:
            link["max_lag"] = max(link["max_lag"], y - x)
    first_modes = [task["modes"][0]["demands"] for job in jobs for task in job["tasks"]]
    for entry in resources:
        used = [demands.get(entry["id"], 0) for demands in first_modes]
        if entry["type"] == "renewable":
            last = entry["steps"][-1] if entry["steps"] else entry
            last["capacity"] = max(last["capacity"], *used)
        elif entry["type"] == "consumable":
            entry["capacity"] = max(entry["capacity"], sum(used))


def _reference_times(
    jobs: list[dict[str, Any]], links: list[dict[str, Any]], opening: int
) -> tuple[dict[str, int], dict[str, int]]:
    """Start and end of each task when they run in the order of the document."""
    start: dict[str, int] = {}
    end: dict[str, int] = {}
    clock = opening
    for task in (task for job in jobs for task in job["tasks"]):
        duration = task["modes"][0]["duration"]
        for link in links:
            if link["after"] == task["id"] and link["min_lag"] is not None:
                first, second = link["kind"].split("-")
                x = (start if first == "start" else end)[link["before"]]
                shift = 0 if second == "start" else duration
                clock = max(clock, x + link["min_lag"] - shift)
        start[task["id"]], end[task["id"]] = clock, clock + duration
        clock += duration
    return start, end


def _draw_objective(draw: st.DrawFn, features: _Features, jobs: list[dict[str, Any]]) -> Any:
    due = any(job["due"] is not None for job in jobs)
    known = [name for name in features.measures if due or name not in DUE_MEASURES] or ["makespan"]
    tiers = []
    for _ in range(draw(st.integers(1, features.tiers))):
        names = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
        terms = [{"measure": name, "weight": draw(st.integers(1, 3))} for name in names]
        tiers.append({"terms": terms})
    return {"tiers": tiers}
