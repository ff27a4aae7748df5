"""Runs as plain data: figures, times of every request, and events for a trace viewer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from scheduling.simulator.requests.clock import NS_PER_SECOND
from scheduling.simulator.requests.compare import Comparison, Outcome
from scheduling.simulator.requests.metrics import Estimate, Latency
from scheduling.simulator.requests.run import NEVER, FleetRun

_COLUMNS = (
    "policy",
    "request",
    "demand",
    "prompt_tokens",
    "output_tokens",
    "cached_tokens",
    "instance",
    "arrival_seconds",
    "started_seconds",
    "first_token_seconds",
    "ended_seconds",
    "restarts",
)
_NS_PER_MICROSECOND = 1000


def comparison_record(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data; unknown figures are ``None``."""
    return {
        "problem": found.problem.name,
        "requests": len(found.table),
        "kv_tokens": found.kv_tokens,
        "notes": list(found.notes),
        "runs": [_outcome(one) for one in found.outcomes],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
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
        "capacity": None if one.capacity is None else asdict(one.capacity),
    }


def _latency(latency: Latency | None) -> dict[str, Any] | None:
    if latency is None:
        return None
    shares = {f"p{share:g}": _estimate(value) for share, value in latency.percentiles.items()}
    return {"mean": _estimate(latency.mean), **shares}


def _estimate(estimate: Estimate) -> dict[str, float | None]:
    return {"value": estimate.value, "half_width": estimate.half_width}


def times_table(outcomes: Sequence[Outcome]) -> str:
    """Return the times of every request under every policy as CSV; what never was stays empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in outcomes:
        writer.writerows(_rows(one))
    return text.getvalue()


def _rows(one: Outcome) -> Iterator[list[Any]]:
    run, table = one.run, one.run.table
    names = [instance.name for instance in run.instances]
    for row in range(len(table)):
        where = int(run.instance[row])
        yield [
            one.strategy.name,
            row,
            table.demands[int(table.demand[row])],
            int(table.prompt_tokens[row]),
            int(table.output_tokens[row]),
            int(table.cached_tokens[row]),
            names[where] if where >= 0 else "",
            *(
                "" if time == NEVER else f"{time / NS_PER_SECOND:.9f}"
                for time in (
                    int(table.arrival_ns[row]),
                    int(run.started_ns[row]),
                    int(run.first_token_ns[row]),
                    int(run.ended_ns[row]),
                )
            ),
            int(run.restarts[row]),
        ]


def viewer_events(outcomes: Sequence[Outcome]) -> str:
    """Return the runs in the Trace Event format, which Perfetto and Chrome's viewer open.

    A process is an instance under a policy; each request is a row of spans: ``queue``, ``prompt``
    (to its first token) and ``answer``.
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
        for column in (run.table.arrival_ns, run.started_ns, run.first_token_ns, run.ended_ns)
    ]
    common = {"cat": "request", "id": row, "pid": first + int(run.instance[row]), "tid": row}
    for name, begin, end in zip(("queue", "prompt", "answer"), times, times[1:], strict=False):
        yield {"ph": "b", "name": name, "ts": begin, **common}
        yield {"ph": "e", "name": name, "ts": end, **common}
