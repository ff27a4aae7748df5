"""Random precedences, and limits loosened until a reference schedule keeps them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.drawn_features import Features


def draw_links(
    draw: st.DrawFn, features: Features, jobs: list[dict[str, Any]]
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
        apart = features.transfers and kind == "end-start" and low is not None
        links.append(
            {
                "before": names[first],
                "after": names[second],
                "kind": kind,
                "min_lag": low,
                "max_lag": high,
                "transfer": draw(st.integers(0, 3)) if apart else 0,
            }
        )
    return links


def keep_transfers_off(
    pools: list[str], jobs: list[dict[str, Any]], links: list[dict[str, Any]]
) -> None:
    """Let no time pass between machines where a task runs in a pool."""
    pooled = {
        task["id"]
        for job in jobs
        for task in job["tasks"]
        if any(mode["machine"] in pools for mode in task["modes"])
    }
    for link in links:
        if pooled & {link["before"], link["after"]}:
            link["transfer"] = 0


def admit_reference(
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
