"""Sections of serving plans: a plan, the trade-offs of two goals, and why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scheduling.errors import InputError
from scheduling.models.serving.fleet import Fleet
from scheduling.models.serving.problem import MAXIMISED
from scheduling.models.serving.units import UNITS
from scheduling.report.results.commands import named
from scheduling.report.results.content import (
    IDLE,
    Axis,
    Bars,
    Boxes,
    Cell,
    Chart,
    Given,
    Lines,
    RowBar,
    Section,
    Series,
    Table,
)
from scheduling.report.words import counted, percent

Record = Mapping[str, Any]

_CERTIFICATE = ("objective", "sense", "value", "bound", "unit", "gap")


def plan_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe a serving plan, alone or with its replay, its rivals and what binds."""
    whole: Record = {"plan": found, "tiers": ()}
    if found.get("kind") == "plan-result":
        whole = found
    plan = whole["plan"]
    if plan is None:
        return Section("Serving plan", f"No plan: {whole['status']}.", source)
    goal = plan["objective_name"]
    sense = "max" if goal in MAXIMISED else "min"
    tiers = whole["tiers"] or [{**plan, "name": goal, "sense": sense}]
    rows: list[list[Cell]] = [
        [
            tier["name"],
            tier["sense"],
            tier["objective"],
            tier["bound"],
            UNITS.get(tier["name"]),
            percent(tier["gap"]),
        ]
        for tier in tiers
    ]
    return Section(
        plan["name"],
        f"{_said(plan)}. {_replayed(whole.get('replays'))}".rstrip(),
        source,
        Table("Certificate", _CERTIFICATE, rows),
        [_fleet(plan, given)],
        [_components(plan), _routes(plan), *_plan_tables(whole)],
        f"scheduling plan {named(given, 'FLEET')}",
    )


def _said(plan: Record) -> str:
    """Say how large a plan is and what is proven of it."""
    cost, gap = plan["cost_per_hour"], plan["gap"]
    dollars = "" if cost is None else f" for {cost:,.2f} dollars an hour"
    far = "no bound is known" if gap is None else f"at most {percent(gap)} from the best possible"
    proven = "proven best possible" if plan["status"] == "optimal" else far
    return f"{plan['gpus']} GPUs{dollars}; {plan['objective_name']}: {plan['status']}, {proven}"


def _replayed(replays: Sequence[Record] | None) -> str:
    """Say what the last replay shows; nothing of a file that has none of replays."""
    if replays is None:
        return ""
    if not replays:
        return "It was not replayed by simulation."
    last = replays[-1]
    if last["kept"]:
        return f"All targets are kept in a replay of {last['requests']:,} requests."
    late = [f"{v['metric'].upper()} of {v['demand']}" for v in last["verdicts"] if not v["kept"]]
    return f"In the replay it misses {', '.join(late) or 'what its demands are to attain'}."


def plan_front_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe plans that no other one beats in both of two goals."""
    first, second = found["goals"]
    points = found["points"]
    if not points:
        return _no_front(found, source, given)
    rows: list[list[Cell]] = [
        [*point["values"], point["bound"], point["plan"]["gpus"], _described(point["plan"])]
        for point in points
    ]
    notes = [_described(point["plan"]) for point in points]
    reached = sorted((*point["values"], note) for point, note in zip(points, notes, strict=True))
    xs, ys = [entry[0] for entry in reached], [entry[1] for entry in reached]
    series = [
        Series("plans", xs, ys, "points", [entry[2] for entry in reached]),
        Series("best up to here", xs, ys, "step"),
    ]
    bounds = sorted(
        (point["values"][0], point["bound"]) for point in points if point["bound"] is not None
    )
    if [value for _, value in bounds] != ys and bounds:
        beyond = [value for _, value in bounds]
        series.append(Series("bound", [x for x, _ in bounds], beyond, "step", dashed=True))
    x, y = _measured(first), _measured(second)
    charts = [Lines(f"{second} over {first}", Axis(x), Axis(y), series)]
    known = "complete" if found["status"] == "optimal" else "there may be more"
    answer = f"{counted(len(points), 'plan')} of {first} and {second}; {known}."
    area: list[list[Cell]] = [["hypervolume", "max", found["hypervolume"], found["bound"]]]
    names = [x, y, f"bound of {second}", "GPUs", "plan"]
    return Section(
        f"Trade-offs of {first} and {second}",
        answer,
        source,
        Table("Certificate", ("objective", "sense", "value", "bound"), area),
        charts,
        [Table("Plans", names, rows)],
        _front_command(found, given),
    )


def _no_front(found: Record, source: str, given: Given | None) -> Section:
    """Describe a search for trade-offs that has found none."""
    status = found["status"]
    if status in ("optimal", "feasible"):
        raise InputError.single("points", "none", f"at least one, as the front is {status}", source)
    title = "Trade-offs of {} and {}".format(*found["goals"])
    return Section(title, f"No plan: {status}.", source, command=_front_command(found, given))


def _front_command(found: Record, given: Given | None) -> str:
    return f"scheduling plan {named(given, 'FLEET')} --pareto {' '.join(found['goals'])}"


def _measured(goal: str) -> str:
    """Return a goal with its unit, where that is known and not the goal itself."""
    unit = UNITS.get(goal)
    return goal if unit is None or unit.lower() == goal else f"{goal}, {unit}"


def plan_explanation_section(found: Record, source: str, given: Given | None) -> Section:
    """Describe why there is no plan, and what makes one possible."""
    rows: list[list[Cell]] = [
        [
            one["constraint"],
            one["change"],
            one["factor"],
            one["plan"]["cost_per_hour"],
            _described(one["plan"]),
        ]
        for one in found["relaxations"]
    ]
    columns = ("what makes it impossible", "possible with", "factor", "dollars an hour", "plan")
    tables = [
        Table("Faults", ("fault",), [[fault] for fault in found["faults"]]),
        Table("What makes a plan possible", columns, rows),
        Table("Does not help alone", ("constraint",), [[one] for one in found["no_help_alone"]]),
    ]
    served = found["served"]
    share = "" if served is None else f" At most {percent(served)} of the demands can be served."
    least = f" Least change: {rows[0][1]}." if rows else ""
    return Section(
        "No serving plan",
        f"No plan can meet what is asked.{share}{least}",
        source,
        tables=[table for table in tables if table.rows],
        command=f"scheduling plan {named(given, 'FLEET')} --explain",
    )


def _described(plan: Record) -> str:
    parts = [
        f"{one['replicas']} x {one['model']} {one['role']} {_short(one['layout'])} on {one['pool']}"
        for one in plan["components"]
    ]
    return "; ".join(parts) or "nothing"


def _fleet(plan: Record, given: Given | None) -> Chart:
    """Draw what runs on which GPU where nodes are planned, else how many each component has."""
    names = [component["name"] for component in plan["components"]]
    if names and all(component["places"] for component in plan["components"]):
        pools = given.problem.pools if given and isinstance(given.problem, Fleet) else ()
        whole = {
            f"{pool.name}-{node}": pool.gpus_per_node or 0
            for pool in pools
            for node in range(pool.nodes)
        }
        return _node_map(plan, names, whole)
    gpus = [component["replicas"] * _gpus(component) for component in plan["components"]]
    return Bars("GPUs of each component", Axis("GPUs"), names, [("GPUs", gpus)])


def _node_map(plan: Record, names: list[str], whole: Mapping[str, int]) -> Chart:
    """Draw the nodes with their replicas side by side, and what is idle where nodes are known."""
    boxes: list[RowBar] = []
    used: dict[str, int] = {}
    shares = [
        (share["node"], share["gpus"], f"{component['name']} {replica}", colour, component)
        for colour, component in enumerate(plan["components"])
        for replica, place in enumerate(component["places"], start=1)
        for share in place
    ]
    nodes = {node for node, *_ in shares} | set(whole)
    rows = sorted(nodes, key=lambda node: (node.rpartition("-")[0], len(node), node))
    row = {node: number for number, node in enumerate(rows)}
    for node, gpus, name, colour, component in shares:
        left = used.get(node, 0)
        used[node] = left + gpus
        note = f"{component['role']}, {_short(component['layout'])}, {component['gpu']}"
        boxes.append(RowBar(name, left, left + gpus, row[node], colour, note))
    for node, gpus in whole.items():
        if used.get(node, 0) < gpus:
            boxes.append(RowBar("idle", used.get(node, 0), gpus, row[node], IDLE))
    return Boxes.in_rows(
        "Replicas by node", Axis("GPUs", whole=True), Axis("node"), boxes, rows, legend=names
    )


def _routes(plan: Record) -> Table:
    """Say which component serves which demand."""
    rows: list[list[Cell]] = [
        [route["demand"], route["component"], route["requests_per_second"]]
        for route in plan["routes"]
    ]
    return Table("Who serves what", ["demand", "component", "req/s"], rows)


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
