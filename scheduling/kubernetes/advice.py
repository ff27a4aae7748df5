"""Why a pod stands nowhere, node by node, and what would admit it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from scheduling.models.placement.check_nodes import obstacles
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.solution import PlacementSolution

WANTS = {"demands", "tolerations", "node_selector", "node_affinity", "volumes"}
"""Fields of an item that decide what keeps it off a node."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What keeps one pod out.

    Attributes
    ----------
    item
        The pod.
    reasons
        ``(number of nodes, why)``, the commonest first.
    remedy
        What would admit it, in a sentence; ``None`` where nothing simple would.
    """

    item: str
    reasons: tuple[tuple[int, str], ...]
    remedy: str | None


def advise(problem: PlacementProblem, solution: PlacementSolution) -> list[Advice]:
    """Explain every item that a solution leaves out, those of high priority first.

    The reasons hold for the placement found: a node that is full is full of what stands there then.
    """
    placed = {entry.item: entry.node for entry in solution.placements}
    used = {node.id: Counter[str]() for node in problem.nodes}
    for item in problem.items:
        if item.id in placed:
            used[placed[item.id]].update(item.demands)
    missing = [item for item in problem.items if item.id not in placed]
    missing.sort(key=lambda item: -item.priority)
    known: dict[str, Advice] = {}
    found = []
    for item in missing:
        # Replicas ask for the same, and there may be thousands of them.
        wants = item.model_dump_json(include=WANTS)
        if wants not in known:
            known[wants] = _advice(problem, item, used)
        found.append(replace(known[wants], item=item.id))
    return found


def _advice(problem: PlacementProblem, item: Item, used: dict[str, Counter[str]]) -> Advice:
    counts: Counter[str] = Counter()
    roomy = None
    for node in problem.nodes:
        barred = list(obstacles(item, node))
        counts.update(barred)
        if barred:
            continue
        too_small = _short(item, node, Counter())
        if not too_small:
            roomy = roomy or node
        short = _short(item, node, used[node.id])
        counts.update(
            f"{name}: {'node too small' if name in too_small else 'node full'}" for name in short
        )
        if not short:
            counts["other rules (affinity, spread, gang, quota, budget)"] += 1
    reasons = tuple((count, reason) for reason, count in counts.most_common())
    return Advice(item.id, reasons, _remedy(item, roomy))


def _short(item: Item, node: Node, used: Counter[str]) -> list[str]:
    return [
        name
        for name, need in item.demands.items()
        if need > 0 and used[name] + need > node.capacity.get(name, 0)
    ]


def _remedy(item: Item, roomy: Node | None) -> str | None:
    if roomy is not None:
        return f"one more node like {roomy.id} would hold it"
    if item.node_selector or item.node_affinity or item.volumes:
        return "no node that its selector, affinity and volumes allow is large enough"
    return "no open node without a taint in its way is large enough"
