"""Hypothesis strategies for random small problems with every feature of a family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from scheduling.models.schedule.objective import DUE_MEASURES, JOB_MEASURES, MEASURES
from scheduling.models.schedule.problem import ScheduleProblem
from tests.drawn_features import Features
from tests.drawn_jobs import (
    draw_alternatives,
    draw_batches,
    draw_chain_rules,
    draw_disjunctions,
    draw_jobs,
    draw_mode_rules,
)
from tests.drawn_links import admit_reference, draw_links, keep_transfers_off
from tests.drawn_resources import draw_orders, draw_resources, draw_setups, draw_transports

KINDS = ("end-start", "start-start", "end-end", "start-end")


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
    features = Features(
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
def _problems(draw: st.DrawFn, features: Features) -> ScheduleProblem:
    resources, calendars = draw_resources(draw, features)
    jobs = draw_jobs(draw, features, resources)
    links = draw_links(draw, features, jobs)
    if features.feasible:
        admit_reference(jobs, links, resources, calendars)
    machines = [entry for entry in resources if entry["type"] == "machine"]
    pools = [entry["id"] for entry in resources if entry["type"] == "pool"]
    keep_transfers_off(pools, jobs, links)
    draw_batches(draw, features, machines, jobs)
    batches = [entry for entry in machines if "batch" in entry]
    machines = [entry for entry in machines if "batch" not in entry]
    draw_chain_rules(draw, features, jobs, [entry["id"] for entry in machines])
    for machine in machines if features.setups else ():
        machine["setups"] = draw_setups(draw)
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
            "transports": draw_transports(draw, features, jobs, [*machines, *batches]),
            "same_order": draw_orders(draw, features, jobs, machines),
            "disjunctions": draw_disjunctions(draw, features, jobs),
            "swap": features.swap or draw(st.booleans()),
            "alternatives": draw_alternatives(draw, features, jobs),
            "mode_rules": draw_mode_rules(draw, features, jobs),
            "objective": _draw_objective(draw, features, jobs),
        }
    )


def _draw_objective(draw: st.DrawFn, features: Features, jobs: list[dict[str, Any]]) -> Any:
    due = any(job["due"] is not None for job in jobs)
    known = [name for name in features.measures if due or name not in DUE_MEASURES] or ["makespan"]
    tiers = []
    for _ in range(draw(st.integers(1, features.tiers))):
        names = draw(st.lists(st.sampled_from(known), min_size=1, max_size=2, unique=True))
        terms = [{"measure": name, "weight": draw(st.integers(1, 3))} for name in names]
        tiers.append({"terms": terms})
    return {"tiers": tiers}
