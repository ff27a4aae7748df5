"""Random resources, their calendars and what holds between machines."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.drawn_features import STATES, Features


def draw_resources(
    draw: st.DrawFn, features: Features
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    calendars = []
    for number in range(draw(st.integers(0, 2)) if features.calendars else 0):
        breaks = _draw_breaks(draw, features, 12)
        calendar: dict[str, Any] = {"id": f"c{number}", "breaks": breaks}
        if features.shifts and draw(st.booleans()):
            period = draw(st.integers(1, 6))
            calendar |= {"period": period, "periodic": _draw_breaks(draw, features, period)}
        calendars.append(calendar)
    chosen = st.sampled_from([None, *(entry["id"] for entry in calendars)])
    resources: list[dict[str, Any]] = [
        {"type": "machine", "id": f"m{number}", "calendar": draw(chosen)}
        for number in range(draw(st.integers(0, features.machines)))
    ]
    for number in range(draw(st.integers(0, features.pools)) if features.renewables else 0):
        count = draw(st.integers(1, 2))
        entry = {"type": "pool", "id": f"p{number}", "count": count, "calendar": draw(chosen)}
        resources.append(entry)
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
    for number in range(draw(st.integers(0, features.reservoirs)) if features.reservoirs else 0):
        initial = draw(st.integers(0, 3))
        maximum = draw(st.none() | st.integers(initial, 4))
        entry = {"type": "reservoir", "id": f"v{number}", "initial": initial, "maximum": maximum}
        resources.append(entry)
    return resources, calendars


def _draw_breaks(draw: st.DrawFn, features: Features, end: int) -> list[dict[str, Any]]:
    cuts = sorted(draw(st.sets(st.integers(0, end), max_size=4)))
    speeds = st.sampled_from([0, 0, 50, 100, 200, 70]) if features.efficiency else st.just(0)
    return [
        {"start": start, "end": stop, "efficiency": draw(speeds)}
        for start, stop in zip(cuts[::2], cuts[1::2], strict=False)
    ]


def draw_setups(draw: st.DrawFn) -> list[dict[str, Any]]:
    pairs = [(before, after) for before in (None, *STATES) for after in STATES]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))
    return [
        {"before": before, "after": after, "time": draw(st.integers(1, 4))}
        for before, after in chosen
    ]


def draw_transports(
    draw: st.DrawFn,
    features: Features,
    jobs: list[dict[str, Any]],
    machines: list[dict[str, Any]],
) -> list[dict[str, Any]]:
    bound = any(job.get("no_wait") or job.get("blocking") for job in jobs)
    if not features.transports or bound or not machines:
        return []
    names = [machine["id"] for machine in machines]
    pairs = [(first, second) for first in names for second in names]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=3, unique=True))
    return [
        {"origin": first, "destination": second, "time": draw(st.integers(0, 3))}
        for first, second in chosen
    ]


def draw_orders(
    draw: st.DrawFn,
    features: Features,
    jobs: list[dict[str, Any]],
    machines: list[dict[str, Any]],
) -> list[list[str]]:
    """Draw at most one group, of machines that no job visits twice."""
    names = [machine["id"] for machine in machines]
    for job in jobs:
        users = [{mode["machine"] for mode in task["modes"]} for task in job["tasks"]]
        names = [name for name in names if sum(name in machines_ for machines_ in users) < 2]
    if not features.same_order or len(names) < 2 or not draw(st.booleans()):
        return []
    return [names]
