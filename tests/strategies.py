"""Hypothesis strategies for random small problems with every feature of a family."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from scheduling.models.schedule.objective import DUE_MEASURES, JOB_MEASURES, MEASURES
from scheduling.models.schedule.problem import ScheduleProblem

STATES = ("red", "blue")
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
    setups: bool
    reservoirs: int
    no_wait: bool
    blocking: bool
    transfers: bool
    transports: bool
    same_mode: bool
    same_order: bool
    no_idle: bool
    swap: bool
    batching: bool
    disjunctions: bool
    pools: int
    optional: bool
    mode_rules: int
    prices: bool
    shifts: bool
    efficiency: bool
    interruptible: bool
    windows: bool


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
    measures: Sequence[str] = JOB_MEASURES,
    tiers: int = 2,
    feasible: bool = False,
    setups: bool = False,
    reservoirs: int = 0,
    no_wait: bool = False,
    blocking: bool = False,
    transfers: bool = False,
    transports: bool = False,
    same_mode: bool = False,
    same_order: bool = False,
    no_idle: bool = False,
    swap: bool = True,
    batching: bool = False,
    disjunctions: bool = True,
    pools: int = 1,
    optional: bool = False,
    mode_rules: int = 0,
    prices: bool = False,
    shifts: bool = False,
    efficiency: bool = False,
    interruptible: bool = False,
    windows: bool = False,
) -> st.SearchStrategy[ScheduleProblem]:
    """Random small schedule problems; every keyword switches a feature or caps its size.

    ``max_jobs`` and ``max_tasks`` (per job) cap the size, ``modes`` the modes of a task,
    ``machines``, ``renewables``, ``consumables`` the number of each, ``precedences`` the explicit
    links (besides chains), ``tiers`` the lexicographic levels. With ``feasible`` limits are
    loosened to admit a reference schedule (all tasks one after the other once everything is open);
    without it infeasible problems occur too. The keywords behind ``feasible`` switch on rules
    that the reference schedule does not know. Pools and disjunctive groups are resources with
    units too, so they occur only where ``renewables`` do.
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
        setups,
        reservoirs,
        no_wait,
        blocking,
        transfers,
        transports,
        same_mode,
        same_order,
        no_idle,
        swap,
        batching,
        disjunctions,
        pools,
        optional,
        mode_rules,
        prices,
        shifts,
        efficiency,
        interruptible,
        windows,
    )
    return _problems(features)


def full_problems(**changes: Any) -> st.SearchStrategy[ScheduleProblem]:
    """Random tiny problems in which every rule of the family occurs; keywords change them."""
    settings: dict[str, Any] = {
        "max_duration": 3,
        "max_tasks": 2,
        "deadlines": False,
        "renewables": 1,
        "consumables": 0,
        "precedences": 2,
        "kinds": ("end-start",),
        "setups": True,
        "reservoirs": 1,
        "no_wait": True,
        "blocking": True,
        "transfers": True,
        "transports": True,
        "same_mode": True,
        "same_order": True,
        "no_idle": True,
        "swap": False,
        "batching": True,
    }
    return schedule_problems(**{**settings, **changes})


def choice_problems(**changes: Any) -> st.SearchStrategy[ScheduleProblem]:
    """Random tiny problems with optional tasks, routes, mode rules, costs, energy and setups."""
    settings: dict[str, Any] = {
        "max_duration": 3,
        "max_tasks": 2,
        "deadlines": False,
        "calendars": False,
        "steps": False,
        "consumables": 0,
        "precedences": 1,
        "setups": True,
        "reservoirs": 1,
        "no_wait": True,
        "transfers": True,
        "transports": True,
        "same_mode": True,
        "optional": True,
        "mode_rules": 2,
        "prices": True,
        "measures": MEASURES,
    }
    return schedule_problems(**{**settings, **changes})


def shift_problems(**changes: Any) -> st.SearchStrategy[ScheduleProblem]:
    """Random tiny problems with working times and time windows; keywords change them."""
    settings: dict[str, Any] = {
        "max_jobs": 2,
        "max_duration": 3,
        "max_tasks": 2,
        "deadlines": False,
        "consumables": 0,
        "precedences": 2,
        "steps": False,
        "max_lags": False,
        "shifts": True,
        "efficiency": True,
        "interruptible": True,
        "windows": True,
    }
    return schedule_problems(**{**settings, **changes})


@st.composite
def _problems(draw: st.DrawFn, features: _Features) -> ScheduleProblem:
    resources, calendars = _draw_resources(draw, features)
    jobs = _draw_jobs(draw, features, resources)
    links = _draw_links(draw, features, jobs)
    if features.feasible:
        _admit_reference(jobs, links, resources, calendars)
    machines = [entry for entry in resources if entry["type"] == "machine"]
    pools = [entry["id"] for entry in resources if entry["type"] == "pool"]
    _keep_transfers_off(pools, jobs, links)
    _draw_batches(draw, features, machines, jobs)
    batches = [entry for entry in machines if "batch" in entry]
    machines = [entry for entry in machines if "batch" not in entry]
    _draw_chain_rules(draw, features, jobs, [entry["id"] for entry in machines])
    for machine in machines if features.setups else ():
        machine["setups"] = _draw_setups(draw)
    for machine in machines if features.no_idle else ():
        machine["no_idle"] = machine["calendar"] is None and draw(st.booleans())
    for machine in machines if features.prices else ():
        machine["idle_power"] = draw(st.integers(0, 2))
    return ScheduleProblem.model_validate(
        {
            "resources": resources,
            "calendars": calendars,
            "jobs": jobs,
            "precedences": links,
            "transports": _draw_transports(draw, features, jobs, [*machines, *batches]),
            "same_order": _draw_orders(draw, features, jobs, machines),
            "disjunctions": _draw_disjunctions(draw, features, jobs),
            "swap": features.swap or draw(st.booleans()),
            "alternatives": _draw_alternatives(draw, features, jobs),
            "mode_rules": _draw_mode_rules(draw, features, jobs),
            "objective": _draw_objective(draw, features, jobs),
        }
    )


def _draw_resources(
    draw: st.DrawFn, features: _Features
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


def _draw_breaks(draw: st.DrawFn, features: _Features, end: int) -> list[dict[str, Any]]:
    cuts = sorted(draw(st.sets(st.integers(0, end), max_size=4)))
    speeds = st.sampled_from([0, 0, 50, 100, 200, 70]) if features.efficiency else st.just(0)
    return [
        {"start": start, "end": stop, "efficiency": draw(speeds)}
        for start, stop in zip(cuts[::2], cuts[1::2], strict=False)
    ]


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
    draw: st.DrawFn, features: _Features, resources: list[dict[str, Any]], name: str
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
    draw: st.DrawFn, features: _Features, resources: list[dict[str, Any]]
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


def _draw_chain_rules(
    draw: st.DrawFn, features: _Features, jobs: list[dict[str, Any]], machines: list[str]
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


def _draw_batches(
    draw: st.DrawFn,
    features: _Features,
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


def _draw_setups(draw: st.DrawFn) -> list[dict[str, Any]]:
    pairs = [(before, after) for before in (None, *STATES) for after in STATES]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=4, unique=True))
    return [
        {"before": before, "after": after, "time": draw(st.integers(1, 4))}
        for before, after in chosen
    ]


def _draw_transports(
    draw: st.DrawFn,
    features: _Features,
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


def _draw_orders(
    draw: st.DrawFn,
    features: _Features,
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


def _draw_disjunctions(
    draw: st.DrawFn, features: _Features, jobs: list[dict[str, Any]]
) -> list[list[str]]:
    """Draw at most one group of tasks."""
    names = [task["id"] for job in jobs for task in job["tasks"]]
    wanted = features.disjunctions and features.renewables
    if not wanted or len(names) < 2 or not draw(st.booleans()):
        return []
    return [draw(st.lists(st.sampled_from(names), min_size=2, max_size=3, unique=True))]


def _keep_transfers_off(
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


def _draw_alternatives(
    draw: st.DrawFn, features: _Features, jobs: list[dict[str, Any]]
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


def _draw_mode_rules(
    draw: st.DrawFn, features: _Features, jobs: list[dict[str, Any]]
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
