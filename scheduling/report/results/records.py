"""Sections of what verbs print with ``--json`` and write as JSON lines: plain data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from scheduling.report.results.content import (
    Axis,
    Bars,
    Boxes,
    Cell,
    Chart,
    Lines,
    Section,
    Series,
    Table,
    plain,
)
from scheduling.report.words import percent

Record = Mapping[str, Any]

_LATENCIES = ("ttft", "tpot", "e2e")


def runs_section(found: Record, source: str) -> Section:
    """Describe policies on requests: latencies, memory over time, and distances from bounds."""
    runs = found["runs"]
    names = [run["policy"] for run in runs]
    charts = [*_distributions(runs), *_timelines(runs)]
    answer = f"{found['requests']} requests under {', '.join(names)}: {_best(runs)}"
    return Section(
        found.get("problem") or "Requests",
        answer,
        source,
        charts=charts,
        tables=[_certified(runs), _latency_table(runs), _use_table(runs)],
        command=f"scheduling simulate SCENARIO {' '.join(f'--policy {name}' for name in names)}",
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


def bench_section(found: Sequence[Record], source: str) -> Section:
    """Describe runs of solvers on instances: gaps, proofs, and values above the best known."""
    by_solver: dict[str, list[Record]] = defaultdict(list)
    for record in found:
        by_solver[record["solver"]].append(record)
    rows: list[list[Cell]] = []
    for name, own in by_solver.items():
        gaps = [record["gap"] for record in own if record["gap"] is not None]
        proven = sum(record["status"] in ("optimal", "infeasible") for record in own)
        failed = sum(record["error"] is not None for record in own)
        mean = percent(fmean(gaps) if gaps else None)
        rows.append([name, len(own), proven, len(gaps), mean, failed])
    columns = ["solver", "runs", "proven", "with a gap", "mean gap", "refused or failed"]
    details: list[list[Cell]] = [
        [
            record["instance"],
            record["solver"],
            record["seed"],
            record["status"],
            record["objective"],
            record["bound"],
            percent(record["gap"]),
            record["seconds"],
            record["error"],
        ]
        for record in found
    ]
    heads = ["instance", "solver", "seed", "status", "value", "bound", "gap", "seconds", "error"]
    instances = len({record["instance"] for record in found})
    proven = len({record["instance"] for record in found if record["status"] == "optimal"})
    answer = f"{len(found)} runs on {instances} instances, {proven} of them solved to optimality."
    return Section(
        "Bench",
        answer,
        source,
        charts=_profile(by_solver),
        tables=[Table("Solvers", columns, rows), Table("Runs", heads, details)],
    )


def _profile(by_solver: Mapping[str, Sequence[Record]]) -> list[Chart]:
    """Draw how many runs of each solver end within a gap."""
    series = []
    for name, own in by_solver.items():
        gaps = sorted(100 * record["gap"] for record in own if record["gap"] is not None)
        shares = [100 * (k + 1) / len(own) for k in range(len(gaps))]
        if gaps:
            series.append(Series(name, [0.0, *gaps], [0.0, *shares], "step"))
    if not series:
        return []
    return [Lines("Runs that end within a gap", Axis("gap, %"), Axis("runs, %"), series)]


def plan_section(found: Record, source: str) -> Section:
    """Describe a serving plan, alone or with its replay, its rivals and what binds."""
    whole: Record = {"plan": found, "tiers": ()}
    if found.get("kind") == "plan-result":
        whole = found
    plan = whole["plan"]
    if plan is None:
        return Section("Serving plan", f"No plan: {whole['status']}.", source)
    gap = plan["gap"]
    far = "" if gap is None else f", at most {percent(gap)} from the best possible"
    cost = plan["cost_per_hour"]
    dollars = "" if cost is None else f" for {cost:,.2f} dollars an hour"
    answer = f"{plan['gpus']} GPUs{dollars}; {plan['objective_name']}: {plan['status']}{far}."
    rows: list[list[Cell]] = [
        [tier["name"], tier["sense"], tier["objective"], tier["bound"], percent(tier["gap"])]
        for tier in whole["tiers"]
    ]
    certificate = Table("Certificate", ["objective", "sense", "value", "bound", "gap"], rows)
    return Section(
        plan["name"],
        answer,
        source,
        certificate if rows else None,
        [_fleet(plan)],
        [_components(plan), *_plan_tables(whole)],
        "scheduling plan FLEET",
    )


def _fleet(plan: Record) -> Chart:
    """Draw what runs on which GPU where nodes are planned, else how many each component has."""
    names = [component["name"] for component in plan["components"]]
    if names and all(component["places"] for component in plan["components"]):
        return _node_map(plan, names)
    gpus = [component["replicas"] * _gpus(component) for component in plan["components"]]
    return Bars("GPUs of each component", Axis("GPUs"), names, [("GPUs", gpus)])


def _node_map(plan: Record, names: list[str]) -> Chart:
    """Draw the nodes with their replicas side by side."""
    boxes: list[tuple[str, int, int, int, int]] = []
    used: dict[str, int] = {}
    shares = [
        (share["node"], share["gpus"], f"{component['name']} {replica}", colour)
        for colour, component in enumerate(plan["components"])
        for replica, place in enumerate(component["places"], start=1)
        for share in place
    ]
    rows = sorted({node for node, _, _, _ in shares}, key=lambda node: (len(node), node))
    for node, gpus, name, colour in shares:
        left = used.get(node, 0)
        used[node] = left + gpus
        boxes.append((name, left, left + gpus, rows.index(node), colour))
    return Boxes(
        "Replicas by node",
        Axis("GPUs"),
        Axis("node"),
        [box[0] for box in boxes],
        [box[1] for box in boxes],
        [box[2] for box in boxes],
        [box[3] + 0.08 for box in boxes],
        [box[3] + 0.92 for box in boxes],
        [box[4] for box in boxes],
        rows=rows,
        legend=names,
    )


def _gpus(component: Record) -> int:
    layout = component["layout"]
    return int(layout["tp"] * layout["pp"] * layout["dp"])


def _components(plan: Record) -> Table:
    columns = ["component", "model", "role", "GPU", "replicas", "GPUs each", "batch", "req/s"]
    rows: list[list[Cell]] = []
    for one in plan["components"]:
        expected = one["prediction"]
        first = [one["name"], one["model"], one["role"], one["gpu"], one["replicas"], _gpus(one)]
        figures = [expected[name] for name in ("requests_per_second", *_PREDICTED)]
        rows.append([*first, one["max_sequences"], *figures])
    return Table("Components", [*columns, "TTFT s", "TPOT s", "busy", "watts"], rows)


_PREDICTED = ("ttft_seconds", "tpot_seconds", "utilisation", "watts")


def _plan_tables(whole: Record) -> list[Table]:
    tables = []
    replays = whole.get("replays", ())
    if replays:
        columns = ["demand", "metric", "percentile", "target s", "seconds", "low", "high", "kept"]
        fields = ("demand", "metric", "percentile", "target_seconds", "seconds", "low", "high")
        rows = [
            [*(verdict[name] for name in fields), "yes" if verdict["kept"] else "no"]
            for verdict in replays[-1]["verdicts"]
        ]
        tables.append(Table("Replay by simulation", columns, rows))
    if whole.get("runner_ups"):
        rows = [_rival(other) for other in whole["runner_ups"]]
        tables.append(Table("Runner-ups", ["kind", "status", "value", "replay"], rows))
    if whole.get("limits"):
        rows = [[one["limit"], one["used"], one["most"], one["unit"]] for one in whole["limits"]]
        tables.append(Table("Limits", ["limit", "used", "most", "unit"], rows))
    binding = [one for one in whole.get("binds", ()) if one["binds"]]
    if binding:
        columns = ["constraint", "with", f"{binding[0]['goal']} by the relaxation"]
        rows = [[one["constraint"], one["change"], one["worth"]] for one in binding]
        tables.append(Table("What binds", columns, rows))
    if whole.get("ruled_out"):
        rows = [
            [one["model"], one["pool"], one["role"], _short(one["layout"]), one["reason"]]
            for one in whole["ruled_out"]
        ]
        tables.append(Table("Ruled out", ["model", "pool", "role", "layout", "reason"], rows))
    return tables


def _rival(other: Record) -> list[Cell]:
    plan, replays = other["plan"], other["replays"]
    value = None if plan is None else plan["objective"]
    kept = None if not replays else "targets kept" if replays[-1]["kept"] else "targets missed"
    return [other["kind"], other["status"], value, kept]


def _short(layout: Record) -> str:
    return " ".join(f"{name}{size}" for name, size in layout.items() if size != 1) or "1 GPU"


BESIDE = ("steps", "unplaced", "changes", "notes")
"""What ``pods --json`` says beside the solution."""


def beside_tables(found: Record) -> list[Table]:
    """Return what ``pods --json`` says beside the solution: steps, what is left out, changes."""
    tables = []
    for name in BESIDE:
        entries = found.get(name, ())
        if entries and all(isinstance(entry, Mapping) for entry in entries):
            columns = list(entries[0])
            rows = [[plain(entry.get(column)) for column in columns] for entry in entries]
            tables.append(Table(name.capitalize(), columns, rows))
        elif entries:
            tables.append(Table(name.capitalize(), [name], [[plain(entry)] for entry in entries]))
    return tables
