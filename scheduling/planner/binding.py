"""How much of each limit a plan uses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scheduling.models.serving.plan import ServingPlan
from scheduling.models.serving.problem import RATE_SCALE, ServingProblem
from scheduling.models.serving.solution import ServingSolution
from scheduling.planner.candidates import Candidate
from scheduling.planner.resolve import Resolved

_TIGHT = 0.999


@dataclass(frozen=True, slots=True)
class Slack:
    """A limit and how much of it is used.

    Parameters
    ----------
    limit
        What is limited.
    used, most
        In ``unit``.
    unit
        Such as ``GPUs`` or ``$/h``.
    note
        What makes the limit what it is; empty where that is plain.
    """

    limit: str
    used: float
    most: float
    unit: str
    note: str = ""

    @property
    def tight(self) -> bool:
        """Whether nothing is left."""
        return self.used >= _TIGHT * self.most

    @property
    def remark(self) -> str:
        """Whether all of it is used and what makes it so, for people."""
        full = "all used" if self.tight else ""
        return ", ".join(part for part in (full, self.note) if part)

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "limit": self.limit,
            "used": self.used,
            "most": self.most,
            "unit": self.unit,
            "tight": self.tight,
            "note": self.note,
        }


def slacks(
    resolved: Resolved,
    kept: Sequence[Candidate],
    problem: ServingProblem,
    solution: ServingSolution,
    plan: ServingPlan,
) -> tuple[Slack, ...]:
    """Return every limit of a plan: pools, caps, networks, and how busy its replicas may be."""
    fleet = resolved.fleet
    found = []
    for pool in resolved.pools:
        used = sum(c.gpus for c in plan.components if c.pool == pool.name)
        found.append(Slack(f"pool {pool.name}", used, pool.gpus, "GPUs"))
    caps = (
        ("limit on GPUs", plan.gpus, fleet.limits.gpus, "GPUs"),
        ("limit on cost", plan.cost_per_hour, fleet.limits.cost_per_hour, "$/h"),
        ("limit on power", plan.watts, fleet.limits.watts, "W"),
    )
    for name, amount, most, unit in caps:
        if most is not None and amount is not None:
            found.append(Slack(name, float(amount), float(most), unit))
    found += _networks(problem, solution)
    known = {one.id: one for one in kept}
    for component, fleet_ in zip(plan.components, solution.fleets, strict=True):
        one = known[fleet_.template]
        busy = component.prediction.utilisation or 0.0
        ceiling = float(one.ceilings[min(component.replicas, one.most) - 1])
        note = f"batch bound by {one.sized.binds}"
        found.append(Slack(f"load of {component.name}", busy, ceiling, "busy", note))
    return tuple(found)


def _networks(problem: ServingProblem, solution: ServingSolution) -> Iterator[Slack]:
    """Yield how much of each pool's network the KV caches between prefill and decode take."""
    if problem.kv_affinity == "low":
        return
    sizes = {demand.id: demand.kv_bytes_per_request for demand in problem.demands}
    templates = {template.id: template for template in problem.templates}
    moved: dict[tuple[str, str], float] = {}
    for flow in solution.flows:
        one = templates[flow.template]
        if flow.scenario is None and one.role != "both":
            rate = flow.micro_requests_per_second / RATE_SCALE
            key = one.pool, "out of prefill" if one.role == "prefill" else "into decode"
            moved[key] = moved.get(key, 0.0) + rate * sizes[flow.demand] / 1e9
    for pool in problem.pools:
        if pool.kv_bytes_per_second is None or pool.nodes is None:
            continue
        most = pool.nodes * pool.kv_bytes_per_second / 1e9
        for (name, way), amount in moved.items():
            if name == pool.id:
                yield Slack(f"KV network of {name}", amount, most, "GB/s", way)
