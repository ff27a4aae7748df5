"""Sections of simulated requests: policies side by side, and sweeps over rates and seeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from scheduling.report.results.commands import simulate_command
from scheduling.report.results.content import (
    Axis,
    Cell,
    Chart,
    Given,
    Lines,
    Section,
    Series,
    Table,
)
from scheduling.report.words import counted, percent

Record = Mapping[str, Any]

_LATENCIES = ("ttft", "tpot", "e2e")


def requests_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe policies on requests: latencies, memory over time, and distances from bounds."""
    runs = found["runs"]
    names = [run["policy"] for run in runs]
    charts = [*_distributions(runs), *_timelines(runs)]
    answer = f"{counted(found['requests'], 'request')} under {', '.join(names)}: {_best(runs)}"
    return Section(
        found.get("problem") or "Requests",
        answer,
        source,
        certificate=_certified(runs),
        charts=charts,
        tables=[_latency_table(runs), _use_table(runs)],
        command=simulate_command(given, names, "SCENARIO"),
    )


def _best(runs: Sequence[Record]) -> str:
    """Name the policy that is nearest to the bound on the mean time of requests."""
    known = [
        (run["certified"]["e2e"], run["policy"]) for run in runs if run["certified"].get("e2e")
    ]
    known = [(entry, name) for entry, name in known if entry["value"] is not None]
    if not known:
        return "none has a bound."
    entry, name = min(known, key=lambda pair: pair[0]["value"])
    text = f"{name} has the least mean time, {entry['value']:.4g} s"
    if entry["bound"] is None:
        return f"{text}; no bound is known."
    return f"{text}; no policy can go below {entry['bound']:.4g} s."


def _distributions(runs: Sequence[Record]) -> list[Chart]:
    charts: list[Chart] = []
    for name in _LATENCIES:
        series = [
            Series(run["policy"], curve["seconds"], curve["share"])
            for run in runs
            if (curve := run["curves"][name]) is not None
        ]
        if series:
            label = f"{name.upper()}, seconds"
            title = f"Requests whose {name.upper()} is at most"
            charts.append(Lines(title, Axis(label, log=True), Axis("share of requests"), series))
    return charts


def _timelines(runs: Sequence[Record]) -> list[Chart]:
    charts: list[Chart] = []
    for name, label in (("kv_share", "share of KV memory"), ("queued", "requests in queues")):
        series = [
            Series(run["policy"], line["seconds"], line[name], "step")
            for run in runs
            if (line := run["curves"]["timeline"]) is not None
        ]
        if series:
            title = f"{label[0].upper()}{label[1:]} over time"
            charts.append(Lines(title, Axis("seconds"), Axis(label), series))
    return charts


def _certified(runs: Sequence[Record]) -> Table:
    rows = [
        [run["policy"], name, entry["value"], entry["bound"], percent(entry["gap"])]
        for run in runs
        for name, entry in run["certified"].items()
    ]
    return Table("Against any policy", ["policy", "objective", "value", "bound", "gap"], rows)


def _latency_table(runs: Sequence[Record]) -> Table:
    shares = ("p50", "p99")
    columns = [f"{name.upper()} {share}" for name in _LATENCIES for share in shares]
    rows: list[list[Cell]] = []
    for run in runs:
        for demand in run["demands"]:
            cells: list[Cell] = []
            for name in _LATENCIES:
                latency = demand[f"{name}_seconds"]
                cells += [latency[share]["value"] if latency else None for share in shares]
            kept = demand["attainment"]
            share = percent(kept["value"]) if kept else "-"
            rows.append([run["policy"], demand["demand"], *cells, share, demand["goodput"]])
    return Table("Latencies, seconds", ["policy", "demand", *columns, "in SLO", "good/s"], rows)


def _use_table(runs: Sequence[Record]) -> Table:
    rows: list[list[Cell]] = [
        [run["policy"], run["restarts"], run["rejected"], run["makespan_seconds"], run["summary"]]
        for run in runs
    ]
    return Table("Runs", ["policy", "restarts", "rejected", "makespan", "what it is"], rows)


def sweep_section(found: Sequence[Record], source: str, given: Given | None) -> Section:
    """Describe runs of policies at several rates and seeds: latencies over rates, and their trade.

    Latencies are 99th percentiles of the class with the most requests, means over the seeds.
    """
    points = _points(found)
    policies = list(dict.fromkeys(policy for policy, _ in points))
    rates = sorted({rate for _, rate in points if rate is not None})
    seeds = sorted({entry["seed"] for entry in found})
    columns = ["policy", "rate/s", *(f"{name.upper()} p99 s" for name in _LATENCIES)]
    rows: list[list[Cell]] = [
        [policy, rate, *(values[name] for name in (*_LATENCIES, "good", "kept"))]
        for (policy, rate), values in points.items()
    ]
    own = {
        name: [(rate, values) for (policy, rate), values in points.items() if policy == name]
        for name in policies
    }
    charts: list[Chart] = []
    for name in (*_LATENCIES, "good"):
        title = "Requests per second that keep their targets" if name == "good" else None
        title = title or f"{name.upper()}, 99th percentile, over the rate"
        label = "good requests/s" if name == "good" else f"{name.upper()} p99, seconds"
        series = [_over_rates(policy, own[policy], name) for policy in policies]
        if len(rates) > 1 and any(one.x for one in series):
            charts.append(Lines(title, Axis("requests/s"), Axis(label), series))
    answer = (
        f"{counted(len(found), 'run')} of {', '.join(policies)} at "
        f"{counted(len(rates) or 1, 'rate')}, {counted(len(seeds), 'seed')} each."
    )
    options = f"--rates {','.join(f'{rate:g}' for rate in rates)} " if rates else ""
    options += f"--seeds {','.join(map(str, seeds))}"
    return Section(
        "Requests at several rates",
        answer,
        source,
        charts=charts,
        tables=[Table("Means over the seeds", [*columns, "good/s", "in SLO"], rows)],
        command=f"{simulate_command(given, policies, 'SCENARIO')} {options}",
    )


def _over_rates(policy: str, points: Sequence[tuple[float | None, Record]], name: str) -> Series:
    known = sorted(
        (rate, values[name])
        for rate, values in points
        if rate is not None and values[name] is not None
    )
    return Series(policy, [rate for rate, _ in known], [value for _, value in known])


def _points(found: Sequence[Record]) -> dict[tuple[str, float | None], dict[str, float | None]]:
    """Return the figures of each policy at each rate, as means over the seeds."""
    runs: dict[tuple[str, float | None], list[dict[str, float | None]]] = defaultdict(list)
    for entry in found:
        most = max(entry["run"]["demands"], key=lambda demand: int(demand["requests"]))
        values: dict[str, float | None] = {"good": most["goodput"], "kept": None}
        if most["attainment"] is not None:
            values["kept"] = most["attainment"]["value"]
        for name in _LATENCIES:
            latency = most[f"{name}_seconds"]
            values[name] = latency["p99"]["value"] if latency else None
        runs[entry["policy"], entry["rate"]].append(values)
    return {
        key: {name: _mean([values[name] for values in own]) for name in own[0]}
        for key, own in runs.items()
    }


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
