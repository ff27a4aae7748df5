"""Short forms of a plan's neighbours, for people."""

from __future__ import annotations

from collections.abc import Sequence

from scheduling.models.serving.fleet import short_precision
from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.units import unit
from scheduling.planner.candidates import RuledOut
from scheduling.planner.results import PlanResult
from scheduling.planner.verify import Replay


def described(plan: ServingPlan) -> str:
    """Return the replicas of a plan in one line, such as ``3 x prefill tp1 fp8 on h100``."""
    parts = []
    for one in plan.components:
        role = "" if one.role == "both" else f"{one.role} "
        kind = f"{role}{one.layout} {short_precision(one.precision)} on {one.pool}"
        parts.append(f"{one.replicas} x {one.model} {kind}")
    return "; ".join(parts)


def rivals(result: PlanResult) -> list[list[str]]:
    """Return a row for each runner-up: its kind, its value, its replay, its replicas."""
    rows = []
    for other in result.runner_ups:
        if other.plan is None:
            reason = "impossible" if other.status == "infeasible" else "none found"
            rows.append([other.kind, reason, "", ""])
            continue
        value = "-" if other.plan.objective is None else f"{other.plan.objective:,.4g}"
        shown = f"{value} {unit(other.plan.objective_name)}"
        rows.append([other.kind, shown, replayed(other.replays), described(other.plan)])
    return rows


def replayed(replays: Sequence[Replay]) -> str:
    """Return what the replay of a plan shows in a few words, and whether it was re-sized."""
    if not replays:
        return "not replayed"
    if not (replays[-1].verdicts or replays[-1].attained):
        return "no targets"
    last, resized = replays[-1], len(replays) - 1
    if last.kept:
        words = "targets kept"
    else:
        late = [f"{v.metric.upper()} of {v.demand}" for v in last.missed]
        words = f"misses {', '.join(late)}"
    return f"{words}, re-sized {resized} x" if resized else words


def ruled_out(dropped: Sequence[RuledOut]) -> list[list[str]]:
    """Return a row for each reason: what it is, how many templates, and one of them."""
    groups: dict[str, list[RuledOut]] = {}
    for one in dropped:
        groups.setdefault(_reason(one), []).append(one)
    rows = []
    for reason, members in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        first = members[0]
        kind = f"{first.role} {first.layout} {short_precision(first.precision)}"
        example = f"{first.model} {kind} on {first.pool}: {first.reason}"
        rows.append([reason, str(len(members)), example])
    return rows


def _reason(one: RuledOut) -> str:
    if one.floor is not None:
        return f"{one.floor.metric.upper()} floor above its target"
    known = (
        ("weights need", "weights do not fit"),
        ("replaced at no loss", "replaced at no loss"),
        ("KV cache holds", "KV cache too small"),
        ("prefill and decode share", "other type of KV"),
    )
    return next((short for start, short in known if one.reason.startswith(start)), one.reason)
