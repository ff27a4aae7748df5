"""Random small loops, and their best pipelines by trying every start and warp."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import Any

from hypothesis import strategies as st

from scheduling.models.loop.problem import LoopProblem


@st.composite
def loops(draw: st.DrawFn) -> LoopProblem:
    """Draw loops of at most three operations on one or two units."""
    n = draw(st.integers(1, 3))
    names = [f"v{k}" for k in range(n)]
    warps = draw(st.sampled_from([[], [], ["a"], ["a", "b"]]))
    units = [{"id": "u", "capacity": draw(st.integers(1, 2))}, {"id": "w", "capacity": 1}]
    operations = [draw(_operation(name, warps)) for name in names]
    dependences: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 3))):
        a, b = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
        edge: dict[str, Any] = {"before": names[a], "after": names[b]}
        edge["distance"] = draw(st.integers(0 if a < b else 1, 2))
        if draw(st.booleans()):
            edge["latency"] = draw(st.integers(0, 3))
        dependences.append(edge)
    values: list[dict[str, Any]] = []
    for k in range(draw(st.integers(0, 2))):
        a, b = draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))
        reader = {"operation": names[b], "distance": draw(st.integers(0 if a < b else 1, 1))}
        value = {"id": f"x{k}", "producer": names[a], "memory": "m", "readers": [reader]}
        values.append(value | {"size": draw(st.integers(1, 2))})
    memory: dict[str, Any] = {"id": "m", "capacity": draw(st.integers(2, 4))}
    if warps:
        memory["per_warp"] = draw(st.booleans())
    return LoopProblem.model_validate(
        {
            "kind": "loop",
            "operations": operations,
            "units": units,
            "dependences": dependences,
            "values": values,
            "memories": [memory],
            "warps": warps,
            "sync": draw(st.integers(0, 1)),
            "interval_limit": draw(st.none() | st.integers(1, 8)),
        }
    )


@st.composite
def _operation(draw: st.DrawFn, name: str, warps: list[str]) -> dict[str, Any]:
    operation: dict[str, Any] = {"id": name, "latency": draw(st.integers(0, 2))}
    uses = []
    for unit in draw(st.sets(st.sampled_from(["u", "w"]))):
        use = {"unit": unit, "cycles": draw(st.integers(1, 2)), "offset": draw(st.integers(0, 1))}
        uses.append(use)
    operation["uses"] = uses
    operation["issue"] = draw(st.integers(0, 2))
    if warps:
        operation["variable"] = draw(st.booleans()) and draw(st.booleans())
        if draw(st.booleans()):
            operation["warps"] = [draw(st.sampled_from(warps))]
    return operation


def best_pipeline(problem: LoopProblem) -> tuple[int, int] | None:
    """Return the least interval and the least length at it; ``None``: there is no pipeline."""
    span = 0
    for v in problem.operations:
        ends = [use.offset + use.cycles for use in v.uses]
        waits = [d.latency or 0 for d in problem.dependences if d.before == v.id]
        span += max(1, v.latency + problem.sync, v.issue, *ends, *(w + problem.sync for w in waits))
    most = span
    if problem.interval_limit is not None:
        most = min(most, problem.interval_limit)
    for interval in range(1, most + 1):
        lengths = [
            max(starts[v.id] + v.latency for v in problem.operations)
            for starts in _starts(problem, interval, span + 2 * interval)
            if _has_warps(problem, interval, starts)
        ]
        if lengths:
            return interval, min(lengths)
    return None


def _edges(problem: LoopProblem) -> list[tuple[str, str, int, int]]:
    latency = {v.id: v.latency for v in problem.operations}
    edges = [
        (d.before, d.after, latency[d.before] if d.latency is None else d.latency, d.distance)
        for d in problem.dependences
    ]
    for x in problem.values:
        edges += [(x.producer, r.operation, latency[x.producer], r.distance) for r in x.readers]
    return edges


def _starts(problem: LoopProblem, interval: int, most: int) -> list[dict[str, int]]:
    names = [v.id for v in problem.operations]
    partial: list[dict[str, int]] = [{}]
    for name in names:
        partial = [
            start | {name: time}
            for start in partial
            for time in range(most)
            if _kept(problem, interval, start | {name: time})
        ]
    return [
        start for start in partial if min(start.values()) == 0 and _fits(problem, interval, start)
    ]


def _kept(problem: LoopProblem, interval: int, start: dict[str, int]) -> bool:
    """Tell whether dependences between operations with starts are kept."""
    return all(
        start[b] >= start[a] + d - k * interval
        for a, b, d, k in _edges(problem)
        if a in start and b in start
    )


def _fits(problem: LoopProblem, interval: int, start: dict[str, int]) -> bool:
    taken: Counter[tuple[str, int]] = Counter()
    for v in problem.operations:
        for use in v.uses:
            for cycle in range(use.cycles):
                taken[use.unit, (start[v.id] + use.offset + cycle) % interval] += use.amount
    room = {unit.id: unit.capacity for unit in problem.units}
    shared = {memory.id for memory in problem.memories if not memory.per_warp}
    return all(amount <= room[name] for (name, _), amount in taken.items()) and _held(
        problem, interval, start, {x.producer: "" for x in problem.values}, shared
    )


def _held(
    problem: LoopProblem,
    interval: int,
    start: dict[str, int],
    place: dict[str, str],
    memories: set[str],
) -> bool:
    """Tell whether what is live fits into some memories, apart for each place of producers."""
    latency = {v.id: v.latency for v in problem.operations}
    taken: Counter[tuple[str, str, int]] = Counter()
    for x in problem.values:
        end = start[x.producer] + latency[x.producer]
        for r in x.readers:
            end = max(end, start[r.operation] + latency[r.operation] + r.distance * interval)
        for cycle in range(start[x.producer], end):
            taken[x.memory, place[x.producer], cycle % interval] += x.size
    room = {memory.id: memory.capacity for memory in problem.memories}
    return all(amount <= room[name] for (name, _, _), amount in taken.items() if name in memories)


def _has_warps(problem: LoopProblem, interval: int, start: dict[str, int]) -> bool:
    if not problem.warps:
        return True
    names = [v.id for v in problem.operations]
    choices = [v.warps or problem.warps for v in problem.operations]
    return any(
        _runs(problem, interval, start, dict(zip(names, chosen, strict=True)))
        for chosen in product(*choices)
    )


def _runs(problem: LoopProblem, interval: int, start: dict[str, int], warp: dict[str, str]) -> bool:
    busy: Counter[tuple[str, int]] = Counter()
    for v in problem.operations:
        for cycle in range(v.issue):
            busy[warp[v.id], (start[v.id] + cycle) % interval] += 1
    kinds = {(warp[v.id], v.variable) for v in problem.operations}
    own = {memory.id for memory in problem.memories if memory.per_warp}
    return (
        max(busy.values(), default=0) <= 1
        and _held(problem, interval, start, warp, own)
        and len(kinds) == len({name for name, _ in kinds})
        and all(
            start[b] >= start[a] + d - k * interval + problem.sync * (warp[a] != warp[b])
            for a, b, d, k in _edges(problem)
        )
    )
