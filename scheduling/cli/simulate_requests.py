"""``scheduling simulate`` on a scenario of requests: the table, the files, the JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scheduling.cli.output import emit_json, note, percent, table

if TYPE_CHECKING:
    from scheduling.models.requests.scenario import RequestScenario
    from scheduling.simulator.requests.compare import Comparison, Outcome
    from scheduling.simulator.requests.metrics import DemandMetrics, Latency

_SHOWN = (50.0, 99.0)


def simulate_scenario(
    problem: RequestScenario,
    file: str,
    policies: Sequence[str] | None,
    *,
    trace: str | None,
    strict: bool,
    capacity: float | None,
    seed: int,
    times: Path | None,
    viewer: Path | None,
    json: bool,
) -> None:
    """Run policies on a scenario and print them side by side."""
    from scheduling.instances.files import BUNDLED
    from scheduling.simulator.requests.compare import DEFAULT_STRATEGIES, simulate_requests
    from scheduling.simulator.requests.records import (
        comparison_record,
        times_table,
        viewer_events,
    )
    from scheduling.storage import write_whole

    here = file == "-" or file.startswith(BUNDLED)
    found = simulate_requests(
        problem,
        policies or DEFAULT_STRATEGIES,
        trace=trace,
        folder=None if here else Path(file).parent,
        strict=strict,
        capacity=capacity,
        seed=seed,
        on_run=None if json else _progress,
    )
    if times is not None:
        write_whole(times, times_table(found.outcomes).encode())
    if viewer is not None:
        write_whole(viewer, viewer_events(found.outcomes).encode())
    for text in found.notes:
        note(text)
    if json:
        emit_json(comparison_record(found))
        return
    _show(found, problem.name or file)


def _progress(one: Outcome) -> None:
    note(f"{one.strategy.name}: {one.metrics.makespan_seconds:.1f} s simulated")


def _show(found: Comparison, title: str) -> None:
    spans = [f"{what} p{share:g}" for what in ("TTFT", "TPOT", "E2E") for share in _SHOWN]
    rows = [
        [one.strategy.name, demand.demand, *_latencies(demand), *_kept(demand)]
        for one in found.outcomes
        for demand in one.metrics.demands
    ]
    headers = ["policy", "demand", *spans, "in SLO", "good/s"]
    table(headers, rows, f"{title}: {len(found.table)} requests, seconds")
    asked = any(one.capacity is not None for one in found.outcomes)
    headers = ["policy", "restarts", "KV mean", "KV peak", "busy", "makespan"]
    table([*headers, "max rate/s"] if asked else headers, [_use(one) for one in found.outcomes])
    rejected = found.outcomes[0].run.rejected
    if rejected:
        print(f"  {rejected} requests are larger than the memory of a replica, and rejected")
    for one in found.outcomes:
        knows = "; knows the lengths of answers" if one.strategy.clairvoyant else ""
        print(f"  {one.strategy.name}: {one.strategy.summary} ({one.strategy.provenance}{knows})")


def _use(one: Outcome) -> list[str]:
    """Return the row of a policy in the table of what the replicas did."""
    group = one.metrics.groups[0]
    shares = [percent(share) for share in (group.kv_mean, group.kv_peak, group.utilisation)]
    row = [one.strategy.name, str(group.restarts), *shares, f"{one.metrics.makespan_seconds:.2f}"]
    if one.capacity is not None:
        rate = one.capacity.rate
        row.append("-" if rate is None else f"{rate:.3f}")
    return row


def _latencies(demand: DemandMetrics) -> list[str]:
    return [
        _shown(latency, share)
        for latency in (demand.ttft, demand.tpot, demand.e2e)
        for share in _SHOWN
    ]


def _shown(latency: Latency | None, share: float) -> str:
    return "-" if latency is None else f"{latency.percentiles[share].value:.4f}"


def _kept(demand: DemandMetrics) -> list[str]:
    kept = None if demand.attainment is None else demand.attainment.value
    rate = "-" if demand.goodput is None else f"{demand.goodput:.3f}"
    return [percent(kept), rate]
