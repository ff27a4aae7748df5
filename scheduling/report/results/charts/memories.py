"""Charts of what memories and caches hold over time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from scheduling.models.caching.problem import CachingProblem
from scheduling.models.caching.solution import CachingSolution
from scheduling.models.memory.problem import MemoryProblem
from scheduling.models.memory.solution import MemorySolution
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import TieredSolution
from scheduling.report.caching.chart import course, stays
from scheduling.report.memory.chart import rectangles, scale
from scheduling.report.results.content import Axis, Boxes, Chart, Lines, RowBar, Series
from scheduling.report.tiers.chart import Run, run
from scheduling.report.words import byte_unit


def memory(problem: MemoryProblem, solution: MemorySolution) -> list[Chart]:
    """Draw buffers by time and address."""
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


def tiers(problem: TieredProblem, solution: TieredSolution) -> list[Chart]:
    """Draw what each memory holds, and in which one each tensor is."""
    found = None if solution.objective is None else run(problem, solution)
    if found is None:
        return []
    return [*_levels(problem, found), _whereabouts(problem, found)]


def _levels(problem: TieredProblem, found: Run) -> list[Chart]:
    """Draw for each memory the bytes that are taken, beside its capacity."""
    charts: list[Chart] = []
    for memory, taken in zip(problem.memories, found.taken, strict=True):
        steps = np.concatenate(([0], np.flatnonzero(np.diff(taken)) + 1))
        factor, unit = byte_unit(max(int(taken.max()), memory.capacity or 0))
        levels = (taken[steps] / factor).tolist()
        end = float(found.edges[-1])
        series = [
            Series("taken", [*found.edges[steps].tolist(), end], [*levels, levels[-1]], "step")
        ]
        if memory.capacity is not None:
            full = memory.capacity / factor
            series.append(Series("capacity", [0.0, end], [full, full], dashed=True))
        charts.append(
            Lines(f"{memory.id} over time", Axis("ticks", whole=True), Axis(unit), series)
        )
    return charts


def _whereabouts(problem: TieredProblem, found: Run) -> Chart:
    """Draw a row for each tensor, in the colour of the memory that it is in."""
    boxes = []
    for row, (tensor, places) in enumerate(zip(problem.tensors, found.where, strict=True)):
        cuts = [0, *(np.flatnonzero(np.diff(places)) + 1).tolist(), len(places)]
        for since, until in pairwise(cuts):
            if (memory := int(places[since])) < 0:
                continue
            at = float(found.edges[since]), float(found.edges[until])
            note = f"{tensor.size:,} bytes in {problem.memories[memory].id}"
            boxes.append(RowBar(tensor.id, *at, row, memory, note))
    return Boxes.in_rows(
        "Where each tensor is",
        Axis("ticks", whole=True),
        Axis("tensor"),
        boxes,
        [tensor.id for tensor in problem.tensors],
        legend=[memory.id for memory in problem.memories],
    )


def caching(problem: CachingProblem, solution: CachingSolution) -> list[Chart]:
    """Draw what misses cost as requests come, the room in use, and what is kept when."""
    if solution.objective is None:
        return []
    found = course(problem, solution)
    request = found.request.tolist()
    missed = [
        Series("without a cache", request, found.without.tolist(), dashed=True),
        Series("this answer", request, found.missed.tolist()),
    ]
    room = [
        Series("in use", request, found.held.tolist(), "step"),
        Series("capacity", [request[0], request[-1]], [problem.capacity] * 2, dashed=True),
    ]
    charts: list[Chart] = [
        Lines("Cost of the misses so far", Axis("request", whole=True), Axis("cost"), missed),
        Lines("Room in use", Axis("request", whole=True), Axis("room"), room),
    ]
    kept = stays(problem, solution)
    rows = list(kept)
    boxes = []
    for row, (name, spans) in enumerate(kept.items()):
        for one in spans:
            hits = "1 hit saves" if one.uses == 1 else f"{one.uses:,} hits save"
            note = f"{hits} {one.saves:,}" if one.hits else "saves nothing"
            boxes.append(RowBar(name, one.since, one.until, row, int(not one.hits), note))
    if boxes:
        cut = len(rows) < len({stay.object for stay in solution.stays})
        which = f"the {len(rows)} objects that save most" if cut else "by what it saves"
        charts.append(
            Boxes.in_rows(
                f"What is kept when, {which}",
                Axis("request", whole=True),
                Axis("object"),
                boxes,
                rows,
                legend=("kept", "kept without saving a miss"),
            )
        )
    return charts
