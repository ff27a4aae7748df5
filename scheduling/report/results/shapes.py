"""What results of each verb must hold, so that a report can say it: fields, types and signs.

Fields that a report does not show are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from scheduling.errors import Fault
from scheduling.models.base import Document, Many, Name, TierValue
from scheduling.models.cost.layout import Layout
from scheduling.models.serving.plan import ServingPlan
from scheduling.report.results.certificates import tier_faults

Value = Annotated[float, Field(allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Gap = Annotated[float, Field(ge=0, le=2)]
"""A relative distance; that of values of two signs may be above 1."""
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Found = Literal["optimal", "feasible", "infeasible", "unknown"]
"""A status of :class:`~scheduling.models.base.Status`, as files have it."""


class Shape(Document):
    """Fields that a report reads; others may stand beside them and are kept as they are."""

    model_config = ConfigDict(extra="allow")


class BenchRun(Shape):
    """A line of ``bench``."""

    instance: Name
    solver: Name
    seed: int
    status: Found | None
    objective: Value | None
    bound: Value | None
    gap: Gap | None
    seconds: Amount | None
    error: str | None


class Figure(Shape):
    """A reproduced figure."""

    case: str
    measure: str
    baseline: str | None
    baseline_value: Value | None
    method: str
    value: Value
    gap: Gap | None
    ratio: Value | None
    published: str | None
    verdict: str


class Scenario(Shape):
    """What ``reproduce`` says of a published system."""

    name: Name
    rows: Many[Figure]


class AtlasEntry(Scenario):
    """A published system with its verdict."""

    system: str
    problem: str
    verdict: str
    why: str
    figure: Figure | None


class Atlas(Shape):
    """A table of published systems."""

    kind: Literal["atlas"]
    command: str
    machine: str
    budget_seconds: Amount
    total: Count
    verdicts: dict[str, Count]
    systems: Many[AtlasEntry]


class Verdict(Shape):
    """Whether a replay keeps a target."""

    demand: str
    metric: str
    percentile: Value
    target_seconds: Amount
    seconds: Amount | None
    low: Value | None
    high: Value | None
    kept: bool


class Replay(Shape):
    """A simulation of a plan."""

    requests: Count
    kept: bool
    verdicts: Many[Verdict]


class RunnerUp(Shape):
    """A plan of another kind."""

    kind: str
    status: Found
    plan: ServingPlan | None
    replays: Many[Replay]


class Limit(Shape):
    """What a plan takes of what there is."""

    limit: str
    used: Value
    most: Value | None
    unit: str


class Bind(Shape):
    """What a constraint costs."""

    constraint: str
    change: str
    goal: str
    worth: Value | None
    binds: bool


class RuledOut(Shape):
    """A replica that was not considered."""

    model: str
    pool: str
    role: str
    layout: Layout
    reason: str


class PlanResult(Shape):
    """A plan with its replays, its rivals and what binds."""

    kind: Literal["plan-result"]
    status: Found
    plan: ServingPlan | None
    tiers: Many[TierValue]
    replays: Many[Replay]
    runner_ups: Many[RunnerUp]
    limits: Many[Limit]
    binds: Many[Bind]
    ruled_out: Many[RuledOut]

    def _faults(self) -> Iterable[Fault]:
        return tier_faults(self.tiers)


class PlanPoint(Shape):
    """A plan that no other one beats in both goals."""

    values: Annotated[Many[Value], Field(min_length=2, max_length=2)]
    bound: Value | None
    plan: ServingPlan


class PlanFront(Shape):
    """The trade-offs of two goals."""

    kind: Literal["plan-front"]
    goals: Annotated[Many[str], Field(min_length=2, max_length=2)]
    status: Found
    hypervolume: Value | None
    bound: Value | None
    points: Many[PlanPoint]


class Relaxation(Shape):
    """A change that makes a plan possible."""

    constraint: str
    change: str
    factor: Value | None
    plan: ServingPlan


class PlanExplanation(Shape):
    """Why there is no plan."""

    kind: Literal["plan-explanation"]
    faults: Many[str]
    served: Value | None
    relaxations: Many[Relaxation]
    no_help_alone: Many[str]
