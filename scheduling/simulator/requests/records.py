"""Runs as plain data: figures, and events for a trace viewer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from scheduling.simulator.requests.compare import Comparison, Outcome
from scheduling.simulator.requests.curves import curves_record
from scheduling.simulator.requests.metrics import Estimate, Latency
from scheduling.simulator.requests.program_metrics import ProgramMetrics
from scheduling.simulator.requests.run import NEVER, FleetRun

_NS_PER_MICROSECOND = 1000


def comparison_record(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data; unknown figures are ``None``."""
    return {
        "problem": found.problem.name,
        "requests": len(found.table),
        "groups": [
            {
                "name": group.name,
                "role": group.role,
                "replicas": group.replicas,
                "kv_tokens": found.fleet.machines[group.name].kv_tokens,
                "dollars_per_hour": found.fleet.machines[group.name].dollars_per_hour,
            }
            for group in found.fleet.groups
        ],
        "notes": list(found.notes),
        "runs": [outcome_record(one) for one in found.outcomes],
    }


def outcome_record(one: Outcome) -> dict[str, Any]:
    """Return what one policy did as plain data."""
    chosen, metrics = one.strategy, one.metrics
    return {
        "policy": chosen.name,
        "summary": chosen.summary,
        "provenance": chosen.provenance,
        "clairvoyant": chosen.clairvoyant,
        "policies": [policy.name for policy in chosen.policies],
        "makespan_seconds": metrics.makespan_seconds,
        "iterations": one.run.iterations,
        "restarts": int(one.run.restarts.sum()),
        "rejected": one.run.rejected,
        "demands": [
            {
                "demand": demand.demand,
                "requests": demand.requests,
                "served": demand.served,
                "rejected": demand.rejected,
                **{
                    f"{name}_seconds": _latency(getattr(demand, name))
                    for name in ("queue", "ttft", "tpot", "e2e")
                },
                "attainment": None if demand.attainment is None else _estimate(demand.attainment),
                "goodput": demand.goodput,
            }
            for demand in metrics.demands
        ],
        "instances": [asdict(group) for group in metrics.groups],
        "fairness": None if one.fairness is None else asdict(one.fairness),
        "spending": None if one.spending is None else asdict(one.spending),
        "certified": {
            entry.objective: {
                "sense": entry.sense,
                "value": entry.value,
                "bound": entry.bound,
                "gap": entry.gap,
            }
            for entry in one.certified
        },
        "capacity": None if one.capacity is None else asdict(one.capacity),
        "curves": curves_record(one.run),
        "programs": None if one.programs is None else _programs(one.programs),
    }


def _programs(found: ProgramMetrics) -> dict[str, Any]:
    times = {
        name: None if time is None else _estimate(time)
        for name, time in (
            ("mean", found.mean),
            ("p50", found.p50),
            ("p90", found.p90),
            ("p99", found.p99),
        )
    }
    return {
        "programs": found.programs,
        "served": found.served,
        "completion_seconds": times,
        "steps_per_minute": found.steps_per_minute,
        "hit_share": found.hit_share,
        "bound": found.bound,
        "gap": found.gap,
    }


def _latency(latency: Latency | None) -> dict[str, Any] | None:
    if latency is None:
        return None
    shares = {f"p{share:g}": _estimate(value) for share, value in latency.percentiles.items()}
    return {"mean": _estimate(latency.mean), **shares}


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "half_width": estimate.half_width}


def viewer_events(outcomes: Sequence[Outcome]) -> str:
    """Return the runs in the Trace Event format, which Perfetto and Chrome's viewer open.

    A process is an instance under a policy; each request is a row of spans there: ``queue``,
    ``prompt`` (to its first token) and ``answer``, the latter where another instance makes the
    answer in a row of that one.
    """
    events: list[dict[str, Any]] = []
    for number, one in enumerate(outcomes):
        first = number * len(one.run.instances)
        for index, instance in enumerate(one.run.instances):
            name = {"name": f"{one.strategy.name} {instance.name}"}
            events.append({"ph": "M", "name": "process_name", "pid": first + index, "args": name})
        for row in range(len(one.run.table)):
            if one.run.ended_ns[row] != NEVER:
                events += _spans(one.run, row, first)
    return json.dumps({"displayTimeUnit": "ms", "traceEvents": events}) + "\n"


def _spans(run: FleetRun, row: int, first: int) -> Iterator[dict[str, Any]]:
    times = [
        int(column[row]) / _NS_PER_MICROSECOND
        for column in (run.came_ns, run.started_ns, run.first_token_ns, run.ended_ns)
    ]
    prompt, answer = int(run.instance[row]), int(run.decode_instance[row])
    places = (prompt, prompt, prompt if answer < 0 else answer)
    spans = zip(("queue", "prompt", "answer"), places, times, times[1:], strict=False)
    for name, place, begin, end in spans:
        # Viewers join spans of one id wherever they stand, unless it is local to its process.
        where = {"cat": "request", "id2": {"local": hex(row)}, "pid": first + place, "tid": row}
        yield {"ph": "b", "name": name, "ts": begin, **where}
        yield {"ph": "e", "name": name, "ts": end, **where}
