"""Charts of solutions beside their problems, by kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from scheduling.instances.kinds import solution_class
from scheduling.models.allocation.problem import AllocationProblem
from scheduling.models.allocation.solution import AllocationSolution
from scheduling.models.base import Problem, Solution
from scheduling.models.batching.problem import BatchingProblem
from scheduling.models.batching.solution import BatchingSolution
from scheduling.models.checkpoint.problem import CheckpointProblem
from scheduling.models.checkpoint.solution import CheckpointSolution
from scheduling.models.federated.problem import FederatedProblem
from scheduling.models.federated.solution import FederatedSolution
from scheduling.models.loop.problem import LoopProblem
from scheduling.models.loop.solution import LoopSolution
from scheduling.models.memory.problem import MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.models.offload.problem import OffloadProblem
from scheduling.models.offload.solution import OffloadSolution
from scheduling.models.pipeline.problem import PipelineProblem
from scheduling.models.pipeline.solution import PipelineSolution
from scheduling.models.placement.problem import Item, PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.models.ring.check import links
from scheduling.models.ring.problem import RingProblem
from scheduling.models.ring.solution import RingSolution
from scheduling.models.schedule.problem import ScheduleProblem
from scheduling.models.schedule.solution import ScheduleSolution
from scheduling.models.spines.problem import LeafSpine
from scheduling.models.spines.solution import LeafSpineSolution
from scheduling.report.allocation.chart import curve
from scheduling.report.batching.chart import held, spans
from scheduling.report.checkpoint.chart import curve as waste_curve
from scheduling.report.federated.chart import arrivals
from scheduling.report.loop.chart import bars
from scheduling.report.memory.chart import rectangles, scale
from scheduling.report.offload.chart import bars as offload_bars
from scheduling.report.pipeline.chart import PASSES
from scheduling.report.pipeline.chart import bars as pipeline_bars
from scheduling.report.results.content import Axis, Bars, Boxes, Chart, Lines, Page, RowBar, Series
from scheduling.report.schedule.layout import build_chart
from scheduling.report.schedule.page import render_page
from scheduling.report.spines.chart import loads


def _schedule(problem: ScheduleProblem, solution: ScheduleSolution) -> list[Chart]:
    chart = build_chart(problem, solution)
    return [Page("Gantt chart", render_page(chart))] if chart.tasks else []


def _memory(problem: MemoryProblem, solution: MemorySolution) -> list[Chart]:
    parts = rectangles(problem, solution)
    if not parts:
        return []
    factor, unit = scale(problem, solution)
    return [
        Boxes(
            "Memory over time",
            Axis("time"),
            Axis(f"address, {unit}"),
            [part.buffer for part in parts],
            [part.start for part in parts],
            [part.end for part in parts],
            [part.offset / factor for part in parts],
            [(part.offset + part.size) / factor for part in parts],
            [part.series for part in parts],
            limit=None if problem.capacity is None else problem.capacity / factor,
        )
    ]


def _loop(problem: LoopProblem, solution: LoopSolution) -> list[Chart]:
    found = bars(problem, solution)
    if not found:
        return []
    rows = list(dict.fromkeys(bar.row for bar in found))
    place = {name: number for number, name in enumerate(rows)}
    height = {name: max(bar.high for bar in found if bar.row == name) for name in rows}
    return [
        Boxes(
            "Pipeline, iteration by iteration",
            Axis("cycles"),
            Axis("unit or warp"),
            [f"{bar.iteration}: {bar.operation}" for bar in found],
            [bar.start for bar in found],
            [bar.end for bar in found],
            [place[bar.row] + 0.05 + 0.9 * bar.low / height[bar.row] for bar in found],
            [place[bar.row] + 0.05 + 0.9 * bar.high / height[bar.row] for bar in found],
            [bar.iteration for bar in found],
            rows=rows,
        )
    ]


def _placement(problem: PlacementProblem, solution: PlacementSolution) -> list[Chart]:
    """Draw for each resource what stands on each node, and for each kind of part what it holds."""
    items = {item.id: item for item in problem.items}
    standing: dict[str, list[tuple[Item, Placement]]] = defaultdict(list)
    for entry in solution.placements:
        standing[entry.node].append((items[entry.item], entry))
    resources = sorted({name for node in problem.nodes for name in node.capacity})
    kinds = sorted({part.kind for node in problem.nodes for part in node.parts})
    return [
        *(_node_map(problem, standing, name) for name in resources),
        *(_part_map(problem, standing, kind) for kind in kinds),
    ]


_STATES = ("stays", "moves", "comes")


def _node_map(
    problem: PlacementProblem, standing: Mapping[str, list[tuple[Item, Placement]]], name: str
) -> Boxes:
    """Draw one resource; what stays, moves and comes differs in colour."""
    boxes: list[RowBar] = []
    nodes = [node for node in problem.nodes if node.capacity.get(name)]
    for row, node in enumerate(nodes):
        left = 0.0
        for item, _ in standing.get(node.id, ()):
            share = 100 * item.demands.get(name, 0) / node.capacity[name]
            if share > 0:
                boxes.append(_bar(item, node.id, left, left + share, row))
                left += share
    return Boxes.in_rows(
        f"{name} by node",
        Axis(f"{name}, % of the node"),
        Axis("node"),
        boxes,
        [node.id for node in nodes],
        legend=_STATES,
        most=100.0,
    )


def _part_map(
    problem: PlacementProblem, standing: Mapping[str, list[tuple[Item, Placement]]], kind: str
) -> Boxes:
    """Draw which items share each part of each node, such as its GPUs, in equal cells."""
    boxes: list[RowBar] = []
    nodes = [node for node in problem.nodes if any(part.kind == kind for part in node.parts)]
    for row, node in enumerate(nodes):
        cells = {
            part.id: number
            for number, part in enumerate(part for part in node.parts if part.kind == kind)
        }
        holders: dict[str, list[Item]] = defaultdict(list)
        for item, entry in standing.get(node.id, ()):
            for use in entry.parts:
                if use.part in cells:
                    holders[use.part].append(item)
        for part, sharers in holders.items():
            for place, item in enumerate(sharers):
                left = cells[part] + 0.04 + 0.92 * place / len(sharers)
                right = left + 0.92 / len(sharers)
                boxes.append(_bar(item, node.id, left, right, row, part))
    return Boxes.in_rows(
        f"{kind} of nodes",
        Axis(f"{kind}, numbered on its node"),
        Axis("node"),
        boxes,
        [node.id for node in nodes],
        legend=_STATES,
        most=float(max(sum(part.kind == kind for part in node.parts) for node in nodes)),
    )


def _bar(item: Item, node: str, left: float, right: float, row: int, part: str = "") -> RowBar:
    """Return the bar of an item on a node, with its part there and where it moves from."""
    state = _state(item, node)
    origin = f"moves from {item.node}" if _STATES[state] == "moves" else ""
    return RowBar(item.id, left, right, row, state, f"{part} {origin}".strip())


def _state(item: Item, node: str) -> int:
    """Return the number in the legend: it stays, moves or comes."""
    if item.node is None:
        return 2
    return 0 if item.node == node else 1


def _allocation(problem: AllocationProblem, solution: AllocationSolution) -> list[Chart]:
    budgets, gains = curve(problem)
    series = [Series("bound", budgets, gains, dashed=True)]
    if solution.objective is not None:
        spent = sum(grant.amount for grant in solution.grants)
        series.append(Series("this answer", [spent], [float(solution.objective)], "points"))
    return [Lines("Gain over budget", Axis("budget"), Axis("gain"), series)]


def _pipeline(problem: PipelineProblem, solution: PipelineSolution) -> list[Chart]:
    found = pipeline_bars(problem, solution)
    if not found:
        return []
    return [
        Boxes.in_rows(
            "GPUs over time, two steps",
            Axis("seconds"),
            Axis("GPU"),
            [RowBar(bar.name, bar.start, bar.end, bar.gpu, bar.passes) for bar in found],
            [f"GPU {gpu}" for gpu in range(1 + max(bar.gpu for bar in found))],
            legend=PASSES,
        )
    ]


def _ring(problem: RingProblem, solution: RingSolution) -> list[Chart]:
    found = links(solution)
    names = [f"{a} to {b}" for a, b in found]
    rates = [problem.rates[a][b] for a, b in found]
    return [Bars("Rate of each link", Axis("rate"), names, [("rate", rates)])] if found else []


def _spines(problem: LeafSpine, solution: LeafSpineSolution) -> list[Chart]:
    series = [
        Series(name, list(range(len(values))), values, "step")
        for name, values in zip(("up", "down"), loads(problem, solution), strict=True)
        if values
    ]
    axes = Axis("link, the busiest first"), Axis("load")
    return [Lines("Loads of the links", *axes, series)] if series else []


def _checkpoint(problem: CheckpointProblem, solution: CheckpointSolution) -> list[Chart]:
    seconds, wastes = waste_curve(problem, solution)
    if not seconds or solution.steps is None or solution.objective is None:
        return []
    at = solution.steps * problem.step_seconds
    series = [
        Series("expected", seconds, wastes),
        Series("this answer", [at], [float(solution.objective)], "points"),
    ]
    axes = Axis("seconds between copies", log=True), Axis("share of time wasted")
    return [Lines("Waste over the interval between copies", *axes, series)]


def _federated(problem: FederatedProblem, solution: FederatedSolution) -> list[Chart]:
    found = arrivals(problem, solution)
    series = [("seconds", list(found.values()))]
    return [Bars("Arrival of each model", Axis("seconds"), list(found), series)] if found else []


def _offload(problem: OffloadProblem, solution: OffloadSolution) -> list[Chart]:
    found = offload_bars(problem, solution)
    if not found:
        return []
    servers = list(problem.servers)
    boxes = [
        RowBar(f"{bar.task} on {bar.server}", bar.there, bar.end, row, servers.index(bar.server))
        for row, bar in enumerate(found)
    ]
    return [
        Boxes.in_rows(
            "Tasks on their servers",
            Axis("seconds"),
            Axis("task"),
            boxes,
            [bar.task for bar in found],
            legend=servers,
            margin=0.1,
        )
    ]


def _batching(problem: BatchingProblem, solution: BatchingSolution) -> list[Chart]:
    """Draw the tokens that are held over the iterations, and who runs when."""
    found = spans(problem, solution)
    if not found:
        return []
    tokens = held(problem, solution)
    steps = [float(step) for step in range(len(tokens))]
    ends = [0.0, float(len(tokens))]
    memory = [
        Series("held", steps, [float(count) for count in tokens], "step"),
        Series("memory", ends, [float(problem.memory)] * 2, dashed=True),
    ]
    rows = list(dict.fromkeys(span.request for span in found))
    place = {name: row for row, name in enumerate(rows)}
    boxes = [
        RowBar(one.request, one.start, one.end, place[one.request], int(one.evicted))
        for one in found
    ]
    return [
        Lines("KV memory over time", Axis("iteration"), Axis("tokens"), memory),
        Boxes.in_rows(
            "Requests over time",
            Axis("iteration"),
            Axis("request"),
            boxes,
            rows,
            legend=("runs", "is evicted at the end"),
        ),
    ]


CHARTS: dict[str, Callable[[Any, Any], list[Chart]]] = {
    "allocation": _allocation,
    "checkpoint": _checkpoint,
    "federated": _federated,
    "leaf-spine": _spines,
    "batching": _batching,
    "loop": _loop,
    "memory": _memory,
    "offload": _offload,
    "pipeline": _pipeline,
    "placement": _placement,
    "ring": _ring,
    "schedule": _schedule,
}
"""What draws a problem with its solution, by kind."""


def own_charts(problem: Problem, solution: Solution | Mapping[str, Any]) -> list[Chart]:
    """Return the charts of a solution beside its problem; none where its kind has none."""
    if isinstance(solution, Mapping):
        solution = solution_class(solution["kind"]).model_validate(solution)
    draw = CHARTS.get(solution.kind)
    return [] if draw is None else draw(problem, solution)
