"""What would make pending pods fit: one change at a time, each tried by solving again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from scheduling.kubernetes.advice import WANTS
from scheduling.models.base import Status
from scheduling.models.placement.check_nodes import obstacles, taints_in_the_way
from scheduling.models.placement.problem import Item, Node, PlacementProblem
from scheduling.models.placement.rules import Toleration
from scheduling.models.placement.solution import PlacementSolution
from scheduling.solvers.driver import solve

_HOSTNAME = "kubernetes.io/hostname"
_MOST_NODES = 64
_SHARE = 0.3
"""Share of what is left of a trial that one of its several solves takes."""
_LEAST_SECONDS = 0.05
_SHAPES = 4
_TAINTS = 4


@dataclass(frozen=True, slots=True)
class Change:
    """A change to the cluster and what it brings.

    Attributes
    ----------
    change
        In words.
    admitted
        Items that stand nowhere without the change and somewhere with it.
    displaced
        Items that stand somewhere without it and nowhere with it.
    disturbed
        Running items that are moved or evicted with it.
    proven
        Whether the placement with the change is proven best; for further nodes, whether fewer are
        proven not to be enough.
    """

    change: str
    admitted: tuple[str, ...]
    displaced: tuple[str, ...]
    disturbed: int
    proven: bool


Answer = Callable[[PlacementProblem, float], PlacementSolution | None]


class _Clock:
    """Shares the time until a deadline evenly among what is still to be tried."""

    def __init__(self, deadline: float, trials: int) -> None:
        self._deadline, self._trials = deadline, trials
        self._until = deadline

    def begin(self) -> None:
        """Begin the next trial."""
        now = time.monotonic()
        self._until = now + (self._deadline - now) / self._trials
        self._trials -= 1

    def left(self) -> float:
        """Seconds left for this trial."""
        return self._until - time.monotonic()


def what_if(
    problem: PlacementProblem,
    solution: PlacementSolution,
    *,
    time_limit: float,
    workers: int | None = None,
    seed: int = 0,
) -> list[Change]:
    """Try changes that may admit what a solution leaves out.

    Tried are: no limit on moves; disruption budgets set aside; a taint tolerated by the items left
    out; more nodes like one that is there, as few as place everything that such nodes can hold.
    Changes that admit nothing are left out; the list begins with those that admit most and disturb
    least.

    Parameters
    ----------
    problem, solution
        The problem and the answer that leaves items out.
    time_limit
        Seconds for all trials together, shared evenly; those for which no time is left are not
        made.
    workers, seed
        As in :func:`scheduling.solve`.
    """
    placed = {entry.item for entry in solution.placements}
    missing = [item for item in problem.items if item.id not in placed]
    if not missing:
        return []
    trials = [*_limits(problem), *_taints(problem, missing)]
    shapes = _shapes(problem, missing)
    clock = _Clock(time.monotonic() + time_limit, len(trials) + len(shapes))

    def answer(changed: PlacementProblem, share: float) -> PlacementSolution | None:
        left = share * clock.left()
        if left < _LEAST_SECONDS:
            return None
        found: PlacementSolution = solve(changed, time_limit=left, workers=workers, seed=seed)
        return found

    found: list[Change] = []
    for name, changed in trials:
        clock.begin()
        trial = answer(changed, 1.0)
        if trial is not None:
            found.append(_outcome(name, problem, placed, trial))
    for shape in shapes:
        clock.begin()
        more = _more_nodes(problem, shape, missing, placed, answer)
        if more is not None:
            found.append(more)
    useful = [change for change in found if len(change.admitted) > len(change.displaced)]
    useful.sort(key=lambda change: (-len(change.admitted), change.disturbed, change.change))
    return useful


def _limits(problem: PlacementProblem) -> Iterator[tuple[str, PlacementProblem]]:
    if problem.max_moves is not None:
        yield "no limit on moves", problem.model_copy(update={"max_moves": None})
    if any(budget.allowed == 0 for budget in problem.budgets):
        yield "disruption budgets set aside", problem.model_copy(update={"budgets": ()})


def _taints(
    problem: PlacementProblem, missing: list[Item]
) -> Iterator[tuple[str, PlacementProblem]]:
    """Yield problems in which the items left out tolerate a taint that is in their way."""
    keys: Counter[str] = Counter()
    for item in _distinct(missing):
        for node in problem.nodes:
            in_the_way = taints_in_the_way(item, node)
            if in_the_way and len(list(obstacles(item, node))) == len(in_the_way):
                keys.update({taint.key for taint in in_the_way})
    names = {item.id for item in missing}
    for key, _ in keys.most_common(_TAINTS):
        leave = Toleration(key=key, operator="Exists")
        items = tuple(
            item.model_copy(update={"tolerations": (*item.tolerations, leave)})
            if item.id in names
            else item
            for item in problem.items
        )
        yield (
            f"the pods left out tolerate the taint {key!r}",
            problem.model_copy(update={"items": items}),
        )


def _distinct(items: list[Item]) -> list[Item]:
    """Return one of each kind of items that ask for the same."""
    return list({item.model_dump_json(include=WANTS): item for item in items}.values())


def _shapes(problem: PlacementProblem, missing: list[Item]) -> list[Node]:
    """Nodes of different capacity on which, empty, most kinds of items left out could stand."""
    found: dict[tuple[tuple[str, int], ...], tuple[int, Node]] = {}
    kinds = _distinct(missing)
    for node in problem.nodes:
        key = tuple(sorted(node.capacity.items()))
        fits = sum(_holds(node, item) for item in kinds)
        if fits > found.get(key, (0, node))[0]:
            found[key] = fits, node
    ranked = sorted(found.values(), key=lambda pair: -pair[0])
    return [node for _, node in ranked[:_SHAPES]]


def _holds(node: Node, item: Item) -> bool:
    room = all(need <= node.capacity.get(name, 0) for name, need in item.demands.items())
    return room and not list(obstacles(item, node))


def _more_nodes(
    problem: PlacementProblem,
    shape: Node,
    missing: list[Item],
    placed: set[str],
    answer: Answer,
) -> Change | None:
    """Find the least number of further nodes of a shape that places all they can hold."""
    wanted = {item.id for item in missing if _holds(shape, item)}
    tried: dict[int, PlacementSolution] = {}

    def enough(number: int) -> bool | None:
        """Whether so many nodes are enough; ``None``: no time left to try."""
        trial = answer(_with_nodes(problem, shape, number), _SHARE)
        if trial is None:
            return None
        tried[number] = trial
        return wanted <= _names(trial)

    low, high = 0, 1
    while (reached := enough(high)) is False and high < _MOST_NODES:
        low, high = high, 2 * high
    while reached and high - low > 1:
        middle = (low + high) // 2
        better = enough(middle)
        if better is None:
            break
        low, high = (low, middle) if better else (middle, high)
    if high not in tried:
        high = low
    if high == 0:
        return None
    least = reached is True and high - low == 1
    settled = least and (low == 0 or tried[low].status is Status.OPTIMAL)
    text = f"{high} more node{'s' * (high > 1)} like {shape.id}"
    return replace(_outcome(text, problem, placed, tried[high]), proven=settled)


def _with_nodes(problem: PlacementProblem, shape: Node, number: int) -> PlacementProblem:
    taken = {node.id for node in problem.nodes}
    names = (f"{shape.id}+{index}" for index in range(1, number + len(taken) + 1))
    fresh = [name for name in names if name not in taken][:number]
    nodes = tuple(
        shape.model_copy(
            update={"id": name, "closed": False, "labels": {**shape.labels, _HOSTNAME: name}}
        )
        for name in fresh
    )
    return problem.model_copy(update={"nodes": (*problem.nodes, *nodes)})


def _names(solution: PlacementSolution) -> set[str]:
    return {entry.item for entry in solution.placements}


def _outcome(
    text: str, problem: PlacementProblem, placed: set[str], solution: PlacementSolution
) -> Change:
    where = {entry.item: entry.node for entry in solution.placements}
    running = [item for item in problem.items if item.node is not None]
    return Change(
        text,
        admitted=tuple(sorted(where.keys() - placed)),
        displaced=tuple(sorted(placed - where.keys())),
        disturbed=sum(where.get(item.id) != item.node for item in running),
        proven=solution.status is Status.OPTIMAL,
    )
