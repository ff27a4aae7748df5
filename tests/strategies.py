"""Hypothesis strategies for random small problems with every feature of a family."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from scheduling.models.schedule.objective import DUE_MEASURES, MEASURES
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


def schedule_problems(**switches: Any) -> st.SearchStrategy[ScheduleProblem]:
    """Random small schedule problems; keywords are those of :class:`Features`."""
    return _problems(Features(**switches))


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
        "no_idle": True,
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
