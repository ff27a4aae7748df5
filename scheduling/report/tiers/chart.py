"""Charts of placements in tiers: what each memory holds over the program's time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scheduling.models.tiers.arrays import AWAY, Flags, Floats, Ints, TieredArrays, compile_tiers
from scheduling.models.tiers.problem import TieredProblem
from scheduling.models.tiers.solution import TieredSolution
from scheduling.report.palette import INK, LATE, series_colour
from scheduling.report.words import proven

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def sentence(problem: TieredProblem, solution: TieredSolution) -> str:
    """Say how long the program takes and what is proven."""
    name = problem.name or "program"
    if solution.objective is None:
        return f"{name}: no placement ({solution.status})"
    reached = f"{name}: {solution.objective:,} ticks"
    return proven(reached, solution)


@dataclass(frozen=True, eq=False)
class Run:
    """A run of the program.

    Attributes
    ----------
    where
        Memory of each tensor in each step, ``AWAY`` where it is in none.
    edges
        Ticks at which the steps start, and the end.
    taken
        Bytes taken in each memory in each step, copies that arrive included.
    """

    where: Ints
    edges: Floats
    taken: Ints


def located(problem: TieredProblem, solution: TieredSolution) -> Ints:
    """Return the memory of each tensor in each step; ``AWAY`` where it is in none."""
    arrays = compile_tiers(problem)
    tensors = {tensor.id: row for row, tensor in enumerate(problem.tensors)}
    memories = {memory.id: row for row, memory in enumerate(problem.memories)}
    found = np.where(arrays.live, arrays.home[:, None], AWAY)
    for entry in solution.residences:
        found[tensors[entry.tensor], entry.since : entry.until] = memories[entry.memory]
    return found


def run(problem: TieredProblem, solution: TieredSolution) -> Run | None:
    """Return how the program runs; ``None`` when a tensor cannot be where it is."""
    arrays = compile_tiers(problem)
    where = located(problem, solution)
    if (where[arrays.live] == AWAY).any():
        return None
    load = arrays.load(where)
    if load is None:
        return None
    times = arrays.times(load.used, load.copied)
    return Run(where, np.concatenate(([0.0], np.cumsum(times))), load.taken)


def draw(problem: TieredProblem, solution: TieredSolution, figure: Figure) -> None:
    """Draw a solution, which may be without residences.

    One panel for each memory: the bytes of its tensors over time, stacked, and the capacity as a
    dashed line. In grey on top are copies that arrive, and tensors at home that are used from
    elsewhere. Steps are as wide as they take.
    """
    count = len(problem.memories)
    figure.set_size_inches(9.0, 1.2 + 2.0 * count)
    figure.suptitle(sentence(problem, solution), color=INK)
    panels = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    arrays = compile_tiers(problem)
    where, found = located(problem, solution), run(problem, solution)
    edges = np.arange(arrays.n_steps + 1, dtype=np.float64) if found is None else found.edges
    for number, (ax, memory) in enumerate(zip(panels, problem.memories, strict=True)):
        top = _stacked(ax, arrays, where == number, edges)
        if found is not None:
            taken = found.taken[number].astype(np.float64)
            ax.stairs(taken, edges, baseline=top, fill=True, color=INK, alpha=0.25)
        if memory.capacity is not None:
            ax.axhline(memory.capacity, color=LATE, linewidth=1.0, linestyle="--")
        ax.set_ylabel(f"{memory.id}, bytes")
        ax.set_ylim(bottom=0)
    panels[-1].set_xlabel("ticks")


def _stacked(ax: Axes, arrays: TieredArrays, here: Flags, edges: Floats) -> Floats:
    """Stack the tensors that are in a memory; return the height of each step."""
    base = np.zeros(arrays.n_steps)
    for tensor in range(arrays.n_tensors):
        if here[tensor].any():
            top = base + np.where(here[tensor], float(arrays.size[tensor]), 0.0)
            ax.stairs(top, edges, baseline=base, fill=True, color=series_colour(tensor))
            base = top
    return base
