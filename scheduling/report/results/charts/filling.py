"""Charts of what stands where: items on nodes, experts on devices, sequences in chunks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from scheduling.models.experts.problem import ExpertProblem
from scheduling.models.experts.solution import ExpertSolution
from scheduling.models.packing.problem import PackingProblem
from scheduling.models.packing.solution import PackingSolution
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import Placement, PlacementSolution
from scheduling.models.table.problem import TableProblem
from scheduling.models.table.solution import TableSolution
from scheduling.report.experts.chart import STATES, references, shares
from scheduling.report.packing.chart import emptiest, fills
from scheduling.report.results.content import Axis, Boxes, Chart, Lines, Mark, RowBar, Series
from scheduling.report.table.chart import lengths


def placement(problem: PlacementProblem, solution: PlacementSolution) -> list[Chart]:
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
    return _filled(f"{name} by node", f"{name}, % of the node", boxes, nodes, 100.0)


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
    most = float(max(sum(part.kind == kind for part in node.parts) for node in nodes))
    return _filled(f"{kind} of nodes", f"{kind}, numbered on its node", boxes, nodes, most)


def _filled(
    title: str, along: str, boxes: Sequence[RowBar], nodes: Sequence[Node], most: float
) -> Boxes:
    """Draw what fills nodes, a row each."""
    rows = [node.id for node in nodes]
    return Boxes.in_rows(title, Axis(along), Axis("node"), boxes, rows, legend=_STATES, most=most)


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


def experts(problem: ExpertProblem, solution: ExpertSolution) -> list[Chart]:
    """Draw what makes up the load of each device, the most loaded first."""
    devices, found = shares(problem, solution)
    if not found:
        return []
    boxes = [
        RowBar(
            share.expert,
            share.start,
            share.end,
            share.row,
            int(share.copied),
            f"{share.copies} of {share.of} copies",
        )
        for share in found
    ]
    return [
        Boxes.in_rows(
            "Load of each device",
            Axis("load"),
            Axis("device"),
            boxes,
            devices,
            legend=STATES,
            marks=[Mark(*entry) for entry in references(problem, solution)],
        )
    ]


def packing(problem: PackingProblem, solution: PackingSolution) -> list[Chart]:
    """Draw how full the chunks are, and what lies in those with most room left."""
    places, tokens = fills(problem, solution)
    if solution.objective is None or not places:
        return []
    size = problem.chunk_tokens
    series = [
        Series("in the chunk", places, tokens),
        Series("size of a chunk", [places[0], places[-1]], [size, size], dashed=True),
    ]
    chunks = emptiest(problem, solution)
    boxes = []
    for row, chunk in enumerate(chunks):
        start = 0
        for number, (sequence, length) in enumerate(chunk.parts):
            note = f"{length:,} tokens"
            boxes.append(RowBar(f"sequence {sequence}", start, start + length, row, number, note))
            start += length
    charts: list[Chart] = [
        Lines(
            "Fill of the chunks",
            Axis("chunk, the fullest first", whole=True),
            Axis("tokens", whole=True),
            series,
        )
    ]
    if boxes:
        charts.append(
            Boxes.in_rows(
                "Sequences in the chunks with most room left",
                Axis("tokens"),
                Axis("chunk"),
                boxes,
                [chunk.name for chunk in chunks],
                legend=(),
                marks=[Mark("size of a chunk", size)],
            )
        )
    return charts


def table(problem: TableProblem, solution: TableSolution) -> list[Chart]:
    """Draw how many characters the lines share so far, and how many there are."""
    found = lengths(problem, solution)
    if not len(found):
        return []
    places = list(range(1, len(found) + 1))
    shared = found[:, 0].cumsum().tolist()
    everything = found.sum(axis=1).cumsum().tolist()
    series = [
        Series("shared with the line before", places, shared),
        Series("all", places, everything, dashed=True),
    ]
    axes = Axis("line", whole=True), Axis("characters", whole=True)
    return [Lines("Characters shared so far", *axes, series)]
