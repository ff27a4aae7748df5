"""Expert placement problems as arrays, for solvers and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import lcm

import numpy as np
from numpy.typing import NDArray

from scheduling.models.experts.problem import LOAD_SCALE, ExpertProblem

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ExpertArrays:
    """E experts and G devices; a placement is a table of copies, (G, E).

    Attributes
    ----------
    load, size
        Of each expert.
    slots
        Of each device.
    held
        Whether a device holds an expert now, (G, E).
    group, node
        Group of each expert and node of each device, numbered; all 0 unless hierarchical.
    limit
        Largest value of tier ``load``; ``None``: any.
    goals
        Names of the tiers.
    """

    load: Ints
    size: Ints
    slots: Ints
    held: Flags
    group: Ints
    node: Ints
    limit: int | None
    goals: tuple[str, ...]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return int(self.node.max()) + 1

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    def values(self, counts: Ints) -> tuple[int, ...]:
        """Value of each tier."""
        found = {"load": self.largest_load(counts), "bytes": self.copied(counts)}
        return tuple(found[goal] for goal in self.goals)

    def largest_load(self, counts: Ints) -> int:
        """Largest load of a device in thousandths, rounded up, without rounding on the way."""
        copies = counts.sum(axis=0)
        kinds = np.unique(copies).tolist()
        common = lcm(*kinds)
        sums = [counts[:, copies == kind] @ self.load[copies == kind] for kind in kinds]
        worst = 0
        for device in range(len(self.slots)):
            exact = sum(
                int(column[device]) * (common // kind)
                for kind, column in zip(kinds, sums, strict=True)
            )
            worst = max(worst, -(-LOAD_SCALE * exact // common))
        return worst

    def copied(self, counts: Ints) -> int:
        """Sum of the sizes of experts on devices that do not hold them."""
        return int(((counts > 0) & ~self.held).sum(axis=0) @ self.size)


def compile_experts(problem: ExpertProblem) -> ExpertArrays:
    """Translate a problem into arrays."""
    number = {expert.id: index for index, expert in enumerate(problem.experts)}
    held = np.zeros((len(problem.devices), len(number)), bool)
    for row, device in enumerate(problem.devices):
        held[row, [number[name] for name in device.holds]] = True
    flat = not problem.hierarchical
    return ExpertArrays(
        load=np.array([expert.load for expert in problem.experts], np.int64),
        size=np.array([expert.size for expert in problem.experts], np.int64),
        slots=np.array([device.slots for device in problem.devices], np.int64),
        held=held,
        group=_numbered([None if flat else expert.group for expert in problem.experts]),
        node=_numbered([None if flat else device.node for device in problem.devices]),
        limit=None if problem.max_load is None else int(problem.max_load * LOAD_SCALE),
        goals=tuple(problem.goals),
    )


def _numbered(names: Sequence[str | None]) -> Ints:
    order: dict[str | None, int] = {}
    return np.array([order.setdefault(name, len(order)) for name in names], np.int64)
