"""What results of ``simulate`` must hold, so that a report can say it: fields, types and signs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from scheduling.errors import Fault
from scheduling.models.base import Many, Name, TierValue
from scheduling.report.results.certificates import tier_faults
from scheduling.report.results.shapes import Amount, Count, Gap, Shape, Share, Value


class CheckpointRun(Shape):
    """A plan of checkpoints."""

    plan: Name
    steps: Count
    every: Count | None
    expected_waste: Amount
    simulated_waste: Amount
    failures: Count
    gap: Gap | None


class CheckpointRuns(Shape):
    """Plans of checkpoints side by side."""

    problem: str | None
    least_waste: Amount
    runs: Annotated[Many[CheckpointRun], Field(min_length=1)]


class EdgeRun(Shape):
    """A policy on tasks for edge and cloud."""

    policy: Name
    utility: Value
    gap: Gap | None
    on_edge: Count
    in_cloud: Count
    late: Count
    dropped: Count
    stolen: Count


class EdgeRuns(Shape):
    """Policies on tasks for edge and cloud."""

    problem: str | None
    utility: Value | None
    bound: Value | None
    runs: Annotated[Many[EdgeRun], Field(min_length=1)]


class SharingRun(Shape):
    """A policy on a shared cluster, with the seconds of each job."""

    policy: Name
    mean_seconds: Amount
    gap: Gap | None
    response_seconds: dict[str, Amount]
    lag_seconds: dict[str, Value]


class SharingRuns(Shape):
    """Policies on a shared cluster."""

    problem: str | None
    bound_seconds: Value | None
    runs: Annotated[Many[SharingRun], Field(min_length=1)]

    def _faults(self) -> Iterable[Fault]:
        first = self.runs[0].response_seconds.keys()
        for k, run in enumerate(self.runs):
            for field in ("response_seconds", "lag_seconds"):
                jobs = getattr(run, field).keys()
                if jobs != first:
                    other = min(jobs ^ first)
                    found = f"{'no' if other in first else 'a'} job {other!r}"
                    yield Fault(f"runs[{k}].{field}", found, "the jobs of the first run")


class Answer(Shape):
    """A schedule of a policy, by its certificate."""

    kind: str
    tiers: Annotated[Many[TierValue], Field(min_length=1)]

    def _faults(self) -> Iterable[Fault]:
        return tier_faults(self.tiers)


class OnlineRun(Shape):
    """A policy on jobs that come in time."""

    policy: Name
    summary: str
    ratio: Value | None
    missed: Many[str]
    solution: Answer


class OnlineRuns(Shape):
    """Policies on jobs that come in time, beside what is solved knowing all."""

    problem: str | None
    best: str
    offline: Answer
    runs: Annotated[Many[OnlineRun], Field(min_length=1)]

    def _faults(self) -> Iterable[Fault]:
        names = [run.policy for run in self.runs]
        if self.best not in names:
            yield Fault("best", repr(self.best), f"one of the policies that ran: {names}")


class Estimate(Shape):
    """A value of a simulation."""

    value: Value


class Latency(Shape):
    """Percentiles of seconds."""

    p50: Estimate
    p99: Estimate


class Demand(Shape):
    """What requests of a class have seen."""

    demand: str
    requests: Count
    ttft_seconds: Latency | None
    tpot_seconds: Latency | None
    e2e_seconds: Latency | None
    attainment: Estimate | None
    goodput: Amount | None


class Certified(Shape):
    """A value beside a bound on every policy."""

    value: Value | None
    bound: Value | None
    gap: Gap | None


class Curve(Shape):
    """Share of requests within seconds."""

    share: Many[Share]
    seconds: Many[Amount]


class Timeline(Shape):
    """Use of memory and length of queues over time."""

    seconds: Many[Amount]
    kv_share: Many[Amount]
    queued: Many[Amount]


class Curves(Shape):
    """What a report draws of a run."""

    ttft: Curve | None
    tpot: Curve | None
    e2e: Curve | None
    timeline: Timeline | None


class RequestRun(Shape):
    """A policy on requests."""

    policy: Name
    summary: str
    makespan_seconds: Amount
    restarts: Count
    rejected: Count
    demands: Many[Demand]
    certified: dict[str, Certified]
    curves: Curves


class RequestRuns(Shape):
    """Policies on requests side by side."""

    problem: str | None = None
    requests: Count
    runs: Annotated[Many[RequestRun], Field(min_length=1)]


class SweptRun(Shape):
    """The figures of one run of a sweep."""

    demands: Annotated[Many[Demand], Field(min_length=1)]


class SweepRun(Shape):
    """A run of a sweep."""

    policy: Name
    rate: Amount | None
    seed: int
    run: SweptRun
